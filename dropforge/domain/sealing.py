"""What of a listed prefix becomes a dataset, and what keeps it from becoming one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from dropforge.domain.artifact_layout import pool_prefix
from dropforge.domain.dataset import ListedObject
from dropforge.domain.errors import DropforgeError
from dropforge.domain.project import PinMode, Project
from dropforge.domain.training_spec import MOST_CHANNELS

DEFAULT_CHANNEL = "training"
MARKER = "_SUCCESS"
CHOICE = "_MANIFEST"
"""A marker that names what belongs to the dataset: a JSON list of keys below the data prefix."""
LONGEST_KEY = 1024
"""Bytes of UTF-8, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
LONGEST_NAME = 255
"""Bytes that one part of a path may have on Linux, where a job reads its objects as files."""
UNVERSIONED = "null"
SHOWN_REASONS = 5


class DatasetRefusedError(DropforgeError):
    """These objects make no dataset; `reasons` say which object, why, and what to do.

    `culprits` are the objects that alone are to blame, without which the others would make one; none where it is what
    all of them are together.
    """

    def __init__(self, reasons: Sequence[str], culprits: Iterable[ListedObject] = ()) -> None:
        more = len(reasons) - SHOWN_REASONS
        super().__init__("; ".join(reasons[:SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else ""))
        self.reasons = tuple(reasons)
        self.culprits = frozenset(culprits)


def is_marker(key: str) -> bool:
    return key.rpartition("/")[2] in {MARKER, CHOICE}


def is_data(key: str) -> bool:
    """Neither a console's folder placeholder nor a marker object."""
    return not key.endswith("/") and not is_marker(key)


def split_key(key: str, data_prefix: str) -> tuple[str, str]:
    """The channel of an object and its name within it: the first folder under the prefix, else `training`."""
    folder, slash, name = key.removeprefix(data_prefix).partition("/")
    return (folder, name) if slash else (DEFAULT_CHANNEL, folder)


def chosen(project: Project, choice_key: str, choice: bytes, listed: Sequence[ListedObject]) -> list[ListedObject]:
    """The objects that a `_MANIFEST` names; DatasetRefusedError when it cannot be read or names what is not there."""
    try:
        names = json.loads(choice)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetRefusedError([f"{choice_key} is no JSON list of keys below {project.data_prefix}: write one"])
    there = {each.key: each for each in listed}
    wanted = dict.fromkeys(project.data_prefix + name for name in names)
    missing = [f"{choice_key} names {key}, which is not there: upload it first" for key in wanted if key not in there]
    if missing:
        raise DatasetRefusedError(missing)
    return [there[key] for key in wanted]


def refuse_unfit(project: Project, listed: Sequence[ListedObject]) -> None:
    """DatasetRefusedError when an object cannot be pinned or read by a job as what it is.

    Nothing is left out silently: a dataset without the file that somebody broke would be worse than none.
    """
    unfit = {each: reasons for each in listed if (reasons := [*_of_object(project, each)])}
    together = [*_too_many_channels(project, listed), *_collisions(project, listed)]
    together += _too_large(project, listed) if project.pin.mode is PinMode.COPY else _mixed(project, listed)
    if unfit or together:
        reasons = [*chain.from_iterable(unfit.values()), *together]
        raise DatasetRefusedError(reasons, () if together else unfit)


def _too_many_channels(project: Project, listed: Sequence[ListedObject]) -> Iterator[str]:
    """No job could read them, and a record that names thousands would be larger than DynamoDB takes."""
    channels = {split_key(each.key, project.data_prefix)[0] for each in listed}
    if len(channels) > MOST_CHANNELS:
        yield (
            f"the data has {len(channels)} channels, and a SageMaker job takes at most {MOST_CHANNELS}: put the "
            f"objects into fewer folders directly below {project.data_prefix}, each of which is a channel"
        )


def _of_object(project: Project, listed: ListedObject) -> Iterator[str]:
    """What keeps it out, whatever lies beside it."""
    key, (channel, name) = listed.key, split_key(listed.key, project.data_prefix)
    if listed.size == 0:
        yield f"{key} is empty: upload it again, or delete it"
    if listed.version_id == UNVERSIONED:
        yield f"{key} was put without versioning, so its bytes have no name: upload it again"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", channel) or channel in {".", ".."}:
        yield f"the folder {channel!r} of {key} cannot name a channel: use letters, digits, . _ and -"
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or "\0" in name:
        yield f"{key} cannot be the path of a file: rename it"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        yield f"a part of {key[:80]}… is longer than the {LONGEST_NAME} bytes of a file's name: shorten it"
    copied_to = pool_prefix(project.name, channel, 0) + name
    if project.pin.mode is PinMode.COPY and len(copied_to.encode()) > LONGEST_KEY:
        yield f"{key[:80]}… is too long to be copied below the dataset's prefix: shorten it"


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
            f"is {limit}: remove what is not needed, or have ops raise the limit, or set `pin: {{mode: verify}}`, with "
            "which nothing is copied and the versions are compared after each job; then deploy"
        )


def _mixed(project: Project, listed: Sequence[ListedObject]) -> Iterator[str]:
    """One channel's objects need one common prefix, and what is not copied stays where it is."""
    folder = f"{project.data_prefix}{DEFAULT_CHANNEL}/"
    loose = [each.key for each in listed if "/" not in each.key.removeprefix(project.data_prefix)]
    if loose and any(each.key.startswith(folder) for each in listed):
        yield (
            f"with pin.mode verify the channel {DEFAULT_CHANNEL} cannot lie both directly below {project.data_prefix} "
            f"and below {folder}: move {loose[0]}, and what lies beside it, into that folder"
        )
