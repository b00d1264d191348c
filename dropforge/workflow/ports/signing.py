"""What is signed, and where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dropforge.domain.dsse import Signature
from dropforge.domain.run import StoredStatement
from dropforge.domain.training_job import ModelArtifact


class PublicKey(Protocol):
    """By which anybody tells whether the stage has signed something."""

    @property
    def key_id(self) -> str:
        """64 hexadecimal digits over the key in DER (SPKI)."""
        ...

    def fits(self, message: bytes, signature: bytes) -> bool:
        """Whether this is the key's ECDSA signature (DER) over the SHA-256 of the message."""
        ...


class Signer(Protocol):
    """The stage's signing key, which never leaves its keeper."""

    @property
    def name(self) -> str:
        """A URI by which the stage, as a builder of models, is known."""
        ...

    def sign(self, message: bytes) -> Signature: ...

    def public_key_pem(self) -> bytes: ...


class Statements(Protocol):
    """Signed statements, as envelopes: those on models lie beside them, those on trails in the audit bucket."""

    def put_beside(self, model: ModelArtifact, envelope: bytes) -> StoredStatement: ...

    def put_trail_head(self, run_id: str, sequence: int, envelope: bytes) -> StoredStatement: ...

    def read(self, stored: StoredStatement) -> bytes | None:
        """The very version; None when it is gone."""
        ...

    def beside(self, model_uri: str) -> bytes | None:
        """The latest; None when there is none."""
        ...

    def trail_heads(self, run_id: str) -> tuple[bytes, ...]:
        """All that were ever put and not removed for good, also those that were put over or hidden."""
        ...

    def runs_with_trail_heads(self) -> Iterator[str]:
        """Each run once."""
        ...
