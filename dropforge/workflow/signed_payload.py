"""Read what somebody signed, if it was signed with the key that one trusts."""

from __future__ import annotations

from dropforge.domain.dsse import Envelope
from dropforge.domain.errors import DropforgeError
from dropforge.domain.statement import PAYLOAD_TYPE
from dropforge.workflow.ports import PublicKey

SHOWN_DIGITS = 16


class SignatureError(DropforgeError):
    """A statement is not signed, or not with the key that is trusted."""


def signed_payload(envelope: bytes, key: PublicKey) -> bytes:
    """The statement in the envelope. EnvelopeError; SignatureError when it is not this key's, or was changed since."""
    signed = Envelope.from_bytes(envelope)
    if signed.signature.key_id != key.key_id:
        raise SignatureError(
            f"the statement is signed with the key {signed.signature.key_id[:SHOWN_DIGITS]}, and the one to trust is "
            f"{key.key_id[:SHOWN_DIGITS]}: it is another stage's, or somebody else's"
        )
    if not key.fits(signed.pre_authentication_encoding(), signed.signature.value):
        raise SignatureError("the statement was changed after it was signed: trust neither it nor what it is about")
    if signed.payload_type != PAYLOAD_TYPE:
        raise SignatureError(f"what was signed is a {signed.payload_type} and no in-toto statement: name another file")
    return signed.payload
