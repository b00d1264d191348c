"""What a job leaves behind: its model, its output and its checkpoints, in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.sagemaker.channels import JobError, split_uri
from localaws.sagemaker.record import TrainingJob

_SYNC_SECONDS = 2.0


class OutputLocation:
    """OutputDataConfig of a job: `<S3OutputPath>/<job name>/output/…`, encrypted as it says."""

    def __init__(self, s3: Any, job: TrainingJob) -> None:
        self._s3, self._base, self._compressed = s3, job.output, job.compressed
        key = job.request["OutputDataConfig"].get("KmsKeyId")
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def upload(self, folder: Path, name: str) -> None:
        """Upload a folder as `<name>.tar.gz`, or as it is under `<name>/` if compression is off.

        Raises JobError where S3 refuses.
        """
        if not self._compressed:
            for file in _files(folder):
                self._put(file, f"{self._base}/{name}/{file.relative_to(folder).as_posix()}")
            return
        archive = folder.parent / f".{name}.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            for entry in sorted(folder.iterdir()):
                tar.add(entry, arcname=entry.name)
        self._put(archive, f"{self._base}/{name}.tar.gz")
        archive.unlink()

    def _put(self, file: Path, uri: str) -> None:
        bucket, key = split_uri(uri)
        with upload_errors(uri), file.open("rb") as body:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, **self._encryption)


class Checkpoints:
    """Keeps a local folder and CheckpointConfig's prefix in step: down once before the job, up all through it."""

    def __init__(self, s3: Any, uri: str, folder: Path) -> None:
        self._s3, self._folder = s3, folder
        self._bucket, prefix = split_uri(uri)
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._seen: dict[Path, tuple[int, int]] = {}
        self._stop = threading.Event()

    def download(self) -> None:
        """Fetch what an earlier job left."""
        with upload_errors(f"s3://{self._bucket}/{self._prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for entry in (entry for page in pages for entry in page.get("Contents", ())):
                relative = entry["Key"][len(self._prefix) :]
                target = self._folder / relative
                if relative.endswith("/") or not target.resolve().is_relative_to(self._folder.resolve()):
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._s3.get_object(Bucket=self._bucket, Key=entry["Key"])["Body"].read())
                self._seen[target] = _stamp(target)

    def keep(self) -> None:
        """Upload changed files every few seconds until `finish`."""
        while not self._stop.wait(_SYNC_SECONDS):
            self._upload_changed()

    def end(self) -> None:
        """Let `keep` return."""
        self._stop.set()

    def finish(self) -> None:
        """Upload what is left; raise JobError where S3 refuses."""
        self.end()
        self._upload_changed()

    def _upload_changed(self) -> None:
        for file in _files(self._folder):
            stamp = _stamp(file)
            if self._seen.get(file) == stamp:
                continue
            key = self._prefix + file.relative_to(self._folder).as_posix()
            with upload_errors(f"s3://{self._bucket}/{key}"), file.open("rb") as body:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=body)
            self._seen[file] = stamp


@contextmanager
def upload_errors(uri: str) -> Iterator[None]:
    """Turn S3's refusals into the job's failure reason."""
    try:
        yield
    except ClientError as error:
        said = error.response["Error"]
        raise JobError(f"ClientError: Artifact upload failed:{uri}: {said['Code']}: {said['Message']}") from error
    except BotoCoreError as error:
        raise JobError(f"InternalServerError: {uri} could not be reached: {error}") from error


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size
