"""The SageMaker API, as far as training jobs go.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Service.html
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from localaws.journal import Row
from localaws.runtime import Runtime
from localaws.sagemaker.admission import admit
from localaws.sagemaker.life import TrainingRun
from localaws.sagemaker.record import ENDED, TrainingJob
from localaws.service import Operation, Service, ServiceError
from localaws.stored import freeze

_EVENT = "SageMaker Training Job State Change"
_RESTARTED = (
    "InternalServerError: We encountered an internal error. Please try again. "
    "(The local AWS was stopped while the job ran.)"
)
_MAX_TAGS = 50
_STOP_SECONDS = 10.0


class SageMakerService(Service):
    """Training jobs: created, described, listed, stopped, deleted, tagged."""

    name = "sagemaker"
    target_prefixes = ("SageMaker",)
    iam_namespace = "sagemaker"
    principal = "sagemaker.amazonaws.com"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._lock = threading.RLock()
        self._jobs: dict[str, TrainingJob] = {}
        self._runs: dict[str, tuple[TrainingRun, threading.Thread]] = {}

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that this service has, by name."""
        return {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": self._describe,
            "ListTrainingJobs": self._list,
            "StopTrainingJob": self._stop_job,
            "DeleteTrainingJob": self._delete,
            "AddTags": self._add_tags,
            "DeleteTags": self._delete_tags,
            "ListTags": self._list_tags,
        }

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the job's ARN; listing has no resource."""
        if "TrainingJobName" in request:
            return self._arn(request["TrainingJobName"])
        return "*" if operation == "ListTrainingJobs" else str(request["ResourceArn"])

    def passed_roles(self, operation: str, request: Mapping[str, Any]) -> Sequence[str]:
        """Return the execution role of a new job."""
        return (str(request.get("RoleArn", "")),) if operation == "CreateTrainingJob" else ()

    def further_permissions(self, operation: str, request: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """A job that is created with tags needs AddTags too."""
        tagged = operation == "CreateTrainingJob" and request.get("Tags")
        return (("sagemaker:AddTags", self.resource_arn(operation, request)),) if tagged else ()

    def snapshot(self) -> dict[str, Any]:
        """Return all jobs, by their names."""
        with self._lock:
            return {job.name: asdict(job) for job in self._jobs.values()}

    def rows(self) -> Sequence[Row]:
        """Return a row a job."""
        return [Row(job.name, job.mark, functools.partial(_as_text, job)) for job in self._jobs.values()]

    def keep(self) -> None:
        """Note what changed, while no job does."""
        with self._lock:
            super().keep()

    def restore(self, state: dict[str, Any]) -> None:
        """Take jobs over; what ran when the server ended has failed, and each end that was not told of is announced."""
        with self._lock:
            self._jobs = {name: TrainingJob(**job) for name, job in state.items()}
            untold = [job for job in self._jobs.values() if job.told != job.secondary or job.status not in ENDED]
        if untold:
            self.runtime.spawn("jobs that the server's end cut off", self._tell_of_the_end, untold)

    def reset(self) -> None:
        """Forget every job and end those that run."""
        self.stop()
        with self._lock:
            self._jobs.clear()

    def stop(self) -> None:
        """End what runs, without a word: `restore` will say what happened."""
        with self._lock:
            runs = list(self._runs.values())
        for run, _ in runs:
            run.abandon.set()
        for _, thread in runs:
            thread.join(timeout=_STOP_SECONDS)

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["TrainingJobName"]
        arn, now = self._arn(name), dt.datetime.now(dt.UTC)
        tags = _as_map(request.get("Tags", ()))
        job = TrainingJob(arn, {key: value for key, value in request.items() if key != "Tags"}, now, now, tags)
        with self._lock:  # from the look at names and quota to the entry of the job, nobody else
            admit(self.runtime, request, self._jobs.values(), arn)
            job.move("Starting", now)
            self._jobs[name] = job
            run = TrainingRun(self.runtime, job, self._lock, self._announce)
            self._runs[name] = (run, self.runtime.spawn(f"training job {name}", self._carry_out, run, job))
        return {"TrainingJobArn": arn}

    def _carry_out(self, run: TrainingRun, job: TrainingJob) -> None:
        self._announce(job)
        try:
            run.run()
        finally:
            with self._lock:
                self._runs.pop(job.name, None)

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            return self._job(request).described()

    def _stop_job(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            job = self._job(request)
            if job.status in ENDED:
                raise ServiceError(
                    "ValidationException",
                    f"The request was rejected because the training job is in status {job.status}.",
                )
            if job.status == "Stopping" or job.secondary == "Uploading" or job.name not in self._runs:
                return {}
            job.move("Stopping", dt.datetime.now(dt.UTC))
            self._runs[job.name][0].stop.set()
        self._announce(job)
        return {}

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            job = self._job(request)
            if job.status not in ENDED:
                raise ServiceError("ResourceInUse", f"{job.name} is in status {job.status}: stop it first.")
            del self._jobs[job.name]
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        by = {"Name": "name", "Status": "status"}.get(request.get("SortBy", "CreationTime"), "created")
        with self._lock:
            found = sorted(
                (job for job in self._jobs.values() if _matches(job, request)),
                key=lambda job: (getattr(job, by), job.name),
                reverse=request.get("SortOrder", "Ascending" if by != "created" else "Descending") == "Descending",
            )
            shown = [job.summary() for job in found]
        page, token = _page(shown, request, default=10)
        return {"TrainingJobSummaries": page, "NextToken": token}

    def _add_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = self._tagged(request["ResourceArn"]).tags
            added = _as_map(request["Tags"])
            if len(tags | added) > _MAX_TAGS:
                raise ServiceError("ValidationException", f"A training job can have at most {_MAX_TAGS} tags.")
            tags |= added
            return {"Tags": _as_list(tags)}

    def _delete_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = self._tagged(request["ResourceArn"]).tags
            for key in request["TagKeys"]:
                tags.pop(key, None)
        return {}

    def _list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = _as_list(self._tagged(request["ResourceArn"]).tags)
        page, token = _page(tags, request, default=50)
        return {"Tags": page, "NextToken": token}

    def _tell_of_the_end(self, jobs: list[TrainingJob]) -> None:
        """Runs when the server answers again, so that the rules that listen are there."""
        self.runtime.caller.client("sts").get_caller_identity()
        for job in jobs:
            with self._lock:
                if job.status not in ENDED:
                    shutil.rmtree(self.runtime.home.jobs / job.name, ignore_errors=True)
                    job.fail(_RESTARTED, dt.datetime.now(dt.UTC))
            self._announce(job)

    def _announce(self, job: TrainingJob) -> None:
        with self._lock:
            detail, secondary = job.event_detail(), job.secondary
        self.runtime.publish("aws.sagemaker", _EVENT, detail, [job.arn])
        with self._lock:
            job.told = secondary
        self.keep()

    def _job(self, request: Mapping[str, Any]) -> TrainingJob:
        job = self._jobs.get(request["TrainingJobName"])
        if job is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return job

    def _tagged(self, arn: str) -> TrainingJob:
        job = next((job for job in self._jobs.values() if job.arn == arn), None)
        if job is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return job

    def _arn(self, name: str) -> str:
        """Return a job's ARN, in which SageMaker writes names in lower case."""
        return f"arn:aws:sagemaker:{self.runtime.region}:{self.runtime.account}:training-job/{name.lower()}"


def _as_text(job: TrainingJob) -> str:
    return json.dumps(freeze(asdict(job)))


def _matches(job: TrainingJob, request: Mapping[str, Any]) -> bool:
    created, modified = job.created.timestamp(), job.modified.timestamp()
    wanted = (
        request.get("NameContains", "").lower() in job.name.lower(),
        request.get("StatusEquals", job.status) == job.status,
        request.get("CreationTimeAfter", created) <= created <= request.get("CreationTimeBefore", created),
        request.get("LastModifiedTimeAfter", modified) <= modified,
        modified <= request.get("LastModifiedTimeBefore", modified),
    )
    return all(wanted)


def _page(found: Sequence[Any], request: Mapping[str, Any], default: int) -> tuple[Sequence[Any], str | None]:
    """Return one page and the token of the next."""
    try:
        start = int(base64.urlsafe_b64decode(request.get("NextToken", "MA==")))
    except ValueError as error:
        raise ServiceError("ValidationException", "NextToken is not one that this operation returned.") from error
    end = start + request.get("MaxResults", default)
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(found) else None
    return found[start:end], token


def _as_map(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
