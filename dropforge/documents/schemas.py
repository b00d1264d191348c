"""The JSON Schemas in the tree: of both documents, so that editors complete and check them while one types, and of our
own event, so that others can read it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from dropforge.documents.stage_config import StageConfig
from dropforge.documents.training_spec import TrainingSpecDocument
from dropforge.domain.state_change import RunStateChanged

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
DOCUMENTS: dict[str, type] = {
    "dropforge.schema.json": TrainingSpecDocument,
    "stage.schema.json": StageConfig,
    "run-state-change.schema.json": RunStateChanged,
}


class _WithoutTitles(GenerateJsonSchema):
    """A title repeats the name of its field, and an editor would show it in place of the description."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False


def schema_text(kind: type) -> str:
    """The schema as it lies in the tree (https://json-schema.org/draft/2020-12)."""
    # A document is read, an event written.
    mode: Literal["validation", "serialization"] = "serialization" if kind is RunStateChanged else "validation"
    schema = TypeAdapter(kind).json_schema(by_alias=True, schema_generator=_WithoutTitles, mode=mode)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write every schema; gives the files."""
    folder.mkdir(exist_ok=True)
    for name, model in DOCUMENTS.items():
        (folder / name).write_text(schema_text(model), encoding="utf-8")
    return [folder / name for name in DOCUMENTS]
