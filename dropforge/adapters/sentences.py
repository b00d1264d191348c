"""botocore's errors as one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from dropforge.adapters.aws_error import AwsError

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@contextmanager
def aws_in_words() -> Iterator[None]:
    """Within, every error of AWS becomes an AwsError."""
    try:
        yield
    except ClientError as error:
        raise AwsError(_refused(error)) from error
    except BotoCoreError as error:
        raise AwsError(_not_reached(error)) from error


def _refused(error: ClientError) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "").rstrip(".")
    if code in _EXPIRED:
        return "Your AWS credentials have expired: sign in again."
    if code in _UNKNOWN:
        return "AWS does not know your credentials: check AWS_PROFILE, or sign in again."
    if code in _DENIED:
        return f"AWS refused {error.operation_name} ({message}): ask ops for this permission."
    return f"AWS refused {error.operation_name} ({code}: {message})."


def _not_reached(error: BotoCoreError) -> str:
    match error:
        case NoCredentialsError():
            return "There are no AWS credentials: set AWS_PROFILE, or sign in with `aws configure` or `aws sso login`."
        case NoRegionError():
            return "No AWS region is set: give --region, or set AWS_REGION."
        case ProfileNotFound():
            return f"{error}: name one of `aws configure list-profiles` in AWS_PROFILE or --profile."
        case UnauthorizedSSOTokenError() | TokenRetrievalError():
            return "Your AWS sign-in has expired: run `aws sso login`."
        case EndpointConnectionError():
            return f"{error}: check the network, AWS_REGION and AWS_ENDPOINT_URL (`make up` starts the local AWS)."
        case _:
            return f"AWS could not be reached: {error}"
