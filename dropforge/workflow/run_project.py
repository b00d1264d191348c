"""Ask for a run by hand: without a commit, with other parameters, on other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dropforge.domain.dataset import Dataset
from dropforge.domain.errors import DropforgeError
from dropforge.domain.image import Image
from dropforge.domain.run import Requester, RequesterKind, Run
from dropforge.workflow.ports import Ports
from dropforge.workflow.request_run import RunRequest, request_run


class NothingToTrainError(DropforgeError):
    """The image or the data that a run needs is not there."""


class UnknownParameterError(DropforgeError):
    """The image's spec has no such hyperparameter: mistyped, it would cost a run that differs in nothing."""


@dataclass(frozen=True)
class RunOrder:
    """What somebody asks for; what is None is the project's latest.

    `hyperparameters` override the image's; with `declared_only`, those that its spec does not have are refused.
    """

    project: str
    by: str
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    dataset_version: str | None = None
    image_digest: str | None = None
    declared_only: bool = False


def run_project(ports: Ports, order: RunOrder) -> Run:
    """The run of what was ordered; the one that there is when it was ordered before.

    NothingToTrainError, UnknownProjectError, UnknownParameterError; InvalidSpecError for parameters that SageMaker
    would not take.
    """
    project = ports.stage.project(order.project)
    head = ports.store.head(project.name)
    image = head.image if order.image_digest is None else ports.store.image(project.name, order.image_digest)
    dataset = _ordered_dataset(ports, order, head.data.dataset if head.data else None)
    if image is None:
        missing = f"no image {order.image_digest}" if order.image_digest else "no image yet"
        raise NothingToTrainError(f"{project.name} has {missing}: push a commit to {project.repository}")
    if dataset is None:
        missing = f"no dataset version {order.dataset_version}" if order.dataset_version else "no data yet"
        raise NothingToTrainError(f"{project.name} has {missing}: put objects below {project.data_prefix}")
    if order.declared_only:
        _refuse_undeclared(image, order.hyperparameters)
    return request_run(ports, _request(image, dataset, order))


def _refuse_undeclared(image: Image, given: Mapping[str, str]) -> None:
    declared = image.spec.hyperparameters
    for name in given:
        if name not in declared:
            known = f"has {', '.join(sorted(declared))}" if declared else "has none"
            raise UnknownParameterError(
                f"{image.project} has no hyperparameter {name}: its dropforge.yaml at {image.commit[:12]} {known}. "
                "Correct the name, or push a dropforge.yaml that gives it a value."
            )


def _ordered_dataset(ports: Ports, order: RunOrder, latest: Dataset | None) -> Dataset | None:
    return latest if order.dataset_version is None else ports.store.dataset(order.project, order.dataset_version)


def _request(image: Image, dataset: Dataset, order: RunOrder) -> RunRequest:
    spec = image.spec.with_hyperparameters(order.hyperparameters)
    return RunRequest(image, dataset, spec, Requester(RequesterKind.USER, order.by))
