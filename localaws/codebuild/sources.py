"""Fetches what a build runs on: a zip of S3, a pipeline's artifact, or the clone that such an artifact refers to.

https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html (full clone)
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.caller import Role
from localaws.codebuild.build import PhaseFailedError
from localaws.githost import RepositoryError, clone_url
from localaws.runtime import Runtime

CLONE_REFERENCE = "codebuild-clone-ref.json"
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_ACTIONS = ("codeconnections:UseConnection", "codestar-connections:UseConnection")


def fetch(runtime: Runtime, role: Role, source: Mapping[str, str], folder: Path) -> str:
    """Bring a source into an empty folder, as the build's role; return its commit, or "" where it has none.

    Raises PhaseFailedError with the code CLIENT_ERROR, as CodeBuild shows it.
    """
    folder.mkdir(parents=True)
    if source["type"] == "NO_SOURCE":
        return ""
    with tempfile.TemporaryFile(dir=folder.parent) as file:
        _download(role.client("s3"), source, file)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                _unzip(archive, folder)
        except (zipfile.BadZipFile, ValueError) as error:
            raise _failed(f"s3://{source['bucket']}/{source['key']} cannot be unpacked: {error}") from error
    if [path.name for path in folder.iterdir()] == [CLONE_REFERENCE]:
        reference = json.loads((folder / CLONE_REFERENCE).read_text(encoding="utf-8"))
        (folder / CLONE_REFERENCE).unlink()
        return _clone(runtime, role.arn, reference, folder)
    return source.get("revision", "")


def _download(client: Any, source: Mapping[str, str], file: Any) -> None:
    try:
        body = client.get_object(Bucket=source["bucket"], Key=source["key"])["Body"]
    except ClientError as error:
        place = f"s3://{source['bucket']}/{source['key']}"
        raise _failed(f"error while downloading {place}: {error.response['Error']['Message']}") from error
    for chunk in body.iter_chunks(1 << 20):
        file.write(chunk)


def _unzip(archive: zipfile.ZipFile, folder: Path) -> None:
    """Unpack with the permissions that the archive holds; zipfile itself keeps every name inside of the folder."""
    for member in archive.infolist():
        path = Path(archive.extract(member, folder))
        mode = member.external_attr >> 16 & 0o777
        if mode and path.is_file():
            path.chmod(mode | 0o600)


def _clone(runtime: Runtime, role_arn: str, reference: Mapping[str, str], folder: Path) -> str:
    connection, repository, commit = (reference[name] for name in ("ConnectionArn", "FullRepositoryId", "CommitId"))
    _use_connection(runtime, role_arn, connection, repository)
    if not _COMMIT.fullmatch(commit):
        raise _failed(f"{commit!r} is no commit id")
    try:
        url = clone_url(runtime.home, repository)
    except RepositoryError as error:
        raise _failed(str(error)) from error
    _git("clone", "--quiet", "--no-checkout", "--", url, str(folder))
    _git("-C", str(folder), "fetch", "--quiet", "origin", commit)
    _git("-C", str(folder), "checkout", "--quiet", "--detach", commit)
    return commit


def _use_connection(runtime: Runtime, role_arn: str, connection: str, repository: str) -> None:
    """Ask IAM whether the role may pull this repository through the connection: no signed request carries it."""
    said = {"FullRepositoryId": repository, "ProviderAction": "GitPull", "ProviderPermissionsRequired": "read_only"}
    entries = [
        {
            "ContextKeyName": f"{action.partition(':')[0]}:{key}",
            "ContextKeyValues": [value],
            "ContextKeyType": "string",
        }
        for action in _ACTIONS
        for key, value in said.items()
    ]
    answer = runtime.caller.client("iam").simulate_principal_policy(
        PolicySourceArn=role_arn, ActionNames=list(_ACTIONS), ResourceArns=[connection], ContextEntries=entries
    )
    decisions = {result["EvalDecision"] for result in answer["EvaluationResults"]}
    if "allowed" not in decisions or "explicitDeny" in decisions:
        raise _failed(
            f"Failed to get access token for {connection}: the build's role {role_arn} needs "
            "codeconnections:UseConnection or codestar-connections:UseConnection on it, for the ProviderAction GitPull "
            f"of {repository}"
        )


def _git(*arguments: str) -> None:
    settings = ("-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *settings, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise _failed(f"error while cloning: {done.stderr.strip()}")


def _failed(message: str) -> PhaseFailedError:
    return PhaseFailedError("CLIENT_ERROR", message)
