"""Runs the commands of a buildspec one by one, each in a process of its own that takes over where the last one stopped.

As in CodeBuild, variables and the working directory go on to the next command, in every phase, as if all ran in one
shell; `exit` ends its own command alone. Every variable is exported, also where the buildspec does not say so: the
environment of builds on AWS shows that CodeBuild sets `allexport`. A function does not outlive its command.
https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-versions (version 0.2)
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from localaws.codebuild.build import Build, BuildEndedError
from localaws.codebuild.logs import BuildLog
from localaws.containers.container import SupervisedProcess
from localaws.containers.launchers.supervised import supervise
from localaws.processes import ProcessLedger

_SCRIPT = """cd "$(cat {folder})" || exit 1
. {variables}
set -a
{command}
set -- $?
set +a
export -p > {variables}
pwd > {folder}
exit $1
"""


class BuildShell:
    """The shell of one build."""

    def __init__(self, build: Build, log: BuildLog, processes: ProcessLedger, scratch: Path, deadline: float) -> None:
        self._build, self._log, self._processes, self._deadline = build, log, processes, deadline
        self._folder, self._variables = scratch / "directory", scratch / "variables"
        self._script = scratch / "script.sh"
        self._environment: Mapping[str, str] = {}
        self._program = "/bin/sh"

    def prepare(self, program: str, environment: Mapping[str, str], folder: Path) -> None:
        """Choose the shell, and the variables and folder of the first command."""
        self._program = shutil.which(program) or f"/bin/{program}"
        self._environment = environment
        self._folder.write_text(f"{folder}\n", encoding="utf-8")
        self._variables.write_text("", encoding="utf-8")

    def export(self, name: str, value: str) -> None:
        """Set a variable for all commands to come."""
        with self._variables.open("a", encoding="utf-8") as file:
            file.write(f"\nexport {name}={shlex.quote(value)}\n")

    def run(self, command: str) -> int:
        """Run a command, its output going to the log; return its exit code. Raises BuildEndedError."""
        places = {"folder": shlex.quote(str(self._folder)), "variables": shlex.quote(str(self._variables))}
        self._script.write_text(_SCRIPT.format(command=command, **places), encoding="utf-8")
        plan = {
            "argv": [self._program, str(self._script)],
            "environment": self._environment,
            "folder": "/",
            "signal_file": None,
            "namespace": None,
        }
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as output:
            process = supervise(plan, output)
        self._processes.add(process.pid)
        reader = threading.Thread(target=self._copy, args=(os.fdopen(reading, "rb"),), daemon=True)
        reader.start()
        try:
            return self._wait(process)
        finally:
            self._processes.remove(process.pid)
            reader.join(timeout=2)  # a process that left the command's group may still hold the pipe

    def values(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return exported variables as they stand now; those that were never set are left out."""
        found = dict[str, str]()
        for name in names:
            show = f'. {shlex.quote(str(self._variables))}; test -n "${{{name}+set}}" && printf %s "${name}"'
            done = subprocess.run(
                [self._program, "-c", show], env=dict(self._environment), capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                found[name] = done.stdout
        return found

    def _copy(self, source: BinaryIO) -> None:
        with source:
            for line in source:
                self._log.write(line.decode("utf-8", "replace").rstrip("\r\n"))

    def _wait(self, process: SupervisedProcess) -> int:
        pause = 0.005
        while True:
            code = process.poll()
            if code is not None:
                return code
            if self._build.stop_requested.is_set() or time.monotonic() > self._deadline:
                process.kill()
                process.wait()
                raise BuildEndedError
            self._build.stop_requested.wait(pause)
            pause = min(pause * 1.5, 0.1)
