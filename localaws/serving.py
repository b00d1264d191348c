"""The server process, in the environment that `server.serve` prepared.

`python -m localaws.serving HOME CACHE REGION FD`
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from localaws import corrections, keeping, seam
from localaws.caller import Caller
from localaws.cloudformation import HANDLERS
from localaws.codebuild import CodeBuildService
from localaws.codeconnections import CodeConnectionsService, CodeStarConnectionsService, accepted
from localaws.codepipeline import CodePipelineService
from localaws.front import Front, Hook
from localaws.githost.pushes import pushed
from localaws.home import Home
from localaws.journal import Journal, JournalError
from localaws.processes import ProcessLedger, started_at
from localaws.runtime import Runtime
from localaws.sagemaker import SageMakerService
from localaws.server import ACCOUNT
from localaws.service import Service

log = logging.getLogger("localaws")
_SERVICES: tuple[type[Service], ...] = (
    SageMakerService,
    CodeBuildService,
    CodePipelineService,
    CodeConnectionsService,
    CodeStarConnectionsService,
)


def main(home: Home, region: str, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then end what is running and write the state."""
    os.environ.pop("PYTHONPATH", None)
    processes = ProcessLedger(home.processes)
    processes.end_all()  # a server that was killed could not
    port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    caller = Caller(endpoint, region, home.credentials())
    journal = Journal(home.state / "journal.sqlite")
    runtime = Runtime(home, endpoint, region, ACCOUNT, caller, seam.EmulatorBus(journal), processes, journal)
    seam.verify()
    corrections.install(runtime)
    _assemble(runtime)
    keeping.install(runtime)
    record = {
        "pid": os.getpid(),
        "started": started_at(os.getpid()),
        "port": port,
        "endpoint": endpoint,
        "region": region,
        "account": ACCOUNT,
    }
    home.server_record.write_text(json.dumps(record), encoding="utf-8")
    try:
        asyncio.run(_serve(Front(seam.application(), runtime, _HOOKS), listener, runtime))
    finally:
        if _recorded(home) == os.getpid():
            home.server_record.unlink()


def _assemble(runtime: Runtime) -> None:
    """Make our services and resource types, and enter them into the emulator."""
    for service_class in _SERVICES:
        service = service_class(runtime)
        runtime.services[service.name] = service
        seam.register(service)
    for resource_type, handler in HANDLERS.items():
        seam.register_resource(runtime, resource_type, handler)


def _reset(runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    del body
    runtime.processes.end_all()
    seam.reset(runtime.journal)
    runtime.caller.forget()
    return {"reset": True}


_HOOKS: Mapping[str, Hook] = {"git/push": pushed, "connection/accept": accepted, "reset": _reset}


async def _serve(application: Front, listener: socket.socket, runtime: Runtime) -> None:
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)

    async def stopped() -> None:
        saving = asyncio.create_task(_keep_saving(runtime))
        await stop.wait()
        if not saving.cancel():
            saving.result()  # it must not have ended by itself: say why
        runtime.stopping.set()
        await asyncio.to_thread(_end_jobs, runtime)

    await hypercorn_serve(application, config, shutdown_trigger=stopped)


async def _keep_saving(runtime: Runtime) -> None:
    """Save state until the home folder is deleted or another server's: then end, and write nothing more."""
    home = runtime.home
    await keeping.keep_saving(runtime, lambda: _recorded(home) == os.getpid())
    log.error("The home folder %s was deleted or belongs to another server now: this one ends.", home.root)
    os._exit(1)


def _recorded(home: Home) -> int | None:
    try:
        pid: int = json.loads(home.server_record.read_text(encoding="utf-8"))["pid"]
    except (FileNotFoundError, ValueError):
        return None
    return pid


def _end_jobs(runtime: Runtime) -> None:
    """End jobs and builds while the server still answers, so that their last words are recorded."""
    for service in runtime.services.values():
        service.stop()
        service.keep()
    runtime.processes.end_all()


if __name__ == "__main__":
    root, cache, region, descriptor = sys.argv[1:]
    try:
        main(Home(Path(root), Path(cache)), region, socket.socket(fileno=int(descriptor)))
    except JournalError as error:
        sys.exit(f"localaws: {error}")
