"""What the tests of training jobs share: a bucket, an image in ECR, a role, and a queue that hears of every change."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.containers.builder import Builder
from localaws.containers.registry import ImageReference, Registry
from localaws.sagemaker.record import ENDED
from tests.localaws.local_server import LocalServer, eventually

PROGRAM = Path(__file__).with_name("training_program.py")
BUCKET = "training-world"
INSTANCE = "ml.m5.large"


@dataclass(frozen=True)
class TrainingWorld:
    """An account that is ready to train."""

    server: LocalServer
    image: str
    role: str
    queue: str

    @classmethod
    def make(cls, server: LocalServer, folder: Path) -> TrainingWorld:
        server.client("s3").create_bucket(Bucket=BUCKET)
        queue = server.client("sqs").create_queue(QueueName="training-events")["QueueUrl"]
        _listen(server, queue)
        return cls(server, _push_image(server, folder), execution_role(server, "training"), queue)

    @property
    def client(self) -> Any:
        return self.server.client("sagemaker")

    def request(self, name: str, behaviour: str = "train", **members: Any) -> dict[str, Any]:
        """Return a request of CreateTrainingJob; members given replace those here."""
        return {
            "TrainingJobName": name,
            "HyperParameters": {"behaviour": behaviour},
            "AlgorithmSpecification": {"TrainingImage": self.image, "TrainingInputMode": "File"},
            "RoleArn": self.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **members,
        }

    def start(self, name: str, behaviour: str = "train", **members: Any) -> str:
        """Create a job; return its ARN."""
        arn: str = self.client.create_training_job(**self.request(name, behaviour, **members))["TrainingJobArn"]
        return arn

    def describe(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_training_job(TrainingJobName=name)
        return described

    def ended(self, name: str) -> dict[str, Any]:
        """Wait until a job has ended; return its description."""
        return eventually(lambda: self._if_ended(name), f"the end of {name}", 40)

    def _if_ended(self, name: str) -> dict[str, Any] | None:
        described = self.describe(name)
        return described if described["TrainingJobStatus"] in ENDED else None

    def logged(self, name: str) -> list[str]:
        """Return the lines of a job's log."""
        logs, group = self.server.client("logs"), "/aws/sagemaker/TrainingJobs"
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
        return [event["message"] for event in events["events"]]

    def put(self, key: str, content: str) -> None:
        self.server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content.encode())

    def has(self, uri: str) -> bool:
        """Tell whether an object is there."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bool(self.server.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"])

    def archive(self, uri: str) -> dict[str, str]:
        """Return the files of an archive in S3."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content = self.server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            members = [(member.name, tar.extractfile(member)) for member in tar.getmembers() if member.isfile()]
            return {name: file.read().decode() for name, file in members if file is not None}

    def events(self, name: str, last: str) -> list[dict[str, Any]]:
        """Return the events of one job, in the order of their statuses' times, once `last` is among them."""
        found: list[dict[str, Any]] = []
        sqs = self.server.client("sqs")

        def look() -> bool:
            answer = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=2)
            for message in answer.get("Messages", ()):
                event = json.loads(message["Body"])
                if event["detail"]["TrainingJobName"] == name:
                    sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                    found.append(event)
            return any(event["detail"]["SecondaryStatus"] == last for event in found)

        eventually(look, f"the event {last} of {name}")
        return sorted(found, key=lambda event: len(event["detail"]["SecondaryStatusTransitions"]))


def execution_role(server: LocalServer, name: str, **without: bool) -> str:
    """Create an execution role as AWS documents it, without what is named."""
    objects = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    images = {"Effect": "Allow", "Action": pull, "Resource": "arn:aws:ecr:*:*:repository/programs"}
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    write = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    logs = {"Effect": "Allow", "Action": write, "Resource": "*"}
    statements: Mapping[str, Mapping[str, Any]] = {
        "objects": objects, "listing": listing, "images": images, "token": token, "logs": logs,
    }  # fmt: skip
    kept = [statement for subject, statement in statements.items() if not without.get(subject)]
    return server.role(name, "sagemaker.amazonaws.com", *kept)


def _push_image(server: LocalServer, folder: Path) -> str:
    uri: str = server.client("ecr").create_repository(repositoryName="programs")["repository"]["repositoryUri"]
    shutil.copy(PROGRAM, folder / "train.py")
    dockerfile = (
        'FROM python:3.12-slim\nWORKDIR /opt/program\nCOPY train.py train.py\nENTRYPOINT ["python", "train.py"]\n'
    )
    (folder / "Dockerfile").write_text(dockerfile)
    builder = Builder(folder / "builder", folder / "cache")
    image = builder.build(folder).image
    token = server.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    Registry(server.endpoint, token).push(image, builder.store, ImageReference.parse(f"{uri}:first"))
    return f"{uri}@{image.digest}"


def _listen(server: LocalServer, queue: str) -> None:
    arn = f"arn:aws:sqs:{server.region}:{server.account}:training-events"
    allowed = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn,
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    server.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events = server.client("events")
    events.put_rule(Name="training", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="training", Targets=[{"Id": "queue", "Arn": arn}])
