"""The server process, in the environment that `server.serve` prepared: `python -m localaws.serving HOME REGION FD`."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from localaws import corrections, seam
from localaws.caller import Caller
from localaws.front import Front, Hook
from localaws.home import Home
from localaws.processes import ProcessLedger, started_at
from localaws.runtime import Runtime
from localaws.server import ACCOUNT

log = logging.getLogger("localaws")


def main(home: Home, region: str, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then end what is running and write the state."""
    os.environ.pop("PYTHONPATH", None)
    processes = ProcessLedger(home.processes)
    processes.end_all()  # a server that was killed could not
    port = listener.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    caller = Caller(endpoint, region, home.credentials())
    runtime = Runtime(home, endpoint, region, ACCOUNT, caller, seam.EmulatorBus(), processes)
    seam.verify()
    corrections.install(runtime)
    hooks = _assemble(runtime)
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
        asyncio.run(_serve(Front(seam.application(), runtime, hooks), listener, runtime))
    finally:
        home.server_record.unlink(missing_ok=True)


def _assemble(runtime: Runtime) -> Mapping[str, Hook]:
    """Make our services and enter them into the emulator; return the hooks below `/_localaws/`."""
    for service_class in _services():
        service = service_class(runtime)
        runtime.services[service.name] = service
        seam.register(service)
    for resource_type, handler in _optional("localaws.cloudformation", "HANDLERS", {}).items():
        seam.register_resource(runtime, resource_type, handler)
    hooks: dict[str, Hook] = {"reset": _reset}
    for name, module, function in (
        ("git/push", "localaws.githost", "pushed"),
        ("connection/accept", "localaws.codeconnections", "accepted"),
    ):
        hook = _optional(module, function, None)
        hooks |= {name: hook} if hook else {}
    return hooks


def _services() -> list[Callable[[Runtime], Any]]:
    wanted = [
        ("localaws.sagemaker", "SageMakerService"),
        ("localaws.codebuild", "CodeBuildService"),
        ("localaws.codepipeline", "CodePipelineService"),
        ("localaws.codeconnections", "CodeConnectionsService"),
        ("localaws.codeconnections", "CodeStarConnectionsService"),
    ]
    found = [_optional(module, name, None) for module, name in wanted]
    return [service for service in found if service is not None]


def _optional(module: str, name: str, default: Any) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        log.warning("%s.%s is not there: %s", module, name, error)
        return default


def _reset(runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    del body
    runtime.processes.end_all()
    seam.reset()
    runtime.caller.forget()
    return {"reset": True}


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
        await stop.wait()
        runtime.stopping.set()
        await asyncio.to_thread(_end_jobs, runtime)

    await hypercorn_serve(application, config, shutdown_trigger=stopped)


def _end_jobs(runtime: Runtime) -> None:
    """End jobs and builds while the server still answers, so that their last words are recorded."""
    for service in runtime.services.values():
        service.stop()
    runtime.processes.end_all()


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), sys.argv[2], socket.socket(fileno=int(sys.argv[3])))
