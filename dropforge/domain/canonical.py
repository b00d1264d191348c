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
from functools import lru_cache
from typing import Final

from dropforge.domain.errors import InvalidDocumentError

LARGEST_INTEGER = 2**53 - 1

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
"""Text between quotation marks, with the shortest escapes."""


def canonical(document: object) -> bytes:
    """The document's canonical bytes; InvalidDocumentError for what has none (fractions, lone surrogates, …)."""
    try:
        return _text(document).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidDocumentError("text with a lone surrogate has no UTF-8 form: correct the text") from error


def digest(document: object) -> str:
    """`sha256:` and 64 hexadecimal digits over the canonical bytes."""
    return digest_of_bytes(canonical(document))


def digest_of_bytes(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _text(value: object) -> str:
    """In one walk, and text, which is most of what there is, without a call of its own.

    The concrete types stand before the abstract ones, which Python takes far longer to tell.
    """
    match value:
        case str():
            return _quoted(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if abs(value) <= LARGEST_INTEGER:
            return int.__repr__(value)
        case dict() | Mapping():
            members = [
                f"{_quoted(name)}:{_quoted(member) if isinstance(member := value[name], str) else _text(member)}"
                for name in sorted(value, key=_utf16)
            ]
            return f"{{{','.join(members)}}}"
        case list() | tuple() | Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return f"[{','.join([_text(item) for item in value])}]"
        case _:
            raise InvalidDocumentError(f"{value!r} has no canonical form: use text, whole numbers, lists and objects")


@lru_cache(maxsize=1024)
def _utf16(name: object) -> bytes:
    """Names of members are few, and are met over and over."""
    if not isinstance(name, str):
        raise InvalidDocumentError(f"{name!r} cannot name a member: use text")
    return name.encode("utf-16-be", "surrogatepass")
