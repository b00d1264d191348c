"""A job request of the domain as CreateTrainingJob takes it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html. Role, key, network, inputs and
outputs are the stage's; of the rest, a training spec may set what `ALLOWED_MEMBERS` lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dropforge.domain.training_job import JobRequest
from dropforge.domain.training_spec import InputMode, TrainingSpec

_LOCAL_STORAGE: Final = re.compile(
    r"ml\.(?:[a-z]+\d[a-z]*d[a-z]*"  # a `d` after the generation: m5d, c6gd, g4dn, p3dn, p4d, p4de
    r"|g5|g6|g6e|gr6|p5|p5e|p5en|p6-b200|p6e-gb200|trn1|trn1n|trn2)\."
)
"""Nitro instances with NVMe disks of their own, which encrypt themselves and refuse a volume key:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html, VolumeKmsKeyId."""


@dataclass(frozen=True)
class JobSurroundings:
    """What a stage gives to each of its jobs."""

    artifact_bucket: str
    key_arn: str
    role_arn: str

    def uri(self, key: str) -> str:
        return f"s3://{self.artifact_bucket}/{key}"


def takes_volume_key(instance_type: str) -> bool:
    return _LOCAL_STORAGE.match(instance_type) is None


def training_job_request(job: JobRequest, surroundings: JobSurroundings) -> dict[str, Any]:
    """The request as boto3 takes it."""
    spec, further = job.spec, dict(job.spec.sagemaker)
    request: dict[str, Any] = {
        "TrainingJobName": job.name,
        "RoleArn": surroundings.role_arn,
        "AlgorithmSpecification": _algorithm(job) | _part(further, "AlgorithmSpecification"),
        "ResourceConfig": _resources(spec, surroundings) | _part(further, "ResourceConfig"),
        "InputDataConfig": [
            _channel(name, surroundings.uri(files), mode) for name, (files, mode) in sorted(job.channels.items())
        ],
        "OutputDataConfig": {"S3OutputPath": surroundings.uri(job.output_prefix), "KmsKeyId": surroundings.key_arn},
        "StoppingCondition": _stopping(spec),
        "EnableNetworkIsolation": spec.network_isolation,
        "EnableManagedSpotTraining": spec.use_spot,
        "HyperParameters": dict(spec.hyperparameters),
        "Environment": dict(spec.environment),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(job.tags.items())],
    }
    if job.checkpoint_prefix is not None:
        request["CheckpointConfig"] = {"S3Uri": surroundings.uri(job.checkpoint_prefix)}
    return request | further


def _algorithm(job: JobRequest) -> dict[str, Any]:
    algorithm: dict[str, Any] = {"TrainingImage": job.image_uri, "TrainingInputMode": InputMode.FILE.value}
    if job.spec.metrics:
        metrics = [{"Name": metric.name, "Regex": metric.regex} for metric in job.spec.metrics]
        algorithm["MetricDefinitions"] = metrics
    return algorithm


def _resources(spec: TrainingSpec, surroundings: JobSurroundings) -> dict[str, Any]:
    compute = spec.compute
    resources: dict[str, Any] = {
        "InstanceType": compute.instance_type,
        "InstanceCount": compute.instance_count,
        "VolumeSizeInGB": compute.volume_gb,
    }
    return resources | ({"VolumeKmsKeyId": surroundings.key_arn} if takes_volume_key(compute.instance_type) else {})


def _channel(name: str, uri: str, mode: InputMode) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (ManifestFile)"""
    source = {"S3DataType": "ManifestFile", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "InputMode": mode.value, "DataSource": {"S3DataSource": source}}


def _stopping(spec: TrainingSpec) -> dict[str, int]:
    stopping = {"MaxRuntimeInSeconds": spec.stopping.max_runtime_minutes * 60}
    if spec.use_spot:
        # Without a wait of its own, a spot job may wait as long as it may run.
        wait = spec.stopping.max_wait_minutes or spec.stopping.max_runtime_minutes
        stopping["MaxWaitTimeInSeconds"] = wait * 60
    return stopping


def _part(further: dict[str, object], name: str) -> dict[str, Any]:
    """The allowed members below one of CreateTrainingJob's own, taken out of the rest."""
    part = further.pop(name, {})
    return dict(part) if isinstance(part, Mapping) else {}
