"""Chooses how programs of images are started on this machine: as privately as the machine allows.

The ladder: docker, podman, an own mount namespace, bubblewrap, a plain process. A rung is taken if it *runs* a trivial
job; that its program is installed means nothing (a docker client without a daemon is common). Only an engine is a
security boundary. Which rung ran a job is `Launcher.name`, and has to be told to whoever reads about the job.
"""

from __future__ import annotations

import functools
import logging

from localaws.containers.container import Container, Launcher, Process
from localaws.containers.launchers.bubblewrap import BubblewrapLauncher
from localaws.containers.launchers.engine import EngineLauncher
from localaws.containers.launchers.namespace import NamespaceLauncher
from localaws.containers.launchers.plain import PlainLauncher
from localaws.home import Home

__all__ = ["Container", "Launcher", "Process", "choose_launcher", "ladder"]

log = logging.getLogger("localaws")


def ladder(home: Home) -> list[Launcher]:
    """Return all rungs, most private first, tried or not."""
    return [
        EngineLauncher("docker"),
        EngineLauncher("podman"),
        NamespaceLauncher(home.temporary),
        BubblewrapLauncher(home.temporary),
        PlainLauncher(home.temporary),
    ]


@functools.cache
def choose_launcher(home: Home) -> Launcher:
    """Return the first rung that runs a trivial job; found once per process. The last one always does."""
    rungs = ladder(home)
    chosen = next((rung for rung in rungs if rung.works()), rungs[-1])
    log.info("programs are started by rung %s", chosen.name)
    return chosen
