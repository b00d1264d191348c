"""AWS clients with which the local AWS calls itself, as a role, so that IAM holds for what its services do."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config

from localaws.home import Credentials

_EXPIRY_MARGIN = 300.0

PRINCIPAL_HEADER = "x-localaws-principal"
SOURCE_ARN_HEADER = "x-localaws-source-arn"


@dataclass(frozen=True)
class ServicePrincipal:
    """Which AWS service assumes a role, and on behalf of which resource: what a role's trust policy is asked about.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """

    name: str
    source_arn: str


class Caller:
    """Makes botocore clients of this server: as the account's root user, or as a role that a service of ours assumed.

    Role credentials are kept until shortly before they expire. Safe to use from several threads.
    """

    def __init__(self, endpoint: str, region: str, root: Credentials) -> None:
        self.endpoint = endpoint
        self.region = region
        self._root = root
        self._session = botocore.session.Session()
        self._lock = threading.RLock()
        self._assumed: dict[tuple[str, str, ServicePrincipal | None], dict[str, Any]] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def client(
        self,
        service: str,
        role_arn: str | None = None,
        session_name: str = "localaws",
        principal: ServicePrincipal | None = None,
    ) -> Any:
        """Return a client of a service; with a role, every call is allowed or refused by that role's policies.

        Raises botocore's ClientError where the role does not exist or its trust policy refuses.
        """
        if role_arn is None:
            return self._client(service, self._root.access_key_id, self._root.secret_access_key)
        role = self.credentials(role_arn, session_name, principal)
        return self._client(service, role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])

    def credentials(
        self, role_arn: str, session_name: str = "localaws", principal: ServicePrincipal | None = None
    ) -> dict[str, Any]:
        """Return temporary credentials of a role as AssumeRole does: AccessKeyId, SecretAccessKey, SessionToken."""
        with self._lock:
            known = self._assumed.get((role_arn, session_name, principal))
            if known is None or known["Expiration"].timestamp() - time.time() < _EXPIRY_MARGIN:
                known = self.assume(principal, RoleArn=role_arn, RoleSessionName=session_name)
                self._assumed[role_arn, session_name, principal] = known
            return dict(known)

    def assume(self, principal: ServicePrincipal | None, **request: Any) -> dict[str, Any]:
        """Return fresh credentials for AssumeRole's request, made as a service principal, or as the root user."""
        sts = self._new_client("sts", self._root.access_key_id, self._root.secret_access_key, None)
        if principal is not None:
            said = {PRINCIPAL_HEADER: principal.name, SOURCE_ARN_HEADER: principal.source_arn}
            sts.meta.events.register("before-sign.sts.AssumeRole", lambda request, **_: _add(request.headers, said))
        credentials: dict[str, Any] = sts.assume_role(**request)["Credentials"]
        return credentials

    def forget(self) -> None:
        """Drop every role's credentials, as after a reset, which makes them invalid."""
        with self._lock:
            self._assumed.clear()
            self._clients.clear()

    def _client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        """Return the one client of a service and key: clients are safe to share, and slow to make; sessions neither."""
        with self._lock:
            if (service, key) not in self._clients:
                self._clients[service, key] = self._new_client(service, key, secret, token)
            return self._clients[service, key]

    def _new_client(self, service: str, key: str, secret: str, token: str | None) -> Any:
        create: Any = self._session.create_client
        return create(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(
                proxies={},  # the server is on loopback, whatever proxy the user has
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": 3},
                max_pool_connections=32,
                connect_timeout=5,
                read_timeout=60,
            ),
        )


def _add(headers: Any, said: dict[str, str]) -> None:
    for name, value in said.items():
        headers[name] = value
