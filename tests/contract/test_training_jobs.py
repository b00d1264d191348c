from __future__ import annotations

import json
import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.sagemaker import SageMakerJobs
from dropforge.adapters.training_job_request import JobSurroundings
from dropforge.domain.training_job import JobDescription, JobRequest
from dropforge.domain.training_spec import InputMode, TrainingSpec
from dropforge.workflow.ports import JobExistsError, RejectedError, TrainingJobs
from tests.contract.conftest import BOTH
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_jobs import MemoryJobs
from tests.fakes.world import ManualClock

TAGS = {"dropforge:run": "0123456789abcdef0123", "dropforge:requested-at": "2026-01-31T12:00:00.000000Z"}


REPOSITORY = "contract/digits"
IMAGE = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})


@pytest.fixture(params=BOTH)
def jobs(request: pytest.FixtureRequest) -> TrainingJobs:
    if request.param == "memory":
        return MemoryJobs(ManualClock(), MemoryBucket())
    return jobs_on(request.getfixturevalue("local_aws"))


@pytest.fixture(scope="session")
def image_uri(local_aws: AwsClients) -> str:
    """An image that is there and that no program can be started from."""
    uri = local_aws.ecr.create_repository(repositoryName=REPOSITORY)["repository"]["repositoryUri"]
    put = local_aws.ecr.put_image(repositoryName=REPOSITORY, imageManifest=IMAGE, imageTag="empty")
    return f"{uri}@{put['image']['imageId']['imageDigest']}"


@pytest.fixture
def job(request: pytest.FixtureRequest) -> JobRequest:
    """A job that nobody has created yet."""
    on_local_aws = request.node.get_closest_marker("local") is not None
    return a_job(request.getfixturevalue("image_uri") if on_local_aws else "registry/digits@sha256:00")


def jobs_on(aws: AwsClients) -> SageMakerJobs:
    """In surroundings as the stacks make them: a role that SageMaker may take, a key, a bucket with one channel."""
    name = f"contract-{uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.session.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    key = aws.session.client("kms").create_key()["KeyMetadata"]["Arn"]
    aws.s3.create_bucket(Bucket=name)
    aws.s3.put_object(Bucket=name, Key="datasets/digits/00/train/a.csv", Body=b"1,2")
    return SageMakerJobs(aws, JobSurroundings(artifact_bucket=name, key_arn=key, role_arn=role))


def a_job(image_uri: str) -> JobRequest:
    return JobRequest(
        name=f"dropforge-test-{uuid4().hex[:20]}-01",
        image_uri=image_uri,
        spec=TrainingSpec(),
        channels={"train": ("datasets/digits/00/train.json", InputMode.FILE)},
        output_prefix="runs/0123/01/",
        checkpoint_prefix=None,
        tags=TAGS,
    )


def test_a_job_is_created_under_its_name_and_bears_its_tags(jobs: TrainingJobs, job: JobRequest) -> None:
    arn = jobs.create(job)
    assert arn.endswith(f":training-job/{job.name}")
    assert jobs.tags(arn) == TAGS
    described = jobs.describe(job.name)
    assert described is not None
    assert (described.name, described.arn) == (job.name, arn)


def test_a_name_is_taken_for_ever(jobs: TrainingJobs, job: JobRequest) -> None:
    jobs.create(job)
    with pytest.raises(JobExistsError):
        jobs.create(job)


def test_a_job_that_nobody_created_is_none(jobs: TrainingJobs, job: JobRequest) -> None:
    assert jobs.describe(job.name) is None


def test_a_job_that_is_not_there_can_be_stopped_without_harm(jobs: TrainingJobs, job: JobRequest) -> None:
    jobs.stop(job.name)
    assert jobs.describe(job.name) is None


def test_a_job_can_be_stopped_twice(jobs: TrainingJobs, job: JobRequest) -> None:
    jobs.create(job)
    for _ in range(2):
        jobs.stop(job.name)
    described = jobs.describe(job.name)
    assert described is not None
    assert described.state.status.value in {"Stopping", "Stopped", "Failed"}


@pytest.mark.local
def test_a_request_that_sagemaker_will_never_take_is_rejected_in_its_words(
    local_aws: AwsClients, job: JobRequest
) -> None:
    stranger = JobSurroundings("artifacts", "key", "arn:aws:iam::000000000000:role/does-not-exist")
    with pytest.raises(RejectedError):
        SageMakerJobs(local_aws, stranger).create(job)
    assert SageMakerJobs(local_aws, stranger).describe(job.name) is None


@pytest.mark.local
def test_a_job_that_cannot_start_its_image_fails_with_a_reason(local_aws: AwsClients, job: JobRequest) -> None:
    jobs = jobs_on(local_aws)
    jobs.create(job)
    ended = eventually(lambda: jobs.describe(job.name), lambda each: each.state.status.is_terminal)
    assert ended.state.status.value == "Failed"
    assert ended.failure_reason
    assert ended.where is not None
    assert ended.where.startswith("local AWS us-east-1")


def eventually(
    look: Callable[[], JobDescription | None], enough: Callable[[JobDescription], bool], seconds: float = 20
) -> JobDescription:
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if seen is not None and enough(seen):
            return seen
        assert time.monotonic() < until, f"still {seen}"
        time.sleep(0.1)
