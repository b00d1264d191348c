"""Takes a stage away again, content and all, and says what AWS keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from demo.workbench import CommandFailedError, Workbench

TRIES = 3
"""Access logs of the emptying itself may still arrive in a bucket that was just emptied."""


def remove(session: boto3.Session, bench: Workbench) -> None:
    """Empty the buckets of the stage that was synthesized last, delete its images, and destroy its stacks."""
    for attempt in range(1, TRIES + 1):
        for kind, name in list(_resources(session, bench.stage)):
            if kind == "AWS::S3::Bucket":
                _empty(session.client("s3"), name)
            elif kind == "AWS::ECR::Repository":
                _delete_images(session.client("ecr"), name)
        try:
            bench.cdk_again("destroy", "--all", "--force")
        except CommandFailedError:
            if attempt == TRIES:
                raise
        else:
            return


def left(session: boto3.Session, stage: str) -> list[str]:
    """What of the stage is still in the account, and what is to be done about it."""
    deployment = f"dropforge-{stage}"
    found = [f"{kind} {name}" for kind, name in _resources(session, stage)]
    buckets = session.client("s3").list_buckets()["Buckets"]
    found += [f"the bucket {each['Name']}" for each in buckets if each["Name"].startswith(f"{deployment}-")]
    pages = session.client("sagemaker").get_paginator("list_training_jobs").paginate(NameContains=deployment)
    jobs = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
    found += [f"the training job {job}, which AWS keeps for ever, for nothing" for job in jobs]
    found += [
        f"the log group {each['logGroupName']}: delete it, or let it lie"
        for prefix in (f"/aws/lambda/{deployment}-", f"/aws/codebuild/{deployment}-")
        for each in session.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    ]
    return [
        *found,
        "the key, which AWS deletes after its waiting period, for nothing",
        "the CDK's own stack CDKToolkit with its bucket of assets, which other stages may use",
        "the commits in the repository",
    ]


def stacks(session: boto3.Session, stage: str) -> list[str]:
    """The names of the stage's stacks that are there."""
    pages = session.client("cloudformation").get_paginator("describe_stacks").paginate()
    names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    return [name for name in names if name.startswith(f"dropforge-{stage}-")]


def _resources(session: boto3.Session, stage: str) -> Iterator[tuple[str, str]]:
    cloudformation = session.client("cloudformation")
    for stack in stacks(session, stage):
        for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack):
            for each in page["StackResourceSummaries"]:
                yield each["ResourceType"], each.get("PhysicalResourceId", "")


def _empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object; a bucket that is gone is empty."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [
                {"Key": each["Key"], "VersionId": each["VersionId"]}
                for each in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            ]
            if versions:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def _delete_images(ecr: Any, repository: str) -> None:
    try:
        for page in ecr.get_paginator("list_images").paginate(repositoryName=repository):
            digests = [{"imageDigest": digest} for digest in sorted({each["imageDigest"] for each in page["imageIds"]})]
            if digests:
                ecr.batch_delete_image(repositoryName=repository, imageIds=digests)
    except ecr.exceptions.RepositoryNotFoundException:
        return
