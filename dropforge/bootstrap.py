"""The one place that wires: settings and projects in, use cases' ports out.

Nothing is read or connected at import. A client is made when a port first uses it, so a function pays for no client
that it does not use, and a port that a function's settings say nothing of is not there to be used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic
from urllib.parse import urlsplit

import boto3

from dropforge.adapters import ssm
from dropforge.adapters.clients import AwsClients
from dropforge.adapters.clock import SystemClock
from dropforge.adapters.codepipeline import CodePipelines
from dropforge.adapters.dead_letters import SqsDeadLetters
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.ecr import EcrImageRegistry
from dropforge.adapters.eventbridge import EventBridgeStateChanges
from dropforge.adapters.kms import KmsSigner
from dropforge.adapters.lifespans import AwsLifespans
from dropforge.adapters.logs import CloudWatchJobLogs
from dropforge.adapters.s3 import S3DataBucket
from dropforge.adapters.s3_statements import S3Statements
from dropforge.adapters.sagemaker import SageMakerJobs
from dropforge.adapters.secrets_manager import SecretTokens
from dropforge.adapters.sentences import aws_in_words
from dropforge.adapters.sinks.github_status import GitHubStatuses
from dropforge.adapters.sinks.open_lineage import OpenLineageBackend
from dropforge.adapters.sns import SnsAnnouncer
from dropforge.adapters.sqs import SqsSource, SqsWakeups
from dropforge.adapters.surroundings import AwsSurroundings
from dropforge.adapters.training_job_request import JobSurroundings
from dropforge.domain.errors import DropforgeError
from dropforge.domain.project import Project, Stage
from dropforge.domain.training_job import ModelArtifact
from dropforge.settings import (
    PROJECTS_FILE,
    DataSettings,
    Deployment,
    DispatchRunsSettings,
    EventSettings,
    JobSettings,
    MailSettings,
    PriceSettings,
    RebuildSettings,
    SettingsT,
    SigningKeySettings,
    SigningSettings,
    SinkSettings,
    SourceSettingsT,
    StoreSettings,
    WakeupSettings,
    deployment_name,
    from_environment,
)
from dropforge.workflow.ports import Ports, Sink

BUNDLE: Final = Path(__file__).parents[1]
"""The root of a function's bundle."""


class NotWiredError(DropforgeError):
    """A use case reached for a port of which its function's settings say nothing."""


class Function(Generic[SettingsT]):
    """What a function works with: made at its first call, and kept for as long as its process lives."""

    def __init__(self, kind: type[SettingsT]) -> None:
        self._kind = kind

    @cached_property
    def settings(self) -> SettingsT:
        return from_environment(self._kind)

    @cached_property
    def aws(self) -> AwsClients:
        return AwsClients()

    @cached_property
    def ports(self) -> Ports:
        return wire(self.settings, bundled_projects(BUNDLE), self.aws)


class QueueFunction(Function[SourceSettingsT]):
    """One that a queue wakes."""

    @cached_property
    def source(self) -> SqsSource:
        return SqsSource(self.aws, self.settings.source_queue_url)


def bundled_projects(bundle: Path) -> tuple[Project, ...]:
    """The projects that the stacks put into the functions' bundle."""
    documents = json.loads((bundle / PROJECTS_FILE).read_text(encoding="utf-8"))
    return tuple(Project.from_document(document) for document in documents)


def wire(given: StoreSettings, projects: Sequence[Project], aws: AwsClients) -> Ports:
    """The ports that the settings suffice for; each other one is a `NotWired`."""
    deployment = deployment_name(given.stage)
    return Ports(
        stage=_stage(given, deployment, projects),
        store=DynamoMetadataStore(Tables(aws, given.state_table, given.trail_table)),
        bucket=_bucket(given, aws) if isinstance(given, DataSettings) else _not_wired(DataSettings),
        lifespans=_lifespans(given, aws) if isinstance(given, Deployment) else _not_wired(Deployment),
        registry=EcrImageRegistry(aws, deployment),
        jobs=_jobs(given, aws) if isinstance(given, JobSettings) else _not_wired(JobSettings),
        pipelines=CodePipelines(aws, deployment, given.connection_arn if isinstance(given, RebuildSettings) else None),
        logs=CloudWatchJobLogs(aws),
        wakeups=_wakeups(given, aws) if isinstance(given, WakeupSettings) else _not_wired(WakeupSettings),
        announcer=SnsAnnouncer(aws, given.topic_arn) if isinstance(given, MailSettings) else _not_wired(MailSettings),
        signer=_signer(given, aws) if isinstance(given, SigningKeySettings) else _not_wired(SigningKeySettings),
        statements=_statements(given, aws) if isinstance(given, SigningSettings) else _not_wired(SigningSettings),
        states=_states(given, aws) if isinstance(given, EventSettings) else _not_wired(EventSettings),
        sinks=_sinks(given, aws) if isinstance(given, SinkSettings) else _not_wired(SinkSettings),
        clock=SystemClock(),
    )


def _stage(given: StoreSettings, deployment: str, projects: Sequence[Project]) -> Stage:
    limits = {"concurrent_runs": given.concurrent_runs} if isinstance(given, DispatchRunsSettings) else {}
    prices = given.prices if isinstance(given, PriceSettings) else None
    return Stage(deployment, tuple(projects), prices=prices, **limits)


def _bucket(given: DataSettings, aws: AwsClients) -> S3DataBucket:
    return S3DataBucket(aws, given.training_bucket, given.artifact_bucket, given.key_arn)


def _lifespans(given: Deployment, aws: AwsClients) -> AwsLifespans:
    return AwsLifespans(aws, given.training_bucket, given.artifact_bucket)


def _jobs(given: JobSettings, aws: AwsClients) -> SageMakerJobs:
    return SageMakerJobs(aws, JobSurroundings(given.artifact_bucket, given.key_arn, given.training_role_arn))


def _wakeups(given: WakeupSettings, aws: AwsClients) -> SqsWakeups:
    return SqsWakeups(
        aws,
        SystemClock(),
        dispatch_queue_url=given.dispatch_queue_url,
        seal_queue_url=given.seal_queue_url,
        sign_queue_url=given.sign_queue_url,
    )


def _states(given: EventSettings, aws: AwsClients) -> EventBridgeStateChanges:
    return EventBridgeStateChanges(aws, given.event_bus)


def _sinks(given: SinkSettings, aws: AwsClients) -> tuple[Sink, ...]:
    tokens, on = SecretTokens(aws), given.sinks
    openlineage = OpenLineageBackend(on.openlineage, tokens) if on.openlineage is not None else None
    github = GitHubStatuses(on.github_status, tokens) if on.github_status is not None else None
    return tuple(each for each in (openlineage, github) if each is not None)


def _signer(given: SigningKeySettings, aws: AwsClients) -> KmsSigner:
    return KmsSigner(aws, given.signing_key_arn)


def _statements(given: SigningSettings, aws: AwsClients) -> S3Statements:
    return S3Statements(aws, given.audit_bucket, given.key_arn)


class NotWired:
    """Stands in a port's place and says, when it is used, which settings the function lacks."""

    def __init__(self, needed: type) -> None:
        self._needed = needed

    def __getattr__(self, name: str) -> object:
        raise NotWiredError(
            f"{name} needs {self._needed.__name__}: derive the function's class in dropforge/settings.py from it, and "
            "give the function's role the permission."
        )


def _not_wired(needed: type) -> Any:
    return NotWired(needed)


@dataclass(frozen=True)
class StageWorkspace:
    """A deployed stage as the command line uses it."""

    ports: Ports
    _aws: AwsClients
    _deployment: Deployment

    @property
    def caller(self) -> str:
        """The ARN of whoever asks: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
        return self._aws.sts.get_caller_identity()["Arn"]

    @property
    def dead_letters(self) -> SqsDeadLetters:
        return SqsDeadLetters(self._aws, self.ports.stage.deployment)

    @property
    def surroundings(self) -> AwsSurroundings:
        given = self._deployment
        return AwsSurroundings(self._aws, given.name, given.connection_arn, given.topic_arn)

    def fetch_model(self, model: ModelArtifact, to: BinaryIO) -> None:
        location = urlsplit(model.uri, allow_fragments=False)
        version = {"VersionId": model.version_id}
        self._aws.s3.download_fileobj(location.netloc, location.path.removeprefix("/"), to, ExtraArgs=version)


@contextmanager
def workspace(stage: str, profile: str | None = None, region: str | None = None) -> Iterator[StageWorkspace]:
    """A deployed stage, found by what its stacks published; within, errors of AWS are AwsError, in words."""
    with aws_in_words():
        aws = AwsClients(boto3.Session(profile_name=profile, region_name=region))
        deployment, projects = ssm.deployment(aws.ssm, stage), ssm.projects(aws.ssm, stage)
        yield StageWorkspace(wire(deployment, projects, aws), aws, deployment)
