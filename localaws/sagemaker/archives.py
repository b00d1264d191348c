"""What a job leaves behind: its model, its output and its checkpoints, in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

from __future__ import annotations

import logging
import os
import stat
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from localaws.sagemaker.channels import JobError, split_uri
from localaws.sagemaker.folders import JobFolder
from localaws.sagemaker.leavings import Leavings
from localaws.sagemaker.record import TrainingJob

_SYNC_SECONDS = 2.0
log = logging.getLogger("localaws")


class OutputLocation:
    """OutputDataConfig of a job: `<S3OutputPath>/<job name>/output/…`, encrypted as it says."""

    def __init__(self, s3: Any, job: TrainingJob) -> None:
        self._s3, self._base, self._compressed = s3, job.output, job.compressed
        key = job.request["OutputDataConfig"].get("KmsKeyId")
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def upload(self, leavings: Leavings, name: str) -> None:
        """Upload a folder as `<name>.tar.gz`, or as it is under `<name>/` if compression is off.

        Raises JobError where S3 refuses.
        """
        if self._compressed:
            with tempfile.TemporaryFile(dir=leavings.root.parent) as archive:  # nameless: nobody can take its place
                _pack(leavings, archive)
                self._put(archive, f"{self._base}/{name}.tar.gz")
            return
        for path, file in _files(leavings):
            self._put(file, f"{self._base}/{name}/{path}")

    def _put(self, body: IO[bytes], uri: str) -> None:
        bucket, key = split_uri(uri)
        with upload_errors(uri):
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, **self._encryption)


def _pack(leavings: Leavings, archive: IO[bytes]) -> None:
    """Write files, folders and links, links as links; leave the archive at its start."""
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=6) as tar:
        for left in leavings:
            entry = tarfile.TarInfo(left.path)
            entry.mode, entry.mtime = stat.S_IMODE(left.status.st_mode), left.status.st_mtime
            if left.kind == stat.S_IFDIR:
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            elif left.kind == stat.S_IFLNK:
                entry.type, entry.linkname = tarfile.SYMTYPE, left.target()
                tar.addfile(entry)
            elif (file := left.open()) is not None:
                with file:
                    entry.size = os.fstat(file.fileno()).st_size
                    tar.addfile(entry, file)
    archive.seek(0)


class Checkpoints:
    """Keeps a local folder and CheckpointConfig's prefix in step: down once before the job, up all through it."""

    def __init__(self, s3: Any, uri: str, folder: JobFolder) -> None:
        self._s3, self._folder = s3, folder.checkpoints
        self._leavings = folder.left(folder.checkpoints)
        self._bucket, prefix = split_uri(uri)
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._stop = threading.Event()
        self._uploading = threading.Lock()

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
        self._seen = {path: _stamp(file) for path, file in _files(self._leavings)}

    def keep(self) -> None:
        """Upload changed files every few seconds until `finish`; what is refused is tried again."""
        while not self._stop.wait(_SYNC_SECONDS):
            try:
                self._upload_changed()
            except JobError as error:
                log.warning("checkpoints are kept here for now: %s", error)

    def end(self) -> None:
        """Let `keep` return."""
        self._stop.set()

    def finish(self) -> None:
        """Upload what is left, after what is under way; raise JobError where S3 refuses."""
        self.end()
        self._upload_changed()

    def _upload_changed(self) -> None:
        with self._uploading:
            for path, file in _files(self._leavings):
                stamp, key = _stamp(file), self._prefix + path
                if self._seen.get(path) != stamp:
                    with upload_errors(f"s3://{self._bucket}/{key}"):
                        self._s3.put_object(Bucket=self._bucket, Key=key, Body=file)
                    self._seen[path] = stamp


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


def _files(leavings: Leavings) -> Iterator[tuple[str, BinaryIO]]:
    """Yield each file with its path, open until the next is asked for. S3 has no links: what they lead to is there."""
    for left in leavings:
        file = left.open()
        if file is not None:
            with file:
                yield left.path, file


def _stamp(file: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_ino, status.st_mtime_ns, status.st_size
