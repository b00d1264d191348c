"""A stage's public key, read from a PEM file: all that it takes to check its signatures, without AWS."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dropforge.cli.exits import CommandError


@dataclass(frozen=True)
class EcdsaPublicKey:
    """Implements `ports.PublicKey` for NIST P-256 (KMS's ECC_NIST_P256)."""

    _key: ec.EllipticCurvePublicKey

    @classmethod
    def from_pem(cls, pem: bytes) -> EcdsaPublicKey:
        try:
            key = serialization.load_pem_public_key(pem)
        except ValueError as error:
            raise CommandError("That is no public key in PEM: `dropforge public-key` prints the stage's.") from error
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise CommandError("That public key is not of the kind that a stage signs with (ECDSA on NIST P-256).")
        return cls(key)

    @property
    def key_id(self) -> str:
        der = self._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    def fits(self, message: bytes, signature: bytes) -> bool:
        try:
            self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True
