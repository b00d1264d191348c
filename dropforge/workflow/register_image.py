"""Make a pushed image known, and train with it."""

from __future__ import annotations

from dataclasses import dataclass

from dropforge.domain.dataset import Dataset
from dropforge.domain.errors import DropforgeError, InvalidDocumentError
from dropforge.domain.head import ProjectHead, Rebuild, SealedData
from dropforge.domain.image import BuildClaims, Image, image_tag
from dropforge.domain.project import OnData, OnPush, Project
from dropforge.domain.run import Requester, RequesterKind, Run
from dropforge.domain.training_spec import InvalidSpecError, TrainingSpec
from dropforge.workflow.ports import Ports
from dropforge.workflow.request_run import RunRequest, request_run


class ImageRefusedError(DropforgeError):
    """The build left nothing that can be trained; its pipeline fails with this sentence."""


@dataclass(frozen=True)
class BuiltImage:
    """What CodePipeline says of a build, and the document in which the build speaks for itself.

    `dataset_version` is the version that asked for the build, None for a push.
    """

    project: str
    commit: str
    branch: str
    execution_id: str
    dataset_version: str | None
    claims: object


@dataclass(frozen=True)
class Registration:
    """The image, and its run; None when it waits for data or is not to be trained."""

    image: Image
    run: Run | None


def register_image(ports: Ports, built: BuiltImage) -> Registration:
    """Record the image as the project's, unless a later execution's is there; then ask for the run that it is for.

    ImageRefusedError when ECR has no such image or its training spec is broken; UnknownProjectError.
    """
    project = ports.stage.project(built.project)
    image = _image(ports, built)
    # What is refused is refused before it is the project's image, with which the next data trains.
    dataset = _dataset_of_rebuild(ports, project.name, built.dataset_version) if built.dataset_version else None
    head = ports.store.advance_image(image)
    if dataset is not None:
        return Registration(image, _run_of_rebuild(ports, image, dataset, head.data))
    return Registration(image, _run_of_push(ports, project, image, head))


def _image(ports: Ports, built: BuiltImage) -> Image:
    tag = image_tag(built.commit, built.execution_id)
    pushed = ports.registry.pushed_image(built.project, tag)
    if pushed is None:
        raise ImageRefusedError(f"the build pushed no image tagged {tag}: retry the pipeline's build stage")
    try:
        claims = BuildClaims.from_document(built.claims)
        spec = TrainingSpec.from_document(claims.spec)
    except (InvalidDocumentError, InvalidSpecError) as error:
        raise ImageRefusedError(f"the build's image.json cannot be used: {error}") from error
    return Image(
        project=built.project,
        repository=pushed.repository,
        digest=pushed.digest,
        uri=pushed.uri,
        tag=tag,
        commit=built.commit,
        branch=built.branch,
        execution_id=built.execution_id,
        execution_started_at=ports.pipelines.started_at(built.project, built.execution_id),
        claimed_author=claims.claimed_author,
        message=claims.message,
        spec=spec,
        pushed_at=pushed.pushed_at,
    )


def _run_of_push(ports: Ports, project: Project, image: Image, head: ProjectHead) -> Run | None:
    if head.data is None or image.skips_training:
        return None
    if project.on_push is OnPush.BUILD and not _was_waited_for(project, image, head):
        return None
    return request_run(ports, RunRequest(image, head.data.dataset, image.spec, _pusher(image), head.data.revision))


def _was_waited_for(project: Project, image: Image, head: ProjectHead) -> bool:
    """Data that came before any image is owed a run, even where a push as such asks for none.

    Where data asks for a build of its own, that build's run is the one: it may be on its way just now.
    """
    return project.on_data is OnData.REUSE and head.first_build == image.execution_id


def _dataset_of_rebuild(ports: Ports, project: str, version: str) -> Dataset:
    dataset = ports.store.dataset(project, version)
    if dataset is None:
        raise ImageRefusedError(
            f"{project} has no dataset version {version}: start the pipeline with one that `dropforge runs` shows, or "
            "with none"
        )
    return dataset


def _run_of_rebuild(ports: Ports, image: Image, dataset: Dataset, latest: SealedData | None) -> Run:
    """One run a rebuild, whichever build of it comes first: a second build, even of other bytes, finds the first's."""
    store, project, dataset_version = ports.store, image.project, dataset.version
    by_hand = Rebuild(project, dataset_version, _pusher(image), ports.clock.now(), execution_id=image.execution_id)
    if store.record_rebuild(by_hand).execution_id is None:
        # It was asked for and never started: this build is it, and no second one is to follow.
        store.rebuild_started(project, dataset_version, image.execution_id)
    rebuild = store.claim_rebuild(project, dataset_version, image.digest)
    first = store.image(project, rebuild.image_digest or image.digest) or image
    revision = latest.revision if latest is not None and latest.dataset.version == dataset_version else 0
    return request_run(ports, RunRequest(first, dataset, first.spec, rebuild.requester, revision))


def _pusher(image: Image) -> Requester:
    return Requester(RequesterKind.PUSH, image.claimed_author)
