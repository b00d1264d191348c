"""What people ask costs as much after ten thousand runs as after ten: so many requests, and so many records read.

Each run has data of its own, and each dataset version holds one object that all of them hold: the store of a project
to whose prefix something was added ten thousand times. `benchmarks/ten_thousand_runs.py` measures the real store.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import Dataset, Manifest, ObjectVersion
from dropforge.domain.run import Run
from dropforge.workflow.list_runs import LOOKED_THROUGH, PAGE
from dropforge.workflow.ports import MetadataStore
from dropforge.workflow.trace_lineage import DATASETS_SHOWN, RUNS_SHOWN
from tests.command import Answer
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import START, World
from tests.unit.cli.shell import Shell, trained

pytestmark = pytest.mark.xdist_group("ten thousand runs")  # they are made once

ALWAYS = ObjectVersion("training", "digits/digits.csv", "digits/digits.csv@1", 6, "ab" * 32)
FEW, MANY = 10, 10_000


class CountedStore:
    """The store, each call of which counts as a question, with how many records it gave."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.asked = 0
        self.given = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def counted(*arguments: Any) -> Any:
            self.asked += 1
            answer = method(*arguments)
            self.given += len(answer) if isinstance(answer, tuple | dict) else 1
            return answer

        return counted


class Stage:
    """A stage after so many runs."""

    def __init__(self, runs: int) -> None:
        self.shell = Shell(World())
        self.oldest = self.shell.world.run(trained(self.shell))
        self.newest = [self._add(self.oldest, number) for number in range(runs)][-1]

    def _add(self, pattern: Run, number: int) -> Run:
        world, at = self.shell.world, START + timedelta(days=1, minutes=number)
        own = replace(ALWAYS, key=f"digits/{number}.csv", version_id=str(number))
        manifest = Manifest.of("training-bucket", [ALWAYS, own])
        dataset = Dataset.of("digits", manifest, at)
        world.bucket.put_manifest(manifest_key("digits", dataset.version), manifest)
        world.store.put_dataset(dataset, manifest.objects)
        run = replace(pattern, id=f"{number:04x}{'0' * 16}", dataset=dataset, requested_at=at)
        world.store.runs[run.id] = run
        return run

    def ask(self, *words: str) -> tuple[Answer, CountedStore]:
        world = self.shell.world
        counted = CountedStore(world.store)
        world.ports = replace(world.ports, store=cast("MetadataStore", counted))
        return self.shell.type(*words), counted


@pytest.fixture(scope="module")
def few() -> Stage:
    return Stage(FEW)


@pytest.fixture(scope="module")
def many() -> Stage:
    return Stage(MANY)


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("runs", 40),
        ("runs digits --limit 5", 10),
        ("runs --commit {run.image.commit}", 40),
        ("runs --data {run.dataset.version}", 40),
        ("runs --data s3://training-bucket/digits/digits.csv", 60),
        ("runs --before {run.id}", 60),
        ("runs --since 2026-03-01", 40),
        ("show {oldest.id}", 5),
        ("lineage {run.id}", 40),
        ("lineage {run.dataset.version}", 40),
        ("lineage {run.image.commit}", RUNS_SHOWN + DATASETS_SHOWN * 10),
        ("lineage {run.image.digest}", RUNS_SHOWN + DATASETS_SHOWN * 10),
        ("lineage s3://training-bucket/digits/digits.csv", DATASETS_SHOWN * 10),
        ("lineage digits/digits.csv --version digits/digits.csv@1", DATASETS_SHOWN * 10),
    ],
)
def test_a_question_asks_the_store_as_often_after_ten_thousand_runs_as_after_ten(
    few: Stage, many: Stage, words: str, most: int
) -> None:
    (early, asked_early), (late, asked_late) = (
        stage.ask(*words.format(run=stage.newest, oldest=stage.oldest).split()) for stage in (few, many)
    )
    assert (early.code, late.code) == (0, 0), early.said + late.said
    # After ten runs, a page or a list of newest datasets may be the last one, and a few questions fewer are asked.
    assert asked_late.asked <= asked_early.asked + 1
    assert asked_late.given <= most


def test_what_no_index_answers_is_looked_for_in_so_many_runs_and_says_where_to_go_on(many: Stage) -> None:
    answer, asked = many.ask("runs", "--author", "grace")
    assert asked.asked <= LOOKED_THROUGH / PAGE + 2
    assert answer.said.splitlines()[0] == "None of these runs is like this."
    assert "2,000 runs were looked through, back to 2026-02-0" in answer.said
    before = answer.said.rpartition("--before ")[2].split()[0]
    further, _ = many.ask("runs", "--author", "grace", "--before", before)
    assert "back to 2026-02-0" in further.said
    assert further.said != answer.said


def test_runs_on_an_object_say_that_older_dataset_versions_hold_it_too(many: Stage) -> None:
    answer, _ = many.ask("runs", "--data", "digits/digits.csv", "--limit", "3")
    assert many.newest.id[:12] in answer.out
    assert f"Only runs on the {DATASETS_SHOWN} newest dataset versions with the object are here" in answer.said
