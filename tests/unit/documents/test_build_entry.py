"""`python -m dropforge.documents`, as the build calls it: in a Python that has pydantic and PyYAML, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dropforge.documents.__main__ import main
from dropforge.domain.image import BuildClaims
from dropforge.domain.training_spec import TrainingSpec

ROOT = Path(__file__).resolve().parents[3]


def test_image_json_is_what_the_domain_reads(tmp_path: Path) -> None:
    (tmp_path / "author").write_text("Ada Lovelace <ada@example.com>\n")
    (tmp_path / "message").write_text("Learn longer\n\nIt helps. [skip train]\n")
    document = ROOT / "examples" / "digits" / "dropforge.yaml"
    files = ["--author-file", str(tmp_path / "author"), "--message-file", str(tmp_path / "message")]
    assert main(["image", str(document), *files, "--to", str(tmp_path / "image.json")]) == 0
    claims = BuildClaims.from_document(json.loads((tmp_path / "image.json").read_bytes()))
    assert claims.claimed_author == "Ada Lovelace <ada@example.com>"
    assert claims.message == "Learn longer\n\nIt helps. [skip train]"
    assert TrainingSpec.from_document(claims.spec).hyperparameters["epochs"] == "40"


def test_several_mistakes_end_in_a_line_that_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "dropforge.yaml"
    file.write_text("chanels: {}\nuse_spot: 1\n")
    assert main(["validate", str(file)]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    first, second, last = said.splitlines()
    assert first.startswith(f"{file}:1: `chanels` is not a field")
    assert second.startswith(f"{file}:2: `use_spot` must be true or false")
    assert last == f"2 mistakes; the first is {first}"


def test_the_validator_imports_nothing_of_aws_or_of_the_command_line() -> None:
    program = "import dropforge.documents.__main__, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"boto3", "botocore", "typer", "rich", "aws_cdk"}.isdisjoint(loaded.stdout.split())
