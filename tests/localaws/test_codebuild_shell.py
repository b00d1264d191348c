"""The shell of a build, without a server: time-outs, and what outlives a command."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from localaws.codebuild.build import Build, BuildEndedError, BuildRequest
from localaws.codebuild.logs import BuildLog
from localaws.codebuild.shell import BuildShell
from localaws.processes import ProcessLedger


class Lines:
    """CloudWatch Logs as far as a log needs it: keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def create_log_stream(self, **_: Any) -> None:
        """Accept any stream."""

    def put_log_events(self, **request: Any) -> None:
        self.sent += [event["message"] for event in request["logEvents"]]


def test_a_command_beyond_the_deadline_is_ended_with_its_children(tmp_path: Path) -> None:
    shell, _log, _lines = _shell(tmp_path, seconds=0.5)
    beat = tmp_path / "beat"
    with pytest.raises(BuildEndedError):
        shell.run(f"(while true; do date +%N > {beat}; sleep 0.05; done) & wait")
    before = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == before
    assert list((tmp_path / "processes").iterdir()) == []


@pytest.mark.parametrize("program", ["sh", "bash"])
def test_exports_survive_odd_values_and_a_failing_command(program: str, tmp_path: Path) -> None:
    shell, log, lines = _shell(tmp_path, program=program)
    odd = "a'b\"c $HOME `x`\nsecond line"
    shell.export("ODD", odd)
    assert shell.run("export KEPT=1; false") == 1
    assert shell.run('printf "%s|%s\\n" "$ODD" "$KEPT"') == 0
    assert shell.values(("ODD", "KEPT", "NEVER")) == {"ODD": odd, "KEPT": "1"}
    log.flush()
    assert "\n".join(lines.sent) == f"{odd}|1"


@pytest.mark.parametrize("program", ["sh", "bash"])
def test_a_plain_variable_is_there_in_the_next_command_and_for_the_programs_that_it_runs(
    program: str, tmp_path: Path
) -> None:
    shell, log, lines = _shell(tmp_path, program=program)
    assert shell.run("TAG=$(echo 'a  b' | cut -c 1-4); cd scratch") == 0
    assert shell.run("""printf '%s|' "$TAG"; env printenv TAG; pwd; false""") == 1
    assert shell.run("unset TAG; exit 0") == 0
    assert shell.run('echo "$TAG"') == 0
    log.flush()
    assert lines.sent == ["a  b|a  b", str(tmp_path / "scratch"), "a  b"]


def test_a_command_with_a_syntax_error_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    shell, _log, _lines = _shell(tmp_path)
    assert shell.run("if true; then echo x") == 2
    assert shell.run("true") == 0


def test_masked_values_are_hidden_longest_first_and_short_ones_are_left(tmp_path: Path) -> None:
    _, log, lines = _shell(tmp_path)
    log.mask(["secret", "secretary", "no"])
    log.write("the secretary keeps a secret, no more")
    log.flush()
    assert lines.sent == ["the *** keeps a ***, no more"]


def _shell(folder: Path, seconds: float = 20.0, program: str = "sh") -> tuple[BuildShell, BuildLog, Lines]:
    for name in ("scratch", "processes"):
        (folder / name).mkdir()
    lines = Lines()
    log = BuildLog(lines, "group", "stream", threading.Event())
    build = Build({}, {}, BuildRequest({}, {}, {}), threading.RLock())
    deadline = time.monotonic() + seconds
    shell = BuildShell(build, log, ProcessLedger(folder / "processes"), folder / "scratch", deadline)
    shell.prepare(program, {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}, folder)
    return shell, log, lines
