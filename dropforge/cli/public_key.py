"""`dropforge public-key`: what it takes to check a stage's signatures anywhere."""

from __future__ import annotations

from dropforge.cli.command import Session, stage_command
from dropforge.cli.ecdsa import EcdsaPublicKey


@stage_command
def public_key(session: Session) -> None:
    """Print the stage's public key in PEM.

    Keep it where whoever administers the account cannot replace it: it is what all later checks rest on.

    For example:
        dropforge public-key --stage prod > prod.pem
    """
    with session.stage() as workspace:
        pem = workspace.ports.signer.public_key_pem()
    if session.console.as_json:
        session.console.document({"key_id": EcdsaPublicKey.from_pem(pem).key_id, "pem": pem.decode()})
    else:
        session.console.line(pem.decode().rstrip("\n"))
