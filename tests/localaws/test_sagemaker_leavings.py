"""What a program leaves behind is kept, and none of it leads the server to this machine's own files."""

from __future__ import annotations

import datetime as dt
import io
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from localaws.sagemaker.archives import Checkpoints, OutputLocation
from localaws.sagemaker.channels import Channel, JobError
from localaws.sagemaker.folders import JobFolder
from localaws.sagemaker.pipes import ChannelPipe
from localaws.sagemaker.record import TrainingJob

SECRET = "the key of this machine's user"


class Bucket:
    """An S3 of one bucket. `meanwhile` happens once, while the first object is on its way."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.objects = dict[str, bytes]()
        self._meanwhile = meanwhile

    def put_object(self, *, Key: str, Body: IO[bytes], **_: Any) -> None:  # noqa: N803  (botocore's names)
        meanwhile, self._meanwhile = self._meanwhile, lambda: None
        body = Body.read()
        meanwhile()
        self.objects[Key] = body

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Contents": [{"Key": "drops/a", "Size": 4}]}]

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(b"data")}


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path / "job" / "ml")
    folder.prepare({"ResourceConfig": {"InstanceType": "ml.m5.large"}}, [])
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of this machine's user."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "id_rsa").write_text(SECRET)
    return folder


def location(bucket: Bucket, compression: str = "GZIP") -> OutputLocation:
    output = {"S3OutputPath": "s3://bucket", "CompressionType": compression}
    now = dt.datetime.now(dt.UTC)
    request = {"TrainingJobName": "job", "OutputDataConfig": output}
    return OutputLocation(bucket, TrainingJob("arn", request, now, now, {}))


def archived(bucket: Bucket, key: str = "job/output/model.tar.gz") -> dict[str, str]:
    """What an archive holds: a file's content, a folder's slash, where a link leads."""
    with tarfile.open(fileobj=io.BytesIO(bucket.objects[key])) as tar:
        return {each.name: _shown(tar, each) for each in tar}


def _shown(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if member.issym():
        return f"-> {member.linkname}"
    content = tar.extractfile(member)
    return content.read().decode() if content else "/"


def test_a_model_is_archived_with_its_folders_and_its_links_as_links(job: JobFolder, outside: Path) -> None:
    (job.model / "deep" / "er").mkdir(parents=True)
    (job.model / "deep" / "er" / "weights").write_text("weights")
    (job.model / "best").symlink_to("deep/er/weights")
    (job.model / "home").symlink_to(outside)
    os.mkfifo(job.model / "pipe")
    (job.model / "run.sh").write_text("#!/bin/sh")
    (job.model / "run.sh").chmod(0o755)
    bucket = Bucket()

    location(bucket).upload(job.left(job.model), "model")

    assert archived(bucket) == {
        "best": "-> deep/er/weights", "deep": "/", "deep/er": "/", "deep/er/weights": "weights",
        "home": f"-> {outside}", "run.sh": "#!/bin/sh",
    }  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(bucket.objects["job/output/model.tar.gz"])) as tar:
        assert tar.getmember("run.sh").mode == 0o755


def test_a_model_without_compression_is_uploaded_with_what_links_in_it_lead_to(job: JobFolder, outside: Path) -> None:
    (job.model / "deep").mkdir()
    (job.model / "deep" / "step-2").write_text("weights")
    (job.model / "deep" / "last").symlink_to("step-2")
    (job.model / "secret").symlink_to(outside / "id_rsa")
    (job.model / "up").symlink_to("../../../home/id_rsa")
    (job.model / "way").symlink_to(outside)
    (job.model / "through").symlink_to("way/id_rsa")
    bucket = Bucket()

    location(bucket, "NONE").upload(job.left(job.model), "model")

    kept = {"job/output/model/deep/step-2": b"weights", "job/output/model/deep/last": b"weights"}
    assert bucket.objects == kept


@pytest.mark.parametrize("replaced", ["model", "output"])
def test_a_folder_that_became_a_link_is_not_followed(job: JobFolder, outside: Path, replaced: str) -> None:
    (job.root / replaced).rename(job.root / "before")
    (job.root / replaced).symlink_to(outside)
    (outside / "data").mkdir()
    (outside / "data" / "more").write_text(SECRET)
    bucket = Bucket()

    with pytest.raises(JobError, match="is no longer a folder: write into the one that the job is given"):
        location(bucket).upload(job.left(job.model if replaced == "model" else job.output), replaced)

    assert bucket.objects == {}


def test_an_archive_overwrites_nothing_that_the_program_points_to(job: JobFolder, outside: Path) -> None:
    for place in (job.root, job.root.parent):
        (place / ".model.tar.gz").symlink_to(outside / "id_rsa")
    (job.model / "weights").write_text("weights")
    bucket = Bucket()

    location(bucket).upload(job.left(job.model), "model")

    assert archived(bucket) == {"weights": "weights"}
    assert (outside / "id_rsa").read_text() == SECRET


def test_a_reason_of_failure_is_read_as_far_as_it_is_told(job: JobFolder) -> None:
    assert job.failure() == ""
    (job.root / "output" / "failure").write_text("é" * 100_000)
    assert 1024 <= len(job.failure()) <= 4096


def test_a_reason_of_failure_that_is_a_link_or_a_pipe_is_none(job: JobFolder, outside: Path) -> None:
    failure = job.root / "output" / "failure"
    failure.symlink_to(outside / "id_rsa")
    assert job.failure() == ""
    failure.unlink()
    os.mkfifo(failure)
    said = list[str]()
    reader = threading.Thread(target=lambda: said.append(job.failure()), daemon=True)
    reader.start()
    reader.join(timeout=5)
    assert said == [""]


def test_checkpoints_are_kept_while_the_program_renames_them(job: JobFolder, outside: Path) -> None:
    (job.checkpoints / "1").write_text("first")
    (job.checkpoints / "2.part").write_text("second")
    (job.checkpoints / "last").symlink_to("2")
    (job.checkpoints / "secret").symlink_to(outside / "id_rsa")
    bucket = Bucket(meanwhile=lambda: (job.checkpoints / "2.part").rename(job.checkpoints / "2"))
    checkpoints = Checkpoints(bucket, "s3://bucket/c", job)

    checkpoints.finish()
    checkpoints.finish()

    assert bucket.objects == {"c/1": b"first", "c/2": b"second", "c/last": b"second"}


def test_the_last_state_of_a_checkpoint_lands_last(job: JobFolder) -> None:
    (job.checkpoints / "counter").write_text("1")
    under_way, go_on = threading.Event(), threading.Event()

    def linger() -> None:
        under_way.set()
        go_on.wait(10)

    bucket = Bucket(meanwhile=linger)
    checkpoints = Checkpoints(bucket, "s3://bucket/c", job)
    keeper = threading.Thread(target=checkpoints.keep, daemon=True)
    keeper.start()
    assert under_way.wait(10)
    (job.checkpoints / "counter").write_text("2, and the last")
    finisher = threading.Thread(target=checkpoints.finish, daemon=True)
    finisher.start()
    finisher.join(timeout=0.3)
    go_on.set()
    finisher.join(timeout=10)
    keeper.join(timeout=10)

    assert bucket.objects == {"c/counter": b"2, and the last"}


def test_a_channel_is_streamed_into_its_pipe_alone(job: JobFolder, outside: Path) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/drops/"}
    channel = Channel.of({"ChannelName": "train", "DataSource": {"S3DataSource": source}}, "Pipe")
    pipe = ChannelPipe(Bucket(), channel, "arn", job.data)
    (job.data / "train_0").unlink()
    (job.data / "train_0").symlink_to(outside / "id_rsa")

    pipe.stream()

    assert str(pipe.error).startswith("AlgorithmError: The pipe train_0 cannot be opened")
    assert (outside / "id_rsa").read_text() == SECRET
