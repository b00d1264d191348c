"""`dropforge.yaml`: how a data scientist wants the repository's program trained.

Checked here by pydantic, for messages with lines and remedies, and then once more by the domain's own `TrainingSpec`,
which has the last word and gives the defaults. Limits are those of CreateTrainingJob
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from dropforge.documents.checking import MistakeError, Part, check
from dropforge.documents.fields import InstanceType, Matching
from dropforge.documents.problems import DocumentError, Problem
from dropforge.documents.source import Source, read
from dropforge.domain.training_spec import (
    LONGEST_RUNTIME_MINUTES,
    MOST_CHANNELS,
    Compute,
    InvalidSpecError,
    Stopping,
    TrainingSpec,
)

FILE_NAME = "dropforge.yaml"
VERBATIM = ("hyperparameters", "environment")
"""SageMaker hands these on as text: what was written is what the program gets."""

_COMPUTE, _STOPPING = Compute(), Stopping()


def as_written(longest: int) -> WithJsonSchema:
    """An editor sees numbers where `VERBATIM` will read text, and is not to mark them."""
    return WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": longest})


ParameterName = Annotated[str, Matching(r"[^\r\n]+", "a hyperparameter's name", "write it in one line")]
ParameterValue = Annotated[str, Field(max_length=2500), as_written(2500)]
VariableName = Annotated[
    str, Matching(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable", "use letters, digits and _, no digit first", 512)
]
VariableValue = Annotated[str, Field(max_length=512), as_written(512)]
ChannelName = Annotated[
    str, Matching(r"[A-Za-z0-9._-]+", "the name of a channel", "use letters, digits, . _ and -", 64)
]
InputMode = Literal["File", "FastFile", "Pipe"]


class ComputePart(Part):
    instance_type: InstanceType = Field(
        default=_COMPUTE.instance_type,
        description="the SageMaker instance type; ops allow some",
        examples=["ml.m5.large"],
    )
    instance_count: int = Field(default=_COMPUTE.instance_count, ge=1, description="how many instances", examples=[1])
    volume_gb: int = Field(
        default=_COMPUTE.volume_gb, ge=1, le=16384, description="disk of each instance, GB", examples=[30]
    )


class MetricPart(Part):
    name: str = Field(min_length=1, max_length=255, description="the metric's name", examples=["accuracy"])
    regex: str = Field(
        min_length=1,
        max_length=500,
        description="looked for in every line of the log; its one group is the value",
        examples=["accuracy=([0-9.]+)"],
    )

    @field_validator("regex")
    @classmethod
    def _has_one_group(cls, regex: str) -> str:
        try:
            groups = re.compile(regex).groups
        except re.error as error:
            raise MistakeError(f"`{regex}` is not a regular expression: {error}", "correct it") from error
        if groups == 0:
            raise MistakeError(f"`{regex}` has no group", "put the value in one, as in accuracy=([0-9.]+)")
        if groups > 1:
            raise MistakeError(f"`{regex}` has {groups} groups", "keep one around the value, write the others as (?:…)")
        return regex


class StoppingPart(Part):
    max_runtime_minutes: int = Field(
        default=_STOPPING.max_runtime_minutes,
        ge=1,
        le=LONGEST_RUNTIME_MINUTES,
        description="the job is stopped, and its model kept, after this long",
        examples=[60],
    )
    max_wait_minutes: int | None = Field(
        default=None, ge=1, description="with use_spot: how long waiting and training may take together", examples=[120]
    )

    @model_validator(mode="after")
    def _wait_covers_runtime(self) -> Self:
        if self.max_wait_minutes is not None and self.max_wait_minutes < self.max_runtime_minutes:
            what = (
                f"max_wait_minutes {self.max_wait_minutes} is less than max_runtime_minutes {self.max_runtime_minutes}"
            )
            raise MistakeError(what, "make it at least as long: it counts waiting and training", ("max_wait_minutes",))
        return self


class SageMakerPart(Part):
    """Members of CreateTrainingJob under their own names."""

    model_config = ConfigDict(alias_generator=to_pascal)
    beyond: ClassVar[str] = "role, keys, network, inputs and outputs are the stack's to set"


class AlgorithmSpecification(SageMakerPart):
    container_entrypoint: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="in place of the image's own",
        examples=[["python", "train.py"]],
    )
    container_arguments: tuple[str, ...] | None = Field(
        default=None, min_length=1, max_length=100, description="in place of `train`", examples=[["--fast"]]
    )


class ResourceConfig(SageMakerPart):
    keep_alive_period_in_seconds: int | None = Field(
        default=None, ge=0, le=21600, description="how long the instance is kept warm; it is paid for", examples=[600]
    )


class InfraCheckConfig(SageMakerPart):
    enable_infra_check: bool = Field(description="check GPUs before training", examples=[True])


class RetryStrategy(SageMakerPart):
    maximum_retry_attempts: int = Field(ge=1, le=30, description="after an internal error of AWS", examples=[2])


class FurtherMembers(SageMakerPart):
    algorithm_specification: AlgorithmSpecification | None = Field(
        default=None, description="how the container is started"
    )
    resource_config: ResourceConfig | None = Field(default=None, description="more about instances")
    enable_inter_container_traffic_encryption: bool | None = Field(
        default=None, description="encrypts what instances of one job tell each other", examples=[True]
    )
    infra_check_config: InfraCheckConfig | None = Field(default=None, description="checks before training")
    retry_strategy: RetryStrategy | None = Field(default=None, description="retries by SageMaker itself")


class TrainingSpecDocument(Part):
    """How a repository's program is trained: the content of dropforge.yaml."""

    compute: ComputePart = Field(default=ComputePart(), description="what it trains on")
    hyperparameters: dict[ParameterName, ParameterValue] = Field(
        default={}, max_length=100, description="handed to the program, as text", examples=[{"epochs": "40"}]
    )
    channels: dict[ChannelName, InputMode] = Field(
        default={},
        max_length=MOST_CHANNELS,
        description="how each channel of the data is read; one that is not named is read as File. A job takes at most "
        f"{MOST_CHANNELS}: put the objects into so many folders",
        examples=[{"training": "File"}],
    )
    metrics: tuple[MetricPart, ...] = Field(default=(), max_length=40, description="what is read from the log")
    stopping: StoppingPart = Field(default=StoppingPart(), description="how long it may take")
    environment: dict[VariableName, VariableValue] = Field(
        default={}, max_length=100, description="variables of the container", examples=[{"OMP_NUM_THREADS": "1"}]
    )
    network_isolation: bool = Field(
        default=True, description="whether the program is kept from any network", examples=[True]
    )
    use_spot: bool = Field(
        default=False, description="spot instances: cheaper, and may be interrupted", examples=[False]
    )
    checkpoints: bool = Field(
        default=False, description="keeps /opt/ml/checkpoints in S3 between attempts", examples=[False]
    )
    sagemaker: FurtherMembers = Field(default=FurtherMembers(), description="further members of CreateTrainingJob")

    @model_validator(mode="after")
    def _wait_is_for_spot(self) -> Self:
        if self.stopping.max_wait_minutes is not None and not self.use_spot:
            remedy = "remove it, or add `use_spot: true`"
            raise MistakeError("max_wait_minutes is for spot instances", remedy, ("stopping", "max_wait_minutes"))
        return self

    @field_validator("metrics")
    @classmethod
    def _metrics_have_names_of_their_own(cls, metrics: tuple[MetricPart, ...]) -> tuple[MetricPart, ...]:
        names = [metric.name for metric in metrics]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise MistakeError(f"the metric {name} is here a second time", "rename one", (position, "name"))
        return metrics


def read_training_spec(path: Path) -> TrainingSpec:
    """Read and check a dropforge.yaml. Raises DocumentError, one problem a line."""
    return training_spec(read(path, VERBATIM))


def training_spec(source: Source) -> TrainingSpec:
    """The training spec that a document describes. Raises DocumentError."""
    checked = check(source, TrainingSpecDocument)
    try:
        return TrainingSpec.from_document(checked.model_dump(mode="json", by_alias=True, exclude_none=True))
    except InvalidSpecError as error:
        raise DocumentError([Problem(source.name, 1, str(error), "correct it")]) from error
