"""`python -m demo`: the whole main job on the local AWS; `up` and `down` keep it for play."""

from __future__ import annotations

import argparse
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from demo.local_aws import LocalAws
from demo.stage import NotSeenError, Stage
from demo.story import Story, UnexpectedError
from demo.workbench import ROOT, CommandFailedError, Workbench

HOME = ROOT / ".localaws"
PLAY_PORT = 4566


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "up", "down"), default="run")
    parser.add_argument("--port", type=int, help="for run: any free one; for up: 4566")
    given = parser.parse_args(arguments)
    try:
        return {"run": run, "up": up, "down": down}[given.command](given.port)
    except (CommandFailedError, NotSeenError, UnexpectedError) as error:
        print(f"\nFailed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what the demo had started is stopped.", file=sys.stderr)
        return 130


def run(port: int | None) -> int:
    """The whole story on a local AWS of its own, which ends with it."""
    started = time.monotonic()
    home = HOME / "demo"
    local = LocalAws(home, port or 0)
    with (
        alone(HOME / "demo.lock"),
        tempfile.TemporaryDirectory(prefix="dropforge-demo-") as scratch,
        emptied(local).running() as environment,
    ):
        story = Story(Stage(Workbench("local", environment, home / "demo.log"), local, Path(scratch)))
        for number, (title, step) in enumerate(story.steps(), start=1):
            print(f"\n{number}. {title}", flush=True)
            begun = time.monotonic()
            try:
                step()
            except (CommandFailedError, NotSeenError, UnexpectedError) as error:
                print(f"\nStep {number} failed: {error}\nThe logs are in {home}.", file=sys.stderr)
                return 1
            print(f"  ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"\nDone in {time.monotonic() - started:.0f} s; nothing is left running. Keep one for play: make up")
    return 0


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold the lock within the block; raise CommandFailedError where another demo holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailedError("another demo runs in this tree: wait for it, or run yours in a clone") from None
        yield


def emptied(local: LocalAws) -> LocalAws:
    """The same, without what an earlier demo left: its files, and its server where it was killed."""
    if local.home.exists():
        local.stop()
        shutil.rmtree(local.home)
    local.home.mkdir(parents=True)
    return local


def up(port: int | None) -> int:
    """Start a local AWS that stays, deploy to it, and say how to push and to drop."""
    home = HOME / "play"
    home.mkdir(parents=True, exist_ok=True)
    local = LocalAws(home, port or PLAY_PORT)
    environment = local.start()
    stage = Stage(Workbench("local", environment, home / "up.log"), local, home)
    stage.deploy()
    repository = local.create_repository("example/digits")
    exports = "\n".join(f"  export {name}={value}" for name, value in environment.items())
    print(f"""
The local AWS is up. In this shell:
{exports}
Push (a copy of examples/digits is a start):
  cp -r examples/digits /tmp/digits && cd /tmp/digits && git init -b main && git add . && git commit -m "Train"
  git push {repository} main
Drop:
  aws s3 cp digits.csv s3://{stage.deployment()["training_bucket"]}/digits/training/
Look:
  .venv/bin/dropforge runs
Mail arrives in {home / "mail"}. Stop it with `make down`; what it holds stays for the next `make up`.""")
    return 0


def down(port: int | None) -> int:  # noqa: ARG001  (the home folder says which server)
    """Stop the local AWS that `up` started."""
    LocalAws(HOME / "play", 0).stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
