from __future__ import annotations

import pytest

from dropforge.documents.schemas import DOCUMENTS, FOLDER, schema_text
from dropforge.documents.training_spec import VERBATIM, TrainingSpecDocument


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_schema_in_the_tree_is_what_the_model_says_today(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")
    assert written == schema_text(DOCUMENTS[name]), "run `make schemas` and commit"


def test_no_schema_is_left_over() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(DOCUMENTS)


def test_an_editor_does_not_mark_numbers_where_the_build_reads_text() -> None:
    properties = TrainingSpecDocument.model_json_schema()["properties"]
    for member in VERBATIM:
        [values] = properties[member]["patternProperties"].values()
        assert set(values["type"]) == {"string", "number", "boolean"}
