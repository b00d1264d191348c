"""What the stacks publish for the command line: SSM parameters with the stage's resources and its projects.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dropforge.domain.errors import DropforgeError
from dropforge.domain.project import Project
from dropforge.settings import Deployment, deployment_parameter, projects_parameter

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class NotDeployedError(DropforgeError):
    """The account and region hold no such stage."""


def deployment(client: SSMClient, stage: str) -> Deployment:
    """The stage's resources; NotDeployedError when the stage is not deployed where the client looks."""
    try:
        answer = client.get_parameter(Name=deployment_parameter(stage))
    except client.exceptions.ParameterNotFound as absent:
        raise NotDeployedError(
            f"The stage {stage} is not deployed in {client.meta.region_name} of this account: check AWS_PROFILE and "
            f"AWS_REGION, or deploy it with `cdk deploy --all -c stage={stage}`."
        ) from absent
    return Deployment.from_document(json.loads(answer["Parameter"]["Value"]))


def projects(client: SSMClient, stage: str) -> tuple[Project, ...]:
    """Every project of the stage, by name."""
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=projects_parameter(stage))
    documents = [json.loads(parameter["Value"]) for page in pages for parameter in page["Parameters"]]
    return tuple(sorted(map(Project.from_document, documents), key=lambda project: project.name))
