"""Tells requests that are signed from those that are not, before the emulator looks whose signature it is.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html (one header, or the query)
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html (MissingAuthenticationToken)
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (AccessDenied)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs

_HEADER = re.compile(
    rb"AWS4-HMAC-SHA256 +Credential=[^/,\s]+/[^,\s]+, *SignedHeaders=[^,\s]+, *Signature=[0-9a-f]{64}"
    rb"|AWS [^:\s]+:[^:\s]+"  # version 2, which S3 still takes
)
_QUERIES = (("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"), ("AWSAccessKeyId", "Signature"))
_REGISTRY = re.compile(r"/v2/(.+/(blobs|manifests|tags)/.*)?")
_MESSAGE = "Request is missing Authentication Token"


def is_signed(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> bool:
    """Whether a request names a key and a signature, once: of two, the emulator would check one and believe the other.

    Whether the signature is right, the emulator finds out.
    """
    authorizations = [value for name, value in headers if name.lower() == b"authorization"]
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    in_query = [names for names in _QUERIES if any(name in given for name in names)]
    if len(authorizations) + len(in_query) != 1:
        return False
    if authorizations:
        return _HEADER.fullmatch(authorizations[0].strip()) is not None
    return all(len(given.get(name, [])) == 1 and given[name][0] for name in in_query[0])


def is_registry(headers: Iterable[tuple[bytes, bytes]], path: str) -> bool:
    """Whether a request is for ECR's registry, which asks for a token of its own: `docker` signs nothing.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints
    """
    authorizations = [value for name, value in headers if name.lower() == b"authorization"]
    return _REGISTRY.fullmatch(path) is not None and (
        not authorizations or (len(authorizations) == 1 and authorizations[0].startswith(b"Basic "))
    )


def refusal(headers: Mapping[bytes, bytes]) -> tuple[str, bytes]:
    """Return content type and body of the answer (403) to what is not signed, in the protocol that it speaks."""
    sent = headers.get(b"content-type", b"")
    if b"x-amz-target" in headers or b"json" in sent:
        error = {"__type": "MissingAuthenticationTokenException", "message": _MESSAGE}
        return "application/x-amz-json-1.1", json.dumps(error).encode()
    if sent.startswith(b"application/x-www-form-urlencoded"):
        fault = f"<Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>{_MESSAGE}</Message>"
        return "text/xml", f"<ErrorResponse><Error>{fault}</Error></ErrorResponse>".encode()
    return "application/xml", b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
