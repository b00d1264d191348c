"""The command line on a stage in memory: what one types, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from typer.testing import CliRunner

from dropforge.adapters.aws_error import AwsError
from dropforge.cli.main import app
from dropforge.cli.wiring import Place, Wiring
from dropforge.domain.training_job import ModelArtifact
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.ports import Ports
from tests.fakes.memory_dead_letters import MemoryDeadLetters
from tests.fakes.memory_surroundings import MemorySurroundings
from tests.fakes.world import World

ADA = "arn:aws:iam::000000000000:user/ada"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    said: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class MemoryWorkspace:
    """Implements `wiring.Workspace`."""

    world: World
    caller: str = ADA

    @property
    def ports(self) -> Ports:
        return self.world.ports

    @property
    def dead_letters(self) -> MemoryDeadLetters:
        return self.world.dead_letters

    @property
    def surroundings(self) -> MemorySurroundings:
        return self.world.surroundings

    def fetch_model(self, model: ModelArtifact, to: BinaryIO) -> None:
        to.write(self.world.bucket.artifacts[model.uri.removeprefix(f"s3://{self.world.bucket.artifacts_name}/")])


@dataclass
class Shell:
    """`while_waiting` is what happens in the world each time that a command waits."""

    world: World = field(default_factory=World)
    while_waiting: Callable[[], object] = lambda: None
    out_of_reach: bool = False
    places: list[Place] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def type(self, *words: str) -> Answer:
        wiring = Wiring(self._open, self._wait)
        done = CliRunner().invoke(app, list(words), obj=wiring, env=self.environment, catch_exceptions=False)
        return Answer(done.exit_code, done.stdout, done.stderr)

    def _wait(self, _seconds: float) -> None:
        self.while_waiting()

    @contextmanager
    def _open(self, place: Place) -> Iterator[MemoryWorkspace]:
        self.places.append(place)
        if self.out_of_reach:
            raise AwsError("There are no AWS credentials: sign in.")
        yield MemoryWorkspace(self.world)


def trained(shell: Shell) -> str:
    """A push and a drop made a run, and it is about to start; its id."""
    spec = TrainingSpec(hyperparameters={"epochs": "40", "note": "first", "seed": "1"})
    shell.world.push(commit="c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", message="Learn digits", spec=spec)
    shell.world.drop("digits/digits.csv", b"1,2,3\n")
    shell.world.grow_quiet()
    return shell.world.only_run().id
