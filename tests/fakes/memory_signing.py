"""A signing key that is real and lies in memory, and the places of what is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dropforge.domain.artifact_layout import statement_name, trail_statement_key, trail_statements_prefix
from dropforge.domain.dsse import Signature
from dropforge.domain.run import StoredStatement
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.training_job import ModelArtifact

AUDIT_BUCKET = "audit-bucket"


def a_private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class MemorySigner:
    """Implements `ports.Signer`."""

    name: str = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d"

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """Made when it is first needed: in most worlds nothing is signed."""
        return a_private_key()

    def sign(self, message: bytes) -> Signature:
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Signature(hashlib.sha256(der).hexdigest(), self.key.sign(message, ec.ECDSA(hashes.SHA256())))

    def public_key_pem(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@dataclass
class MemoryStatements:
    """Implements `ports.Statements`: each URI with its versions, the first one first."""

    kept: dict[str, list[bytes]] = field(default_factory=dict)

    def put_beside(self, model: ModelArtifact, envelope: bytes) -> StoredStatement:
        return self.put(statement_name(model.uri), envelope)

    def put_trail_head(self, run_id: str, sequence: int, envelope: bytes) -> StoredStatement:
        return self.put(f"s3://{AUDIT_BUCKET}/{trail_statement_key(run_id, sequence)}", envelope)

    def put(self, uri: str, envelope: bytes) -> StoredStatement:
        versions = self.kept.setdefault(uri, [])
        versions.append(envelope)
        return StoredStatement(uri, str(len(versions)))

    def read(self, stored: StoredStatement) -> bytes | None:
        versions = self.kept.get(stored.uri, [])
        return versions[int(stored.version_id) - 1] if len(versions) >= int(stored.version_id) else None

    def beside(self, model_uri: str) -> bytes | None:
        versions = self.kept.get(statement_name(model_uri))
        return versions[-1] if versions else None

    def trail_heads(self, run_id: str) -> tuple[bytes, ...]:
        prefix = f"s3://{AUDIT_BUCKET}/{trail_statements_prefix(run_id)}"
        return tuple(each for uri in sorted(self.kept) if uri.startswith(prefix) for each in self.kept[uri])

    def runs_with_trail_heads(self) -> Iterator[str]:
        prefix = f"s3://{AUDIT_BUCKET}/{trail_statements_prefix()}"
        ids = {uri.removeprefix(prefix).partition("/")[0] for uri in self.kept if uri.startswith(prefix)}
        return iter(sorted(ids))


@dataclass
class RecordedStates:
    """Implements `ports.StateChanges`."""

    published: list[RunStateChanged] = field(default_factory=list)

    def publish(self, change: RunStateChanged) -> None:
        self.published.append(change)
