"""ListObjectVersions encodes keys where it is asked to, and so lists those that XML has no characters for.

The emulator does so for ListObjects alone; a key with a control character makes its other answer unreadable.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html (`encoding-type`)
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from ministack.services import s3

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_ENCODED = frozenset({"Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"})
_asked: ContextVar[bool] = ContextVar("whether the answer that is being written has encoded keys", default=False)


def install(runtime: Runtime) -> None:
    """Encode what the answer says of keys, as it is written."""
    del runtime
    wrap(s3, "_list_object_versions", _list)
    wrap(s3, "_xml_body", _write)


def _list(original: Callable[..., Any], bucket: str, query: dict[str, Any]) -> Any:
    token = _asked.set(s3._qp(query, "encoding-type", "") == "url")
    try:
        return original(bucket, query)
    finally:
        _asked.reset(token)


def _write(original: Callable[[Element], bytes], root: Element) -> bytes:
    if _asked.get() and root.tag == "ListVersionsResult":
        for element in root.iter():
            if element.tag in _ENCODED and element.text:
                element.text = s3._url_encode(element.text)
        SubElement(root, "EncodingType").text = "url"
    return original(root)
