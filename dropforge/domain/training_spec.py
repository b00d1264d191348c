"""How a data scientist wants a run trained: the content of `dropforge.yaml`, after YAML.

Limits are those of CreateTrainingJob (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html).
A spec is checked in the build, and again here when its image is registered: what a build says is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from dropforge.domain.canonical import canonical
from dropforge.domain.encoding import decode, encode_object
from dropforge.domain.errors import DropforgeError, InvalidDocumentError

ALLOWED_MEMBERS = frozenset(
    {
        "AlgorithmSpecification.ContainerArguments",
        "AlgorithmSpecification.ContainerEntrypoint",
        "EnableInterContainerTrafficEncryption",
        "InfraCheckConfig",
        "ResourceConfig.KeepAlivePeriodInSeconds",
        "RetryStrategy",
    }
)
"""Members of CreateTrainingJob that `sagemaker:` may set, by dotted name: never role, key, network, input or output."""

MOST_CHANNELS = 20
LONGEST_RUNTIME_MINUTES = 28 * 24 * 60
LONGEST_KEPT_WARM = 6 * 60 * 60
LARGEST_SPEC = 64 * 1024
"""Bytes: every record of a run holds its spec, and a DynamoDB item 400 KB."""


class InvalidSpecError(DropforgeError):
    """The training spec asks for something that cannot be; the message names the field and the remedy."""


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvalidSpecError(otherwise)


class InputMode(Enum):
    FILE = "File"
    FAST_FILE = "FastFile"
    PIPE = "Pipe"


@dataclass(frozen=True)
class Compute:
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30

    def __post_init__(self) -> None:
        _require(
            re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", self.instance_type) is not None,
            f"compute.instance_type is {self.instance_type!r}: write a SageMaker type such as ml.m5.large",
        )
        _require(self.instance_count >= 1, "compute.instance_count must be 1 or more")
        _require(1 <= self.volume_gb <= 16384, "compute.volume_gb must be from 1 to 16384")


@dataclass(frozen=True)
class Stopping:
    """`max_wait_minutes` is for spot instances: runtime and waiting together."""

    max_runtime_minutes: int = 60
    max_wait_minutes: int | None = None

    def __post_init__(self) -> None:
        _require(
            1 <= self.max_runtime_minutes <= LONGEST_RUNTIME_MINUTES,
            f"stopping.max_runtime_minutes must be from 1 to {LONGEST_RUNTIME_MINUTES} (28 days)",
        )
        _require(
            self.max_wait_minutes is None or self.max_wait_minutes >= self.max_runtime_minutes,
            "stopping.max_wait_minutes must be at least max_runtime_minutes: it counts both",
        )


@dataclass(frozen=True)
class MetricPattern:
    """A metric's name and the regular expression whose first group is its value in a log line."""

    name: str
    regex: str

    def __post_init__(self) -> None:
        _require(1 <= len(self.name) <= 255, f"metrics: the name {self.name!r} must have 1 to 255 characters")
        _require(1 <= len(self.regex) <= 500, f"metrics: the regex of {self.name} must have 1 to 500 characters")
        try:
            groups = re.compile(self.regex).groups
        except re.error as error:
            raise InvalidSpecError(f"metrics: the regex of {self.name} is broken ({error}): correct it") from error
        _require(groups >= 1, f"metrics: the regex of {self.name} needs a group around the value, as in loss=([0-9.]+)")


@dataclass(frozen=True)
class TrainingSpec:
    """`channels` gives input modes by channel; a channel of the data that is not named is read as File.

    `hyperparameters` and `environment` are text to text, as SageMaker hands them on. `checkpoints` keeps
    /opt/ml/checkpoints in S3. `sagemaker` holds further members, see ALLOWED_MEMBERS.
    """

    compute: Compute = Compute()
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, InputMode] = field(default_factory=dict)
    metrics: tuple[MetricPattern, ...] = ()
    stopping: Stopping = Stopping()
    environment: Mapping[str, str] = field(default_factory=dict)
    network_isolation: bool = True
    use_spot: bool = False
    checkpoints: bool = False
    sagemaker: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_texts("hyperparameters", self.hyperparameters, longest_name=256, longest_value=2500)
        _check_texts("environment", self.environment, longest_name=512, longest_value=512)
        for name in self.environment:
            _require(
                re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None,
                f"environment.{name} is no name for a variable: use letters, digits and _",
            )
        _require(len(self.channels) <= MOST_CHANNELS, f"channels: SageMaker takes at most {MOST_CHANNELS}")
        for name in self.channels:
            _require(
                re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) is not None,
                f"channels.{name} is no name for a channel: use letters, digits, . _ and -, at most 64",
            )
        _require(len(self.metrics) <= 40, "metrics: SageMaker takes at most 40")
        _require(
            self.stopping.max_wait_minutes is None or self.use_spot,
            "stopping.max_wait_minutes is for spot instances: remove it, or set use_spot: true",
        )
        for member in _dotted(self.sagemaker):
            _require(
                member in ALLOWED_MEMBERS,
                f"sagemaker.{member} may not be set here: allowed are {', '.join(sorted(ALLOWED_MEMBERS))}",
            )
        _require(
            isinstance(self._kept_warm, int) and 0 <= self.keep_alive_seconds <= LONGEST_KEPT_WARM,
            f"sagemaker.ResourceConfig.KeepAlivePeriodInSeconds must be from 0 to {LONGEST_KEPT_WARM}",
        )
        _check_size(self)

    @property
    def keep_alive_seconds(self) -> int:
        """How long the job's instances are kept warm, and paid for, after it."""
        kept = self._kept_warm
        return kept if isinstance(kept, int) else 0

    @property
    def _kept_warm(self) -> object:
        resources = self.sagemaker.get("ResourceConfig")
        return resources.get("KeepAlivePeriodInSeconds", 0) if isinstance(resources, Mapping) else 0

    def to_document(self) -> dict[str, object]:
        return encode_object(self)

    @classmethod
    def from_document(cls, document: object) -> TrainingSpec:
        """Strict; InvalidSpecError names the first field that is unknown, missing or wrong."""
        try:
            return decode(cls, document)
        except InvalidDocumentError as error:
            raise InvalidSpecError(str(error)) from error

    def with_hyperparameters(self, overrides: Mapping[str, str]) -> TrainingSpec:
        return replace(self, hyperparameters={**self.hyperparameters, **overrides})


def _check_texts(field_name: str, texts: Mapping[str, str], *, longest_name: int, longest_value: int) -> None:
    _require(len(texts) <= 100, f"{field_name}: SageMaker takes at most 100")
    for name, value in texts.items():
        _require(1 <= len(name) <= longest_name, f"{field_name}: a name must have 1 to {longest_name} characters")
        _require(
            len(value) <= longest_value,
            f"{field_name}.{name} is longer than {longest_value} characters: put it in a file of the image",
        )


def _check_size(spec: TrainingSpec) -> None:
    try:
        size = len(canonical(spec.to_document()))
    except InvalidDocumentError as error:
        raise InvalidSpecError(f"sagemaker: {error}") from error
    _require(size <= LARGEST_SPEC, f"the spec has {size} bytes of at most {LARGEST_SPEC}: put long values in a file")


def _dotted(members: Mapping[str, object]) -> list[str]:
    """Names as ALLOWED_MEMBERS has them: `Outer.Inner` below the two that are allowed only in part."""
    names: list[str] = []
    for name, value in members.items():
        inner = value if name in {"AlgorithmSpecification", "ResourceConfig"} and isinstance(value, Mapping) else None
        names += [name] if inner is None else [f"{name}.{each}" for each in inner]
    return names
