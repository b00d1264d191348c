"""What of a listed prefix becomes a dataset, and what keeps it from becoming one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from dropforge.domain.artifact_layout import channel_prefix
from dropforge.domain.dataset import ListedObject
from dropforge.domain.errors import DropforgeError
from dropforge.domain.project import Project

DEFAULT_CHANNEL = "training"
MARKER = "_SUCCESS"
LONGEST_KEY = 1024
"""Bytes of UTF-8, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
SHOWN_REASONS = 5


class DatasetRefusedError(DropforgeError):
    """These objects make no dataset; `reasons` say which object, why, and what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        more = len(reasons) - SHOWN_REASONS
        super().__init__("; ".join(reasons[:SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else ""))
        self.reasons = tuple(reasons)


def is_data(key: str) -> bool:
    """Neither a console's folder placeholder nor a marker object."""
    return not key.endswith("/") and key.rpartition("/")[2] != MARKER


def split_key(key: str, data_prefix: str) -> tuple[str, str]:
    """The channel of an object and its name within it: the first folder under the prefix, else `training`."""
    folder, slash, name = key.removeprefix(data_prefix).partition("/")
    return (folder, name) if slash else (DEFAULT_CHANNEL, folder)


def pinned_key(project: Project, version: str, key: str) -> str:
    """Where in the artifact bucket the dataset version keeps its copy of the object."""
    channel, name = split_key(key, project.data_prefix)
    return f"{channel_prefix(project.name, version, channel)}{name}"


def refuse_unfit(project: Project, listed: Sequence[ListedObject]) -> None:
    """DatasetRefusedError when an object cannot be pinned or read by a job as what it is.

    Nothing is left out silently: a dataset without the file that somebody broke would be worse than none.
    """
    reasons = [*_unfit_objects(project, listed), *_collisions(project, listed), *_too_large(project, listed)]
    if reasons:
        raise DatasetRefusedError(reasons)


def _unfit_objects(project: Project, listed: Sequence[ListedObject]) -> Iterator[str]:
    for each in listed:
        channel, name = split_key(each.key, project.data_prefix)
        if each.size == 0:
            yield f"{each.key} is empty: upload it again, or delete it"
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", channel) or channel in {".", ".."}:
            yield f"the folder {channel!r} of {each.key} cannot name a channel: use letters, digits, . _ and -"
        if {"", ".", ".."} & set(name.split("/")) or "\0" in name:
            yield f"{each.key} cannot be the path of a file: rename it"
        if len(pinned_key(project, "0" * 64, each.key).encode()) > LONGEST_KEY:
            yield f"{each.key[:80]}… is too long to be copied below the dataset's prefix: shorten it"


def _collisions(project: Project, listed: Sequence[ListedObject]) -> Iterator[str]:
    """SageMaker's File mode makes keys into paths, where `a` cannot be both a file and the folder of `a/b`."""
    paths = Counter("/".join(split_key(each.key, project.data_prefix)) for each in listed)
    for path in sorted(path for path, count in paths.items() if count > 1):
        yield f"two objects would both be {path} in the job: rename one below {project.data_prefix}"
    for path in sorted(paths):
        parts = path.split("/")
        above = next((each for n in range(2, len(parts)) if (each := "/".join(parts[:n])) in paths), None)
        if above is not None:
            yield f"{above} would be a file and the folder of {path} at once: rename one"


def _too_large(project: Project, listed: Sequence[ListedObject]) -> Iterator[str]:
    total, limit = sum(each.size for each in listed), project.pin.copy_limit_gb
    if total > project.pin.copy_limit_bytes:
        yield (
            f"the data under {project.data_prefix} is {total / 10**9:.1f} GB, and pin.copy_limit_gb of {project.name} "
            f"is {limit}: remove what is not needed, or have ops raise the limit and deploy"
        )
