"""What runs: the queues, the functions that they wake, the rules and schedules, and the role of the training jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from aws_cdk import CfnOutput, CustomResource, Duration, Environment, Stack
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from dropforge.adapters.dead_letters import OF_SINKS, SOURCES
from dropforge.adapters.sqs import DISPATCH_DELAY, DISPATCH_GROUP
from dropforge.adapters.table_layout import BY_DUE, PENDING, RUN, SORT_KEY
from dropforge.documents.stage_config import StageConfig
from dropforge.domain.project import PinMode
from dropforge.domain.run import RunStatus
from dropforge.domain.state_change import DETAIL_TYPE, SOURCE
from dropforge.settings import FUNCTIONS, SINK_FUNCTIONS, Deployment, StoreSettings, deployment_parameter
from stacks.constructs.dead_lettered_queue import DeadLetteredQueue, LastQueue
from stacks.constructs.people_policies import CommandLinePolicies
from stacks.constructs.queued_rule import QueuedRule
from stacks.constructs.training_role import TrainingRole
from stacks.constructs.worker_function import LEAST_MEMORY_MB, Work, WorkerFunction, Workshop
from stacks.foundation import FoundationStack
from stacks.functions import EVENT_BUS, INTAKES, MEMORY_MB, PURPOSES, TIMEOUT_SECONDS, Reach
from stacks.names import Names

NEW_PENDING_ANNOUNCEMENT = json.dumps(
    {"eventName": ["INSERT"], "dynamodb": {"NewImage": {BY_DUE.partition_key: {"S": [PENDING]}}}}, sort_keys=True
)
WRITTEN_RUN = json.dumps(
    {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"NewImage": {SORT_KEY: {"S": [RUN]}}}}, sort_keys=True
)
REGISTRATION_WAIT_SECONDS = 900
"""CodePipeline gives a Lambda action 20 minutes; retries end before it does."""
PUBLIC_KEY_SECONDS = 300
"""How long a deployment waits for the public key; without it, it is rolled back."""


class TrainingStack(Stack):
    """`bundle` is the folder of the functions' code (`stacks.bundle`)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        names: Names,
        config: StageConfig,
        foundation: FoundationStack,
        bundle: Path,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            description=f"{names.deployment}: what seals, dispatches, records and announces",
        )
        self._names = names
        self._foundation = foundation
        self._sinks = config.sinks.to_sinks(names.deployment)
        self._kinds = {**FUNCTIONS, **SINK_FUNCTIONS} if self._sinks.are_on else FUNCTIONS
        self._readers = {name: module for name, module in SOURCES.items() if self._sinks.are_on or name not in OF_SINKS}
        self.queues = {
            name: foundation.ingest if name == "ingest" else self._queue(name, module)
            for name, module in self._readers.items()
        }
        self.undelivered = LastQueue(self, "Undelivered", name=names.of("undelivered-events"), key=foundation.key)
        self.abandoned = LastQueue(self, "Abandoned", name=names.of("abandoned-calls"), key=foundation.key)
        self.training_role = TrainingRole(
            self,
            "TrainingRole",
            names=names,
            key=foundation.key,
            read_in_place=sorted(each.data_prefix for each in config.projects() if each.pin.mode is PinMode.VERIFY),
        )
        self.deployment = self._deployment()
        self.functions = self._functions(config, bundle)
        # As the access logs' bucket is: for stacks of projects that are no longer in the configuration.
        self.export_value(self.functions["register_image"].role.role_arn)
        self._feed()
        self._rules()
        self._publish_key()
        CommandLinePolicies(
            self,
            "People",
            names=names,
            key=foundation.key,
            signing_key=foundation.signing_key,
            register=names.function_arn("register_image"),
            connection=foundation.connection_arn(self),
        )
        ssm.StringParameter(
            self,
            "Deployment",
            parameter_name=deployment_parameter(names.stage),
            description=f"What {names.deployment} is made of, for the command line",
            string_value=self.to_json_string(self.deployment.to_document()),
        )

    def _queue(self, name: str, consumer: str) -> DeadLetteredQueue:
        """The dispatcher's is in order, so that only one works at a time."""
        is_dispatch = name == "dispatch"
        return DeadLetteredQueue(
            self,
            f"Queue-{name}",
            names=self._names,
            name=name,
            key=self._foundation.key,
            consumer_seconds=TIMEOUT_SECONDS[consumer],
            fifo=is_dispatch,
            delay=DISPATCH_DELAY if is_dispatch else None,
        )

    def _deployment(self) -> Deployment:
        foundation = self._foundation
        return Deployment(
            stage=self._names.stage,
            state_table=foundation.tables.state.table_name,
            trail_table=foundation.tables.trail.table_name,
            training_bucket=foundation.training_bucket.bucket_name,
            artifact_bucket=foundation.artifact_bucket.bucket_name,
            dispatch_queue_url=self.queues["dispatch"].queue.queue_url,
            seal_queue_url=self.queues["seal"].queue.queue_url,
            sign_queue_url=self.queues["sign"].queue.queue_url,
            topic_arn=foundation.outcomes.topic_arn,
            connection_arn=foundation.connection_arn(self),
            key_arn=foundation.key.key_arn,
            training_role_arn=self.training_role.role_arn,
            signing_key_arn=foundation.signing_key.key_arn,
            audit_bucket=foundation.audit_bucket.bucket_name,
        )

    def _functions(self, config: StageConfig, bundle: Path) -> dict[str, WorkerFunction]:
        foundation = self._foundation
        workshop = Workshop(
            names=self._names,
            key=foundation.key,
            code=assets.Asset(self, "Code", path=str(bundle), asset_hash=bundle.name),
            log_days=config.retention.log_days,
            removal=foundation.removal,
        )
        reach = Reach(
            names=self._names,
            training_role=self.training_role.role_arn,
            connection=foundation.connection_arn(self),
            key=foundation.key.key_arn,
            signing_key=foundation.signing_key.key_arn,
            secrets=self._sinks.secrets,
        )
        values: dict[str, Any] = {
            **self.deployment.to_document(),
            "event_bus": EVENT_BUS,
            "prices": config.prices,
            "concurrent_runs": config.limits.concurrent_runs,
            "sinks": self._sinks,
        }
        sources = {
            module: {"source_queue_url": self.queues[name].queue.queue_url} for name, module in self._readers.items()
        }
        return {
            module: WorkerFunction(
                self,
                f"Function-{module.replace('_', '-')}",
                workshop=workshop,
                work=Work(
                    module=module,
                    purpose=PURPOSES[module],
                    settings=_told(kind, values | sources.get(module, {})),
                    permissions=reach.permissions(module),
                    timeout_seconds=TIMEOUT_SECONDS[module],
                    memory_mb=MEMORY_MB.get(module, LEAST_MEMORY_MB),
                ),
            )
            for module, kind in self._kinds.items()
        }

    def _feed(self) -> None:
        for name, module in self._readers.items():
            intake = INTAKES[module]
            self.functions[module].consume(
                self.queues[name], batch_size=intake.batch_size, concurrency=intake.concurrency
            )
        self.functions["announce"].follow(
            self._foundation.tables.state, only=NEW_PENDING_ANNOUNCEMENT, abandoned=self.abandoned
        )
        self.functions["publish_state"].follow(
            self._foundation.tables.state, only=WRITTEN_RUN, abandoned=self.abandoned
        )
        self.functions["register_image"].called_asynchronously(
            abandoned=self.abandoned, longest_wait_seconds=REGISTRATION_WAIT_SECONDS
        )
        self.functions["give_public_key"].called_asynchronously(
            abandoned=self.abandoned, longest_wait_seconds=PUBLIC_KEY_SECONDS
        )

    def _publish_key(self) -> None:
        """As an output, by a function that asks KMS: CloudFormation's resource of a key has its ARN and no more."""
        function = self.functions["give_public_key"]
        key = CustomResource(
            self,
            "PublicKey",
            resource_type="Custom::SigningPublicKey",
            service_token=function.resource.attr_arn,
            service_timeout=Duration.seconds(PUBLIC_KEY_SECONDS),
            properties={"Key": self._foundation.signing_key.key_arn},
        )
        key.node.add_dependency(function.role)
        CfnOutput(
            self,
            "SigningPublicKey",
            value=key.get_att_string("Pem"),
            description="By which anybody checks what the stage signs: keep it outside of the account",
        )

    def _rules(self) -> None:
        """Events of this deployment alone, and the ticks that heal what no event told of."""
        if self._sinks.are_on:
            self._rule(
                "run-changed",
                "A run of this deployment has changed its state, and other systems are to be told",
                queue="deliver",
                pattern={
                    "source": [SOURCE],
                    "detail-type": [DETAIL_TYPE],
                    "detail": {"deployment": [self._names.deployment]},
                },
            )
        self._rule(
            "job-state",
            "A training job of this deployment has changed its state",
            queue="job-state",
            pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Training Job State Change"],
                "detail": {"TrainingJobName": [{"prefix": f"{self._names.deployment}-"}]},
            },
        )
        self._rule(
            "build-failed",
            "A pipeline of this deployment has failed",
            queue="build-state",
            pattern={
                "source": ["aws.codepipeline"],
                "detail-type": ["CodePipeline Pipeline Execution State Change"],
                "detail": {"state": ["FAILED"], "pipeline": [{"prefix": f"{self._names.deployment}-"}]},
            },
        )
        self._rule(
            "run-ended",
            "A run of this deployment has ended, and is to be signed",
            queue="sign",
            pattern={
                "source": [SOURCE],
                "detail-type": [DETAIL_TYPE],
                "detail": {
                    "deployment": [self._names.deployment],
                    "status": [status.value for status in RunStatus if status.is_terminal],
                },
            },
        )
        self._rule(
            "dispatch-tick",
            "Look for runs that may start",
            queue="dispatch",
            schedule="rate(1 minute)",
            group=DISPATCH_GROUP,
        )
        self._rule("seal-tick", "Look for prefixes that have become quiet", queue="seal", schedule="rate(1 minute)")
        self._rule("sweep-tick", "Look for what no event told of", queue="sweep", schedule="rate(15 minutes)")

    def _rule(
        self,
        name: str,
        description: str,
        *,
        queue: str,
        pattern: Mapping[str, object] | None = None,
        schedule: str | None = None,
        group: str | None = None,
    ) -> None:
        QueuedRule(
            self,
            f"Rule-{name}",
            name=self._names.of(name),
            description=description,
            queue=self.queues[queue].queue,
            undelivered=self.undelivered,
            pattern=pattern,
            schedule=schedule,
            message_group=group,
        )


def _told(kind: type[StoreSettings], values: Mapping[str, Any]) -> StoreSettings:
    """Of all that functions may be told, what those settings hold."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})
