"""Signing with the stage's key, which AWS KMS never gives away.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html (ECDSA_SHA_256 over a digest; the answer is in DER)
"""

from __future__ import annotations

import base64
import hashlib
import textwrap
from functools import cached_property

from dropforge.adapters.clients import AwsClients
from dropforge.domain.dsse import Signature


class KmsSigner:
    """Implements `ports.Signer` with a key of the spec ECC_NIST_P256."""

    def __init__(self, clients: AwsClients, key_arn: str) -> None:
        self._clients = clients
        self.name = key_arn

    def sign(self, message: bytes) -> Signature:
        """Only the digest travels: KMS takes no more than 4,096 bytes of a message."""
        answer = self._clients.kms.sign(
            KeyId=self.name,
            Message=hashlib.sha256(message).digest(),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return Signature(hashlib.sha256(self._public_key).hexdigest(), answer["Signature"])

    def public_key_pem(self) -> bytes:
        lines = textwrap.wrap(base64.b64encode(self._public_key).decode(), 64)
        return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", "")).encode()

    @cached_property
    def _public_key(self) -> bytes:
        """In DER (SPKI); asked for once, since a key's material never changes."""
        return self._clients.kms.get_public_key(KeyId=self.name)["PublicKey"]
