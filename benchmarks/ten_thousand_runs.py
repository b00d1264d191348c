"""`python -m benchmarks.ten_thousand_runs`: what `runs`, `show` and `lineage` take after ten runs and after 10,000.

Two stages on a local AWS of their own, side by side: the same commands on both, in turn. What a command asks of the
store, and what the store answers, is the same on AWS. How long the answer takes is not: the emulator sorts a whole
partition for each query, where DynamoDB goes to the place in its index. So the time that a command waits for the store
is told apart from all other time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from benchmarks.filled_store import IMAGE, PROJECT, fill
from demo.local_aws import LocalAws
from dropforge.adapters.clients import AwsClients
from dropforge.adapters.s3 import S3DataBucket
from dropforge.bootstrap import StageWorkspace, wire
from dropforge.cli.main import app
from dropforge.cli.wiring import Place, Wiring
from dropforge.domain.project import Project
from dropforge.domain.run import Run
from dropforge.settings import Deployment
from tests.contract.empty_tables import empty_tables

FEW, MANY = 10, 10_000
ROUNDS = 9
OBJECT = f"{PROJECT}/digits.csv"

HEADING = (
    "| command | requests | kB answered | own time, ms (ratio) | waited for the emulator, ms |" + "\n|" + " --- |" * 5
)
COMMANDS = {
    "runs": f"runs --limit {FEW}",
    "runs of a commit": f"runs --commit {IMAGE.commit} --limit {FEW}",
    "runs on an object": f"runs --data {OBJECT} --limit {FEW}",
    "show": "show {run}",
    "show, the oldest run": "show {oldest}",
    "lineage of a run": "lineage {run}",
    "lineage of a commit": f"lineage {IMAGE.commit}",
    "lineage of a dataset version": "lineage {dataset}",
    "lineage of an object, any version": f"lineage {OBJECT}",
    "lineage of an object's version": f"lineage {OBJECT} --version version-of-all",
    "lineage of a model": "lineage {model}",
}


@dataclass
class Meter:
    """What one command asked of AWS, how much it was answered, and for how long it waited (seconds)."""

    requests: int = 0
    answered: int = 0
    waited: float = 0.0

    def sent(self, **_: Any) -> None:
        self.requests += 1
        self.waited -= time.perf_counter()

    def came(self, response_dict: dict[str, Any], **_: Any) -> None:
        self.waited += time.perf_counter()
        self.answered += int(response_dict["headers"].get("content-length", 0))


@dataclass(frozen=True)
class Taken:
    """By one command: requests, kB, and milliseconds, apart from `waited_ms` of the store and in it."""

    requests: int
    kilobytes: float
    own_ms: float
    waited_ms: float


@dataclass
class FilledStage:
    """A stage with so many runs, as the command line sees it."""

    runs: int
    aws: AwsClients
    names: dict[str, str] = field(default_factory=dict)
    _deployment: Deployment | None = None

    def fill(self) -> None:
        name = f"bench-{self.runs}"
        tables, key = empty_tables(self.aws, name), self.aws.kms.create_key()["KeyMetadata"]["Arn"]
        for made in (f"{name}-training", f"{name}-artifacts"):
            self.aws.s3.create_bucket(Bucket=made)
        bucket = S3DataBucket(self.aws, f"{name}-training", f"{name}-artifacts", key)
        first, last = fill(tables, self.aws, bucket, self.runs)
        self.names = {"run": last.id, "oldest": first.id, "dataset": last.dataset.version, "model": _model(last)}
        others = dict.fromkeys(Deployment.__dataclass_fields__, "-")
        given = {"stage": "bench", "state_table": tables.state, "trail_table": tables.trail, "key_arn": key}
        buckets = {"training_bucket": f"{name}-training", "artifact_bucket": f"{name}-artifacts"}
        self._deployment = Deployment(**others | given | buckets)

    def ask(self, words: str) -> Taken:
        meter, wiring = Meter(), Wiring(self._open)
        clients = (self.aws.dynamodb, self.aws.s3, self.aws.ecr, self.aws.logs)
        events = [client.meta.events for client in clients]
        for each in events:
            each.register("before-send", meter.sent)
            each.register("before-parse", meter.came)
        begun = time.perf_counter()
        done = CliRunner().invoke(app, words.format(**self.names).split(), obj=wiring, catch_exceptions=False)
        took = time.perf_counter() - begun
        for each in events:
            each.unregister("before-send", meter.sent)
            each.unregister("before-parse", meter.came)
        if done.exit_code != 0:
            raise RuntimeError(f"`dropforge {words}` ended with {done.exit_code}: {done.output}")
        return Taken(meter.requests, meter.answered / 1000, (took - meter.waited) * 1000, meter.waited * 1000)

    @contextmanager
    def _open(self, _place: Place) -> Iterator[StageWorkspace]:
        if self._deployment is None:
            raise RuntimeError("fill it first")
        project = Project(PROJECT, f"example/{PROJECT}", f"{PROJECT}/")
        yield StageWorkspace(wire(self._deployment, [project], self.aws), self.aws, self._deployment)


def main() -> int:
    with (
        tempfile.TemporaryDirectory(prefix="dropforge-bench-") as home,
        LocalAws(Path(home), 0).running() as environment,
    ):
        os.environ.update(environment)
        stages = [FilledStage(runs, AwsClients()) for runs in (FEW, MANY)]
        for stage in stages:
            begun = time.perf_counter()
            stage.fill()
            print(f"filled with {stage.runs:,} runs in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        print(HEADING)
        for name, words in COMMANDS.items():
            print(_row(name, *_side_by_side(stages, words)), flush=True)
    return 0


def _side_by_side(stages: list[FilledStage], words: str) -> list[Taken]:
    """In turn, so that whatever else the machine does hits both; the medians, after one round that is not counted."""
    rounds = [[stage.ask(words) for stage in stages] for _ in range(ROUNDS + 1)][1:]
    return [_median([each[number] for each in rounds]) for number in range(len(stages))]


def _median(taken: list[Taken]) -> Taken:
    own, waited = (statistics.median(getattr(each, name) for each in taken) for name in ("own_ms", "waited_ms"))
    return Taken(taken[0].requests, taken[0].kilobytes, own, waited)


def _row(name: str, few: Taken, many: Taken) -> str:
    cells = (
        f"`{name}`" if " " not in name else name,
        f"{few.requests} → {many.requests}",
        f"{few.kilobytes:.0f} → {many.kilobytes:.0f}",
        f"{few.own_ms:.0f} → {many.own_ms:.0f} ({many.own_ms / few.own_ms:.2f})",
        f"{few.waited_ms:.0f} → {many.waited_ms:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _model(run: Run) -> str:
    if run.result is None or run.result.model is None or run.result.model.sha256 is None:
        raise RuntimeError(f"run {run.id} has no model")
    return run.result.model.sha256


if __name__ == "__main__":
    sys.exit(main())
