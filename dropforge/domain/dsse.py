"""Signed envelopes in the DSSE format: what is signed is the payload together with its type.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md and envelope.md
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from dropforge.domain.errors import DropforgeError


class EnvelopeError(DropforgeError):
    """What should be a signed envelope is none."""


@dataclass(frozen=True)
class Signature:
    """`value` is an ECDSA signature in DER; `key_id` is 64 hexadecimal digits over the public key in DER (SPKI)."""

    key_id: str
    value: bytes


@dataclass(frozen=True)
class Envelope:
    """A payload and one signature over `pre_authentication_encoding()`."""

    payload_type: str
    payload: bytes
    signature: Signature

    def to_bytes(self) -> bytes:
        """One line of JSON, which is also a whole file of JSON lines."""
        document = {
            "payloadType": self.payload_type,
            "payload": _text(self.payload),
            "signatures": [{"keyid": self.signature.key_id, "sig": _text(self.signature.value)}],
        }
        return json.dumps(document, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Envelope:
        """EnvelopeError for anything but one JSON object with exactly one signature."""
        try:
            document = json.loads(data)
            [signature] = document["signatures"]
            return cls(
                payload_type=_string(document, "payloadType"),
                payload=base64.b64decode(_string(document, "payload"), validate=True),
                signature=Signature(
                    _string(signature, "keyid"), base64.b64decode(_string(signature, "sig"), validate=True)
                ),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise EnvelopeError(
                "this is no envelope with one signature: name the .intoto.jsonl file that lies beside the model"
            ) from error

    def pre_authentication_encoding(self) -> bytes:
        return pre_authentication_encoding(self.payload_type, self.payload)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: lengths keep type and payload from flowing into each other."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _string(document: Mapping[str, object], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(name)
    return value
