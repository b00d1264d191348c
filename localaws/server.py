"""Where the server listens, and in which environment."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from pathlib import Path

from localaws.home import Home
from localaws.processes import listening_program

ACCOUNT = "000000000000"
_LOOPBACK = "127.0.0.1,localhost"
_KEPT = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_CERT", "DOCKER_HOST", "XDG_RUNTIME_DIR",
)  # fmt: skip

_CONSTANT = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "LOG_LEVEL": "INFO",
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "MINISTACK_HOST": "127.0.0.1",
    "PERSIST_STATE": "1",
    "S3_PERSIST": "1",
    "SFTP_ENABLED": "0",
}
SETTINGS = (*_CONSTANT, "GATEWAY_PORT", "MINISTACK_REGION", "S3_DATA_DIR", "STATE_DIR")
"""Names of variables that are the emulator's own, and no business of what it runs."""


class ServerError(Exception):
    """The server cannot start; the message says what to do."""


def bind(port: int) -> socket.socket:
    """Listen on the loopback interface alone; 0 takes a free port. Raise ServerError where the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        holder = listening_program(port)
        reason = f"{error.strerror}, by {holder}" if holder else error.strerror
        advice = "choose another with --port, or any free one with --port 0"
        raise ServerError(f"Port {port} cannot be used ({reason}): {advice}.") from error
    listener.listen(512)
    listener.set_inheritable(True)
    return listener


def emulator_environment(home: Home, port: int, region: str) -> dict[str, str]:
    """Return the whole environment of the server: the emulator's settings, and of the user's only what is harmless.

    Lambdas inherit it, as they inherit nothing of a laptop on AWS: no profile, no PYTHONPATH, no other key.
    """
    root = home.credentials()
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    settings = {
        **_CONSTANT,
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "S3_DATA_DIR": str(home.objects),
        "STATE_DIR": str(home.state),
        "TMPDIR": str(home.temporary),
    }
    return kept | without_proxy() | settings


def without_proxy() -> dict[str, str]:
    """Return the variables that keep a user's proxy away from loopback; nothing where there is no proxy."""
    if not any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy")):
        return {}
    past = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    value = f"{past},{_LOOPBACK}" if past else _LOOPBACK
    return {"NO_PROXY": value, "no_proxy": value}


def serve(home: Home, port: int, region: str) -> None:
    """Become the server: take the port, then start over in the emulator's environment. Does not return.

    The emulator reads its settings while it is imported, so they have to be there before this interpreter starts.
    """
    home.prepare()
    _take(home)
    listener = _bind_as_before(home, port)
    environment = emulator_environment(home, listener.getsockname()[1], region)
    arguments = [
        sys.executable,
        "-m",
        "localaws.serving",
        str(home.root),
        str(home.cache),
        region,
        str(listener.fileno()),
    ]
    os.execve(sys.executable, arguments, environment | {"PYTHONPATH": str(source_root())})  # noqa: S606  (no shell)


def _take(home: Home) -> None:
    """Hold the home folder until this process, and the server that it becomes, has ended."""
    lock = os.open(home.root / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ServerError(f"Another server has {home.root}: stop it with `python -m localaws down`.") from error
    os.set_inheritable(lock, True)


def _bind_as_before(home: Home, port: int) -> socket.socket:
    """Listen on a port; 0 takes the one of the last time if it is free: queue URLs that stacks wrote down name it."""
    try:
        listener = bind(port or home.last_port())
    except ServerError:
        if port:
            raise
        listener = bind(0)
    home.remember_port(listener.getsockname()[1])
    return listener


def source_root() -> Path:
    """Return the folder that this package lies in, which a new interpreter needs on its path."""
    return Path(__file__).resolve().parent.parent
