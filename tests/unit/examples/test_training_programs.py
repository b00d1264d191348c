"""The examples train for real, in SageMaker's container contract, with what their own lock pins."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dropforge.documents.training_spec import read_training_spec

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
PYTHON = ROOT / ".tools" / "examples" / "bin" / "python"
NAMES = ("digits", "cancer")


@dataclass(frozen=True)
class Job:
    """A job's folder, laid out as /opt/ml is in a container."""

    example: str
    base: Path

    @property
    def channel(self) -> Path:
        return self.base / "input" / "data" / "training"

    def prepare(self, data: Path | None, hyperparameters: Mapping[str, str] | None = None) -> Job:
        self.channel.mkdir(parents=True)
        if data is not None:
            (self.channel / data.name).write_bytes(data.read_bytes())
        if hyperparameters is not None:
            config = self.base / "input" / "config"
            config.mkdir()
            (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
        return self

    def start(self, **variables: str) -> subprocess.Popen[str]:
        environment = {"SAGEMAKER_BASE_DIR": str(self.base), "PYTHONUNBUFFERED": "1", **variables}
        command = [str(PYTHON), str(EXAMPLES / self.example / "train.py"), "train"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def train(self, **variables: str) -> tuple[int, str]:
        with self.start(**variables) as process:
            out, _ = process.communicate(timeout=60)
        return process.returncode, out

    @property
    def model(self) -> str:
        return hashlib.sha256((self.base / "model" / "model.joblib").read_bytes()).hexdigest()


@dataclass(frozen=True)
class Trained:
    job: Job
    data: Path
    printed: str


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An example trained once, on the data that its own program writes, with the parameters of its dropforge.yaml."""
    example: str = request.param
    folder = tmp_path_factory.mktemp(example)
    data = folder / f"{example}.csv"
    subprocess.run([PYTHON, EXAMPLES / example / "make_data.py", data], check=True, capture_output=True)
    spec = read_training_spec(EXAMPLES / example / "dropforge.yaml")
    job = Job(example, folder / "ml").prepare(data, spec.hyperparameters)
    code, printed = job.train()
    assert code == 0
    return Trained(job, data, printed)


def test_the_metric_patterns_find_a_good_accuracy_in_what_it_prints(trained: Trained) -> None:
    spec = read_training_spec(EXAMPLES / trained.job.example / "dropforge.yaml")
    last = {metric.name: re.findall(metric.regex, trained.printed)[-1] for metric in spec.metrics}
    assert float(last["accuracy"]) > 0.95


def test_by_variables_alone_it_trains_the_same_model_byte_for_byte(trained: Trained, tmp_path: Path) -> None:
    elsewhere = Job(trained.job.example, tmp_path / "unused")
    spec = read_training_spec(EXAMPLES / trained.job.example / "dropforge.yaml")
    code, _ = elsewhere.train(
        SM_CHANNEL_TRAINING=str(trained.job.channel),
        SM_MODEL_DIR=str(tmp_path / "model"),
        SM_OUTPUT_DATA_DIR=str(tmp_path / "output"),
        SM_HPS=json.dumps(dict(spec.hyperparameters)),
    )
    assert code == 0
    assert hashlib.sha256((tmp_path / "model" / "model.joblib").read_bytes()).hexdigest() == trained.job.model
    assert list((tmp_path / "output").iterdir()) != []


def test_fewer_rows_and_other_parameters_make_another_model(trained: Trained, tmp_path: Path) -> None:
    example = trained.job.example
    data = tmp_path / "fewer.csv"
    subprocess.run(
        [PYTHON, EXAMPLES / example / "make_data.py", "--rows", "300", data], check=True, capture_output=True
    )
    job = Job(example, tmp_path / "ml").prepare(data, {"epochs": "5", "trees": "20"})
    code, printed = job.train()
    assert code == 0
    assert "accuracy=" in printed
    assert job.model != trained.job.model


@pytest.mark.parametrize("example", NAMES)
def test_without_data_it_fails_and_leaves_the_reason(example: str, tmp_path: Path) -> None:
    job = Job(example, tmp_path / "ml").prepare(None)
    code, _ = job.train()
    failure = (job.base / "output" / "failure").read_text()
    assert code == 1
    assert failure.startswith(f"ValueError: no rows in {job.channel}: drop a CSV file")
    assert not (job.base / "model").exists()


def test_asked_to_stop_it_keeps_the_model_as_far_as_it_came(trained: Trained, tmp_path: Path) -> None:
    long = {"epochs": "1000000", "trees": "1000000"}
    job = Job(trained.job.example, tmp_path / "ml").prepare(trained.data, long)
    with job.start() as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "accuracy=" in line:
                process.send_signal(signal.SIGTERM)
                break
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "asked to stop" in rest
    assert (job.base / "model" / "model.joblib").stat().st_size > 0
