"""A Lambda function of the bundle: own role, own log group, traced, and told exactly what its settings read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from dropforge.settings import SourceSettings, StoreSettings, to_environment
from stacks.constructs.dead_lettered_queue import DeadLetteredQueue
from stacks.constructs.private_log_group import PrivateLogGroup
from stacks.constructs.service_role import ServiceRole
from stacks.names import Names, arn
from stacks.policies import Permission, allow, use_key

RUNTIME = lambda_.Runtime.PYTHON_3_14.name
LEAST_MEMORY_MB = 256
PARTIAL_BATCHES = ["ReportBatchItemFailures"]
LIST_STREAMS_BECAUSE = (
    "Lambda makes no mapping without it, and a list of streams is asked of the account, not of a table."
)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all functions of a stage have in common."""

    names: Names
    key: kms.IKey
    code: assets.Asset
    log_days: int
    removal: RemovalPolicy


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one function does: its module in `lambdas/`, its settings, and what it may do besides reading its source."""

    module: str
    purpose: str
    settings: StoreSettings
    permissions: Sequence[Permission]
    timeout_seconds: int = 60
    memory_mb: int = LEAST_MEMORY_MB


class WorkerFunction(Construct):
    """A function whose every permission is written out.

    It reserves no concurrency: a new account has none to give (it must keep 10 of its 10 unreserved), and each source
    bounds its consumer by itself.
    """

    def __init__(self, scope: Construct, construct_id: str, *, workshop: Workshop, work: Work) -> None:
        super().__init__(scope, construct_id)
        self._lets_come_again = isinstance(work.settings, SourceSettings)
        self.name = workshop.names.function(work.module)
        logs = PrivateLogGroup(
            self,
            "Logs",
            name=f"/aws/lambda/{self.name}",
            key=workshop.key,
            days=workshop.log_days,
            removal=workshop.removal,
        )
        self.role = ServiceRole(
            self,
            "Role",
            service="lambda.amazonaws.com",
            source_arn=None,
            description=f"{self.name}: {work.purpose}",
            permissions=[*work.permissions, *_basics(logs.name, workshop.key)],
        )
        self.resource = lambda_.CfnFunction(
            self,
            "Function",
            function_name=self.name,
            description=work.purpose,
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"lambdas.{work.module}.handler",
            code=lambda_.CfnFunction.CodeProperty(
                s3_bucket=workshop.code.s3_bucket_name, s3_key=workshop.code.s3_object_key
            ),
            role=self.role.role_arn,
            timeout=work.timeout_seconds,
            memory_size=work.memory_mb,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=to_environment(work.settings)),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=logs.name, log_format="JSON"),
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
        )
        self.resource.add_resource_dependency(logs)

    def consume(self, source: DeadLetteredQueue, *, batch_size: int, concurrency: int | None) -> None:
        """Feed the function from a queue. `concurrency` bounds how many batches are worked on at once (2 or more)."""
        queue = source.queue
        take = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        come_again = ["sqs:ChangeMessageVisibility"] if self._lets_come_again else []
        self.role.permit(allow([*come_again, *take], [queue.queue_arn]))
        scaling = (
            lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=concurrency)
            if concurrency
            else None
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            f"From-{source.name}",
            function_name=self.resource.ref,
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            function_response_types=PARTIAL_BATCHES,
            scaling_config=scaling,
        )
        _after(mapping, self.role)

    def follow(self, table: dynamodb.Table, *, only: str, abandoned: sqs.IQueue) -> None:
        """Feed the function from a table's stream: the records that match the filter `only`.

        A batch that fails is halved until the record that fails is alone; after ten tries a pointer to it goes to
        `abandoned`. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html, and for the four
        permissions https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
        """
        stream = table.table_stream_arn
        if stream is None:
            raise ValueError(f"The table {table.node.path} has no stream: make it with streams=True.")
        self.role.permit(
            allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], [stream])
        )
        self.role.permit(allow(["dynamodb:ListStreams"], ["*"], because=LIST_STREAMS_BECAUSE))
        self.role.permit(allow(["sqs:SendMessage"], [abandoned.queue_arn]))
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "FromStream",
            function_name=self.resource.ref,
            event_source_arn=stream,
            starting_position="TRIM_HORIZON",
            batch_size=10,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=10,
            maximum_record_age_in_seconds=86_400,
            function_response_types=PARTIAL_BATCHES,
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[lambda_.CfnEventSourceMapping.FilterProperty(pattern=only)]
            ),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=abandoned.queue_arn)
            ),
        )
        _after(mapping, self.role)

    def called_asynchronously(self, *, abandoned: sqs.IQueue, longest_wait_seconds: int) -> None:
        """Retry an asynchronous call twice within the wait; then the call itself goes to `abandoned`."""
        self.role.permit(allow(["sqs:SendMessage"], [abandoned.queue_arn]))
        config = lambda_.CfnEventInvokeConfig(
            self,
            "Called",
            function_name=self.resource.ref,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=longest_wait_seconds,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=abandoned.queue_arn)
            ),
        )
        _after(config, self.role)


def _after(resource: CfnResource, role: ServiceRole) -> None:
    """Lambda checks the role's permissions when it makes a mapping: the role comes first, and its policy before it."""
    resource.node.add_dependency(role)


def _basics(log_group: str, key: kms.IKey) -> list[Permission]:
    """Write the own log and traces, and use the key under which tables, queues, topics and buckets are."""
    return [
        allow(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [arn("logs", f"log-group:{log_group}:*")],
            because="The streams of the function's own log group; Lambda chooses their names.",
        ),
        allow(
            ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            ["*"],
            because="X-Ray has no resources: it takes these two actions on everything or not at all.",
        ),
        use_key(key),
    ]
