"""Find images that were built and never registered, and have their pipeline register them."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.image import execution_in_tag
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project
from dropforge.workflow.ports import Ports, TaggedImage

SETTLED_AFTER = timedelta(minutes=25)
"""CodePipeline gives the action that registers an image 20 minutes."""
LOOKED_BACK = timedelta(days=1)


def find_images(ports: Ports, project: Project) -> None:
    """Of the images that were pushed within the last day, those that are not on record are registered anew.

    Bounded: one DescribeImages for each thousand images of the repository, and one read of the store for each image of
    that day. A notice says what was found, once for each image.
    """
    now = ports.clock.now()
    for image in ports.registry.pushed_since(project.name, now - LOOKED_BACK):
        execution = execution_in_tag(image.tag)
        if execution is None or image.pushed_at > now - SETTLED_AFTER or ports.store.build(project.name, execution):
            continue
        if not _is_told(ports, project, image, execution):
            retried = ports.pipelines.retry_registration(project.name, execution)
            ports.store.put_notice(_found(project, image, execution, retried=retried))


def _is_told(ports: Ports, project: Project, image: TaggedImage, execution: str) -> bool:
    """It was tried once; how that ends, the pipeline's own events say."""
    notices = (_found(project, image, execution, retried=retried) for retried in (True, False))
    return any(ports.store.notice(notice.id) is not None for notice in notices)


def _found(project: Project, image: TaggedImage, execution: str, *, retried: bool) -> Notice:
    done = (
        "its pipeline was asked to register it again. There is nothing to do, unless this build is told of as failed: "
        "then do as that says"
        if retried
        else "its pipeline has gone on to another execution: push again, or start the pipeline, if it is wanted"
    )
    return Notice(
        kind=Outcome.HEALED if retried else Outcome.BUILD_FAILED,
        project=project.name,
        subject=f"{project.name}: an image was built and not registered",
        sentence=f"The image {image.tag} was pushed and never became known here; {done}.",
        at=image.pushed_at,
        evidence={"image": image.digest, "execution": execution},
    )
