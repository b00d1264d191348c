"""What keeps a stage from working as its people expect, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from dropforge.domain.admission import misfits
from dropforge.domain.counting import several
from dropforge.domain.head import WaitsFor
from dropforge.domain.project import Project
from dropforge.workflow.ports import Ports
from dropforge.workflow.project_status import ProjectStatus, project_status

MOST_TYPES = 20
"""Patterns such as `ml.*` stand for many instance types; only those that are named whole are asked for."""


class Surroundings(Protocol):
    """What lies about a stage in its account, and decides whether it works."""

    def pending_connection(self) -> str | None:
        """The name of the connection to the code host, while nobody has completed it."""
        ...

    def unconfirmed_mails(self) -> tuple[str, ...]:
        """Addresses that were asked whether they want mail, and have not answered."""
        ...

    def training_quotas(self) -> dict[str, int] | None:
        """Instances that may train at once, by type; None where they cannot be asked for."""
        ...

    def waiting_dead_letters(self) -> tuple[str, ...]:
        """The dead-letter queues in which something lies."""
        ...


@dataclass(frozen=True)
class Finding:
    """`of` is a project's name, or None for the whole stage."""

    of: str | None
    problem: str
    remedy: str


def diagnose(ports: Ports, surroundings: Surroundings) -> Iterator[Finding]:
    """The stage's own findings first, then each project's. Nothing is changed."""
    connection = surroundings.pending_connection()
    if connection is not None:
        yield Finding(
            None,
            f"the connection {connection} to the code host is pending: no push starts a build",
            "Complete it in the AWS console under Developer Tools, Settings, Connections (locally: "
            "`python -m localaws connection accept NAME`).",
        )
    for address in surroundings.unconfirmed_mails():
        yield Finding(
            None,
            f"{address} has not confirmed its subscription: no mail arrives there",
            "Follow the link in AWS's mail with the subject “Subscription Confirmation”; deploy again for another.",
        )
    for queue in surroundings.waiting_dead_letters():
        yield Finding(
            None,
            f"{queue} holds what could not be handled",
            f"`dropforge dead-letters {queue}` says why; mend that, then add --redrive.",
        )
    if ports.stage.projects:
        quotas = surroundings.training_quotas()
        for project in ports.stage.projects:
            yield from _of_project(ports, project, quotas)


def _of_project(ports: Ports, project: Project, quotas: dict[str, int] | None) -> Iterator[Finding]:
    status = project_status(ports, project.name)
    yield from _missing(project, status)
    if status.pause is not None:
        of = project.name if status.pause.project else "--all"
        yield Finding(project.name, f"it is paused, by {status.pause.by}", f"`dropforge resume {of}` lets it start.")
    if status.head.image is not None:
        data = status.head.data.dataset if status.head.data else None
        for hold in misfits(status.head.image.spec, data, project):
            yield Finding(project.name, f"no run of its latest image can start: {hold.reason}", hold.remedy)
    held = len(list(ports.store.held_runs(project.name)))
    if held:
        yield Finding(
            project.name,
            f"{several(held, 'run is', 'runs are')} held",
            f"`dropforge runs {project.name} --status HELD` says why; then `dropforge resume {project.name}`.",
        )
    yield from _quotas(project, status, quotas)


def _missing(project: Project, status: ProjectStatus) -> Iterator[Finding]:
    lacks = status.waits_for
    if lacks in {WaitsFor.IMAGE, WaitsFor.IMAGE_AND_DATA}:
        yield Finding(
            project.name,
            "it has no image yet",
            f"Push a commit to {project.branch} of {project.repository}; `dropforge notices` has builds that failed.",
        )
    if lacks in {WaitsFor.DATA, WaitsFor.IMAGE_AND_DATA} and status.seal is None:
        yield Finding(project.name, "it has no data yet", f"Put objects below {project.data_prefix}.")


def _quotas(project: Project, status: ProjectStatus, quotas: dict[str, int] | None) -> Iterator[Finding]:
    """Of the types that the guard rails name, and of the one that the latest image asks for."""
    if quotas is None:
        return
    named = [each for each in project.guard_rails.instance_types if "*" not in each][:MOST_TYPES]
    if status.head.image is not None:
        named.append(status.head.image.spec.compute.instance_type)
    for instance_type in dict.fromkeys(named):
        if quotas.get(instance_type) == 0:
            yield Finding(
                project.name,
                f"this account's quota for training on {instance_type} is 0",
                f"Ask in Service Quotas, for Amazon SageMaker, for “{instance_type} for training job usage”.",
            )
