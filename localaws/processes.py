"""Child processes of the server: each in a group of its own, each ended when the server stops, however it stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


class ProcessLedger:
    """Remembers, on disk, the process groups that jobs and builds run in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, pid: int) -> None:
        """Remember a process that leads a group of its own (`start_new_session=True`)."""
        (self._folder / str(pid)).write_text(started_at(pid), encoding="utf-8")

    def remove(self, pid: int) -> None:
        """Forget a process that has ended."""
        (self._folder / str(pid)).unlink(missing_ok=True)

    def end_all(self, grace: float = 2.0) -> int:
        """End every remembered group, politely and then not; return how many were still running.

        A process id that the system has since given to another program is left alone.
        """
        alive = [pid for pid, since in self._remembered() if since and started_at(pid) == since]
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            for pid in alive:
                _signal_group(pid, wanted)
            deadline = time.monotonic() + grace
            while any(map(_group_exists, alive)) and time.monotonic() < deadline:
                time.sleep(0.02)
        for pid, _ in self._remembered():
            self.remove(pid)
        return len(alive)

    def _remembered(self) -> list[tuple[int, str]]:
        files = [file for file in self._folder.glob("*") if file.name.isdigit()]
        return [(int(file.name), file.read_text(encoding="utf-8")) for file in files]


def started_at(pid: int) -> str:
    """Return when a process started, in words of the system that only serve to compare; empty if it has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]  # a zombie has ended, and its parent has not noticed
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def listening_program(port: int) -> str:
    """Return the command and process id that hold a TCP port, as far as Linux tells and may be asked; else ""."""
    try:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return ""
    local, state, inode = 1, 3, 9  # columns; state 0A is LISTEN
    taken = [row for row in rows if row[state] == "0A" and int(row[local].partition(":")[2], 16) == port]
    sockets = {f"socket:[{row[inode]}]" for row in taken}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # another user's, or gone
            if str(link.readlink()) in sockets:
                process = link.parents[1]
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                return f"`{' '.join(words).strip()[:120]}`, process {process.name}"
    return ""


def _signal_group(pid: int, wanted: signal.Signals) -> None:
    try:
        os.killpg(pid, wanted)
    except (ProcessLookupError, PermissionError):
        return


def _group_exists(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
