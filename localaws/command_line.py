"""`python -m localaws`: start, stop and look at the local AWS."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localaws import githost
from localaws.containers.dockerfile import BuildError
from localaws.home import DEFAULT_CACHE, DEFAULT_HOME, Home
from localaws.mailbox import invitations, letters
from localaws.processes import ProcessLedger, started_at
from localaws.server import ServerError, bind, serve, source_root, without_proxy

DEFAULT_PORT = 4566
DEFAULT_REGION = "us-east-1"
_START_SECONDS = 30.0
_STOP_SECONDS = 45.0  # in the middle of a storm of events on a busy machine
_ROOM_MEBIBYTES = 2  # an empty home; objects and layers take what they take


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 not, 2 a command that does not exist."""
    options = _parser().parse_args(arguments)
    home = Home(Path(options.home).absolute(), Path(options.cache).absolute())
    try:
        code: int = options.run(home, options)
    except (ServerError, BuildError, githost.RepositoryError, githost.GitError) as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        place, reason = error.filename or home.root, error.strerror or error
        print(f"localaws: {place} cannot be used: {reason}. Mend that, or take another --home.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("localaws: Interrupted.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--home", default=str(DEFAULT_HOME), help="folder that holds everything (default: %(default)s)")
    shared.add_argument("--cache", default=str(DEFAULT_CACHE), help="folder that homes share (default: %(default)s)")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    where.add_argument("--region", default=DEFAULT_REGION, help="its only region (default: %(default)s)")
    parser = argparse.ArgumentParser(prog="python -m localaws", description="The local AWS, on 127.0.0.1.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, parents, text in (
        ("up", _up, [shared, where], "start it in the background and print the environment to use it with"),
        ("down", _down, [shared], "stop it and everything that it runs; its state stays"),
        ("status", _status, [shared], "say whether it runs, and print the environment to use it with"),
        ("serve", _serve, [shared, where], "run it in the foreground"),
        ("reset", _reset, [shared], "make it forget everything"),
    ):
        commands.add_parser(name, parents=parents, help=text, description=text).set_defaults(run=run)
    _add_hook_commands(commands, shared)
    _add_folder_commands(commands, shared)
    return parser


def _add_hook_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    connection = commands.add_parser("connection", help="complete a connection's handshake, as in the AWS console")
    actions = connection.add_subparsers(required=True, metavar="ACTION")
    accept = actions.add_parser("accept", parents=[shared], help="make a pending connection available")
    accept.add_argument("connection", help="the connection's name or ARN")
    accept.set_defaults(run=_accept_connection)
    git = commands.add_parser("git", help="keep repositories in the local stand-in for GitHub")
    kinds = git.add_subparsers(required=True, metavar="ACTION")
    create = kinds.add_parser("create", parents=[shared], help="make a bare repository and print the path to push to")
    create.add_argument("repository", help="owner/name, as on GitHub")
    create.set_defaults(run=_create_repository)
    subscription = commands.add_parser("subscription", help="answer for the owner of an e-mail address")
    answers = subscription.add_subparsers(required=True, metavar="ACTION")
    confirm = answers.add_parser("confirm", parents=[shared], help="confirm subscriptions that await it")
    confirm.add_argument("address", nargs="?", help="of one address alone (default: of every address)")
    confirm.set_defaults(run=_confirm_subscriptions)


def _add_folder_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    warm = commands.add_parser("warm", parents=[shared], help="install what images need before their first build")
    warm.add_argument("folder", nargs="+", help="with a Dockerfile, as a data scientist's repository has it")
    warm.set_defaults(run=_warm)
    mail = commands.add_parser("mail", parents=[shared], help="print the e-mail that arrived, oldest first")
    mail.add_argument("address", nargs="?", help="of one address alone (default: of every address)")
    mail.add_argument("--last", type=int, metavar="N", help="the newest N alone")
    mail.add_argument("--all", action="store_true", help="also those that ask to confirm a subscription")
    mail.set_defaults(run=_show_mail)


def running(home: Home) -> dict[str, Any] | None:
    """Return the running server's pid, port, endpoint, region and account, or None."""
    try:
        record: dict[str, Any] = json.loads(home.server_record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if started_at(record["pid"]) and _healthy(record["endpoint"]) else None


def environment(home: Home, record: dict[str, Any]) -> dict[str, str]:
    """Return what boto3, the AWS command line and the CDK command line need to work against the server."""
    root = home.credentials()
    return {
        "AWS_ENDPOINT_URL": record["endpoint"],
        "AWS_ACCESS_KEY_ID": root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": root.secret_access_key,
        "AWS_REGION": record["region"],
        "AWS_DEFAULT_REGION": record["region"],
        **without_proxy(),
    }


def _up(home: Home, options: argparse.Namespace) -> int:
    record = running(home)
    if record is not None:
        print(f"The local AWS already runs on {record['endpoint']}.", file=sys.stderr)
        _print_environment(home, record)
        return 0
    home.prepare()
    _check_room(home)
    bind(options.port).close()
    before = home.last_port()
    started = time.monotonic()
    print(f"Starting the local AWS; its log is {home.log}.", file=sys.stderr)
    with home.log.open("ab") as output:
        server = subprocess.Popen(
            [interpreter(), "-m", "localaws", "serve", "--home", str(home.root),
             "--cache", str(home.cache), "--port", str(options.port), "--region", options.region],
            cwd=source_root(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        record = _await_health(home, server)
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        raise
    print(f"The local AWS runs on {record['endpoint']} ({time.monotonic() - started:.1f} s).", file=sys.stderr)
    if before not in {0, record["port"]}:
        print(
            f"It had port {before} before, and so have the queue URLs that stacks wrote down: deploy them again, or "
            f"stop it and start it with --port {before}.",
            file=sys.stderr,
        )
    _print_environment(home, record)
    return 0


def _check_room(home: Home) -> None:
    free = shutil.disk_usage(home.root).free >> 20
    if free < _ROOM_MEBIBYTES:
        raise ServerError(
            f"The disk of {home.root} has {free} MiB left: free {_ROOM_MEBIBYTES}, or take another --home."
        )


def _await_health(home: Home, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        record = running(home)
        if record is not None:  # also that of another `up`, which was faster
            return record
        if server.poll() is not None:
            raise ServerError(f"The server ended while it started: {_last_line(home.log)} (all of it: {home.log})")
        time.sleep(0.05)
    server.terminate()
    raise ServerError(f"The server did not answer within {_START_SECONDS:.0f} s: see {home.log}.")


def _down(home: Home, options: argparse.Namespace) -> int:
    del options
    record = _record(home)
    if record is None:
        ended = ProcessLedger(home.processes).end_all()
        print(f"The local AWS does not run{f'; ended {ended} of its processes' if ended else ''}.", file=sys.stderr)
        return 0
    pid = record["pid"]
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while started_at(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if started_at(pid):
        os.kill(pid, signal.SIGKILL)
        home.server_record.unlink(missing_ok=True)
        ProcessLedger(home.processes).end_all()
        raise ServerError(f"The server did not stop within {_STOP_SECONDS:.0f} s and was killed: see {home.log}.")
    ProcessLedger(home.processes).end_all()
    print("The local AWS has stopped; its state is kept.", file=sys.stderr)
    return 0


def _status(home: Home, options: argparse.Namespace) -> int:
    del options
    record = running(home)
    if record is None:
        print("The local AWS does not run: start it with `python -m localaws up`.", file=sys.stderr)
        return 1
    print(f"The local AWS runs on {record['endpoint']} (pid {record['pid']}).", file=sys.stderr)
    _print_environment(home, record)
    return 0


def _serve(home: Home, options: argparse.Namespace) -> int:
    serve(home, options.port, options.region)
    return 0


def _reset(home: Home, options: argparse.Namespace) -> int:
    del options
    _hook(home, "reset", {})
    print("The local AWS has forgotten everything.", file=sys.stderr)
    return 0


def _accept_connection(home: Home, options: argparse.Namespace) -> int:
    answer = _hook(home, "connection/accept", {"connection": options.connection})
    print(json.dumps(answer))
    return 0


def _create_repository(home: Home, options: argparse.Namespace) -> int:
    home.prepare()
    print(githost.create(home, options.repository))
    return 0


def _confirm_subscriptions(home: Home, options: argparse.Namespace) -> int:
    """Confirm what is pending, as each subscriber does on AWS by the link in the mail."""
    from botocore.exceptions import ClientError  # noqa: PLC0415  (slow to import, and most commands call no service)

    from localaws.caller import Caller  # noqa: PLC0415

    record = running(home)
    if record is None:
        raise ServerError("It does not run: start it with `python -m localaws up`.")
    sns = Caller(record["endpoint"], record["region"], home.credentials()).client("sns")
    for invitation in invitations(home.mail):
        if options.address not in {None, invitation.address}:
            continue
        try:
            sns.confirm_subscription(TopicArn=invitation.topic_arn, Token=invitation.token)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"InvalidParameter", "InvalidParameterException", "NotFound"}:
                continue  # confirmed before, or gone
            raise
        print(f"{invitation.address} now gets mail from {invitation.topic_arn}.")
    return 0


def _warm(home: Home, options: argparse.Namespace) -> int:
    from localaws.codebuild.warming import warm  # noqa: PLC0415  (it brings all of CodeBuild)

    for folder in options.folder:
        print(f"{folder}: {warm(Path(folder), home.cache, interpreter())}", end="")
    return 0


def _show_mail(home: Home, options: argparse.Namespace) -> int:
    arrived = list(letters(home.mail, options.address, with_invitations=options.all))
    wanted = arrived if options.last is None else arrived[max(0, len(arrived) - options.last) :]
    if not wanted:
        print("No mail has arrived.", file=sys.stderr)
    print(f"{'-' * 72}\n".join(wanted), end="")
    return 0


def _hook(home: Home, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call a hook of the running server; raise ServerError with its message where it refuses."""
    record = running(home)
    if record is None:
        raise ServerError("It does not run: start it with `python -m localaws up`.")
    request = urllib.request.Request(  # noqa: S310  (the endpoint is this server's own)
        f"{record['endpoint']}/_localaws/{name}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {home.hook_token()}", "Content-Type": "application/json"},
    )
    try:
        with _direct.open(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise ServerError(json.load(error)["message"]) from error
    return answer


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _healthy(endpoint: str) -> bool:
    try:
        with _direct.open(f"{endpoint}/_ministack/health", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _record(home: Home) -> dict[str, Any] | None:
    """Return the record of a server whose process is there, whether or not it answers."""
    try:
        record: dict[str, Any] = json.loads(home.server_record.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if started_at(record["pid"]) == record["started"] else None


def interpreter() -> str:
    """Return the Python that has the emulator: the one that `make setup` made, or else this one."""
    ours = source_root() / ".tools" / "localaws" / "bin" / "python"
    return str(ours) if ours.exists() else sys.executable


def _print_environment(home: Home, record: dict[str, Any]) -> None:
    for name, value in environment(home, record).items():
        print(f"export {name}={value}")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"
