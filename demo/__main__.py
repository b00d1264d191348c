"""`python -m demo`: the whole main job on the local AWS; `up` and `down` keep it for play."""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from demo.local_aws import LocalAws
from demo.play import HOME, down, up
from demo.stage import NotSeenError, Stage
from demo.story import Story, UnexpectedError
from demo.workbench import CommandFailedError, Workbench


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "up", "down"), default="run")
    parser.add_argument("--port", type=int, help="for run: any free one; for up: 4566")
    given = parser.parse_args(arguments)
    for ended in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: what was started is stopped
        signal.signal(ended, signal.default_int_handler)
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


if __name__ == "__main__":
    sys.exit(main())
