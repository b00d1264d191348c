"""What S3 means by the codes with which it refuses.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError

_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
"""The answer to a HEAD has no body, and so no code but the status."""


def is_gone(error: ClientError) -> bool:
    """Whether there is no such object, or no such version of it."""
    return error.response["Error"]["Code"] in _GONE
