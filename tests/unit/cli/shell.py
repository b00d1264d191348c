"""The command line on a stage in memory: what one types, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from dropforge.adapters.aws_error import AwsError
from dropforge.cli.wiring import Place, Wiring
from dropforge.domain.training_job import ModelArtifact
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.ports import Ports
from tests.command import Answer, typed
from tests.fakes.memory_dead_letters import MemoryDeadLetters
from tests.fakes.memory_surroundings import MemorySurroundings
from tests.fakes.world import World

ADA = "arn:aws:iam::000000000000:user/ada"


@dataclass
class MemoryWorkspace:
    """Implements `wiring.Workspace`."""

    world: World
    caller: str = ADA
    interrupt_fetching: bool = False

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
        if self.interrupt_fetching:
            to.write(b"the first bytes")
            raise KeyboardInterrupt
        to.write(self.world.bucket.artifacts[model.uri.removeprefix(f"s3://{self.world.bucket.artifacts_name}/")])


@dataclass
class Shell:
    """`while_waiting` is what happens in the world each time that a command waits."""

    world: World = field(default_factory=World)
    while_waiting: Callable[[], object] = lambda: None
    out_of_reach: bool = False
    interrupt_fetching: bool = False
    """Somebody types Ctrl-C in the middle of a download."""
    places: list[Place] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def type(self, *words: str) -> Answer:
        return typed(words, self.environment, Wiring(self._open, self._wait))

    def _wait(self, _seconds: float) -> None:
        self.while_waiting()

    @contextmanager
    def _open(self, place: Place) -> Iterator[MemoryWorkspace]:
        self.places.append(place)
        if self.out_of_reach:
            raise AwsError("There are no AWS credentials: sign in.")
        yield MemoryWorkspace(self.world, interrupt_fetching=self.interrupt_fetching)


def trained(shell: Shell) -> str:
    """A push and a drop made a run, and it is about to start; its id."""
    spec = TrainingSpec(hyperparameters={"epochs": "40", "note": "first", "seed": "1"})
    shell.world.push(commit="c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00", message="Learn digits", spec=spec)
    shell.world.drop("digits/digits.csv", b"1,2,3\n")
    shell.world.grow_quiet()
    return shell.world.only_run().id
