"""Records that are as full as real ones, for stores to keep and give back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dropforge.domain.dataset import ChannelSize, Dataset
from dropforge.domain.image import Image
from dropforge.domain.run import Requester, RequesterKind, run_id
from dropforge.domain.run_events import RunRequested
from dropforge.domain.training_spec import Compute, InputMode, MetricPattern, TrainingSpec

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SPEC = TrainingSpec(
    compute=Compute(instance_type="ml.m5.xlarge", volume_gb=50),
    hyperparameters={"learning-rate": "1.0", "epochs": "007", "name": "naïve, 日本"},
    channels={"train": InputMode.FAST_FILE},
    metrics=(MetricPattern("accuracy", r"accuracy=([0-9.]+)"),),
    environment={"SEED": "1"},
)


def later(**lengths: float) -> datetime:
    return NOON + timedelta(**lengths)


def an_image(commit: str = "c1", *, project: str = "digits", started: datetime = NOON) -> Image:
    digest = f"sha256:{commit.encode().hex():0>64}"
    repository = f"dropforge-test/{project}"
    return Image(
        project=project,
        repository=repository,
        digest=digest,
        uri=f"111122223333.dkr.ecr.us-east-1.amazonaws.com/{repository}@{digest}",
        tag=f"{commit}-execution",
        commit=commit,
        branch="main",
        execution_id=f"execution-of-{commit}",
        execution_started_at=started,
        claimed_author="Ada <ada@example.com>",
        message="Deeper trees\n\nand “quotes”",
        spec=SPEC,
        pushed_at=started + timedelta(minutes=2),
    )


def a_dataset(name: str = "v1", *, project: str = "digits") -> Dataset:
    version = f"sha256:{name.encode().hex():0>64}"
    return Dataset(project, version, "training-bucket", {"train": ChannelSize(2, 10)}, NOON)


def a_request(
    commit: str = "c1", data: str = "v1", *, project: str = "digits", at: datetime = NOON, seed: str = "1"
) -> RunRequested:
    """A run of its own for each combination."""
    image, dataset = an_image(commit, project=project), a_dataset(data, project=project)
    spec = SPEC.with_hyperparameters({"seed": seed})
    return RunRequested(
        at=at,
        run_id=run_id(project, image.digest, dataset.version, spec),
        project=project,
        image=image,
        dataset=dataset,
        spec=spec,
        requester=Requester(RequesterKind.USER, "arn:aws:iam::111122223333:user/ada"),
    )
