"""What a person reads when AWS refuses or is not reached."""

from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from dropforge.adapters.aws_error import AwsError
from dropforge.adapters.sentences import aws_in_words


def said(error: Exception) -> str:
    with pytest.raises(AwsError) as told, aws_in_words():
        raise error
    return str(told.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredToken", "Your AWS credentials have expired: sign in again."),
        ("UnrecognizedClientException", "check AWS_PROFILE, or sign in again"),
        ("InvalidSignatureException", "check the secret access key, and that this machine's clock is right"),
        ("AccessDeniedException", "AWS refused GetItem (the message): ask ops for this permission."),
        ("ThrottlingException", "try again in a minute"),
        ("ResourceNotFoundException", "Check AWS_REGION, or deploy the stage again."),
        ("OptInRequired", "name another with --region"),
        ("ValidationException", "AWS refused GetItem (ValidationException: the message)."),
    ],
)
def test_each_refusal_says_what_to_do(code: str, sentence: str) -> None:
    assert sentence in said(ClientError({"Error": {"Code": code, "Message": "the message."}}, "GetItem"))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError(), "set AWS_PROFILE, or sign in with `aws configure` or `aws sso login`"),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "are incomplete"),
        (NoRegionError(), "give --region, or set AWS_REGION"),
        (InvalidRegionError(region_name="eu_central"), "name one such as eu-central-1"),
        (ProfileNotFound(profile="ada"), "name one of `aws configure list-profiles`"),
        (UnauthorizedSSOTokenError(), "run `aws sso login`"),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), "`make up` starts the local AWS"),
        (ConnectTimeoutError(endpoint_url="https://ssm.eu-nowhere-1.amazonaws.com"), "check the network, AWS_REGION"),
    ],
)
def test_what_was_not_reached_says_where_to_look(error: BotoCoreError, sentence: str) -> None:
    assert sentence in said(error)


def test_an_error_of_the_program_itself_stays_what_it_is() -> None:
    with pytest.raises(KeyError), aws_in_words():
        raise KeyError("x")
