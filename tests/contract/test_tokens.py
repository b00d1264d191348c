"""Tokens of other systems, from Secrets Manager on a local AWS."""

from __future__ import annotations

from uuid import uuid4

import boto3
import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.secrets_manager import SecretTokens, TokenError
from tests.localaws.local_server import LocalServer

pytestmark = pytest.mark.local


def test_a_token_is_found_by_its_secrets_name_or_arn_and_a_new_one_counts_at_once(local_aws: AwsClients) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    arn = local_aws.secretsmanager.create_secret(Name=name, SecretString="first\n")["ARN"]
    tokens = SecretTokens(local_aws)
    assert [tokens.token(each) for each in (name, arn)] == ["first", "first"]
    local_aws.secretsmanager.put_secret_value(SecretId=name, SecretString="second")
    assert tokens.token(name) == "second"


def test_a_secret_that_is_not_there_is_named_with_the_command_that_makes_it(local_aws: AwsClients) -> None:
    with pytest.raises(
        TokenError, match=r"no secret contract/none: make it in .* with `aws secretsmanager create-secret"
    ):
        SecretTokens(local_aws).token("contract/none")


def test_a_role_that_may_read_a_secret_which_is_not_there_is_denied_and_told_so(
    server: LocalServer, local_aws: AwsClients
) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    allowed = {
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": f"arn:aws:secretsmanager:{server.region}:{server.account}:secret:{name}-??????",
    }
    role = server.role(f"tokens-{uuid4().hex[:8]}", "lambda.amazonaws.com", allowed)
    keys = local_aws.sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    tokens = SecretTokens(AwsClients(boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])))
    with pytest.raises(TokenError, match="may not be read, which is also the answer where there is none: if there is"):
        tokens.token(name)
    local_aws.secretsmanager.create_secret(Name=name, SecretString="token")
    assert tokens.token(name) == "token"


def test_a_secret_that_is_to_be_deleted_is_named_with_the_command_that_brings_it_back(local_aws: AwsClients) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    local_aws.secretsmanager.create_secret(Name=name, SecretString="token")
    local_aws.secretsmanager.delete_secret(SecretId=name)
    with pytest.raises(TokenError, match=f"bring it back with `aws secretsmanager restore-secret --secret-id {name}`"):
        SecretTokens(local_aws).token(name)


@pytest.mark.parametrize("text", [" ", '{"token": "very secret"}', "very secret\nX-Header: 1"])
def test_what_is_no_token_is_refused_without_being_shown(local_aws: AwsClients, text: str) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    local_aws.secretsmanager.create_secret(Name=name, SecretString=text)
    with pytest.raises(TokenError, match="holds no token") as refused:
        SecretTokens(local_aws).token(name)
    assert "very" not in str(refused.value)
