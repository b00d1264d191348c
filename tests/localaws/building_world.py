"""What a test of a build action needs around its pipeline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.localaws.pipeline_world import World, action

_BUILDSPEC = """
version: 0.2
env:
  exported-variables: [IMAGE_TAG]
phases:
  build:
    commands:
      - export IMAGE_TAG="$(cat train.py)-$DATA-$EXECUTION"
      - printf %s "$MESSAGE" > message.txt
artifacts:
  files: [message.txt]
"""


@dataclass
class BuildingWorld(World):
    """A pipeline with a build between its source and its function."""

    buildspec: str = _BUILDSPEC
    source_format: str = "CODE_ZIP"

    @cached_property
    def build_role(self) -> str:
        statements: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject*", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{self.bucket}/*",
            },
            {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*", "kms:Encrypt"], "Resource": self.key},
            {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": self.connection},
        ]
        return self.server.role(f"{self.name}-build", "codebuild.amazonaws.com", *statements)

    @cached_property
    def project(self) -> str:
        self.server.client("codebuild").create_project(
            name=self.name,
            serviceRole=self.build_role,
            encryptionKey=self.key,
            source={"type": "CODEPIPELINE", "buildspec": self.buildspec},
            artifacts={"type": "CODEPIPELINE"},
            environment={
                "type": "LINUX_CONTAINER",
                "computeType": "BUILD_GENERAL1_SMALL",
                "image": "aws/codebuild/standard:7.0",
            },
        )
        return self.name

    def allow_builds(self) -> None:
        arn = f"arn:aws:codebuild:{self.server.region}:{self.server.account}:project/{self.name}"
        statement = {"Effect": "Allow", "Action": ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], "Resource": arn}
        self.server.client("iam").put_role_policy(
            RoleName=self.role.rpartition("/")[2],
            PolicyName="builds",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def declaration(self, **changes: Any) -> dict[str, Any]:
        plain = super().declaration()
        source, register = (stage["actions"][0] for stage in plain["stages"])
        source["configuration"]["OutputArtifactFormat"] = self.source_format
        register["inputArtifacts"] = [{"name": "Image"}]
        register["configuration"]["UserParameters"] = "#{Build.IMAGE_TAG}"
        variables = {
            "MESSAGE": "#{Source.CommitMessage}",
            "DATA": "#{variables.Data}",
            "EXECUTION": "#{codepipeline.PipelineExecutionId}",
        }
        listed = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
        configuration = {"ProjectName": self.project, "EnvironmentVariables": json.dumps(listed)}
        build = action("Build/CodeBuild", configuration, inputs=["Source"], outputs=["Image"])
        stages = [plain["stages"][0], {"name": "Build", "actions": [build]}, plain["stages"][1]]
        return plain | {"variables": [{"name": "Data", "defaultValue": "none"}], "stages": stages} | changes
