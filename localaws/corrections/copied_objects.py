"""CopyObject computes the checksum that it is asked for.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (`x-amz-checksum-algorithm`)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import s3

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_ASKED = "x-amz-checksum-algorithm"


def install(runtime: Runtime) -> None:
    """Honour the header that CopyObject has; the emulator looks for the one that uploads have."""
    del runtime
    wrap(s3, "_copy_object", _copy)


def _copy(original: Callable[..., Any], bucket: str, key: str, headers: dict[str, str]) -> Any:
    algorithm = headers.get(_ASKED, "").upper()
    if not algorithm:
        return original(bucket, key, headers)
    status, answer, body = original(bucket, key, {**headers, "x-amz-sdk-checksum-algorithm": algorithm})
    if status == 200:
        body = _with_checksum(body, algorithm, s3._buckets[bucket]["objects"][key]["checksums"][algorithm])
    return status, answer, body


def _with_checksum(body: bytes, algorithm: str, value: str) -> bytes:
    """Add the checksum to CopyObjectResult, where the emulator has not."""
    element = f"<Checksum{algorithm}>"
    if element.encode() in body:
        return body
    closing = b"</CopyObjectResult>"
    added = f"{element}{escape(value)}</Checksum{algorithm}><ChecksumType>FULL_OBJECT</ChecksumType>".encode()
    return body.replace(closing, added + closing)
