"""Collects and uploads what a build leaves behind.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localaws.codebuild.build import ArtifactPlace, PhaseFailedError
from localaws.codebuild.buildspec import ArtifactSpec, Buildspec


def upload(s3: Any, spec: Buildspec, places: Mapping[str, ArtifactPlace], source: Path) -> list[str]:
    """Upload every artifact that the project asks for; return the URIs. Raises PhaseFailedError."""
    wanted = dict(spec.secondary)
    if spec.artifact is not None:
        wanted[""] = spec.artifact
    only = next(iter(places)) if len(places) == 1 else ""
    uploaded = list[str]()
    for name, place in places.items():
        artifact = wanted.get(name) or (wanted.get("") if name in {only, ""} else None)
        if artifact is None:
            raise PhaseFailedError(
                "CLIENT_ERROR", f"No artifact {name or ''} in the buildspec: name it under artifacts."
            )
        uploaded.append(_upload_one(s3, artifact, place, source))
    return uploaded


def _upload_one(s3: Any, artifact: ArtifactSpec, place: ArtifactPlace, source: Path) -> str:
    base = source / artifact.base
    files = dict(_collected(artifact, base))
    if not files:
        raise PhaseFailedError(
            "CLIENT_ERROR",
            f"no matching artifact paths found for {', '.join(artifact.files)} below {artifact.base}: the build has to "
            "write them there",
        )
    try:
        if place.packaging == "NONE":
            for name, file in files.items():
                s3.put_object(
                    Bucket=place.bucket, Key=f"{place.key}/{name}", Body=file.read_bytes(), **place.encryption
                )
        else:
            with tempfile.TemporaryFile(dir=source.parent) as archive:
                _zip(files, archive)
                s3.put_object(Bucket=place.bucket, Key=place.key, Body=archive, **place.encryption)
    except ClientError as error:
        uri = f"s3://{place.bucket}/{place.key}"
        raise PhaseFailedError(
            "CLIENT_ERROR", f"Error uploading to {uri}: {error.response['Error']['Message']}"
        ) from error
    return f"s3://{place.bucket}/{place.key}"


def _zip(files: Mapping[str, Path], target: Any) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            archive.write(file, name)
    target.seek(0)


def _collected(artifact: ArtifactSpec, base: Path) -> Iterable[tuple[str, Path]]:
    """Yield (name in the artifact, file); links that lead out of the base are left where they are."""
    inside = base.resolve()
    for pattern in artifact.files:
        for file in sorted(base.glob(pattern.removeprefix("./"))) if not Path(pattern).is_absolute() else []:
            name = file.relative_to(base).as_posix()
            excluded = any(fnmatch(name, rule) for rule in artifact.excluded)
            if file.is_file() and not excluded and inside in file.resolve().parents:
                yield (file.name if artifact.flat else name), file
