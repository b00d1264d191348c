"""Copies have the checksum that was asked for: of a whole object, and of each part of a multipart upload.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (`x-amz-checksum-algorithm`)
https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html (`CopyPartResult`)
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
    wrap(s3, "_upload_part_copy", _copy_part)


def _copy(original: Callable[..., Any], bucket: str, key: str, headers: dict[str, str]) -> Any:
    algorithm = headers.get(_ASKED, "").upper()
    if not algorithm:
        return original(bucket, key, headers)
    status, answer, body = original(bucket, key, {**headers, "x-amz-sdk-checksum-algorithm": algorithm})
    if status == 200:
        value = s3._buckets[bucket]["objects"][key]["checksums"][algorithm]
        body = _with_checksum(body, algorithm, value, "<ChecksumType>FULL_OBJECT</ChecksumType></CopyObjectResult>")
    return status, answer, body


def _copy_part(
    original: Callable[..., Any], bucket: str, key: str, query: dict[str, Any], headers: dict[str, str]
) -> Any:
    """Give a copied part what the emulator gives one that is uploaded."""
    status, answer, body = original(bucket, key, query, headers)
    upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {})
    algorithm = upload.get("checksum_algorithm")
    if status == 200 and algorithm:
        part = upload["parts"][int(s3._qp(query, "partNumber", "1"))]
        part["checksums"], _ = s3._resolve_part_checksums(part["body"], {}, upload)
        body = _with_checksum(body, algorithm, part["checksums"][algorithm], "</CopyPartResult>")
    return status, answer, body


def _with_checksum(body: bytes, algorithm: str, value: str, end: str) -> bytes:
    """Add the checksum to the result, where the emulator has not."""
    element = f"<Checksum{algorithm}>"
    if element.encode() in body:
        return body
    closing = end[end.rindex("</") :].encode()
    return body.replace(closing, f"{element}{escape(value)}</Checksum{algorithm}>{end}".encode())
