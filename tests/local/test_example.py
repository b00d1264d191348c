"""A data scientist's real repository: examples/digits, scikit-learn and all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demo.workbench import ROOT
from tests.local.trial import Trial

pytestmark = pytest.mark.local
EXAMPLE = ROOT / "examples" / "digits"
PYTHON = ROOT / ".tools" / "examples" / "bin" / "python"


def test_the_example_learns_to_read_digits_that_it_never_saw_and_is_reproduced_identical(
    trial: Trial, tmp_path: Path
) -> None:
    data = tmp_path / "digits.csv"
    subprocess.run([PYTHON, EXAMPLE / "make_data.py", "--rows", "900", data], check=True, capture_output=True)
    trial.image_of("digits", trial.clone("digits", EXAMPLE).push("Learn digits"))
    trial.drop("digits", data.read_bytes(), "digits.csv")
    run = trial.completed(trial.new_run("digits").id)

    assert run.result is not None
    assert run.result.metrics["accuracy"] > 0.9
    assert any("held out" in line for line in run.result.log_tail)

    trial.drop("digits", data.read_bytes()[:2000], "digits.csv")
    again = trial.dropforge("reproduce", run.id, "--json")
    assert again.code == 0, again.said
    assert (again.document["reproduces"], again.document["identical"]) == (run.id, True)
