"""Tokens of other systems, from Secrets Manager on a local AWS."""

from __future__ import annotations

from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.secrets_manager import SecretTokens, TokenError

pytestmark = pytest.mark.local


def test_a_token_is_found_by_its_secrets_name_or_arn_and_a_new_one_counts_at_once(local_aws: AwsClients) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    arn = local_aws.secretsmanager.create_secret(Name=name, SecretString="first\n")["ARN"]
    tokens = SecretTokens(local_aws)
    assert [tokens.token(each) for each in (name, arn)] == ["first", "first"]
    local_aws.secretsmanager.put_secret_value(SecretId=name, SecretString="second")
    assert tokens.token(name) == "second"


def test_a_secret_that_is_not_there_is_named_with_the_command_that_makes_it(local_aws: AwsClients) -> None:
    with pytest.raises(TokenError, match="no secret contract/none: make it with `aws secretsmanager create-secret"):
        SecretTokens(local_aws).token("contract/none")


@pytest.mark.parametrize("text", [" ", '{"token": "very secret"}', "very secret\nX-Header: 1"])
def test_what_is_no_token_is_refused_without_being_shown(local_aws: AwsClients, text: str) -> None:
    name = f"contract/{uuid4().hex[:12]}"
    local_aws.secretsmanager.create_secret(Name=name, SecretString=text)
    with pytest.raises(TokenError, match="holds no token") as refused:
        SecretTokens(local_aws).token(name)
    assert "very" not in str(refused.value)
