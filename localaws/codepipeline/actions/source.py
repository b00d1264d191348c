"""Source / AWS / CodeStarSourceConnection: reads a commit through a connection.

Follows "CodeStarSourceConnection for Bitbucket Cloud, GitHub, …" of the user guide
(action-reference-CodestarConnectionSource.html) for configuration, artifact formats and output variables.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import cast
from urllib.parse import urlencode

from localaws.codeconnections import CodeConnectionsService
from localaws.codepipeline import artifacts
from localaws.codepipeline.permissions import allows
from localaws.codepipeline.work import ActionFailedError, Work
from localaws.githost import Commit, Repository, RepositoryError, find
from localaws.service import ServiceError

_USE_CONNECTION = ("codeconnections:UseConnection", "codestar-connections:UseConnection")
_SUMMARY_CHARACTERS = 2048


def run(work: Work) -> None:
    """Resolve the branch, or take the commit that the execution names, and store the source artifact."""
    provider = _use_connection(work)
    try:
        repository = find(work.runtime.home, work.configuration["FullRepositoryId"])
        commit = _commit(work, repository)
    except RepositoryError as error:
        raise ActionFailedError("ConfigurationError", str(error)) from error
    artifact = artifacts.output_names(work)[0]
    if work.configuration.get("OutputArtifactFormat", "CODE_ZIP") == "CODE_ZIP":
        content = repository.archive(commit.id)
    else:
        content = _reference(work, commit)
    artifacts.put(work, artifact, content)
    _record(work, artifact, commit, provider)


def _use_connection(work: Work) -> str:
    """Check that the role may use the connection and that it is available; return its provider type."""
    arn = work.configuration["ConnectionArn"]
    repository = work.configuration["FullRepositoryId"]
    said = {"FullRepositoryId": repository, "ProviderPermissionsRequired": "read_only"}
    context = {f"{action.partition(':')[0]}:{key}": value for action in _USE_CONNECTION for key, value in said.items()}
    if not allows(work, _USE_CONNECTION, arn, context):
        raise ActionFailedError(
            "PermissionError",
            f"Unable to use Connection: {arn}. The provided role {work.record.role_arn} does not have sufficient "
            "permissions: allow it codeconnections:UseConnection or codestar-connections:UseConnection there, for "
            f"{repository}.",
        )
    connections = cast("CodeConnectionsService", work.runtime.services["codeconnections"])
    try:
        status, provider = connections.status(arn), connections.provider(arn)
    except ServiceError as error:
        raise ActionFailedError("ConfigurationError", error.message) from error
    if status != "AVAILABLE":
        raise ActionFailedError(
            "ConfigurationError",
            f"Connection {arn} is not available (it is {status}): complete its handshake, here with "
            f"`python -m localaws connection accept {arn}`.",
        )
    return provider


def _commit(work: Work, repository: Repository) -> Commit:
    named = work.execution.revisions.get(work.record.action)
    return repository.commit(named or repository.branch_head(_branch(work)))


def _branch(work: Work) -> str:
    """The branch that was pushed, where a trigger says so; else the configured one."""
    return work.execution.branches.get(work.record.action, work.configuration["BranchName"])


def _reference(work: Work, commit: Commit) -> bytes:
    """A full-clone artifact: no files, but what CodeBuild needs to clone them through the connection itself."""
    reference = {
        "ConnectionArn": work.configuration["ConnectionArn"],
        "FullRepositoryId": work.configuration["FullRepositoryId"],
        "BranchName": _branch(work),
        "CommitId": commit.id,
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("codebuild-clone-ref.json", json.dumps(reference))
    return content.getvalue()


def _record(work: Work, artifact: str, commit: Commit, provider: str) -> None:
    arn, repository = work.configuration["ConnectionArn"], work.configuration["FullRepositoryId"]
    summary = _summary(provider, commit.message)
    url = f"https://{work.runtime.region}.console.aws.amazon.com/codesuite/settings/connections/redirect?" + urlencode(
        {"connectionArn": arn, "referenceType": "COMMIT", "FullRepositoryId": repository, "Commit": commit.id}
    )
    work.update(
        external_id=commit.id,
        external_summary=summary,
        external_url=url,
        variables={
            "AuthorDate": commit.author_date,
            "BranchName": _branch(work),
            "CommitId": commit.id,
            "CommitMessage": commit.message,
            "ConnectionArn": arn,
            "FullRepositoryName": repository,
        },
    )
    with work.board.changed:
        work.execution.artifact_revisions[artifact] = {
            "name": artifact,
            "revisionId": commit.id,
            "revisionSummary": summary,
            "revisionUrl": url,
            "created": float(commit.committed),
            "action": work.record.action,
        }


def _summary(provider: str, message: str) -> str:
    """JSON inside a text, as the service answers it; the message gives way where both would be too long."""
    summary = json.dumps({"ProviderType": provider, "CommitMessage": message})
    while len(summary) > _SUMMARY_CHARACTERS:
        message = message[: len(message) - max(1, (len(summary) - _SUMMARY_CHARACTERS) // 6)]
        summary = json.dumps({"ProviderType": provider, "CommitMessage": message})
    return summary
