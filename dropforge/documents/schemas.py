"""The JSON Schemas of both documents, kept in the tree so that editors complete and check them while one types."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema

from dropforge.documents.checking import Part
from dropforge.documents.stage_config import StageConfig
from dropforge.documents.training_spec import TrainingSpecDocument

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
DOCUMENTS: dict[str, type[Part]] = {"dropforge.schema.json": TrainingSpecDocument, "stage.schema.json": StageConfig}


class _WithoutTitles(GenerateJsonSchema):
    """A title repeats the name of its field, and an editor would show it in place of the description."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False


def schema_text(model: type[Part]) -> str:
    """The schema as it lies in the tree (https://json-schema.org/draft/2020-12)."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_WithoutTitles)
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write every schema; gives the files."""
    folder.mkdir(exist_ok=True)
    for name, model in DOCUMENTS.items():
        (folder / name).write_text(schema_text(model), encoding="utf-8")
    return [folder / name for name in DOCUMENTS]
