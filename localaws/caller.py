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


@dataclass(frozen=True)
class Role:
    """A role that a service has assumed, or will: made once for a job, a build or an execution, used for all it does.

    Everything raises botocore's ClientError where the role does not exist or its trust policy refuses.
    """

    caller: Caller
    arn: str
    session_name: str
    principal: ServicePrincipal

    def client(self, service: str) -> Any:
        """Return a client of a service: every call is allowed or refused by the role's policies."""
        found = self.credentials()
        return self.caller.client_with(service, found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def credentials(self) -> dict[str, Any]:
        """Return temporary credentials as AssumeRole does (AccessKeyId, SecretAccessKey, SessionToken), kept in use."""
        return self.caller.credentials(self)

    def assume(self, **restrictions: Any) -> dict[str, Any]:
        """Return fresh credentials, restricted as AssumeRole can (Policy, DurationSeconds)."""
        return self.caller.assume(self, restrictions)

    @property
    def endpoint(self) -> str:
        """Where its calls go."""
        return self.caller.endpoint


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
        self._assumed: dict[tuple[str, str, ServicePrincipal], dict[str, Any]] = {}
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str) -> Any:
        """Return a client of a service as the account's root user."""
        return self.client_with(service, self._root.access_key_id, self._root.secret_access_key)

    def role(self, arn: str, session_name: str, principal: ServicePrincipal) -> Role:
        """Return a role as a service assumes it; nothing is asked of the server yet."""
        return Role(self, arn, session_name, principal)

    def credentials(self, role: Role) -> dict[str, Any]:
        """Return a role's credentials, the same ones while they last."""
        key = (role.arn, role.session_name, role.principal)
        with self._lock:
            known = self._assumed.get(key)
            if known is None or known["Expiration"].timestamp() - time.time() < _EXPIRY_MARGIN:
                known = self._assumed[key] = self.assume(role, {})
            return dict(known)

    def assume(self, role: Role, restrictions: dict[str, Any]) -> dict[str, Any]:
        """Return fresh credentials of a role, as the service that it names gets them."""
        sts = self._new_client("sts", self._root.access_key_id, self._root.secret_access_key, None)
        said = {PRINCIPAL_HEADER: role.principal.name, SOURCE_ARN_HEADER: role.principal.source_arn}
        sts.meta.events.register("before-sign.sts.AssumeRole", lambda request, **_: _add(request.headers, said))
        answer = sts.assume_role(RoleArn=role.arn, RoleSessionName=role.session_name, **restrictions)
        credentials: dict[str, Any] = answer["Credentials"]
        return credentials

    def forget(self) -> None:
        """Drop every role's credentials, as after a reset, which makes them invalid."""
        with self._lock:
            self._assumed.clear()
            self._clients.clear()

    def client_with(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
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
