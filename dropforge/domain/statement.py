"""What is signed of a finished run: where its model comes from, and how its trail ends.

Both are in-toto Statements, version 1; the first has the predicate of SLSA provenance, version 1.
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.canonical import canonical
from dropforge.domain.encoding import decode, encode_object, time_text
from dropforge.domain.errors import DropforgeError, InvalidDocumentError
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.trail import TrailHead

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PROVENANCE_TYPE = "https://slsa.dev/provenance/v1"
TRAIL_TYPE = "urn:dropforge:trail-head:v1"
BUILD_TYPE = "urn:dropforge:training-run:v1"


class StatementError(DropforgeError):
    """A signed statement says something else than it should, or cannot be read."""


@dataclass(frozen=True)
class ModelProvenance:
    """A model by its content, and all that it was made from.

    `sha256` is 64 hexadecimal digits; `image_digest` and `dataset_version` begin with `sha256:`. `builder` names the
    stack by its signing key, `repository` is owner/name on GitHub, None when ops have removed the project since.
    """

    uri: str
    version_id: str
    sha256: str
    builder: str
    deployment: str
    project: str
    run: str
    job: str
    commit: str
    branch: str
    repository: str | None
    claimed_author: str
    requester: str
    image: str
    image_digest: str
    dataset_version: str
    spec: Mapping[str, object]
    trail: TrailHead
    started_at: str
    finished_at: str

    @classmethod
    def of(cls, run: Run, head: TrailHead, builder: str, deployment: str, repository: str | None) -> ModelProvenance:
        """Of a completed run whose model's SHA-256 is known; ValueError for any other."""
        model, attempt = run.result.model if run.result is not None else None, run.attempt
        if run.result is None or attempt is None or model is None or model.sha256 is None:
            raise ValueError(f"run {run.id} has no model with a known SHA-256")
        return cls(
            uri=model.uri,
            version_id=model.version_id,
            sha256=model.sha256,
            builder=builder,
            deployment=deployment,
            project=run.project,
            run=run.id,
            job=attempt.job_arn or attempt.job_name,
            commit=run.image.commit,
            branch=run.image.branch,
            repository=repository,
            claimed_author=run.image.claimed_author,
            requester=f"{run.requester.kind.value}: {run.requester.name}",
            image=run.image.uri,
            image_digest=run.image.digest,
            dataset_version=run.dataset.version,
            spec=run.spec.to_document(),
            trail=head,
            started_at=time_text(run.result.started_at or attempt.intended_at),
            finished_at=time_text(run.result.ended_at or run.changed_at),
        )

    def to_payload(self) -> bytes:
        subject = {"name": self.uri.rpartition("/")[2], "uri": self.uri, "digest": {"sha256": self.sha256},
                   "annotations": {"s3VersionId": self.version_id}}  # fmt: skip
        predicate = {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": self.project,
                    "spec": self.spec,
                    "requester": self.requester,
                    "claimedAuthor": self.claimed_author,
                },
                "internalParameters": {"deployment": self.deployment, "run": self.run},
                "resolvedDependencies": [self._source(), self._image(), self._dataset()],
            },
            "runDetails": {
                "builder": {"id": self.builder},
                "metadata": {
                    "invocationId": self.job,
                    "startedOn": self.started_at,
                    "finishedOn": self.finished_at,
                },
                "byproducts": [_trail_subject(self.run, self.trail)],
            },
        }
        return _payload(subject, PROVENANCE_TYPE, predicate)

    def _source(self) -> dict[str, object]:
        where = {"uri": f"git+https://github.com/{self.repository}@refs/heads/{self.branch}"} if self.repository else {}
        return {"name": "source", **where, "digest": {"gitCommit": self.commit}, "annotations": {"branch": self.branch}}

    def _image(self) -> dict[str, object]:
        return {"name": "image", "uri": f"oci://{self.image}", "digest": {"sha256": _hex(self.image_digest)}}

    def _dataset(self) -> dict[str, object]:
        bucket = self.uri.removeprefix("s3://").partition("/")[0]
        uri = f"s3://{bucket}/{manifest_key(self.project, self.dataset_version)}"
        return {"name": "dataset", "uri": uri, "digest": {"sha256": _hex(self.dataset_version)}}

    @classmethod
    def from_payload(cls, payload: bytes) -> ModelProvenance:
        """StatementError when the payload is not one that `to_payload` writes."""
        subject, predicate = _read(payload, PROVENANCE_TYPE)
        try:
            definition, details = predicate["buildDefinition"], predicate["runDetails"]
            source, image, dataset = definition["resolvedDependencies"]
            repository = source.get("uri", "").removeprefix("git+https://github.com/").partition("@")[0]
            outside, inside = definition["externalParameters"], definition["internalParameters"]
            return cls(
                uri=subject["uri"],
                version_id=subject["annotations"]["s3VersionId"],
                sha256=subject["digest"]["sha256"],
                builder=details["builder"]["id"],
                deployment=inside["deployment"],
                project=outside["project"],
                run=inside["run"],
                job=details["metadata"]["invocationId"],
                commit=source["digest"]["gitCommit"],
                branch=source["annotations"]["branch"],
                repository=repository or None,
                claimed_author=outside["claimedAuthor"],
                requester=outside["requester"],
                image=image["uri"].removeprefix("oci://"),
                image_digest=f"sha256:{image['digest']['sha256']}",
                dataset_version=f"sha256:{dataset['digest']['sha256']}",
                spec=outside["spec"],
                trail=_trail_head(details["byproducts"][0]),
                started_at=details["metadata"]["startedOn"],
                finished_at=details["metadata"]["finishedOn"],
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise _unreadable() from error


@dataclass(frozen=True)
class TrailStatement:
    """How the trail of a run ended: what `audit verify` compares the trail with."""

    run: str
    project: str
    deployment: str
    status: RunStatus
    at: datetime
    trail: TrailHead

    def to_payload(self) -> bytes:
        predicate = {name: value for name, value in encode_object(self).items() if name != "trail"}
        return _payload(_trail_subject(self.run, self.trail), TRAIL_TYPE, predicate)

    @classmethod
    def from_payload(cls, payload: bytes) -> TrailStatement:
        subject, predicate = _read(payload, TRAIL_TYPE)
        try:
            return decode(cls, {**predicate, "trail": encode_object(_trail_head(subject))})
        except (KeyError, TypeError, ValueError, InvalidDocumentError) as error:
            raise _unreadable() from error


def _payload(subject: Mapping[str, object], kind: str, predicate: Mapping[str, object]) -> bytes:
    statement = {"_type": STATEMENT_TYPE, "subject": [subject], "predicateType": kind, "predicate": predicate}
    return canonical(statement)


def _read(payload: bytes, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Subject and predicate of a statement of this kind."""
    try:
        statement = json.loads(payload)
        [subject] = statement["subject"]
        found, predicate = (statement["_type"], statement["predicateType"]), statement["predicate"]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error
    if found != (STATEMENT_TYPE, kind):
        raise StatementError(f"this statement is a {found[1]} and not a {kind}: name the one that is asked for")
    return subject, predicate


def _trail_subject(run: str, head: TrailHead) -> dict[str, object]:
    return {"name": f"trail/{run}", "digest": {"sha256": _hex(head.digest)}, "annotations": {"entries": head.sequence}}


def _trail_head(subject: Mapping[str, Any]) -> TrailHead:
    return TrailHead(int(subject["annotations"]["entries"]), f"sha256:{subject['digest']['sha256']}")


def _unreadable() -> StatementError:
    return StatementError("this statement is none that Dropforge writes: read it with the release that signed it")


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
