"""One byte sequence for one document, so that equal content has an equal name everywhere and for ever.

The encoding is RFC 8785 (JSON Canonicalization Scheme) for documents whose numbers are integers within ±(2^53 - 1):
UTF-8, no white space, object members sorted by UTF-16 code units, the shortest escapes. Text is taken as it is, never
normalized, since S3 keys that differ only in Unicode form are different keys. A fraction has no place in an identity:
write it as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from dropforge.domain.errors import InvalidDocumentError

LARGEST_INTEGER = 2**53 - 1


def canonical(document: object) -> bytes:
    """The document's canonical bytes; InvalidDocumentError for what has none (fractions, lone surrogates, …)."""
    text = json.dumps(_ordered(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidDocumentError("text with a lone surrogate has no UTF-8 form: correct the text") from error


def digest(document: object) -> str:
    """`sha256:` and 64 hexadecimal digits over the canonical bytes."""
    return digest_of_bytes(canonical(document))


def digest_of_bytes(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _ordered(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= LARGEST_INTEGER:
            return value
        case Mapping():
            return {name: _ordered(value[name]) for name in sorted(value, key=_utf16)}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [_ordered(item) for item in value]
        case _:
            raise InvalidDocumentError(f"{value!r} has no canonical form: use text, whole numbers, lists and objects")


def _utf16(name: object) -> bytes:
    if not isinstance(name, str):
        raise InvalidDocumentError(f"{name!r} cannot name a member: use text")
    return name.encode("utf-16-be", "surrogatepass")
