"""What a pass of the dispatcher costs: as much as it starts, and not as much as waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from dropforge.domain.project import GuardRails
from dropforge.domain.run import Run, RunStatus, WaitingRef
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.line import in_line
from tests.fakes.interruption import Interruption, interrupted
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import DIGITS, START, World, stage_of

CANCER = replace(DIGITS, name="cancer", data_prefix="cancer/")
MANY = 3_000


class CountedStore(MemoryStore):
    """Counts the runs of lines that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Counter[str]()

    def waiting_runs(self, project: str, due_by: datetime, after: WaitingRef | None = None) -> Iterator[WaitingRef]:
        for ref in super().waiting_runs(project, due_by, after):
            self.read["behind the first" if after else "first"] += 1
            yield ref


def with_lines(world: World, store: MemoryStore, *lengths: tuple[str, int]) -> World:
    """So many runs of each project wait; of each, the first since the same moment, then one more each second."""
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    model = world.only_run()
    for project, length in lengths:
        for number in range(length):
            run = waiting(model, project, number)
            store.runs[run.id] = run
    world.store = store
    world.ports = replace(world.ports, store=store)
    return world


def waiting(model: Run, project: str, number: int) -> Run:
    assert model.waiting is not None
    at = START + timedelta(seconds=number)
    return replace(
        model,
        id=f"{project.encode().hex():0>14}{number:06}",
        project=project,
        requested_at=at,
        waiting=replace(model.waiting, due=at),
    )


def calls_of_a_pass(world: World) -> Counter[str]:
    counted = Interruption(at=10**9, after=False)
    dispatch_runs(interrupted(world.ports, counted))
    return Counter(counted.calls)


def test_a_full_project_costs_the_same_however_many_of_its_runs_wait() -> None:
    costs = []
    for length in (10, MANY):
        store = CountedStore()
        world = with_lines(World(stage_of(DIGITS, CANCER)), store, ("digits", length))
        world.clock.pass_by(hours=2)
        world.dispatch()
        store.read.clear()
        costs.append((calls_of_a_pass(world), store.read["behind the first"]))
    assert costs[0] == costs[1]
    (calls, _), read = costs[1], costs[1][1]
    assert calls["run"] == 1
    assert read == 0


def test_a_pass_reads_no_more_runs_than_it_starts_and_one_for_each_project() -> None:
    roomy = replace(DIGITS, guard_rails=GuardRails(concurrent_runs=5))
    store = CountedStore()
    world = with_lines(World(stage_of(roomy, CANCER)), store, ("digits", MANY), ("cancer", MANY))
    world.clock.pass_by(hours=2)
    calls = calls_of_a_pass(world)
    started = [run for run in store.runs.values() if run.status is RunStatus.RUNNING]
    assert len(started) == calls["create"] == 5 + 2
    assert calls["run"] == len(started) + 2
    assert store.read["behind the first"] <= len(started) + 2


def test_one_projects_thousands_keep_no_other_project_from_starting() -> None:
    store = CountedStore()
    world = with_lines(World(stage_of(DIGITS, CANCER)), store, ("digits", MANY), ("cancer", 1))
    world.clock.pass_by(hours=2)
    world.dispatch()
    assert [run.status for run in store.runs.values() if run.project == "cancer"] == [RunStatus.RUNNING]


def test_all_lines_are_gone_through_as_one_by_due_time_and_a_closed_one_no_further() -> None:
    store = CountedStore()
    with_lines(World(), store, ("digits", 4), ("cancer", 4), ("undeclared", 2))
    seen, closed = list[tuple[str, int]](), set[str]()
    for ref in in_line(store, START + timedelta(seconds=2), closed):
        seen.append((ref.project, int(ref.id[-6:])))
        if seen[-1] == ("digits", 1):
            closed.add("digits")
    assert [number for _, number in seen] == sorted(number for _, number in seen)
    assert Counter(project for project, _ in seen) == {"digits": 2, "cancer": 3, "undeclared": 2}
