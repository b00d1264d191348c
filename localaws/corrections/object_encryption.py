"""`aws:kms` without a key means the account's `aws/s3` key; the emulator refuses it, and CDK's assets bucket uses it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import s3

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def install(runtime: Runtime) -> None:
    """Name the account's key where a request or a bucket's default names none."""
    managed = f"arn:aws:kms:{runtime.region}:{runtime.account}:alias/aws/s3"

    def resolve(original: Callable[..., Any], headers: dict[str, str], bucket: str) -> Any:
        if headers.get(_ALGORITHM) == "aws:kms":
            headers = {_KEY: managed, **headers}
        applied, error = original(headers, bucket)
        if applied and applied.get(_ALGORITHM) == "aws:kms":
            applied = {_KEY: managed, **applied}
        return applied, error

    wrap(s3, "_resolve_sse_write_headers", resolve)
