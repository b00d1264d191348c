"""The environment variables of a build.

Follows https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html. Of the server's own
environment nothing is passed on but where programs are, and how this machine reaches a network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.codebuild.build import Build, PhaseFailedError
from localaws.codebuild.buildspec import Buildspec
from localaws.home import Home
from localaws.runtime import Runtime

_NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE", "PIP_INDEX_URL", "PIP_CERT",
)  # fmt: skip


def of_machine(place: Home, programs: Sequence[Path], build: Path, engine: str) -> dict[str, str]:
    """Return what CodeBuild's own image would set, as far as it concerns programs.

    `programs` are the folders that stand first on PATH, the one with `docker` last of them. `build` is the folder that
    is deleted when the build ends: what its commands make with `mktemp` goes with it.
    """
    return {
        **{name: os.environ[name] for name in _NETWORK if name in os.environ},
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get("NO_PROXY", "")])),
        "PATH": os.pathsep.join([*map(str, programs), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")]),
        "HOME": str(build / "home"),
        "TMPDIR": str(build / "tmp"),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        # this machine's Python is not a container's: what a build installs goes into the build's own
        "PIP_REQUIRE_VIRTUALENV": "true",
        "LOCALAWS_ENGINE": engine if engine in {"docker", "podman"} else "",
        "LOCALAWS_TOOLS": str(programs[-1]),
        "LOCALAWS_IMAGES": str(place.images.resolve()),
        "LOCALAWS_CACHE": str(place.cache.resolve()),
    }


def of_build(runtime: Runtime, build: Build, credentials: Mapping[str, Any], source: Path) -> dict[str, str]:
    """Return what CodeBuild tells every build, the credentials of its role among it."""
    record = build.record
    folder = source.parent
    started = record["startTime"].timestamp() * 1000
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "AWS_DEFAULT_REGION": runtime.region,
        "AWS_ENDPOINT_URL": runtime.endpoint,
        "AWS_REGION": runtime.region,
        "CODEBUILD_BUILD_ARN": record["arn"],
        "CODEBUILD_BUILD_ID": record["id"],
        "CODEBUILD_BUILD_IMAGE": record["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(record["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": record["initiator"],
        "CODEBUILD_KMS_KEY_ID": record["encryptionKey"],
        "CODEBUILD_LOG_PATH": record["id"].partition(":")[2],
        "CODEBUILD_RESOLVED_SOURCE_VERSION": record.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": record["source"].get("location", ""),
        "CODEBUILD_SOURCE_VERSION": record.get("sourceVersion", ""),
        "CODEBUILD_SRC_DIR": str(source),
        **{f"CODEBUILD_SRC_DIR_{name}": str(folder / name) for name in build.request.secondary_sources},
        "CODEBUILD_START_TIME": str(int(started)),
    }


def of_user(build: Build, spec: Buildspec, ssm: Any, secrets: Any) -> tuple[dict[str, str], list[str]]:
    """Return the variables of buildspec and project (which wins), and those values that must not be shown.

    Raises PhaseFailedError where the role may not read a parameter or secret, or where there is none.
    """
    given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in spec.variables.items()]
    given += [{"name": name, "value": value, "type": "PARAMETER_STORE"} for name, value in spec.parameters.items()]
    given += [{"name": name, "value": value, "type": "SECRETS_MANAGER"} for name, value in spec.secrets.items()]
    given += build.record["environment"].get("environmentVariables", [])
    found, hidden = dict[str, str](), list[str]()
    for variable in given:
        kind, value = variable.get("type", "PLAINTEXT"), variable["value"]
        try:
            if kind == "PARAMETER_STORE":
                value = ssm.get_parameter(Name=value, WithDecryption=True)["Parameter"]["Value"]
            elif kind == "SECRETS_MANAGER":
                value = _secret(secrets, value)
        except ClientError as error:
            code = "PARAMETER_STORE_ERROR" if kind == "PARAMETER_STORE" else "Secrets Manager Error"
            raise PhaseFailedError(code, f"{variable['name']}: {error.response['Error']['Message']}") from error
        found[variable["name"]] = value
        hidden += [] if kind == "PLAINTEXT" else [value]
    return found, hidden


def _secret(client: Any, reference: str) -> str:
    """Return what `secret-id:json-key:version-stage:version-id` names; the parts after the first are optional."""
    if reference.startswith("arn:"):
        pieces = reference.split(":")
        name, rest = ":".join(pieces[:7]), pieces[7:]
    else:
        name, *rest = reference.split(":")
    key, stage, version = [*rest, "", "", ""][:3]
    wanted = (
        {"SecretId": name} | ({"VersionStage": stage} if stage else {}) | ({"VersionId": version} if version else {})
    )
    text: str = client.get_secret_value(**wanted)["SecretString"]
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise PhaseFailedError("Secrets Manager Error", f"{name} is no JSON object with {key}.") from error
