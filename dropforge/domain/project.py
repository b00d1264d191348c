"""What ops declare: a name, a repository, a data prefix, limits, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fnmatch import fnmatchcase

from dropforge.domain.announcement import Outcome
from dropforge.domain.encoding import decode, encode_object
from dropforge.domain.errors import UnknownProjectError


class OnData(Enum):
    """What new data does: train with the image that there is, or build a new one first."""

    REUSE = "reuse"
    REBUILD = "rebuild"


class OnPush(Enum):
    """What a new image does: train with the data that there is, or only become the project's image."""

    TRAIN = "train"
    BUILD = "build"


class SealMode(Enum):
    """When dropped objects become a dataset version, and which of them.

    QUIET: the whole prefix, once nothing has come for a while. MARKER: the whole prefix as it stood when a marker
    landed. OBJECT: each object by itself.
    """

    QUIET = "quiet"
    MARKER = "marker"
    OBJECT = "object"


class PinMode(Enum):
    """How a job comes to read what the record says. COPY: it reads copies that nobody changes. VERIFY: it reads the
    dropped objects themselves, and their versions are compared afterwards.
    """

    COPY = "copy"
    VERIFY = "verify"


@dataclass(frozen=True)
class PathFilter:
    """Glob patterns of the repository's paths whose change starts a build."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class SealPolicy:
    """`quiet_seconds` matters to QUIET alone."""

    mode: SealMode = SealMode.QUIET
    quiet_seconds: int = 60


@dataclass(frozen=True)
class PinPolicy:
    """COPY refuses a dataset version of more than `copy_limit_gb` (10^9 bytes each)."""

    mode: PinMode = PinMode.COPY
    copy_limit_gb: int = 50

    @property
    def copy_limit_bytes(self) -> int:
        return self.copy_limit_gb * 10**9


@dataclass(frozen=True)
class GuardRails:
    """What a run of the project may at most be. Instance types are exact names or patterns such as `ml.m5.*`.

    Volume is of each instance; instances that are kept warm after a job are paid for.
    """

    instance_types: tuple[str, ...] = ("ml.m5.large",)
    max_instances: int = 1
    max_runtime_minutes: int = 60
    max_wait_minutes: int = 24 * 60
    max_volume_gb: int = 100
    max_keep_alive_seconds: int = 0
    concurrent_runs: int = 2
    runs_per_day: int = 20
    max_attempts: int = 3

    def allows_instance_type(self, instance_type: str) -> bool:
        return any(fnmatchcase(instance_type, pattern) for pattern in self.instance_types)


@dataclass(frozen=True)
class Patience:
    """How long a run may wait before people are told, and before it is given up (None: it waits for ever)."""

    tell_after_minutes: int = 60
    give_up_after_minutes: int | None = None


@dataclass(frozen=True)
class Subscription:
    """One address and the outcomes that it is told of."""

    mail: str
    on: tuple[Outcome, ...] = tuple(Outcome)


@dataclass(frozen=True)
class Project:
    name: str
    repository: str
    data_prefix: str
    branch: str = "main"
    paths: PathFilter = PathFilter()
    on_data: OnData = OnData.REUSE
    on_push: OnPush = OnPush.TRAIN
    seal: SealPolicy = SealPolicy()
    pin: PinPolicy = PinPolicy()
    latest_wins: bool = False
    guard_rails: GuardRails = GuardRails()
    waiting: Patience = Patience()
    notify: tuple[Subscription, ...] = ()
    base_images: tuple[str, ...] = ()

    def to_document(self) -> dict[str, object]:
        return encode_object(self)

    @classmethod
    def from_document(cls, document: object) -> Project:
        return decode(cls, document)


@dataclass(frozen=True)
class Stage:
    """One deployment: `dropforge-<stage>`, its projects, and the limits that hold across them.

    `prices` is USD an instance hour by instance type; cost is stated only for the types in it.
    """

    deployment: str
    projects: tuple[Project, ...]
    concurrent_runs: int = 8
    prices: Mapping[str, Decimal] | None = None

    def project(self, name: str) -> Project:
        found = self.find_project(name)
        if found is None:
            raise UnknownProjectError(name)
        return found

    def find_project(self, name: str) -> Project | None:
        return next((project for project in self.projects if project.name == name), None)

    def project_of(self, key: str) -> Project | None:
        """The project whose data prefix holds the object key; prefixes never overlap, so there is at most one."""
        return next((project for project in self.projects if key.startswith(project.data_prefix)), None)

    def price_of(self, instance_type: str) -> Decimal | None:
        return (self.prices or {}).get(instance_type)
