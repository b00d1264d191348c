"""Runs as a program of its own, above a job: sets up what the job sees, passes signals on, leaves nothing behind.

Started as `python -I -S supervisor.py`, with a plan as one line of JSON on stdin:
    argv, environment, folder     what to execute, and where
    namespace                     null, or what `namespace_root.enter` builds: a root of the job's own
    signal_file                   null, or a file in which bubblewrap (`argv`) writes the process id to signal
Stdin then stays open for as long as the server wants the job; its end, also by the server's death, ends the job.
Exits with the program's exit code, 128 + n if signal n ended it, 126 if it could not be started.
Standard library only, so that it starts in a few milliseconds; nothing of `localaws` is imported.
"""

# ruff: noqa: PTH100, PTH108, PTH120, PTH123
# (every job waits for this program, and pathlib alone would double the time that it takes to start)
from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

_PR_SET_PDEATHSIG = 1
_FAILED = 126


def main() -> int:
    """Run the job; return the exit code."""
    plan = json.loads(_line(0))
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    namespace = plan["namespace"]
    if namespace:
        import namespace_root  # type: ignore[import-not-found]  # beside this file  # noqa: PLC0415  (Linux alone has what it uses)

        namespace_root.leave_host(namespace)
    child = os.fork()
    if child == 0:
        _in_child(plan)
    try:
        return _watch(child, wakeup, plan)
    finally:
        if plan["signal_file"]:
            os.unlink(plan["signal_file"])


def _watch(child: int, wakeup: int, plan: dict[str, Any]) -> int:
    """Wait for the child's end, passing SIGTERM on; end it when stdin ends."""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            received = os.read(wakeup, 64)
            if signal.SIGTERM in received:
                _signal(_target(child, plan), signal.SIGTERM)
            code = _reaped(child)
            if code is not None:
                _signal_group(child)
                return code
        if 0 in ready and not os.read(0, 64):
            _signal(child, signal.SIGKILL)
            _signal_group(child)
            os.waitpid(child, 0)
            return 128 + signal.SIGKILL


def _reaped(child: int) -> int | None:
    """Reap whatever has ended; return the child's exit code once it has."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if pid == 0:
                return None
    return None


def _target(child: int, plan: dict[str, Any]) -> int:
    """Return whom a signal is meant for: bubblewrap dies of it, so its child gets it instead."""
    if not plan["signal_file"]:
        return child
    try:
        with open(plan["signal_file"], encoding="utf-8") as file:
            return int(json.load(file)["child-pid"])
    except (OSError, ValueError, KeyError):
        return child  # it has not come so far


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(child: int) -> None:
    """End what the program left behind. In a namespace of its own the kernel does it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _in_child(plan: dict[str, Any]) -> None:
    """Become the program; with a namespace, become its first process, and the program's parent. Does not return."""
    code = _FAILED
    try:
        die_with_parent()
        if plan["namespace"]:
            import namespace_root  # noqa: PLC0415

            namespace_root.enter(plan["namespace"])
            code = _first_process(plan)
        else:
            os.setpgid(0, 0)
            _execute(plan)
    except OSError as error:
        os.write(2, f"The program could not be started: {error}\n".encode())
    finally:
        os._exit(code)


def _first_process(plan: dict[str, Any]) -> int:
    """Be the namespace's init: a program that is one itself would not die of SIGTERM, nor reap what it adopts."""
    wakeup, notify = os.pipe()
    os.set_blocking(notify, False)
    signal.set_wakeup_fd(notify, warn_on_full_buffer=False)
    program = os.fork()
    if program == 0:
        try:
            die_with_parent()
            os.setpgid(0, 0)
            _execute(plan)
        except OSError as error:
            os.write(2, f"The program could not be started: {error}\n".encode())
        finally:
            os._exit(_FAILED)
    while True:
        if signal.SIGTERM in os.read(wakeup, 64):
            _signal(program, signal.SIGTERM)
        code = _reaped(program)
        if code is not None:
            return code


def _execute(plan: dict[str, Any]) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(plan["folder"])
    os.environ.clear()
    os.environ.update(plan["environment"])
    os.execvpe(plan["argv"][0], plan["argv"], plan["environment"])  # noqa: S606  (no shell)


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent ends, even if the parent could not say good-bye."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _line(descriptor: int) -> bytes:
    """Read a line, and nothing after it: what follows is the lifeline."""
    found = b""
    while not found.endswith(b"\n"):
        part = os.read(descriptor, 65536)
        if not part:
            sys.exit(_FAILED)
        found += part
    return found


if __name__ == "__main__":
    sys.exit(main())
