"""What the local AWS stands on, without a server."""

from __future__ import annotations

import datetime as dt
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from localaws.caller import Caller
from localaws.home import Credentials, Home
from localaws.journal import Journal
from localaws.processes import ProcessLedger, started_at
from localaws.runtime import Runtime
from localaws.service import Operation, Service, ServiceError
from localaws.shapes import pattern, service_model, violations
from localaws.stored import freeze, thaw
from tests.localaws.local_server import eventually


class _NoBus:
    """Nobody listens."""

    def publish(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        raise AssertionError(f"{source} {detail_type} {detail} {resources}")


class _Listing(Service):
    """A service with one operation, to see what the base class does."""

    name = "sagemaker"

    def operations(self) -> Mapping[str, Operation]:
        return {"DescribeTrainingJob": self._describe}

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        moment = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
        return {"TrainingJobName": request["TrainingJobName"], "CreationTime": moment, "FailureReason": None}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    home = Home(tmp_path)
    home.prepare()
    caller = Caller("http://127.0.0.1:1", "us-east-1", Credentials("key", "secret"))
    processes, journal = ProcessLedger(home.processes), Journal(home.state / "journal.sqlite")
    return Runtime(home, caller.endpoint, "us-east-1", "000000000000", caller, _NoBus(), processes, journal)


def test_a_response_has_epoch_seconds_and_no_nulls(runtime: Runtime) -> None:
    answer = _Listing(runtime).dispatch("DescribeTrainingJob", {"TrainingJobName": "a"})
    assert answer == {"TrainingJobName": "a", "CreationTime": 1772409600.0}


@pytest.mark.parametrize(
    ("operation", "request_", "code", "message"),
    [
        ("Nonsense", {}, "UnknownOperationException", "sagemaker has no operation Nonsense."),
        ("CreateModel", {}, "UnknownOperationException", "The local AWS does not offer sagemaker CreateModel; it has "),
        ("DescribeTrainingJob", {}, "ValidationException", "1 validation error detected: Value null at "),
        ("DescribeTrainingJob", {"TrainingJobName": None}, "ValidationException", "1 validation error detected: "),
        ("DescribeTrainingJob", {"TrainingJobName": 1}, "ValidationException", "1 validation error detected: "),
        ("DescribeTrainingJob", {"TrainingJobName": "a", "B": 1}, "ValidationException", "1 validation error detected"),
    ],
)
def test_a_malformed_request_is_refused(
    runtime: Runtime, operation: str, request_: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        _Listing(runtime).dispatch(operation, request_)
    assert refused.value.code == code
    assert refused.value.message.startswith(message)


def test_lengths_patterns_enumerations_and_ranges_are_checked_at_any_depth() -> None:
    shape = service_model("sagemaker").shape_for("ResourceConfig")
    wrong = {"InstanceType": "t9.tiny", "InstanceCount": True, "VolumeSizeInGB": -1, "VolumeKmsKeyId": "k" * 3000}
    found = violations(wrong, shape)
    assert len(found) == 4
    assert all("failed to satisfy constraint" in sentence for sentence in found)
    assert violations({"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}, shape) == []


@pytest.mark.parametrize("service", ["sagemaker", "codebuild", "codepipeline", "codeconnections"])
def test_every_pattern_that_a_request_of_ours_can_meet_compiles(service: str) -> None:
    model = service_model(service)
    wanted = {"sagemaker": ["CreateTrainingJob", "ListTrainingJobs", "AddTags", "ListTags", "DeleteTags"]}
    seen: set[str] = set()
    waiting = [model.operation_model(name).input_shape for name in wanted.get(service, model.operation_names)]
    while waiting:
        shape: Any = waiting.pop()
        if shape is None or shape.name in seen:
            continue
        seen.add(shape.name)
        if "pattern" in shape.metadata:
            pattern(shape.metadata["pattern"])
        waiting += [*getattr(shape, "members", {}).values()]
        waiting += [getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part)]
    assert seen


def test_stored_state_comes_back_as_it_was() -> None:
    state = {"jobs": [{"when": dt.datetime.now(dt.UTC), "nested": {"none": None, "list": [1, "a"]}}]}
    assert thaw(freeze(state)) == state


def test_the_root_key_is_random_kept_and_private(tmp_path: Path) -> None:
    first, other = Home(tmp_path / "a"), Home(tmp_path / "b")
    first.prepare()
    other.prepare()
    assert first.credentials() == first.credentials()
    assert first.credentials().secret_access_key != other.credentials().secret_access_key
    assert stat.S_IMODE((tmp_path / "a" / "credentials").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_setting_that_is_no_json_says_which_file_to_correct(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    assert home.settings("sagemaker-quotas") == {}
    (home.config / "sagemaker-quotas.json").write_text("{")
    with pytest.raises(ValueError, match=r"sagemaker-quotas\.json is not valid JSON .* correct or delete it"):
        home.settings("sagemaker-quotas")


def test_a_remembered_process_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    ledger = ProcessLedger(tmp_path)
    program = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    child = subprocess.Popen([sys.executable, "-c", f"{program}; time.sleep(60)"], start_new_session=True)
    try:
        ledger.add(child.pid)
        assert ledger.end_all(grace=0.2) == 1
        assert child.wait(timeout=5) == -signal.SIGTERM
        eventually(lambda: not _group(child.pid), "the end of the group", 5)
    finally:
        child.kill()
    assert ledger.end_all() == 0


def test_a_process_id_that_was_given_away_is_left_alone(tmp_path: Path) -> None:
    ledger = ProcessLedger(tmp_path)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        (tmp_path / str(child.pid)).write_text("the start of another process")
        assert ledger.end_all() == 0
        assert started_at(child.pid)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait(timeout=5)


def _group(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_thread_of_the_runtime_carries_the_context_of_its_caller(runtime: Runtime) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    variable.set("the caller's")
    seen: list[str] = []
    runtime.spawn("look", lambda: seen.append(variable.get())).join(timeout=5)
    assert seen == ["the caller's"]
