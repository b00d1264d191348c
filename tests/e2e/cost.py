"""What the end-to-end test costs on a real account, before it is run: arithmetic that a reader can follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from dropforge.documents.stage_config import StageConfig
from dropforge.domain.training_spec import TrainingSpec

BUILD_MINUTES, BUILD_PRICE = 5, Decimal("0.007")
"""Of one push: CodeBuild's general1.small, 0.005 USD a minute, and CodePipeline V2's actions, 0.002 USD a minute."""
IDLE_MONTH, HOURS_OF_MONTH = Decimal("7.78"), 720
"""What a stage costs that nobody uses (docs/operations.md, "What it costs"), of which the test takes about an hour."""


@dataclass(frozen=True)
class Cost:
    """One line of the bill; `usd` is None where the config states no price."""

    what: str
    usd: Decimal | None

    def __str__(self) -> str:
        return f"{self.what}: {'no price in the config' if self.usd is None else f'{self.usd:.3f} USD'}"


def costs(config: StageConfig, spec: TrainingSpec) -> Iterator[Cost]:
    """What is paid for, at most: one build, one training job, and an hour of the stage itself."""
    instance, minutes = spec.compute.instance_type, spec.stopping.max_runtime_minutes
    price = config.prices.get(instance)
    training = None if price is None else price * minutes / 60 * spec.compute.instance_count
    yield Cost(f"one training job on {instance}, stopped after {minutes} minutes", training)
    yield Cost(f"one build of about {BUILD_MINUTES} minutes", BUILD_MINUTES * BUILD_PRICE)
    yield Cost("the stage's key, alarms and queues for an hour", IDLE_MONTH / HOURS_OF_MONTH)


def statement(config: StageConfig, spec: TrainingSpec) -> str:
    """The bill in words."""
    lines = list(costs(config, spec))
    known = sum((line.usd for line in lines if line.usd is not None), Decimal(0))
    rest = "" if all(line.usd is not None for line in lines) else ", and what has no price in the config"
    listed = "\n".join(f"  {line}" for line in lines)
    return (
        f"This deploys the stage {config.stage} to {config.region} and costs about {known:.2f} USD{rest}, "
        f"by prices of us-east-1:\n{listed}"
    )
