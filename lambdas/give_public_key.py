"""Called by CloudFormation when a stage is deployed: its public key, to be an output. Idempotent: nothing is made."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event
from dropforge.adapters.custom_resource import give
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.settings import GivePublicKeySettings

NAME = "signing-public-key"
PEM = "Pem"

function = Function(GivePublicKeySettings)


def handler(event: Event, _context: LambdaContext) -> None:
    if give(event, NAME, lambda: {PEM: function.ports.signer.public_key_pem().decode()}):
        logger().info("public key given")
