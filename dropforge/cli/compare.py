"""`dropforge compare RUN RUN…`: what is different between runs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import UsageError
from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import Manifest
from dropforge.domain.run import Run
from dropforge.workflow.find_run import find_run

SHOWN = 10
"""Commits and objects of each kind, as text; with --json all of them."""


@dataclass(frozen=True)
class Row:
    """One fact of every run; None where a run does not have it."""

    name: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class DataChanges:
    """Keys by which the data of one run differs from that of the first."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @classmethod
    def between(cls, first: Manifest, other: Manifest) -> DataChanges:
        before = {(each.channel, each.key): each.version_id for each in first.objects}
        after = {(each.channel, each.key): each.version_id for each in other.objects}
        return cls(
            tuple(key for channel, key in sorted(after.keys() - before.keys())),
            tuple(key for channel, key in sorted(before.keys() - after.keys())),
            tuple(name[1] for name in sorted(before.keys() & after.keys()) if before[name] != after[name]),
        )


@stage_command
def compare(
    session: Session,
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN…", help="Two runs or more, by the first digits.")],
) -> None:
    """Compare runs: parameters, data, metrics, and the commits between.

    What differs is marked with a `*`. Objects are compared with those of the first run; commits are listed where the
    working folder is a clone that has both.

    For example:
        dropforge compare 3f2a91 77c0de
    """
    if len(runs) < 2:
        raise UsageError("compare takes two runs or more: `dropforge runs` lists them.")
    with session.stage() as workspace:
        ports = workspace.ports
        found = [find_run(ports, each.lower()) for each in runs]
        versions = {run.dataset.version: manifest_key(run.project, run.dataset.version) for run in found}
        keys = versions if len(versions) > 1 else {}
        manifests = {version: ports.bucket.manifest(key) for version, key in keys.items()}
    rows = _rows(found)
    data = [
        DataChanges.between(manifests[found[0].dataset.version], manifests[run.dataset.version]) if manifests else None
        for run in found[1:]
    ]
    commits = [_commits_between(found[0], run) for run in found[1:]]
    if session.console.as_json:
        session.console.document(_document(found, rows, data, commits))
        return
    _show(session, found, rows)
    for run, changes, between in zip(found[1:], data, commits, strict=True):
        _show_changes(session, run, changes, between)


def _rows(runs: Sequence[Run]) -> list[Row]:
    facts = [_facts(run) for run in runs]
    names = dict.fromkeys(name for each in facts for name in each)
    return [Row(name, tuple(each.get(name) for each in facts)) for name in names]


def _facts(run: Run) -> Mapping[str, str]:
    compute, result = run.spec.compute, run.result
    facts = {
        "project": run.project,
        "status": run.status.value,
        "asked for": wording.moment(run.requested_at),
        "commit": wording.short(run.image.commit),
        "image": wording.short(run.image.digest),
        "data": wording.short(run.dataset.version),
        "objects": f"{run.dataset.objects:,}",
        "instance": f"{compute.instance_count} × {compute.instance_type}",  # noqa: RUF001
        **{f"parameter {name}": value for name, value in run.spec.hyperparameters.items()},
        **{f"environment {name}": value for name, value in run.spec.environment.items()},
    }
    if result is not None:
        facts |= {f"metric {name}": wording.number(value) for name, value in result.metrics.items()}
        facts |= {"model": wording.short(result.model.sha256 or "unknown")} if result.model else {}
        facts |= {"billable": wording.span(result.billable_seconds)} if result.billable_seconds is not None else {}
        facts |= {"cost": wording.money(result.cost_usd)} if result.cost_usd is not None else {}
    return facts


def _commits_between(first: Run, other: Run) -> list[str] | None:
    """One line each, the newest first; None where the working folder has not both commits. `<` marks the first's."""
    if first.image.commit == other.image.commit:
        return []
    span = f"{first.image.commit}...{other.image.commit}"
    command = ["git", "log", "--left-right", "--format=%m %h %s (%an)", "--end-of-options", span]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.splitlines() if done.returncode == 0 else None


def _document(
    runs: Sequence[Run],
    rows: Sequence[Row],
    data: Sequence[DataChanges | None],
    commits: Sequence[list[str] | None],
) -> dict[str, object]:
    return {
        "runs": [run.id for run in runs],
        "facts": [{"name": row.name, "values": list(row.values), "differs": row.differs} for row in rows],
        "data": [vars(each) if each else None for each in data],
        "commits": list(commits),
    }


def _show(session: Session, runs: Sequence[Run], rows: Sequence[Row]) -> None:
    from rich.table import Table  # noqa: PLC0415  (slow to import, and not needed for JSON)

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "", *(run.id[: wording.SHORT] for run in runs)):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row("*" if row.differs else "", row.name, *(value or "–" for value in row.values))  # noqa: RUF001
    session.console.show(table)


def _show_changes(session: Session, run: Run, data: DataChanges | None, commits: list[str] | None) -> None:
    say, name = session.console.line, run.id[: wording.SHORT]
    if data is not None:
        for how, keys in (("added", data.added), ("removed", data.removed), ("changed", data.changed)):
            for key in keys[:SHOWN]:
                say(f"{name}  object {how}: {key}")
            if len(keys) > SHOWN:
                say(f"{name}  and {len(keys) - SHOWN:,} more {how}")
    if commits is None:
        session.console.note(f"The commits between are listed in a clone of {run.project}'s repository that has both.")
        return
    for line in commits[:SHOWN]:
        say(f"{name}  commit {line}")
    if len(commits) > SHOWN:
        say(f"{name}  and {len(commits) - SHOWN:,} more commits")
