"""What each function is for and what it may do: one place to read who can change what.

What it needs of its own source, log and traces is in `stacks/constructs/worker_function.py`.

The trail's table is only ever added to: no function may update or delete there, and who records no run may not add.
No function may delete a training job, an object or an image, and none may list training jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dropforge.adapters.codepipeline import REGISTER_STAGE
from dropforge.adapters.logs import TRAINING_JOBS_LOG_GROUP
from dropforge.adapters.table_layout import BY_PROJECT, INDEXES
from dropforge.domain.artifact_layout import STATEMENT_SUFFIX, trail_statements_prefix
from stacks.names import Names, arn
from stacks.policies import Permission, allow

TIMEOUT_SECONDS = MappingProxyType(
    {
        "data_dropped": 60,
        "seal_dataset": 900,
        "register_image": 120,
        "dispatch_runs": 120,
        "record_job_state": 900,
        "record_build_state": 60,
        "announce": 60,
        "publish_state": 60,
        "deliver_state": 60,
        "sign_run": 60,
        "give_public_key": 60,
        "sweep": 600,
    }
)
"""Sealing copies whole datasets; recording a finished job reads its model once, to hash it, but for
no more than `record_job_state.LONGEST_HASHING`, which fits into the sweep's time too."""

MEMORY_MB = MappingProxyType({"seal_dataset": 1769, "record_job_state": 1769, "sweep": 1769})
"""Of functions that need more than the rest. So much is one whole processor: for sixteen copies side by side and the
list of a large prefix, and for the hash of a model: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""


@dataclass(frozen=True)
class Intake:
    """How many messages of its queue a function is handed at most, and how many such batches at a time.

    Without such a bound the queue is in order, which is one.
    """

    batch_size: int = 10
    concurrency: int | None = None


INTAKES = MappingProxyType(
    {
        "data_dropped": Intake(concurrency=10),
        "seal_dataset": Intake(batch_size=1, concurrency=5),
        "dispatch_runs": Intake(),
        "record_job_state": Intake(batch_size=1, concurrency=5),
        "record_build_state": Intake(concurrency=2),
        "deliver_state": Intake(batch_size=1, concurrency=2),
        "sign_run": Intake(concurrency=2),
        "sweep": Intake(batch_size=1, concurrency=2),
    }
)
"""Of the functions that a queue wakes, which `dropforge.adapters.dead_letters.SOURCES` pairs."""

PURPOSES = MappingProxyType(
    {
        "data_dropped": "Note each dropped object and start its project's quiet time",
        "seal_dataset": "Make a dataset version of a prefix that has become quiet, and pin it",
        "register_image": "Make an image that was built the project's latest",
        "dispatch_runs": "Start the runs that wait and may start",
        "record_job_state": "Record what a training job has come to",
        "record_build_state": "Record that a build has failed, and why",
        "announce": "Send the mails that are pending",
        "publish_state": "Tell EventBridge of each change of a run's state",
        "deliver_state": "Tell other systems of each change of a run's state",
        "sign_run": "Sign how a finished run's trail ends, and where its model comes from",
        "give_public_key": "Give CloudFormation the public key, which its own resource of a key has not",
        "sweep": "Find what no event told of",
    }
)

EVENT_BUS = "default"
"""The account's own, on which its other rules listen already."""
JOBS_BECAUSE = "A job's name ends in its run and attempt; the prefix is this deployment's alone."
OBJECTS_BECAUSE = "The objects below one prefix; their names are the data's own."
GROUP_BECAUSE = "IAM writes a log group's own ARN with this ending: it is the one group and no other."
BUILD_LOGS_BECAUSE = "The streams of the project's own build log; CodeBuild chooses their names."
PROJECTS_BECAUSE = (
    "Those of this deployment's projects, by the prefix that is its alone: named one by one, forty projects would not "
    "fit into a policy."
)
STATE_ACTIONS = (
    "BatchGetItem",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
)
FURTHER_STATE_ACTIONS = MappingProxyType({"seal_dataset": "BatchWriteItem"})
"""Thousands of object versions enter with a dataset version. Nobody deletes: what is over is taken out of its item."""
WITHOUT_RUNS = frozenset({"data_dropped", "record_build_state"})
"""Functions that record no event of any run."""
WITHOUT_STORE = frozenset({"publish_state", "give_public_key"})
"""Functions that ask no table."""
READERS = frozenset({"deliver_state"})
"""Functions that record nothing: they read runs, and no trail."""
READ_OBJECTS = ("s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectVersion", "s3:GetObjectVersionAttributes")


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The permissions that functions get, by what they are for. ARNs that cannot be derived from names are given."""

    names: Names
    training_role: str
    connection: str
    key: str
    signing_key: str
    secrets: Sequence[str] = ()
    """Names or ARNs of the sinks' tokens."""

    def permissions(self, module: str) -> list[Permission]:
        """What the function of the module may do beyond its own source, log and traces."""
        observe = [
            self.describe_jobs(),
            self.stop_jobs(),
            *self.read_job_logs(),
            *self.read_models(),
            *self.compare_data(),
            self.wake_dispatcher(),
            self.wake_sealer(),
        ]
        by_module: dict[str, list[Permission]] = {
            "data_dropped": [self.wake_sealer(), self.hand_on_drops()],
            "seal_dataset": [self.wake_sealer(), self.wake_dispatcher(), *self.pin_data(), *self.start_pipelines()],
            "register_image": [self.wake_dispatcher(), *self.read_digests(), self.answer_pipeline()],
            "dispatch_runs": [self.describe_jobs(), self.stop_jobs(), *self.start_jobs()],
            "record_job_state": observe,
            "record_build_state": self.explain_builds(),
            "announce": self.announce(),
            "publish_state": [allow(["events:PutEvents"], [arn("events", f"event-bus/{EVENT_BUS}")])],
            "deliver_state": self.read_tokens(),
            "sign_run": self.sign(),
            "give_public_key": [allow(["kms:GetPublicKey"], [self.signing_key])],
            "sweep": [
                *observe,
                self.wake_signer(),
                *self.start_pipelines(),
                *self.find_images(),
                *self.announce(),
            ],
        }
        return [*self.keep_records(module), *by_module[module]]

    def keep_records(self, module: str) -> list[Permission]:
        """State is read and written; the trail is only put to, on condition that the entry is absent."""
        if module in WITHOUT_STORE:
            return []
        state = arn("dynamodb", f"table/{self.names.of('state')}")
        if module in READERS:
            return [
                allow(["dynamodb:GetItem"], [state]),
                allow(["dynamodb:Query"], [f"{state}/index/{BY_PROJECT.name}"]),
            ]
        further = [FURTHER_STATE_ACTIONS[module]] if module in FURTHER_STATE_ACTIONS else []
        on_state = [
            allow([f"dynamodb:{action}" for action in sorted([*STATE_ACTIONS, *further])], [state]),
            allow(["dynamodb:Query"], [f"{state}/index/{index.name}" for index in INDEXES]),
        ]
        if module in WITHOUT_RUNS:
            return on_state
        return [*on_state, allow(["dynamodb:PutItem"], [arn("dynamodb", f"table/{self.names.of('trail')}")])]

    def wake_dispatcher(self) -> Permission:
        return allow(["sqs:SendMessage"], [arn("sqs", self.names.of("dispatch.fifo"))])

    def wake_sealer(self) -> Permission:
        return allow(["sqs:SendMessage"], [arn("sqs", self.names.of("seal"))])

    def hand_on_drops(self) -> Permission:
        """Of a message that tells of several objects, what fails goes on by itself."""
        return allow(["sqs:SendMessage"], [arn("sqs", self.names.of("ingest"))])

    def wake_signer(self) -> Permission:
        return allow(["sqs:SendMessage"], [arn("sqs", self.names.of("sign"))])

    def sign(self) -> list[Permission]:
        """Use the signing key, upon what the trail says; write signed statements, and nothing else in either bucket."""
        models, heads = self.names.bucket_arn("artifacts"), self.names.bucket_arn("audit")
        return [
            allow(["kms:GetPublicKey", "kms:Sign"], [self.signing_key]),
            allow(["dynamodb:Query"], [arn("dynamodb", f"table/{self.names.of('trail')}")]),
            allow(
                ["s3:PutObject"],
                [f"{models}/runs/*{STATEMENT_SUFFIX}", f"{heads}/{trail_statements_prefix()}*"],
                because=OBJECTS_BECAUSE,
            ),
        ]

    def read_tokens(self) -> list[Permission]:
        """Those of the sinks that are on. AWS ends a secret's ARN in six characters of its own choice:
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
        """
        arns = [
            each if each.startswith("arn:") else arn("secretsmanager", f"secret:{each}-??????") for each in self.secrets
        ]
        return [allow(["secretsmanager:GetSecretValue"], arns)] if arns else []

    def pin_data(self) -> list[Permission]:
        """List and read what was dropped; write, and never delete, below `datasets/` and `manifests/`.

        A copy in parts that was cut off is found again, so the uploads that were begun are listed. Whoever may not list
        a bucket is told that a version that is gone is forbidden.
        """
        dropped, kept = self.names.bucket_arn("training"), self.names.bucket_arn("artifacts")
        return [
            allow(["s3:ListBucket", "s3:ListBucketVersions"], [dropped]),
            allow(READ_OBJECTS, [f"{dropped}/*"], because=OBJECTS_BECAUSE),
            allow(["s3:ListBucketMultipartUploads"], [kept]),
            allow(
                [*READ_OBJECTS, "s3:ListMultipartUploadParts", "s3:PutObject"],
                [f"{kept}/datasets/*"],
                because=OBJECTS_BECAUSE,
            ),
            allow(["s3:PutObject"], [f"{kept}/manifests/*"], because=OBJECTS_BECAUSE),
        ]

    def compare_data(self) -> list[Permission]:
        """See whether the versions that a manifest names are still the current ones, and what no event told of."""
        dropped, kept = self.names.bucket_arn("training"), self.names.bucket_arn("artifacts")
        return [
            allow(["s3:ListBucketVersions"], [dropped]),
            allow(["s3:GetObject"], [f"{kept}/manifests/*"], because=OBJECTS_BECAUSE),
        ]

    def read_models(self) -> list[Permission]:
        """Version, size and hash of the model that a job left.

        Whoever may not list is told that a missing object is forbidden; and a HEAD has no prefix, hence `IfExists`:
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        kept = self.names.bucket_arn("artifacts")
        return [
            allow(READ_OBJECTS, [f"{kept}/runs/*"], because=OBJECTS_BECAUSE),
            allow(["s3:ListBucket"], [kept], {"StringLikeIfExists": {"s3:prefix": "runs/*"}}),
        ]

    def start_pipelines(self) -> list[Permission]:
        """Start a rebuild, unless the connection that it would need is still pending."""
        return [
            allow(["codepipeline:StartPipelineExecution"], [self.names.pipeline_arn("*")], because=PROJECTS_BECAUSE),
            allow(["codeconnections:GetConnection", "codestar-connections:GetConnection"], [self.connection]),
        ]

    def read_digests(self) -> list[Permission]:
        """The registry's word for what was pushed, and CodePipeline's for when the execution began."""
        return [
            allow(
                ["ecr:DescribeImages", "ecr:DescribeRepositories"],
                [self.names.repository_arn("*")],
                because=PROJECTS_BECAUSE,
            ),
            self._list_actions(),
        ]

    def find_images(self) -> list[Permission]:
        """What was built and not registered; its pipeline is asked to try just that again."""
        return [
            allow(["ecr:DescribeImages"], [self.names.repository_arn("*")], because=PROJECTS_BECAUSE),
            allow(
                ["codepipeline:RetryStageExecution"],
                [f"{self.names.pipeline_arn('*')}/{REGISTER_STAGE}"],
                because=PROJECTS_BECAUSE,
            ),
            self._list_actions(),
        ]

    def answer_pipeline(self) -> Permission:
        """https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html"""
        return allow(
            ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"],
            ["*"],
            because="CodePipeline's jobs are no resources: these two actions can be limited to none.",
        )

    def start_jobs(self) -> list[Permission]:
        """Under the deployment's own names and as the one training role; never to delete."""
        return [
            allow(
                ["sagemaker:AddTags", "sagemaker:CreateTrainingJob"],
                [self.names.training_job_arns],
                because=JOBS_BECAUSE,
            ),
            allow(
                ["iam:PassRole"],
                [self.training_role],
                {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            allow(["kms:CreateGrant"], [self.key], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        ]

    def describe_jobs(self) -> Permission:
        return allow(
            ["sagemaker:DescribeTrainingJob", "sagemaker:ListTags"],
            [self.names.training_job_arns],
            because=JOBS_BECAUSE,
        )

    def stop_jobs(self) -> Permission:
        """Those that somebody asked to stop, where they could not do it themselves at that moment."""
        return allow(["sagemaker:StopTrainingJob"], [self.names.training_job_arns], because=JOBS_BECAUSE)

    def read_job_logs(self) -> list[Permission]:
        group = arn("logs", f"log-group:{TRAINING_JOBS_LOG_GROUP}")
        return [
            allow(
                ["logs:DescribeLogStreams"],
                [f"{group}:*"],
                because=GROUP_BECAUSE,
            ),
            allow(["logs:GetLogEvents"], [f"{group}:log-stream:{self.names.deployment}-*"], because=JOBS_BECAUSE),
        ]

    def explain_builds(self) -> list[Permission]:
        """Why an execution failed: the failed action, the build's phases, the end of its log."""
        streams = arn("logs", f"log-group:{self.names.build_log_group('*')}:log-stream:*")
        return [
            self._list_actions(),
            allow(["codebuild:BatchGetBuilds"], [self.names.build_arn("*")], because=PROJECTS_BECAUSE),
            allow(["logs:GetLogEvents"], [streams], because=PROJECTS_BECAUSE),
        ]

    def announce(self) -> list[Permission]:
        """Send a mail, which tells what the trail then said."""
        return [
            allow(["sns:Publish"], [arn("sns", self.names.of("outcomes"))]),
            allow(["dynamodb:Query"], [arn("dynamodb", f"table/{self.names.of('trail')}")]),
        ]

    def _list_actions(self) -> Permission:
        return allow(["codepipeline:ListActionExecutions"], [self.names.pipeline_arn("*")], because=PROJECTS_BECAUSE)
