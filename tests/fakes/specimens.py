"""Typical domain values for tests that care about a part of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from dropforge.domain.dataset import ChannelSize, Dataset
from dropforge.domain.image import Image
from dropforge.domain.run import Requester, RequesterKind, Run, run_id
from dropforge.domain.run_events import RunEvent, RunRequested
from dropforge.domain.training_spec import TrainingSpec
from dropforge.domain.transition import transition
from tests.fakes.world import START

IMAGE = Image(
    project="digits",
    repository="dropforge-test/digits",
    digest="sha256:" + "1" * 64,
    uri="registry/dropforge-test/digits@sha256:" + "1" * 64,
    tag="c1-execution-1",
    commit="c1",
    branch="main",
    execution_id="execution-1",
    execution_started_at=START,
    claimed_author="Ada <ada@example.com>",
    message="Train for longer\n\nIt had not converged.",
    spec=TrainingSpec(hyperparameters={"epochs": "40"}),
    pushed_at=START,
)
DATASET = Dataset("digits", "sha256:" + "2" * 64, "training-bucket", {"training": ChannelSize(3, 1_200_000)}, START)
ADA = Requester(RequesterKind.PUSH, "Ada <ada@example.com>")


def requested(spec: TrainingSpec = IMAGE.spec, at: datetime = START) -> RunRequested:
    identity = run_id("digits", IMAGE.digest, DATASET.version, spec)
    return RunRequested(at, identity, "digits", replace(IMAGE, spec=spec), DATASET, spec, ADA)


def after(*events: RunEvent, spec: TrainingSpec = IMAGE.spec) -> Run:
    """The run that was requested and to which these events then happened."""
    run: Run | None = None
    for event in (requested(spec), *events):
        change = transition(run, event)
        run = change.run if change is not None else run
    assert run is not None
    return run


def with_channels(channels: Mapping[str, ChannelSize]) -> RunRequested:
    return replace(requested(), dataset=replace(DATASET, channels=channels))
