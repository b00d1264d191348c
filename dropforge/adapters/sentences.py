"""botocore's errors as one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from dropforge.adapters.aws_error import AwsError

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN: Final = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
_WRONG_SECRET: Final = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_BUSY: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "SlowDown",
        "TooManyRequestsException",
        "ServiceUnavailable",
        "InternalServerError",
        "InternalFailure",
    }
)
_GONE: Final = frozenset({"ResourceNotFoundException", "NoSuchBucket", "AWS.SimpleQueueService.NonExistentQueue"})
_REGION_OFF: Final = frozenset({"OptInRequired", "SubscriptionRequiredException"})


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
    asked = error.operation_name
    sentences = {
        _EXPIRED: "Your AWS credentials have expired: sign in again.",
        _UNKNOWN: "AWS does not know your credentials: check AWS_PROFILE, or sign in again.",
        _WRONG_SECRET: (
            "AWS does not accept the signature: check the secret access key, and that this machine's clock is right."
        ),
        _DENIED: f"AWS refused {asked} ({message}): ask ops for this permission.",
        _BUSY: f"AWS has no time for {asked} now ({code}): try again in a minute.",
        _GONE: (
            f"What {asked} asks for is not there ({message or code}): a part of the stage was removed, or was never in "
            "this region. Check AWS_REGION, or deploy the stage again."
        ),
        _REGION_OFF: "This region is not enabled in your account: name another with --region, or have ops enable it.",
    }
    found = (sentence for codes, sentence in sentences.items() if code in codes)
    return next(found, f"AWS refused {asked} ({code}: {message}).")


def _not_reached(error: BotoCoreError) -> str:  # noqa: PLR0911  (a sentence for each kind, and nothing else)
    match error:
        case NoCredentialsError():
            return "There are no AWS credentials: set AWS_PROFILE, or sign in with `aws configure` or `aws sso login`."
        case NoRegionError():
            return "No AWS region is set: give --region, or set AWS_REGION."
        case ProfileNotFound():
            return f"{error}: name one of `aws configure list-profiles` in AWS_PROFILE or --profile."
        case UnauthorizedSSOTokenError() | TokenRetrievalError():
            return "Your AWS sign-in has expired: run `aws sso login`."
        case PartialCredentialsError() | CredentialRetrievalError():
            return f"Your AWS credentials are incomplete ({error}): complete them, or sign in again."
        case InvalidRegionError():
            return f"{error}: name one such as eu-central-1 in --region or AWS_REGION."
        case EndpointConnectionError() | ConnectTimeoutError() | ReadTimeoutError() | ProxyConnectionError():
            return f"{error}: check the network, AWS_REGION and AWS_ENDPOINT_URL (`make up` starts the local AWS)."
        case _:
            return f"AWS could not be reached: {error}"
