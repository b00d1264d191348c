"""A change of a run's state as events of OpenLineage.

To OpenLineage a run is one execution, with one START and one COMPLETE, FAIL or ABORT: that is an attempt here, one
training job. Its `runId` is derived from namespace and job name, so that an event that is sent twice is the same event.
https://openlineage.io/docs/spec/run-cycle
https://openlineage.io/docs/spec/naming (S3: namespace `s3://<bucket>`, name: the key)
https://openlineage.io/docs/spec/facets/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from dropforge.domain.encoding import time_text
from dropforge.domain.run import Attempt, Run, RunStatus
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.state_report import StateReport
from dropforge.domain.training_job import ModelArtifact

PRODUCER: Final = "urn:dropforge:openlineage:v1"
SPECIFICATION: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ENDS: Final = MappingProxyType(
    {
        RunStatus.COMPLETED: "COMPLETE",
        RunStatus.FAILED: "FAIL",
        RunStatus.STOPPED: "ABORT",
        RunStatus.WAITING: "FAIL",  # of the attempt: another follows
    }
)

Event = dict[str, object]


@dataclass(frozen=True)
class _Moment:
    """What sets one event of an attempt apart from its other one."""

    kind: str
    at: datetime
    error: str | None = None
    model: ModelArtifact | None = None
    outcome: Mapping[str, str] = field(default_factory=dict)


def lineage_events(report: StateReport, namespace: str) -> list[Event]:
    """Those that the change gives: none unless an attempt has begun or ended with it.

    The START comes again with the end of a job whose start was never seen, and is then the same, byte by byte.
    """
    change = report.change
    attempt = next((each for each in report.run.attempts if each.number == change.attempt), None)
    if attempt is None:
        return []
    if change.status is RunStatus.RUNNING:
        return [_start(report, attempt, namespace)]
    if change.status not in _ENDS or attempt.ended_at != change.at:
        return []
    end = _end(report, attempt, namespace)
    return [end] if attempt.started_at is not None else [_start(report, attempt, namespace), end]


def run_uuid(namespace: str, job_name: str) -> str:
    """A name-based UUID (RFC 9562, version 5), which anybody can derive as well."""
    return str(uuid5(NAMESPACE_URL, f"{namespace}/{job_name}"))


def _start(report: StateReport, attempt: Attempt, namespace: str) -> Event:
    return _event(report, attempt, namespace, _Moment("START", attempt.intended_at))


def _end(report: StateReport, attempt: Attempt, namespace: str) -> Event:
    change, kind = report.change, _ENDS[report.change.status]
    error = (attempt.failure or change.reason) if kind == "FAIL" else None
    return _event(report, attempt, namespace, _Moment(kind, change.at, error, change.model, _outcome(change)))


def _event(report: StateReport, attempt: Attempt, namespace: str, moment: _Moment) -> Event:
    tags = {**_tags(report.run, attempt), **moment.outcome}
    facets = {
        "tags": _facet("TagsRunFacet", "1-0-0", {"tags": list(_each_tag(tags))}),
        "executionParameters": _parameters(report.run),
    }
    if moment.error is not None:
        error = {"message": moment.error, "programmingLanguage": "UNKNOWN"}
        facets["errorMessage"] = _facet("ErrorMessageRunFacet", "1-0-1", error)
    return {
        "eventType": moment.kind,
        "eventTime": time_text(moment.at),
        "run": {"runId": run_uuid(namespace, attempt.job_name), "facets": facets},
        "job": {"namespace": namespace, "name": report.run.project, "facets": _job_facets(report)},
        "inputs": [_data(report)],
        "outputs": [_model(moment.model)] if moment.model is not None else [],
        "producer": PRODUCER,
        "schemaURL": SPECIFICATION,
    }


def _tags(run: Run, attempt: Attempt) -> dict[str, str]:
    told = {"run": run.id, "attempt": str(attempt.number), "image": run.image.digest}
    return told if run.reproduces is None else {**told, "reproduces": run.reproduces.of}


def _outcome(change: RunStateChanged) -> dict[str, str]:
    cost = {"cost_usd": str(change.cost_usd)} if change.cost_usd is not None else {}
    return {**{f"metric.{name}": str(value) for name, value in change.metrics.items()}, **cost}


def _each_tag(tags: Mapping[str, str]) -> Iterator[Event]:
    for key, value in tags.items():
        yield {"key": key, "value": value, "source": "DROPFORGE"}


def _parameters(run: Run) -> Event:
    given = [{"key": key, "value": value} for key, value in sorted(run.spec.hyperparameters.items())]
    return _facet("ExecutionParametersRunFacet", "1-0-0", {"parameters": given})


def _job_facets(report: StateReport) -> Event:
    kind = {"processingType": "BATCH", "integration": "DROPFORGE", "jobType": "TRAINING"}
    facets: Event = {"jobType": _facet("JobTypeJobFacet", "2-0-4", kind)}
    if report.project is not None:
        image, home = report.run.image, f"https://github.com/{report.project.repository}"
        source = {"type": "git", "url": f"{home}/tree/{image.commit}", "repoUrl": home, "version": image.commit}
        facets["sourceCodeLocation"] = _facet("SourceCodeLocationJobFacet", "1-1-0", {**source, "branch": image.branch})
    return facets


def _data(report: StateReport) -> Event:
    """The prefix in the training bucket, at the dataset version that names each object's."""
    dataset, project = report.run.dataset, report.project
    prefix = project.data_prefix if project is not None else f"{dataset.project}/"
    read = {"size": dataset.bytes, "fileCount": dataset.objects}
    return {
        "namespace": f"s3://{dataset.bucket}",
        "name": prefix.rstrip("/"),
        "facets": {"version": _version(dataset.version)},
        "inputFacets": {"inputStatistics": _facet("InputStatisticsInputDatasetFacet", "1-0-0", read)},
    }


def _model(model: ModelArtifact) -> Event:
    location = urlsplit(model.uri, allow_fragments=False)
    written = {"size": model.size, "fileCount": 1}
    return {
        "namespace": f"s3://{location.netloc}",
        "name": location.path.removeprefix("/"),
        "facets": {
            "version": _version(model.version_id),
            "datasetType": _facet("DatasetTypeDatasetFacet", "1-0-1", {"datasetType": "MODEL"}),
        },
        "outputFacets": {"outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", written)},
    }


def _version(version: str) -> Event:
    return _facet("DatasetVersionDatasetFacet", "1-0-1", {"datasetVersion": version})


def _facet(name: str, version: str, members: Mapping[str, object]) -> Event:
    schema = f"https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **members}
