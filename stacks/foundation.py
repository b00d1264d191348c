"""What holds a deployment's data and outlives its code: key, buckets, tables, topics, ingest queue and connection."""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_codeconnections as codeconnections
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from dropforge.documents.stage_config import StageConfig
from stacks.constructs.dead_lettered_queue import DeadLetteredQueue
from stacks.constructs.encryption_key import EncryptionKey
from stacks.constructs.mail_topics import AlarmsTopic, OutcomesTopic
from stacks.constructs.metadata_tables import MetadataTables
from stacks.constructs.private_bucket import AccessLogBucket, PrivateBucket, template_bucket
from stacks.constructs.signing_key import SigningKey
from stacks.functions import TIMEOUT_SECONDS
from stacks.names import Names
from stacks.policies import allow_service


class FoundationStack(Stack):
    """Dropped objects reach the ingest queue here already, whether or not anything reads it yet."""

    def __init__(
        self, scope: Construct, construct_id: str, *, env: Environment, names: Names, config: StageConfig
    ) -> None:
        super().__init__(
            scope, construct_id, env=env, description=f"{names.deployment}: where data, models and records are kept"
        )
        self.removal = removal_policy(config)
        self.key = EncryptionKey(self, "Key", names=names, removal=self.removal)
        self.access_logs = AccessLogBucket(
            self, "AccessLogs", names=names, removal=self.removal, keep_days=config.retention.log_days
        )
        # Whether or not a project of the configuration imports it: one that was taken out may still have its stack.
        self.export_value(self.access_logs.bucket_name)
        self.training_bucket = PrivateBucket(
            self,
            "Training",
            name=names.bucket("training"),
            key=self.key,
            log_bucket=self.access_logs,
            removal=self.removal,
            failed_upload_days=config.retention.failed_upload_days,
            old_versions_days=config.retention.old_versions_days,
        )
        self.artifact_bucket = PrivateBucket(
            self,
            "Artifacts",
            name=names.bucket("artifacts"),
            key=self.key,
            log_bucket=self.access_logs,
            removal=self.removal,
            failed_upload_days=config.retention.failed_upload_days,
        )
        self.signing_key = SigningKey(self, "SigningKey", names=names, removal=self.removal)
        CfnOutput(self, "SigningKeyArn", value=self.signing_key.key_arn, description="`aws kms get-public-key` of it")
        self.audit_bucket = PrivateBucket(
            self,
            "Audit",
            name=names.bucket("audit"),
            key=None,
            log_bucket=self.access_logs,
            removal=self.removal,
            failed_upload_days=config.retention.failed_upload_days,
            lockable=True,
            lock_days=config.audit.lock_days,
        )
        self.tables = MetadataTables(self, "Metadata", names=names, key=self.key, removal=self.removal)
        self.outcomes = OutcomesTopic(self, "Outcomes", names=names, key=self.key, config=config)
        self.alarms = AlarmsTopic(self, "Alarms", names=names, key=self.key, mail=config.ops.mail)
        self.ingest = DeadLetteredQueue(
            self, "Ingest", names=names, name="ingest", key=self.key, consumer_seconds=TIMEOUT_SECONDS["data_dropped"]
        )
        notify_of_objects(self.training_bucket, self.ingest, names)
        self._given_connection = config.connection
        self._connection_parameter = names.connection_parameter
        if not config.connection:
            self._connection(names)
        self._make_tables_last()

    def _make_tables_last(self) -> None:
        """A table that refuses to be deleted would stop the rollback of a deployment in which something else failed."""
        not_waited_for = (self.tables, self.key)
        others = [child for child in self.node.children if child not in not_waited_for]
        self.tables.node.add_dependency(self.key.node.find_child("Alias"), *others)

    def connection_arn(self, stack: Stack) -> str:
        """The connection's ARN, as another stack's template has it: the given one, or a parameter that is looked up.

        Exported, it could not be taken away, or changed, as long as a stack imports it.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
        """
        return self._given_connection or ssm.StringParameter.value_for_string_parameter(
            stack, self._connection_parameter
        )

    def _connection(self, names: Names) -> None:
        """To GitHub; it stays pending until someone accepts it in the console.

        https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html
        """
        connection = codeconnections.CfnConnection(
            self, "GitHub", connection_name=names.deployment, provider_type="GitHub"
        )
        connection.apply_removal_policy(RemovalPolicy.DESTROY)
        ssm.StringParameter(
            self,
            "Connection",
            parameter_name=self._connection_parameter,
            description=f"The connection to GitHub that {names.deployment} made, for its other stacks",
            string_value=connection.attr_connection_arn,
        )


def removal_policy(config: StageConfig) -> RemovalPolicy:
    """What happens to data when its resource goes: `retain` keeps it, but for what a failed first deployment made.

    Kept, it would hold its name, and no later deployment could make it again.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    return RemovalPolicy.DESTROY if config.removal == "destroy" else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def notify_of_objects(bucket: s3.Bucket, ingest: DeadLetteredQueue, names: Names) -> None:
    """Have S3 send each created or deleted object straight to the queue, whose policy has to admit it first.

    By the template's own property: the construct library's way adds a function with a role that may change any bucket.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    admitted = ingest.queue.add_to_resource_policy(
        allow_service(
            "s3.amazonaws.com", ["sqs:SendMessage"], [ingest.queue.queue_arn], source_arn=names.bucket_arn("training")
        )
    )
    resource = template_bucket(bucket)
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        queue_configurations=[
            s3.CfnBucket.QueueConfigurationProperty(event=event, queue=ingest.queue.queue_arn)
            for event in ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
        ]
    )
    if admitted.policy_dependable is not None:
        resource.node.add_dependency(admitted.policy_dependable)
