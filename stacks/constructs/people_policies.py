"""Managed policies for people, to be attached to their users, groups or permission sets: the stacks attach none.

What the command line needs is derived from the requests of `dropforge/adapters`: `read` is for its questions, `operate`
for its orders too. `drop` is for whoever puts data below one project's prefix. The names carry the region, because
IAM's names are the account's and a stage may be deployed in two regions.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from dropforge.adapters.dead_letters import ABANDONED, SOURCES, UNDELIVERED
from dropforge.adapters.logs import TRAINING_JOBS_LOG_GROUP
from dropforge.adapters.table_layout import INDEXES
from dropforge.domain.artifact_layout import trail_statements_prefix
from dropforge.settings import deployment_parameter, projects_parameter
from stacks.acknowledgements import acknowledge_wildcards
from stacks.functions import GROUP_BECAUSE, JOBS_BECAUSE, OBJECTS_BECAUSE
from stacks.names import Names, arn
from stacks.policies import Permission, allow

GROUPS_BECAUSE = "How long a log is kept is asked of the account's groups, of which IAM knows no part."
STAGE_BECAUSE = "Everything below the stage's own name: what is deployed later is asked about too."


class PeoplesPolicy(iam.ManagedPolicy):
    """One policy with its ARN as an output. `purpose` is the part of its name that says what for."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        purpose: str,
        description: str,
        permissions: Sequence[Permission],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            managed_policy_name=f"{names.of(purpose)}-{Aws.REGION}",
            description=f"{names.deployment}: {description}",
            statements=[permission.statement() for permission in permissions],
        )
        for permission in permissions:
            acknowledge_wildcards(self, permission)
        CfnOutput(scope, f"{construct_id}Arn", value=self.managed_policy_arn, description=description)


class CommandLinePolicies(Construct):
    """For whoever uses `dropforge`; who may operate may read, and who audits is given that besides to read."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        key: kms.IKey,
        signing_key: kms.IKey,
        register: str,
        connection: str,
    ) -> None:
        super().__init__(scope, construct_id)
        questions = _questions(names, key)
        PeoplesPolicy(
            self,
            "Read",
            names=names,
            purpose="read",
            description="the command line's questions",
            permissions=questions,
        )
        PeoplesPolicy(
            self,
            "Operate",
            names=names,
            purpose="operate",
            description="the command line's questions and orders",
            permissions=[*questions, *_orders(names, key, register=register, connection=connection)],
        )
        PeoplesPolicy(
            self,
            "Audit",
            names=names,
            purpose="audit",
            description="besides the questions: what verify, audit and doctor ask",
            permissions=_checks(names, signing_key, connection),
        )


def drop_policy(scope: Construct, *, names: Names, key: kms.IKey, project: str, prefix: str) -> PeoplesPolicy:
    """Put, replace, list and take away below the project's prefix; older versions stay, and none can be read.

    The bucket's key is needed to write, and to read back the parts of an upload in parts:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    bucket = names.bucket_arn("training")
    return PeoplesPolicy(
        scope,
        "Drop",
        names=names,
        purpose=f"drop-{project}",
        description=f"putting data below {prefix}",
        permissions=[
            allow(
                ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
                [f"{bucket}/{prefix}*"],
                because=OBJECTS_BECAUSE,
            ),
            allow(["s3:ListBucket"], [bucket], {"StringLike": {"s3:prefix": f"{prefix}*"}}),
            _key(key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
        ],
    )


def _questions(names: Names, key: kms.IKey) -> list[Permission]:
    state, trail = (arn("dynamodb", f"table/{names.of(table)}") for table in ("state", "trail"))
    group, kept = arn("logs", f"log-group:{TRAINING_JOBS_LOG_GROUP}"), names.bucket_arn("artifacts")
    return [
        allow(["ssm:GetParameter"], [arn("ssm", f"parameter{deployment_parameter(names.stage)}")]),
        allow(["ssm:GetParametersByPath"], [arn("ssm", f"parameter{projects_parameter(names.stage)}")]),
        allow(["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"], [state]),
        allow(["dynamodb:Query"], [*(f"{state}/index/{index.name}" for index in INDEXES), trail]),
        allow(["logs:DescribeLogStreams"], [f"{group}:*"], because=GROUP_BECAUSE),
        allow(["logs:GetLogEvents"], [f"{group}:log-stream:{names.deployment}-*"], because=JOBS_BECAUSE),
        allow(
            ["logs:FilterLogEvents"],
            [arn("logs", f"log-group:/aws/lambda/{names.of('*')}")],
            because="The logs of the stage's functions, which tell why a message failed.",
        ),
        allow(["ecr:DescribeImages"], [names.repository_arn("*")], because=STAGE_BECAUSE),
        allow(["logs:DescribeLogGroups"], [arn("logs", "log-group:*")], because=GROUPS_BECAUSE),
        allow(["s3:GetLifecycleConfiguration", "s3:ListBucketVersions"], [kept, names.bucket_arn("training")]),
        allow(["s3:GetObject"], [f"{kept}/manifests/*"], because="Manifests, a dataset version each."),
        allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{kept}/runs/*"], because=OBJECTS_BECAUSE),
        allow(
            ["sqs:ChangeMessageVisibility", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            _dead_letter_queues(names),
            because=STAGE_BECAUSE,
        ),
        _key(key, ["kms:Decrypt"], "dynamodb", "s3", "sqs"),
    ]


def _checks(names: Names, signing_key: kms.IKey, connection: str) -> list[Permission]:
    """What `verify`, `audit` and `doctor` ask besides; without quotas, which are the whole account's."""
    audit = names.bucket_arn("audit")
    return [
        allow(["kms:GetPublicKey"], [signing_key.key_arn]),
        allow(["s3:ListBucketVersions"], [audit]),
        allow(["s3:GetObjectVersion"], [f"{audit}/{trail_statements_prefix()}*"], because=OBJECTS_BECAUSE),
        allow(["codeconnections:GetConnection", "codestar-connections:GetConnection"], [connection]),
        allow(["sns:ListSubscriptionsByTopic"], [arn("sns", names.of(topic)) for topic in ("outcomes", "alarms")]),
        allow(["sqs:GetQueueAttributes"], _dead_letter_queues(names), because=STAGE_BECAUSE),
    ]


def _orders(names: Names, key: kms.IKey, *, register: str, connection: str) -> list[Permission]:
    """What is recorded, woken, stopped and started; the trail is only put to."""
    state, trail = (arn("dynamodb", f"table/{names.of(table)}") for table in ("state", "trail"))
    return [
        allow(["dynamodb:PutItem", "dynamodb:UpdateItem"], [state]),
        allow(["dynamodb:PutItem"], [trail]),
        allow(["sqs:GetQueueUrl", "sqs:SendMessage"], _queues(names)),
        allow(["sqs:DeleteMessage"], _dead_letter_queues(names), because=STAGE_BECAUSE),
        allow(["lambda:InvokeFunction"], [register]),
        allow(["sagemaker:StopTrainingJob"], [names.training_job_arns], because=JOBS_BECAUSE),
        allow(["codepipeline:StartPipelineExecution"], [names.pipeline_arn("*")], because=STAGE_BECAUSE),
        allow(["codeconnections:GetConnection", "codestar-connections:GetConnection"], [connection]),
        _key(key, ["kms:GenerateDataKey"], "dynamodb", "sqs"),
    ]


def _queues(names: Names) -> list[str]:
    """Those that functions read; the dispatcher's is first in, first out."""
    return [arn("sqs", names.of(f"{name}.fifo" if name == "dispatch" else name)) for name in SOURCES]


def _dead_letter_queues(names: Names) -> list[str]:
    ending = ("*-dead-letters", "dispatch-dead-letters.fifo", UNDELIVERED, ABANDONED)
    return [arn("sqs", names.of(each)) for each in ending]


def _key(key: kms.IKey, actions: Sequence[str], *services: str) -> Permission:
    """Use of the deployment's key by services on the person's behalf, and never by the person.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    through = [f"{service}.{Aws.REGION}.amazonaws.com" for service in services]
    return allow(actions, [key.key_arn], {"StringEquals": {"kms:ViaService": through}})
