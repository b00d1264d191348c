"""Tokens of other systems, which AWS Secrets Manager keeps.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Protocol

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.domain.errors import DropforgeError

_MAKE: Final = (
    "make it in the stage's account and region with `aws secretsmanager create-secret --name {secret} "
    "--secret-string file://TOKEN_FILE`"
)
_REMEDIES: Final = MappingProxyType(
    {
        "ResourceNotFoundException": f"there is no secret {{secret}}: {_MAKE}",
        "AccessDeniedException": (
            "the secret {secret} may not be read, which is also the answer where there is none: if there is none, "
            f"{_MAKE}; if there is one, look at its own policy and at the policy of its key"
        ),
        "InvalidRequestException": (
            "the secret {secret} cannot be read now: if it is scheduled for deletion, bring it back with "
            "`aws secretsmanager restore-secret --secret-id {secret}`"
        ),
        "DecryptionFailure": (
            "the key of the secret {secret} does not decrypt it: put the secret under AWS's default key, or "
            "under the stage's"
        ),
    }
)
"""What a refusal means, by its code, and what to do. A role that may read only the ARNs that a name can have is denied
a name that nobody has: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html
"""


class TokenError(DropforgeError):
    """There is no token, or none that can be read, where the configuration says that there is one."""


class Tokens(Protocol):
    """Where sinks find their tokens."""

    def token(self, secret: str) -> str: ...


class SecretTokens:
    """Each is read anew whenever it is used, so that one that was replaced counts at once."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def token(self, secret: str) -> str:
        """The text of the secret (a name or an ARN), without white space around it. TokenError."""
        try:
            text = self._clients.secretsmanager.get_secret_value(SecretId=secret).get("SecretString", "").strip()
        except ClientError as error:
            remedy = _REMEDIES.get(error.response["Error"]["Code"])
            if remedy is None:
                raise
            raise TokenError(remedy.format(secret=secret)) from error
        # A header's line cannot hold anything else, and an error of the HTTP library would show the token.
        if not text or not all("!" <= each <= "~" for each in text):
            raise TokenError(f"the secret {secret} holds no token: put the token itself there, one word and no JSON")
        return text
