"""`make up` and `make down`: a local AWS that stays, with the stacks deployed and the commands to use it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from demo.local_aws import LocalAws
from demo.stage import Stage
from demo.workbench import AWS, BIN, EXAMPLES_PYTHON, ROOT, Workbench

HOME = ROOT / ".localaws"
PORT = 4566


def up(port: int | None) -> int:
    """Start a local AWS, or find it running; deploy to it, and say how to push and to drop."""
    home = HOME / "play"
    home.mkdir(parents=True, exist_ok=True)
    local = LocalAws(home, port or PORT)
    environment = local.start()
    stage = Stage(Workbench("local", environment, home / "up.log"), local, home)
    stage.deploy()
    bucket, repository = stage.deployment.training_bucket, local.create_repository("example/digits")
    print(f"""
The local AWS is up. To use it, in a shell and a folder of your own:
{_shell(exports(environment))}
Push:
{_shell(push(repository))}
Drop:
{_shell(drop(bucket))}
Look:
  dropforge projects; dropforge runs
  aws --endpoint-url "$AWS_ENDPOINT_URL" sqs list-queues    # only `aws sqs` needs to be told
Mail arrives in {home / "mail"}. Stop it with `make down`; what it holds stays for the next `make up`.""")
    return 0


def down(port: int | None) -> int:  # noqa: ARG001  (the home folder says which server)
    """Stop the local AWS that `up` started."""
    LocalAws(HOME / "play", 0).stop()
    return 0


def exports(environment: Mapping[str, str]) -> list[str]:
    """What points `aws`, `dropforge` and boto3 at the local AWS, and where the tree keeps them."""
    path = f'export PATH="{BIN}:{AWS.parent}:$PATH"'
    return [*(f"export {name}={shlex.quote(value)}" for name, value in environment.items()), path]


def push(repository: str) -> list[str]:
    """A data scientist's repository, made and pushed."""
    return [
        "dropforge init digits && cd digits",
        'git init -q -b main && git add --all && git commit -q -m "Train"',
        f"git push {shlex.quote(repository)} main",
    ]


def drop(bucket: str) -> list[str]:
    """Real data, written and put."""
    return [f"{EXAMPLES_PYTHON} make_data.py digits.csv", f"aws s3 cp digits.csv s3://{bucket}/digits/training/"]


def _shell(commands: list[str]) -> str:
    return "\n".join(f"  {command}" for command in commands)
