from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from tests.localaws.local_server import LocalServer, run_command

pytestmark = pytest.mark.local


@pytest.mark.parametrize("service", ["codeconnections", "codestar-connections"])
def test_a_connection_is_pending_until_someone_accepts_it_and_bears_the_services_name(
    local_aws: LocalServer, service: str
) -> None:
    client = local_aws.client(service)
    name = uuid.uuid4().hex[:12]
    arn = client.create_connection(ProviderType="GitHub", ConnectionName=name)["ConnectionArn"]
    before = client.get_connection(ConnectionArn=arn)["Connection"]

    run_command("connection", "accept", name, "--home", str(local_aws.home.root))

    after = client.get_connection(ConnectionArn=arn)["Connection"]
    assert arn.startswith(f"arn:aws:{service}:{local_aws.region}:{local_aws.account}:connection/")
    assert (before["ConnectionStatus"], after["ConnectionStatus"]) == ("PENDING", "AVAILABLE")


def test_both_names_of_the_service_and_of_the_arn_see_the_same_connection(local_aws: LocalServer) -> None:
    new, old = local_aws.client("codeconnections"), local_aws.client("codestar-connections")
    name = uuid.uuid4().hex[:12]
    arn = new.create_connection(ProviderType="GitHub", ConnectionName=name)["ConnectionArn"]

    shown = old.get_connection(ConnectionArn=arn.replace(":codeconnections:", ":codestar-connections:"))["Connection"]

    assert shown["ConnectionName"] == name


def test_tags_are_set_and_removed(local_aws: LocalServer) -> None:
    client = local_aws.client("codeconnections")
    tags = [{"Key": "project", "Value": "churn"}, {"Key": "stage", "Value": "local"}]
    arn = client.create_connection(ProviderType="GitHub", ConnectionName=uuid.uuid4().hex[:12], Tags=tags)[
        "ConnectionArn"
    ]

    client.untag_resource(ResourceArn=arn, TagKeys=["stage"])
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "project", "Value": "fraud"}])

    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "project", "Value": "fraud"}]


def test_a_deleted_connection_is_gone_and_the_answer_names_those_that_are_there(local_aws: LocalServer) -> None:
    client = local_aws.client("codeconnections")
    arn = client.create_connection(ProviderType="GitHub", ConnectionName=uuid.uuid4().hex[:12])["ConnectionArn"]

    client.delete_connection(ConnectionArn=arn)

    assert arn not in [item["ConnectionArn"] for item in client.list_connections()["Connections"]]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_connection(ConnectionArn=arn)


def test_a_role_needs_the_permission_of_the_name_that_it_calls(local_aws: LocalServer) -> None:
    role = local_aws.role(
        f"c{uuid.uuid4().hex[:8]}", "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "codestar-connections:*", "Resource": "*"},
    )  # fmt: skip

    assert "Connections" in local_aws.client("codestar-connections", role).list_connections()
    with pytest.raises(ClientError, match="AccessDenied"):
        local_aws.client("codeconnections", role).list_connections()
