"""Roles as services of the local AWS assume them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.caller import Caller, Role, ServicePrincipal
from tests.localaws.local_server import LocalServer

pytestmark = pytest.mark.local

_JOBS = "arn:aws:sagemaker:us-east-1:000000000000:training-job"


def _role(server: LocalServer, name: str, about: str) -> Role:
    """Return a role as SageMaker assumes it for a job, which may only be done for jobs called `mine-…`."""
    trust: dict[str, Any] = {
        "Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": f"{_JOBS}/mine-*"}},
    }  # fmt: skip
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    caller = Caller(server.endpoint, server.region, server.home.credentials())
    return caller.role(arn, "test", ServicePrincipal("sagemaker.amazonaws.com", about))


def test_a_role_that_trusts_a_service_for_one_resource_is_refused_to_it_for_another(local_aws: LocalServer) -> None:
    theirs = _role(local_aws, "asked-for-theirs", f"{_JOBS}/theirs-1")
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.client("sts")
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.assume()


def test_a_role_is_itself_to_whom_it_calls_and_keeps_its_credentials_in_use(local_aws: LocalServer) -> None:
    mine = _role(local_aws, "asked-for-mine", f"{_JOBS}/mine-1")
    assert mine.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/asked-for-mine/test")
    assert mine.credentials() == mine.credentials()
    assert mine.assume()["AccessKeyId"] != mine.credentials()["AccessKeyId"]
