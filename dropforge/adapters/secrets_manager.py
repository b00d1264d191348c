"""Tokens of other systems, which AWS Secrets Manager keeps.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

from typing import Protocol

from dropforge.adapters.clients import AwsClients
from dropforge.domain.errors import DropforgeError


class TokenError(DropforgeError):
    """There is no token where the configuration says that there is one."""


class Tokens(Protocol):
    """Where sinks find their tokens."""

    def token(self, secret: str) -> str: ...


class SecretTokens:
    """Each is read anew whenever it is used, so that one that was replaced counts at once."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def token(self, secret: str) -> str:
        """The text of the secret (a name or an ARN), without white space around it. TokenError."""
        manager = self._clients.secretsmanager
        try:
            text = manager.get_secret_value(SecretId=secret).get("SecretString", "").strip()
        except manager.exceptions.ResourceNotFoundException as error:
            raise TokenError(
                f"there is no secret {secret}: make it with `aws secretsmanager create-secret --name {secret} "
                "--secret-string file://TOKEN_FILE`"
            ) from error
        # A header's line cannot hold anything else, and an error of the HTTP library would show the token.
        if not text or not all("!" <= each <= "~" for each in text):
            raise TokenError(f"the secret {secret} holds no token: put the token itself there, one word and no JSON")
        return text
