"""`config/<stage>.yaml`: what ops edit to say what a stage is made of and what its projects may do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dropforge.documents.checking import Part, check
from dropforge.documents.fields import REGIONS, InstanceType, MailAddress, Matching
from dropforge.documents.source import read
from dropforge.documents.stage_rules import check_rules
from dropforge.documents.stage_sinks import SinksPart
from dropforge.domain.announcement import Outcome
from dropforge.domain.project import (
    GuardRails,
    OnData,
    OnPush,
    PathFilter,
    Patience,
    PinMode,
    PinPolicy,
    Project,
    SealMode,
    SealPolicy,
    Subscription,
)

# A job is named <deployment>-<run>-<attempt>, a bucket <deployment>-…-<account>-<region>: at most 63 characters each.
StageName = Annotated[
    str,
    Matching(
        r"[a-z][a-z0-9]*",
        "a stage's name",
        "use lower-case letters and digits, without hyphens: what `prod` may touch begins with dropforge-prod-, and so "
        "would all that a stage `prod-eu` has",
        12,
    ),
]
ProjectName = Annotated[
    str, Matching(r"[a-z](?:-?[a-z0-9])*", "a project's name", "use lower-case letters, digits and single hyphens", 24)
]
AccountId = Annotated[
    str, Matching(r"[0-9]{12}", "an AWS account id", 'write its twelve digits in quotes: "123456789012"')
]
Region = Annotated[
    str,
    Matching(
        "|".join(REGIONS),
        "a region of AWS that has SageMaker, as far as is known here",
        "write, for example, us-east-1",
    ),
]
Repository = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}",
        "a GitHub repository",
        "write owner/name, without https://",
    ),
]
Branch = Annotated[
    str,
    Matching(
        r"(?!.*(?:\.\.|@\{|//))[^\s~^:?*\[\\/-][^\s~^:?*\[\\]*",
        "a branch's name",
        "write the branch's name, for example main",
    ),
]
Prefix = Annotated[
    str,
    Matching(
        r"(?!/)(?:[^/*?$\x00-\x1f]+/)+",
        "a data prefix",
        "write a folder's name that ends in `/` and does not begin with it, without `*`, `?` and `$`: a policy, in "
        "which it stands, takes those for more than themselves",
        200,
    ),
]
ConnectionArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:(?:codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[A-Za-z0-9-]+",
        "the ARN of a connection",
        "copy it from the console (Developer Tools, Connections), or leave it out and the stack makes one",
    ),
]
PolicyArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy/[\w+=,.@/-]+",
        "the ARN of a policy",
        "copy it from the console (IAM, Policies), or leave it out",
    ),
]
Glob = Annotated[
    str, Matching(r"(?!/)[^\x00-\x1f]+", "a path pattern", "write it relative to the repository, for example src/**")
]
ImageName = Annotated[
    str,
    Matching(
        r"[a-z0-9.-]+(?::[0-9]+)?(?:/[a-z0-9._-]+)+",
        "an image repository",
        "write registry/name without a tag, for example public.ecr.aws/docker/library/python",
    ),
]
InstanceTypePattern = Annotated[
    str,
    Matching(
        # A family such as m5, p4d or p6-b200, and a size; or a `*` in their place.
        r"ml\.(?:[a-z]{1,4}[0-9]+[a-z]*(?:-[a-z0-9]+)?|[a-z0-9-]*\*[a-z0-9*-]*)"
        r"\.(?:medium|(?:[0-9]*x)?large|[a-z0-9]*\*[a-z0-9*]*)",
        "an instance type of SageMaker training, or a pattern of some",
        "write ml.m5.large or ml.m5.*",
    ),
]


class Ops(Part):
    mail: tuple[MailAddress, ...] = Field(
        default=(),
        description="who is told of every outcome of the stage but completed and superseded",
    )


class Retention(Part):
    log_days: Literal[
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ] = Field(default=30, description="how long logs are kept: one of the spans that CloudWatch Logs knows")
    old_versions_days: int | None = Field(
        default=None,
        ge=1,
        description=(
            "how long the training bucket keeps replaced versions; null: for ever. Copies that runs were given stay"
        ),
        examples=[365],
    )
    failed_upload_days: int = Field(
        default=7, ge=1, description="after how long parts of unfinished uploads go", examples=[7]
    )
    pipeline_days: int = Field(
        default=30,
        ge=1,
        description="how long a pipeline keeps what its actions hand on; so long a failed stage can be tried again",
        examples=[30],
    )


class Audit(Part):
    lock_days: int | None = Field(
        default=None,
        ge=1,
        le=100 * 365,  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html: at most 100 years
        description=(
            "for how long, in days, nobody, whoever administers the account included, can remove the signed head of a "
            "finished run's trail (S3 object lock, compliance mode), nor the bucket that it is in; null: no lock"
        ),
        examples=[365],
    )


class Limits(Part):
    concurrent_runs: int = Field(
        default=8, ge=1, le=1000, description="how many runs of the stage may train at once", examples=[8]
    )


class Paths(Part):
    """Which pushes start a build. CodePipeline takes at most 8 patterns of each kind."""

    include: tuple[Glob, ...] = Field(
        default=(), max_length=8, description="only pushes that touch one of these; empty: all"
    )
    exclude: tuple[Glob, ...] = Field(default=(), max_length=8, description="not pushes that touch nothing but these")


class Seal(Part):
    mode: Literal["quiet", "marker", "object"] = Field(
        default="quiet",
        description=(
            "`quiet`: the whole prefix, once no object has come for `quiet_seconds`; `marker`: the whole prefix as it "
            "stood when a _SUCCESS landed, or what a _MANIFEST names; `object`: each object by itself"
        ),
        examples=["quiet"],
    )
    quiet_seconds: int = Field(
        default=60, ge=1, le=900, description="how long the prefix must be quiet, in seconds", examples=[60]
    )


class Pin(Part):
    mode: Literal["copy", "verify"] = Field(
        default="copy",
        description=(
            "`copy`: the exact versions are copied to where the job reads them; `verify`: the job reads the dropped "
            "objects, and their versions are compared afterwards"
        ),
        examples=["copy"],
    )
    copy_limit_gb: int = Field(
        default=50, ge=1, description="with `copy`, a dataset version beyond this is refused, in GB", examples=[50]
    )


class GuardRailsPart(Part):
    """What a run may use. A run beyond it is held, recorded and announced."""

    instance_types: tuple[InstanceTypePattern, ...] = Field(
        default=("ml.m5.large",),
        min_length=1,
        description="the instance types that a spec may name; `*` stands for anything",
        examples=[["ml.m5.large"]],
    )
    max_instances: int = Field(default=1, ge=1, le=1000, description="instances of one job", examples=[1])
    max_runtime_minutes: int = Field(
        default=60,
        ge=1,
        le=28 * 24 * 60,
        description="the longest that one job may train, SageMaker's own retries of it included",
        examples=[60],
    )
    max_wait_minutes: int = Field(
        default=24 * 60,
        ge=1,
        le=28 * 24 * 60,
        description="of a spot job: the longest that it may wait for instances and train, together",
        examples=[1440],
    )
    max_volume_gb: int = Field(default=100, ge=1, le=16384, description="disk of each instance, GB", examples=[100])
    max_keep_alive_seconds: int = Field(
        default=0,
        ge=0,
        le=6 * 60 * 60,
        description="how long instances may be kept warm after a job (KeepAlivePeriodInSeconds); they are paid for",
        examples=[0],
    )
    concurrent_runs: int = Field(
        default=2, ge=1, le=1000, description="runs of the project that may train at once", examples=[2]
    )
    runs_per_day: int = Field(
        default=20, ge=1, le=100_000, description="runs of the project that may start in a day (UTC)", examples=[20]
    )
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="jobs of one run, where AWS itself and not the program fails", examples=[3]
    )


class Waiting(Part):
    """How long a run may wait for its start. It is looked at every 15 minutes."""

    tell_after_minutes: int = Field(
        default=60, ge=1, description="after so long it is announced that runs wait, and for what", examples=[60]
    )
    give_up_after_minutes: int | None = Field(
        default=None, ge=1, description="after so long the run fails; null: it waits for ever", examples=[2880]
    )


class Notify(Part):
    mail: MailAddress = Field(description="who is told", examples=["ada@example.com"])
    on: tuple[Outcome, ...] = Field(
        default=tuple(Outcome), min_length=1, description="of which outcomes; all unless said"
    )


class ProjectPart(Part):
    repository: Repository = Field(description="the data scientists' repository on GitHub", examples=["owner/name"])
    branch: Branch = Field(default="main", description="a push to it builds", examples=["main"])
    paths: Paths = Field(default=Paths(), description="which of the branch's pushes build")
    data_prefix: Prefix | None = Field(
        default=None,
        description="where in the training bucket the project's data is dropped; <project>/ unless said",
        examples=["digits/"],
    )
    on_data: Literal["reuse", "rebuild"] = Field(
        default="reuse",
        description="what new data does: train with the image that is there, or build anew first",
        examples=["reuse"],
    )
    on_push: Literal["train", "build"] = Field(
        default="train",
        description=(
            "what a new image does: train on the data that is there, or nothing more (but the project's first image, "
            "for which data waited)"
        ),
        examples=["train"],
    )
    seal: Seal = Field(default=Seal(), description="when dropped objects become a dataset version")
    pin: Pin = Field(default=Pin(), description="how a job comes to read exactly that version")
    latest_wins: bool = Field(
        default=False, description="whether a newer image or newer data supersedes runs that still wait"
    )
    guard_rails: GuardRailsPart = Field(default=GuardRailsPart(), description="what runs may use")
    waiting: Waiting = Field(default=Waiting(), description="how long a run may wait")
    notify: tuple[Notify, ...] = Field(default=(), description="who is told of the project's outcomes")
    base_images: tuple[ImageName, ...] = Field(
        default=(),
        description=(
            "private ECR repositories that the build may pull from, for a Dockerfile's FROM; public ones need no "
            "entry, and none is forbidden by not being here"
        ),
        examples=[["210987654321.dkr.ecr.us-east-1.amazonaws.com/base/python"]],
    )

    def to_project(self, name: str) -> Project:
        return Project(
            name=name,
            repository=self.repository,
            data_prefix=self.data_prefix or f"{name}/",
            branch=self.branch,
            paths=PathFilter(self.paths.include, self.paths.exclude),
            on_data=OnData(self.on_data),
            on_push=OnPush(self.on_push),
            seal=SealPolicy(SealMode(self.seal.mode), self.seal.quiet_seconds),
            pin=PinPolicy(PinMode(self.pin.mode), self.pin.copy_limit_gb),
            guard_rails=GuardRails(**self.guard_rails.model_dump()),
            latest_wins=self.latest_wins,
            waiting=Patience(self.waiting.tell_after_minutes, self.waiting.give_up_after_minutes),
            notify=tuple(Subscription(each.mail, each.on) for each in self.notify),
            base_images=self.base_images,
        )


class StageConfig(Part):
    """A stage of Dropforge: the deployment `dropforge-<stage>`, and the projects in it."""

    stage: StageName = Field(
        description="the stage's name; everything that it owns is named dropforge-<stage>", examples=["dev"]
    )
    account: AccountId | None = Field(
        default=None, description="the AWS account; null: that of whoever deploys", examples=["123456789012"]
    )
    region: Region = Field(description="the AWS region", examples=["us-east-1"])
    removal: Literal["destroy", "retain"] = Field(
        default="retain",
        description="what `cdk destroy` does with buckets, tables and keys: removes them, content and all, or not",
    )
    ops: Ops = Field(default=Ops(), description="who runs the stage")
    connection: ConnectionArn | None = Field(
        default=None,
        description="an existing connection to GitHub; null: the stack makes one, pending until someone accepts it",
    )
    permissions_boundary: PolicyArn | None = Field(
        default=None,
        description="the policy beyond which no role of the stage may go, where the account demands one",
        examples=["arn:aws:iam::123456789012:policy/boundary"],
    )
    retention: Retention = Field(default=Retention(), description="how long things are kept")
    audit: Audit = Field(default=Audit(), description="what keeps the record from being rewritten")
    limits: Limits = Field(default=Limits(), description="what holds for all projects together")
    sinks: SinksPart = Field(default=SinksPart(), description="other systems that are told of runs")
    prices: dict[InstanceType, Decimal] = Field(
        default={},
        description="USD an hour by instance type; a cost is stated only for types listed here",
        examples=[{"ml.m5.large": 0.115}],
    )
    project_parts: dict[ProjectName, ProjectPart] = Field(
        default={},
        alias="projects",
        description="the projects by name",
        examples=[{"digits": {"repository": "owner/name"}}],
    )

    @model_validator(mode="after")
    def _rules_hold(self) -> StageConfig:
        check_rules(self)
        return self

    def projects(self) -> tuple[Project, ...]:
        """The domain's projects, in the order of the file."""
        return tuple(part.to_project(name) for name, part in self.project_parts.items())


def read_stage_config(path: Path) -> StageConfig:
    """Read and check a stage's configuration. Raises DocumentError, one problem a line."""
    return check(read(path), StageConfig)
