"""Runs one build from its source to its artifacts, on a thread of its own.

The order of phases and what a failure skips follow
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases.
Stricter than AWS: a build in which any phase failed uploads no artifacts and is FAILED, also with on-failure CONTINUE.
"""

from __future__ import annotations

import functools
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.caller import ServicePrincipal
from localaws.codebuild import artifacts, cache, environment, sources, tools
from localaws.codebuild.build import (
    FAILED,
    FAULT,
    STOPPED,
    SUCCEEDED,
    TIMED_OUT,
    Build,
    BuildEndedError,
    PhaseFailedError,
)
from localaws.codebuild.buildspec import PHASES, Buildspec, BuildspecError, Phase, read
from localaws.codebuild.logs import BuildLog
from localaws.codebuild.shell import BuildShell
from localaws.containers.launcher import choose_launcher
from localaws.home import Home
from localaws.runtime import Runtime

log = logging.getLogger("localaws")
_AFTER_FAILURE = frozenset({"build"})
"""Phases whose failure does not keep the next one from running, unless the buildspec says otherwise."""


def folder_of(home: Home, build_id: str) -> Path:
    """Return where a build has all its files, while it runs."""
    return home.builds.resolve() / build_id.replace(":", "-")


class BuildRunner:
    """One build under way."""

    def __init__(self, runtime: Runtime, build: Build) -> None:
        self._runtime, self._build = runtime, build
        self._record = build.record
        session = f"AWSCodeBuild-{build.id.rpartition(':')[2]}"
        principal = ServicePrincipal("codebuild.amazonaws.com", build.project["arn"])
        self._role = runtime.caller.role(build.project["serviceRole"], session, principal)
        self._folder = folder_of(runtime.home, build.id)
        self._deadline = time.monotonic() + 60.0 * self._record["timeoutInMinutes"]
        self._failed = False
        self._log: BuildLog
        self._spec: Buildspec
        self._shell: BuildShell
        self._environment: dict[str, str] = {}

    def run(self) -> str:
        """Run the build to its end; return its status. Whatever goes wrong, it ends, and not as a success."""
        status = FAULT
        try:
            status = self._run()
        except BuildEndedError:
            status = STOPPED if self._build.stop_requested.is_set() else TIMED_OUT
            self._close_phase(status)
        except Exception:
            log.exception("build %s ended with an error that it did not expect", self._build.id)
            self._close_phase(FAULT, "INTERNAL_SERVICE_ERROR", f"The local AWS failed: see {self._runtime.home.log}.")
            raise
        finally:
            self._build.finish(status)
            shutil.rmtree(self._folder, ignore_errors=True)
        return status

    def _run(self) -> str:
        self._phase("SUBMITTED", lambda: None)
        self._phase("QUEUED", lambda: None)
        if not self._phase("PROVISIONING", self._provision):
            return FAILED
        try:
            if self._phase("DOWNLOAD_SOURCE", self._download):
                self._commands()
                if not self._failed:
                    self._phase("UPLOAD_ARTIFACTS", self._upload)
            self._phase("FINALIZING", self._export)
        finally:
            self._log.flush()
        return FAILED if self._failed else SUCCEEDED

    def _phase(self, name: str, work: Callable[[], None]) -> bool:
        """Perform a phase and record how it went; return whether it succeeded."""
        if self._build.stop_requested.is_set():
            raise BuildEndedError
        self._build.begin_phase(name)
        try:
            work()
        except PhaseFailedError as error:
            self._failed = True
            self._build.end_phase(FAILED, error.status, str(error))
            self._say_phase(name, FAILED, error.status, str(error))
            return False
        self._build.end_phase(SUCCEEDED)
        self._say_phase(name, SUCCEEDED)
        return True

    def _say_phase(self, name: str, status: str, code: str = "", message: str = "") -> None:
        if name in {"SUBMITTED", "QUEUED", "PROVISIONING"}:
            return
        self._log.say(f"Phase complete: {name} State: {status}")
        self._log.say(f"Phase context status code: {code} Message: {message}")

    def _close_phase(self, status: str, code: str = "", message: str = "") -> None:
        phases = self._record["phases"]
        if phases and "phaseStatus" not in phases[-1]:
            self._build.end_phase(status, code, message)

    def _provision(self) -> None:
        """Assume the role, open the log, and lay out the folder of the build."""
        for name in ("home", "tmp", "scratch"):
            (self._folder / name).mkdir(parents=True)
        group, stream = self._record["logs"]["groupName"], self._record["logs"]["streamName"]
        try:
            client = self._role.client("logs")
            self._log = BuildLog(client, group, stream, self._build.ended)
        except ClientError as error:
            raise PhaseFailedError(
                "ACCESS_DENIED",
                f"Service role {self._role.arn} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log "
                f"streams for build {self._record['arn']}. Error message: {error.response['Error']['Message']}",
            ) from error
        self._runtime.spawn(f"log of {self._build.id}", self._log.keep_flushing)
        credentials = self._role.credentials()
        self._log.mask([credentials["SecretAccessKey"], credentials["SessionToken"]])
        self._environment = {**credentials}
        self._shell = BuildShell(
            self._build, self._log, self._runtime.processes, self._folder / "scratch", self._deadline
        )

    def _download(self) -> None:
        """Fetch the sources, read the buildspec, and set up the shell."""
        source, request = self._folder / "src", self._build.request
        commit = sources.fetch(self._runtime, self._role, request.source, source)
        for name, secondary in request.secondary_sources.items():
            sources.fetch(self._runtime, self._role, secondary, self._folder / name)
        if commit:
            with self._build.lock:
                self._record["resolvedSourceVersion"] = commit
        self._spec = self._buildspec(source)
        folder = self._runtime.home.builds.resolve() / "tools"
        tools.prepare(folder)
        python = tools.make_python(self._folder / "python", folder)
        engine = choose_launcher(self._runtime.home).name
        given, hidden = environment.of_user(
            self._build, self._spec, self._role.client("ssm"), self._role.client("secretsmanager")
        )
        self._log.mask(hidden)
        self._environment = {
            **given,
            **environment.of_build(self._runtime, self._build, self._environment, source),
            **environment.of_machine(self._runtime.home, [python, folder], self._folder, engine),
        }
        self._link_cache(self._folder / "home", source)
        self._shell.prepare(self._spec.shell, self._environment, source)
        self._log.say(
            f"localaws: engine={engine if self._environment['LOCALAWS_ENGINE'] else 'none'} role={self._role.arn}"
        )

    def _buildspec(self, source: Path) -> Buildspec:
        try:
            return read(self._buildspec_text(source))
        except BuildspecError as error:
            raise PhaseFailedError("YAML_FILE_ERROR", f"Message: {error}") from error

    def _buildspec_text(self, source: Path) -> str:
        """Return an inline buildspec, or the file that the project names, which must lie in the source."""
        given: str = self._record["source"].get("buildspec", "")
        if "\n" in given or given.lstrip().startswith("{"):
            return given
        file = (source / (given or "buildspec.yml")).resolve()
        if source.resolve() not in file.parents or not file.is_file():
            raise BuildspecError(f"the source has no {given or 'buildspec.yml'}: add it, or give one inline.")
        return file.read_text(encoding="utf-8")

    def _link_cache(self, home: Path, source: Path) -> None:
        settings = self._build.project.get("cache", {})
        if settings.get("type") == "LOCAL" and "LOCAL_CUSTOM_CACHE" in settings.get("modes", []):
            kept = self._runtime.home.builds.resolve() / "cache" / self._record["projectName"]
            for folder in cache.link(kept, self._spec.cache_paths, home, source):
                self._log.say(f"Using the local cache of {folder}")

    def _commands(self) -> None:
        """Run the phases of the buildspec; one that fails skips the rest, except that post_build follows build."""
        for name in PHASES:
            phase = self._spec.phases.get(name, Phase())
            succeeded = self._phase(name.upper(), functools.partial(self._run_phase, name, phase))
            goes_on = name in _AFTER_FAILURE if phase.continue_on_failure is None else phase.continue_on_failure
            if not succeeded:
                self._shell.export("CODEBUILD_BUILD_SUCCEEDING", "0")
                if not goes_on:
                    return

    def _run_phase(self, name: str, phase: Phase) -> None:
        self._log.say(f"Entering phase {name.upper()}")
        for runtime, version in phase.runtimes.items():
            self._log.say(f"localaws: {runtime} {version} is asked for; this machine's own is used")
        try:
            self._run_commands(phase.commands)
        finally:
            self._run_commands(phase.finally_commands)

    def _run_commands(self, commands: tuple[str, ...]) -> None:
        for command in commands:
            self._log.say(f"Running command {command}")
            code = self._shell.run(command)
            if code:
                self._log.say(f"Command did not exit successfully {command} exit status {code}")
                raise PhaseFailedError(
                    "COMMAND_EXECUTION_ERROR", f"Error while executing command: {command}. Reason: exit status {code}"
                )

    def _upload(self) -> None:
        places = self._build.request.artifacts
        if places:
            s3 = self._role.client("s3")
            for uri in artifacts.upload(s3, self._spec, places, self._folder / "src"):
                self._log.say(f"Uploaded {uri}")

    def _export(self) -> None:
        if not hasattr(self, "_spec"):
            return
        found: dict[str, Any] = self._shell.values(self._spec.exported)
        with self._build.lock:
            self._record["exportedEnvironmentVariables"] = [
                {"name": name, "value": value} for name, value in found.items()
            ]
