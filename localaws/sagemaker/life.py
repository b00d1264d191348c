"""The life of one training job, on a thread of its own: from Starting to Completed, Failed or Stopped.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (SecondaryStatus)
Whatever touches data, images or logs does so as the job's execution role, so that IAM decides what the job may do.
"""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.caller import ServicePrincipal
from localaws.containers.dockerfile import BuildError
from localaws.containers.image import PulledImage
from localaws.containers.launcher import Container, Process, choose_launcher
from localaws.containers.layers import ImageRefusedError
from localaws.containers.registry import pull
from localaws.runtime import Runtime
from localaws.sagemaker.admission import resolve_image
from localaws.sagemaker.archives import Checkpoints, OutputLocation
from localaws.sagemaker.channels import Channel, JobError, download
from localaws.sagemaker.folders import HOST, JobFolder
from localaws.sagemaker.joblog import JobLog, MetricReader
from localaws.sagemaker.pipes import ChannelPipe
from localaws.sagemaker.record import FAILURE_LIMIT, TrainingJob
from localaws.service import ServiceError

STOP_GRACE_SECONDS = 120.0
_CHECKPOINTS = "/opt/ml/checkpoints"
_TICK = 0.1


class _StoppedError(Exception):
    """StopTrainingJob was called before the program started."""


class _AbandonedError(Exception):
    """The server stops; the job is told so when it is up again."""


@dataclass(frozen=True)
class _Exit:
    """How the program ended: by itself with a code, or because it was stopped, as the named status says."""

    code: int
    stopped_as: str | None = None


class TrainingRun:
    """Carries out one job. `changed` is called after each change of its status, without any lock held."""

    def __init__(
        self, runtime: Runtime, job: TrainingJob, lock: threading.RLock, changed: Callable[[TrainingJob], None]
    ) -> None:
        self._runtime, self._job, self._lock, self._changed = runtime, job, lock, changed
        principal = ServicePrincipal("sagemaker.amazonaws.com", job.arn)
        self._role = runtime.caller.role(job.request["RoleArn"], "SageMaker", principal)
        self._workplace = runtime.home.jobs / job.name
        self.folder = JobFolder(self._workplace / "ml")
        self.stop = threading.Event()
        self.abandon = threading.Event()

    def run(self) -> None:
        """Run the job to its end; everything it needed on disk is gone afterwards."""
        metrics = MetricReader(self._job.request["AlgorithmSpecification"].get("MetricDefinitions", ()))
        try:
            log = JobLog(self._client("logs"), self._job.name, self._job.created, metrics)
            try:
                self._live(log, metrics)
            except JobError as error:
                self._fail(str(error))
            except _StoppedError:
                self._enter("Stopped")
            finally:
                log.close()
        except _AbandonedError:
            return
        except Exception:
            self._fail("InternalServerError: We encountered an internal error. Please try again.")
            raise
        finally:
            shutil.rmtree(self._workplace, ignore_errors=True)

    def _live(self, log: JobLog, metrics: MetricReader) -> None:
        request = self._job.request
        default_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
        channels = [Channel.of(member, default_mode) for member in request.get("InputDataConfig", ())]
        image = self._pull()
        shutil.rmtree(self._workplace, ignore_errors=True)
        self.folder.prepare(request, channels)
        output = OutputLocation(self._client("s3"), self._job)
        with ExitStack() as cleanup:
            self._enter("Downloading")
            pipes = self._fill(channels, cleanup)
            checkpoints = self._start_checkpoints(cleanup)
            self._enter("Training")
            ended = self._execute(image, channels, log)
            self._job.metrics = metrics.final
            broken = [pipe.error for pipe in pipes if pipe.error]
            if broken:
                raise broken[0]
            self._finish(ended, output, checkpoints)

    def _finish(self, ended: _Exit, output: OutputLocation, checkpoints: Checkpoints | None) -> None:
        failed = ended.code != 0 and ended.stopped_as is None
        if not failed:
            self._enter("Uploading", stoppable=False)
        if checkpoints is not None:
            checkpoints.finish()
        left, model = self.folder.left(self.folder.output), self.folder.left(self.folder.model)
        if any(left):
            output.upload(left, "output")
        if failed:
            suffix = f", exit code: {ended.code}"
            raise JobError(f"AlgorithmError: {self.folder.failure()}"[: FAILURE_LIMIT - len(suffix)] + suffix)
        if ended.stopped_as is None or any(model):
            output.upload(model, "model")
        self._enter(ended.stopped_as or "Completed", stoppable=False)

    def _pull(self) -> PulledImage:
        uri = self._job.request["AlgorithmSpecification"]["TrainingImage"]
        try:
            image = resolve_image(self._runtime, uri)
            return pull(self._role, image, self._runtime.home)
        except (ImageRefusedError, BuildError, ClientError, ServiceError) as error:
            raise JobError(f"ClientError: The training image {uri} cannot be used: {error}") from error

    def _fill(self, channels: list[Channel], cleanup: ExitStack) -> list[ChannelPipe]:
        """Bring the data in; channels in Pipe mode start to stream."""
        pipes = []
        for channel in channels:
            self._check_stopped()
            if channel.mode == "Pipe":
                pipe = ChannelPipe(self._client("s3"), channel, self._role.arn, self.folder.data)
                self._runtime.spawn(f"pipe {channel.name} of {self._job.name}", pipe.stream)
                cleanup.callback(pipe.close)
                pipes.append(pipe)
            else:
                download(self._client("s3"), channel, self._role.arn, self.folder.data / channel.name)
        return pipes

    def _start_checkpoints(self, cleanup: ExitStack) -> Checkpoints | None:
        config = self._job.request.get("CheckpointConfig")
        if config is None:
            return None
        checkpoints = Checkpoints(self._client("s3"), config["S3Uri"], self.folder)
        checkpoints.download()
        self._runtime.spawn(f"checkpoints of {self._job.name}", checkpoints.keep)
        cleanup.callback(checkpoints.end)
        return checkpoints

    def _execute(self, image: PulledImage, channels: list[Channel], log: JobLog) -> _Exit:
        launcher = choose_launcher(self._runtime.home)
        log.say(f"localaws: rung={launcher.name} image={image.digest}")
        request = self._job.request
        isolated = request.get("EnableNetworkIsolation", False)
        if isolated and not launcher.isolates_network:
            log.say(f"localaws: network isolation was asked for, and rung {launcher.name} cannot give it")
        environment = self._environment(isolated)
        if not launcher.private_paths:
            environment = {**self.folder.locations(request, channels), **environment}
        container = Container(
            image=image,
            command=tuple(request["AlgorithmSpecification"].get("ContainerArguments") or ("train",)),
            environment=environment,
            mounts=self._mounts(),
            network=not isolated,
            hostname=HOST,
        )
        sink, reader = log.follow()
        try:
            with sink:
                process = launcher.start(container, sink)
        except ImageRefusedError as error:
            raise JobError(f"ClientError: {error}") from error
        self._runtime.processes.add(process.pid)
        try:
            return self._await(process)
        finally:
            process.kill()
            self._runtime.processes.remove(process.pid)
            reader.join(timeout=10)

    def _mounts(self) -> dict[str, Path]:
        mounts = {"/opt/ml": self.folder.root}
        local = (self._job.request.get("CheckpointConfig") or {}).get("LocalPath", _CHECKPOINTS).rstrip("/")
        return mounts if local == _CHECKPOINTS else {**mounts, local: self.folder.checkpoints}

    def _environment(self, isolated: bool) -> dict[str, str]:
        """Return the program's variables; credentials of the role only where there is a network to use them on."""
        variables = {
            **self._job.request.get("Environment", {}),
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
            "AWS_REGION": self._runtime.region,
        }
        if isolated:
            return variables
        role = self._role.credentials()
        return {
            **variables,
            "AWS_ENDPOINT_URL": self._runtime.endpoint,
            "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
            "AWS_SESSION_TOKEN": role["SessionToken"],
        }

    def _await(self, process: Process) -> _Exit:
        """Wait for the program; end it when it is stopped or its time is over: SIGTERM, 120 seconds, SIGKILL."""
        deadline = time.monotonic() + self._job.request["StoppingCondition"]["MaxRuntimeInSeconds"]
        while True:
            try:
                return _Exit(process.wait(timeout=_TICK))
            except subprocess.TimeoutExpired:
                if self.abandon.is_set():
                    raise _AbandonedError from None
            if self.stop.is_set():
                return _Exit(self._end(process), stopped_as="Stopped")
            if time.monotonic() > deadline:
                self._enter("Stopping", stoppable=False)
                return _Exit(self._end(process), stopped_as="MaxRuntimeExceeded")

    def _end(self, process: Process) -> int:
        settings = self._runtime.home.settings("sagemaker")
        deadline = time.monotonic() + float(settings.get("StopGraceSeconds", STOP_GRACE_SECONDS))
        process.terminate()
        while time.monotonic() < deadline and not self.abandon.is_set():
            try:
                return process.wait(timeout=_TICK)
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        return process.wait()

    def _enter(self, secondary: str, *, stoppable: bool = True) -> None:
        """Move to a status and tell; a job that is being stopped goes no further than that."""
        if stoppable and secondary != "Stopped":
            self._check_stopped()
        with self._lock:
            if stoppable and secondary != "Stopped" and self.stop.is_set():
                raise _StoppedError
            self._job.move(secondary, dt.datetime.now(dt.UTC))
        self._changed(self._job)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._job.fail(reason, dt.datetime.now(dt.UTC))
        self._changed(self._job)

    def _check_stopped(self) -> None:
        if self.abandon.is_set():
            raise _AbandonedError
        if self.stop.is_set():
            raise _StoppedError

    def _client(self, service: str) -> Any:
        try:
            return self._role.client(service)
        except ClientError as error:
            raise JobError(f"ClientError: Could not assume role {self._role.arn}: {error}") from error
