"""What each function is told by its environment, and what a deployment is made of.

The only module that reads `os.environ`. The stacks build each function's environment from the same dataclasses
(`FUNCTIONS`, `to_environment`), so a name exists once: a field `state_table` is the variable `DROPFORGE_STATE_TABLE`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar, get_type_hints

from dropforge.domain.encoding import decode, encode
from dropforge.domain.errors import DropforgeError, InvalidDocumentError
from dropforge.domain.sinks import Sinks

ENVIRONMENT_PREFIX: Final = "DROPFORGE_"
PROJECTS_FILE: Final = "projects.json"
"""At the root of the functions' bundle: a JSON list of what `Project.to_document()` gives."""

Prices = Mapping[str, Decimal]
"""USD an hour by instance type, for those types of which ops stated a price."""


class SettingsError(DropforgeError):
    """A function's environment, or a deployment's document, lacks something or holds what cannot be read."""


# The parts that functions share, by what they are needed for.


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """What every function has: where its stage keeps what it knows."""

    stage: str
    state_table: str
    trail_table: str


@dataclass(frozen=True, kw_only=True)
class SourceSettings(StoreSettings):
    """The queue that wakes the function, to which goes back what failed."""

    source_queue_url: str


@dataclass(frozen=True, kw_only=True)
class WakeupSettings:
    """The queues that wake other functions."""

    dispatch_queue_url: str
    seal_queue_url: str
    sign_queue_url: str


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Where data comes in, where it is pinned and where models go, and the key of both."""

    training_bucket: str
    artifact_bucket: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class JobSettings(DataSettings):
    """What a training job runs as, on data of the stage."""

    training_role_arn: str


@dataclass(frozen=True, kw_only=True)
class PriceSettings:
    """From which a job's cost is told."""

    prices: Prices


@dataclass(frozen=True, kw_only=True)
class RebuildSettings:
    """The connection to the code host, without which no pipeline finds its source."""

    connection_arn: str


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """Where mail goes out."""

    topic_arn: str


@dataclass(frozen=True, kw_only=True)
class SigningKeySettings:
    """The key that signs."""

    signing_key_arn: str


@dataclass(frozen=True, kw_only=True)
class SigningSettings(SigningKeySettings):
    """And where the signed heads of trails are kept, and the key with which they are encrypted."""

    audit_bucket: str
    key_arn: str


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """The name of the bus to which our own events go."""

    event_bus: str


@dataclass(frozen=True, kw_only=True)
class SinkSettings:
    """The other systems that are told of runs."""

    sinks: Sinks


# One class a function; FUNCTIONS below names them all.


@dataclass(frozen=True, kw_only=True)
class DataDroppedSettings(SourceSettings, WakeupSettings, DataSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class SealDatasetSettings(StoreSettings, WakeupSettings, DataSettings, RebuildSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class RegisterImageSettings(StoreSettings, WakeupSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class DispatchRunsSettings(SourceSettings, JobSettings):
    concurrent_runs: int


@dataclass(frozen=True, kw_only=True)
class RecordJobStateSettings(SourceSettings, WakeupSettings, JobSettings, PriceSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class RecordBuildStateSettings(SourceSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class AnnounceSettings(StoreSettings, MailSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class PublishStateSettings(StoreSettings, EventSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class DeliverStateSettings(SourceSettings, SinkSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class SignRunSettings(SourceSettings, SigningSettings):
    pass


@dataclass(frozen=True, kw_only=True)
class GivePublicKeySettings(StoreSettings, SigningKeySettings):
    pass


@dataclass(frozen=True, kw_only=True)
class SweepSettings(StoreSettings, WakeupSettings, JobSettings, PriceSettings, RebuildSettings, MailSettings):
    pass


FUNCTIONS: Final[Mapping[str, type[StoreSettings]]] = MappingProxyType(
    {
        "data_dropped": DataDroppedSettings,
        "seal_dataset": SealDatasetSettings,
        "register_image": RegisterImageSettings,
        "dispatch_runs": DispatchRunsSettings,
        "record_job_state": RecordJobStateSettings,
        "record_build_state": RecordBuildStateSettings,
        "announce": AnnounceSettings,
        "publish_state": PublishStateSettings,
        "sign_run": SignRunSettings,
        "give_public_key": GivePublicKeySettings,
        "sweep": SweepSettings,
    }
)
"""Each function by its module's name in `lambdas/`, with the settings that it reads."""

SINK_FUNCTIONS: Final[Mapping[str, type[StoreSettings]]] = MappingProxyType({"deliver_state": DeliverStateSettings})
"""As FUNCTIONS: those that there are only where the configuration switches a sink on."""

SettingsT = TypeVar("SettingsT", bound=StoreSettings)
SourceSettingsT = TypeVar("SourceSettingsT", bound=SourceSettings)


def variable(field_name: str) -> str:
    """The environment variable that carries the field."""
    return ENVIRONMENT_PREFIX + field_name.upper()


def from_environment(settings: type[SettingsT], environment: Mapping[str, str] | None = None) -> SettingsT:
    """Read a function's settings; every variable that is missing or unreadable is named in one SettingsError."""
    environment = os.environ if environment is None else environment
    kinds = get_type_hints(settings)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for field in fields(settings):
        name = variable(field.name)
        text = environment.get(name, "")
        if not text:
            faults.append(f"{name} is not set")
            continue
        try:
            values[field.name] = _read(text, kinds[field.name])
        except (ValueError, InvalidOperation, InvalidDocumentError) as fault:
            faults.append(f"{name} cannot be read ({fault})")
    if faults:
        raise SettingsError(f"{'; '.join(faults)}. The stacks set these variables: deploy the stage again.")
    return settings(**values)


def to_environment(settings: StoreSettings) -> dict[str, str]:
    """The environment from which `from_environment` reads these settings back."""
    return {variable(field.name): _written(getattr(settings, field.name)) for field in fields(settings)}


def _read(text: str, kind: object) -> object:
    if kind is int:
        return int(text)
    if kind == Prices:
        return {instance_type: Decimal(price) for instance_type, price in json.loads(text).items()}
    if kind is Sinks:
        return decode(Sinks, json.loads(text))
    return text


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return json.dumps({name: str(price) for name, price in value.items()}, sort_keys=True)
    if isinstance(value, Sinks):
        return json.dumps(encode(value), sort_keys=True)
    return str(value)


@dataclass(frozen=True, kw_only=True)
class Deployment(StoreSettings, WakeupSettings, JobSettings, RebuildSettings, MailSettings, SigningSettings):
    """The names of a stage's resources, of which each function is told its own, and the command line all: for that they
    are a JSON document in SSM's parameter store.
    """

    @property
    def name(self) -> str:
        return deployment_name(self.stage)

    def to_document(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, str]) -> Self:
        """Members that a newer deployment added are left aside; one that is missing is a SettingsError."""
        missing = [field.name for field in fields(cls) if field.name not in document]
        if missing:
            raise SettingsError(
                f"The deployment's document lacks {', '.join(missing)}: it was deployed by another version of "
                "Dropforge; use that one, or deploy the stage again with this one."
            )
        return cls(**{field.name: document[field.name] for field in fields(cls)})


def deployment_name(stage: str) -> str:
    """Everything that a stage owns is named by this."""
    return f"dropforge-{stage}"


def deployment_parameter(stage: str) -> str:
    """The SSM parameter that holds the stage's Deployment."""
    return f"/dropforge/{stage}/deployment"


def projects_parameter(stage: str) -> str:
    """The SSM path below which each project's document lies under its name."""
    return f"/dropforge/{stage}/projects"


def project_parameter(stage: str, project: str) -> str:
    """The SSM parameter that holds the document of one project."""
    return f"{projects_parameter(stage)}/{project}"
