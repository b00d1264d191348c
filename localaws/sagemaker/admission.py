"""What CreateTrainingJob refuses, with AWS's codes and messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.runtime import Runtime
from localaws.sagemaker.record import ENDED, TrainingJob
from localaws.service import ServiceError

_PRINCIPAL = "sagemaker.amazonaws.com"
_DEFAULT_QUOTA = 8
_ACCELERATED = re.compile(r"ml\.(p|g|trn|inf)\d")

_OFFERED = frozenset({
    "TrainingJobName", "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "VpcConfig", "StoppingCondition", "Tags", "EnableNetworkIsolation", "CheckpointConfig",
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "Environment", "RetryStrategy",
    "ProfilerConfig",
})  # fmt: skip
_OFFERED_WITHIN = {
    "AlgorithmSpecification": frozenset({
        "TrainingImage", "TrainingInputMode", "MetricDefinitions", "ContainerEntrypoint", "ContainerArguments",
    }),
    "ResourceConfig": frozenset({
        "InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId", "KeepAlivePeriodInSeconds",
    }),
    "StoppingCondition": frozenset({"MaxRuntimeInSeconds", "MaxWaitTimeInSeconds"}),
}  # fmt: skip
_OFFERED_OF_S3 = frozenset({"S3DataType", "S3Uri", "S3DataDistributionType"})
_REQUIRED = (
    ("AlgorithmSpecification", "TrainingImage"),
    ("ResourceConfig", "InstanceType"),
    ("ResourceConfig", "InstanceCount"),
    ("ResourceConfig", "VolumeSizeInGB"),
    ("StoppingCondition", "MaxRuntimeInSeconds"),
)


def admit(runtime: Runtime, request: Mapping[str, Any], jobs: Iterable[TrainingJob], arn: str) -> None:
    """Raise ServiceError unless the job may be created: well formed, possible here, name free, role, image, quota."""
    known = list(jobs)
    _check_members(request)
    for channel in request.get("InputDataConfig", ()):
        _check_channel(channel, request["AlgorithmSpecification"]["TrainingInputMode"])
    _check_metrics(request["AlgorithmSpecification"].get("MetricDefinitions", ()))
    if any(job.name == request["TrainingJobName"] for job in known):
        raise ServiceError(
            "ResourceInUse",
            "Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({arn})",
        )
    _check_role(runtime, request["RoleArn"])
    _check_image(runtime, request["AlgorithmSpecification"]["TrainingImage"])
    _check_quota(runtime, request["ResourceConfig"], known)


def _refuse(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _check_members(request: Mapping[str, Any]) -> None:
    within = [
        f"{outer}.{inner}"
        for outer, offered in _OFFERED_WITHIN.items()
        for inner in set(request.get(outer, ())) - offered
    ]
    not_offered = sorted([*(set(request) - _OFFERED), *within])
    if not_offered:
        raise _refuse(f"The local AWS does not offer {', '.join(not_offered)} of CreateTrainingJob; AWS does.")
    for outer, inner in _REQUIRED:
        if (request.get(outer) or {}).get(inner) is None:
            raise _refuse(f"{outer}.{inner} is required.")
    if request["ResourceConfig"]["InstanceCount"] != 1:
        raise _refuse("The local AWS trains on one instance: set ResourceConfig.InstanceCount to 1, or train on AWS.")
    if request.get("EnableManagedSpotTraining"):
        raise _refuse("The local AWS has no spot capacity: set EnableManagedSpotTraining to false, or train on AWS.")
    if request["AlgorithmSpecification"].get("ContainerEntrypoint"):
        raise _refuse("The local AWS runs the image's own entry point: leave ContainerEntrypoint out, or train on AWS.")
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    if len(set(names)) < len(names):
        raise _refuse("Channel names must be unique within a training job.")


def _check_channel(channel: Mapping[str, Any], default_mode: str) -> None:
    name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource")
    if source is None:
        raise _refuse(f"Channel {name}: the local AWS reads channels from S3 alone.")
    not_offered = sorted(set(source) - _OFFERED_OF_S3)
    if not_offered:
        raise _refuse(f"Channel {name}: the local AWS does not offer {', '.join(not_offered)} of S3DataSource.")
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        raise _refuse(f"Channel {name}: the local AWS offers S3DataType S3Prefix and ManifestFile.")
    if channel.get("RecordWrapperType", "None") != "None":
        raise _refuse(f"Channel {name}: the local AWS does not wrap records.")
    if channel.get("CompressionType", "None") != "None" and channel.get("InputMode", default_mode) != "Pipe":
        raise _refuse(f"Channel {name}: CompressionType is for Pipe mode; leave it out in other modes.")


def _check_metrics(definitions: Iterable[Mapping[str, str]]) -> None:
    for definition in definitions:
        try:
            groups = re.compile(definition["Regex"]).groups
        except re.error as error:
            raise _refuse(f"Metric {definition['Name']}: the regular expression is invalid ({error}).") from error
        if groups < 1:
            raise _refuse(f"Metric {definition['Name']}: the regular expression needs a group that captures the value.")


def _check_role(runtime: Runtime, role_arn: str) -> None:
    """Raise unless the role exists and trusts the service."""
    refusal = _refuse(
        f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
        f"'{_PRINCIPAL}' to assume the role."
    )
    try:
        role = runtime.caller.client("iam").get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchEntity":
            raise refusal from error
        raise
    policy = role["AssumeRolePolicyDocument"]
    statements = (json.loads(policy) if isinstance(policy, str) else policy)["Statement"]
    if role["Arn"] != role_arn or not any(map(_trusts, statements if isinstance(statements, list) else [statements])):
        raise refusal


def _trusts(statement: Mapping[str, Any]) -> bool:
    actions, principal = statement.get("Action", ()), statement.get("Principal", {})
    services = principal.get("Service", ()) if isinstance(principal, Mapping) else ()
    return (
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in ([actions] if isinstance(actions, str) else actions)
        and _PRINCIPAL in ([services] if isinstance(services, str) else services)
    )


def _check_image(runtime: Runtime, uri: str) -> None:
    resolve_image(runtime, uri)


def resolve_image(runtime: Runtime, uri: str) -> str:
    """Return the image's URI by digest; raise ServiceError unless this server's ECR has it."""
    host, _, rest = uri.partition("/")
    if host != runtime.registry:
        raise _refuse(f"The local AWS trains images of its own registry {runtime.registry}, not {uri}: push it there.")
    repository, _, digest = rest.partition("@")
    repository, _, tag = repository.partition(":")
    identity = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        found = runtime.caller.client("ecr").describe_images(repositoryName=repository, imageIds=[identity])
    except ClientError as error:
        raise _refuse(
            f"Cannot find image {uri}: {error.response['Error']['Message']}. "
            "Please check if your ECR repository and image exist."
        ) from error
    return f"{host}/{repository}@{found['imageDetails'][0]['imageDigest']}"


def _check_quota(runtime: Runtime, resources: Mapping[str, Any], jobs: Iterable[TrainingJob]) -> None:
    """Raise ResourceLimitExceeded where running jobs leave no room.

    The limits are in Home's `config/sagemaker-quotas.json`, {instance type: instances}. What is not there has the
    limit that new accounts were reported to have: 8, and none of instances with accelerators.
    """
    wanted = resources["InstanceType"]
    default = 0 if _ACCELERATED.match(wanted) else _DEFAULT_QUOTA
    limit = runtime.home.settings("sagemaker-quotas").get(wanted, default)
    used = sum(job.instances for job in jobs if job.status not in ENDED and job.instance_type == wanted)
    if used + resources["InstanceCount"] > limit:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{wanted} for training job usage' is {limit} Instances, with current "
            f"utilization of {used} Instances and a request delta of {resources['InstanceCount']} Instances. Please "
            "use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
            "contact AWS support to request an increase for this quota.",
        )
