"""Repeat a run from its record alone: the same image, the same object versions, the same parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from dropforge.domain.artifact_layout import (
    channel_files_key,
    manifest_key,
    reproduction_files_key,
    reproduction_prefix,
)
from dropforge.domain.dataset import Checksum, ListedObject, ObjectVersion
from dropforge.domain.errors import DropforgeError
from dropforge.domain.job_names import job_names
from dropforge.domain.pinning import ChannelFiles, Pin, files_of, fits
from dropforge.domain.run import Reproduction, Requester, RequesterKind, Run, run_id
from dropforge.domain.run_events import RunRequested
from dropforge.workflow.ports import ConflictError, Ports, VersionGoneError

INPUTS_NAMED = 5
"""Inputs that a sentence names; of the rest it says how many."""


class NotReproducibleError(DropforgeError):
    """The run has nothing to compare with, or some of its inputs are not there any more."""


def reproduce_run(ports: Ports, original: Run, by: str) -> Run:
    """A new run, marked as a reproduction, in line. NotReproducibleError.

    Recorded once all its inputs are there: copies that were pinned are read again; what was not copied, or whose copy
    is gone, and that alone, is copied from the very version that the record names, though it was overwritten or deleted
    since.
    It changes no project's head, replaces no run and is replaced by none.
    """
    if original.result is None or original.result.model is None:
        raise NotReproducibleError(
            f"run {original.id} is {original.status.value} and has no model to compare with: reproduce one that has"
        )
    if not ports.registry.holds(original.project, original.image.digest):
        raise NotReproducibleError(
            f"the image {original.image.digest} of run {original.id} is not in ECR any more; since when, ECR does not "
            f"tell: push commit {original.image.commit} again for a new run"
        )
    return _requested(ports, original, Requester(RequesterKind.USER, by))


def _requested(ports: Ports, original: Run, requester: Requester) -> Run:
    """Under the first number that is free."""
    number = 1
    while True:
        reproduction = Reproduction(original.id, number)
        number += 1
        identity = _identity(original, reproduction)
        if ports.store.run(identity) is not None:
            continue
        for channel in original.dataset.channels:
            files = _pinned(ports, original, identity, channel)
            ports.bucket.put_channel_files(reproduction_files_key(original.project, identity, channel), files)
        event = RunRequested(
            at=ports.clock.now(),
            run_id=identity,
            project=original.project,
            image=original.image,
            dataset=original.dataset,
            spec=original.spec,
            requester=requester,
            reproduces=reproduction,
        )
        try:
            run = ports.store.commit(None, event)
        except ConflictError:
            continue  # somebody else has taken the number at the same moment
        ports.wakeups.dispatch()
        return run


def _identity(original: Run, reproduction: Reproduction) -> str:
    return run_id(original.project, original.image.digest, original.dataset.version, original.spec, reproduction)


def _pinned(ports: Ports, original: Run, identity: str, channel: str) -> ChannelFiles:
    """Copies of exactly the recorded versions, under the names that the original's job was given.

    A copy that is gone is made again in its place, beside those that are there; data that was never copied is now.
    """
    files = ports.bucket.channel_files(channel_files_key(original.project, original.dataset.version, channel))
    gone = ports.bucket.gone_copies(files) if files.pinned else {}
    if files.pinned and not gone:
        return files
    prefix = files.prefix if files.pinned else reproduction_prefix(original.project, identity, channel)
    pins = _pins(ports, original, channel, files, prefix)
    missing = {pin: recorded for pin, recorded in pins.items() if pin.to_key in gone or not files.pinned}
    if files.pinned and not fits(list(missing), ports.store.bind(list(missing))):
        raise _unlike_the_manifest(original, channel)
    for pin, checksum in _copied(ports, original, list(missing), gone):
        recorded = missing[pin]
        comparable = recorded.sha256 is not None and recorded.part_size == checksum.part_size
        if comparable and recorded.sha256 != checksum.sha256:
            raise NotReproducibleError(
                f"what S3 has as version {recorded.version_id} of {recorded.key} is not what run {original.id} "
                f"recorded (SHA-256 {checksum.sha256}, recorded {recorded.sha256}): tell ops"
            )
    return files_of(prefix, (pin.to_key for pin in pins), pinned=True)


def _pins(ports: Ports, original: Run, channel: str, files: ChannelFiles, prefix: str) -> Mapping[Pin, ObjectVersion]:
    """Every object of the channel, to be below the prefix under its name in the original's job."""
    manifest = ports.bucket.manifest(manifest_key(original.project, original.dataset.version))
    objects = {each.key: each for each in manifest.objects if each.channel == channel}
    names = job_names(channel, objects, files)
    if frozenset(names.values()) != frozenset(files.names):
        raise _unlike_the_manifest(original, channel)
    return {Pin(objects[key].listed, prefix + name): objects[key] for key, name in names.items()}


def _unlike_the_manifest(original: Run, channel: str) -> NotReproducibleError:
    listed = channel_files_key(original.project, original.dataset.version, channel)
    manifest = manifest_key(original.project, original.dataset.version)
    return NotReproducibleError(
        f"{listed} and {manifest}, which say what run {original.id} was given, do not fit what was copied for it: "
        "restore the first version of each in S3"
    )


def _copied(
    ports: Ports, original: Run, pins: Sequence[Pin], gone: Mapping[str, datetime | None]
) -> list[tuple[Pin, Checksum]]:
    try:
        return list(ports.bucket.copy_all(pins, lambda: False))
    except VersionGoneError as error:
        lost = [pin for pin in pins if _is_lost(ports, pin.listed)]
        since = [time for pin in lost if (time := gone.get(pin.to_key)) is not None]
        raise NotReproducibleError(_expired(original, [pin.listed for pin in lost], since)) from error


def _is_lost(ports: Ports, listed: ListedObject) -> bool:
    try:
        list(ports.bucket.stored_checksums([listed]))
    except VersionGoneError:
        return True
    return False


def _expired(original: Run, lost: Sequence[ListedObject], deleted: Sequence[datetime]) -> str:
    """`deleted` says when copies of what is lost were, as far as S3 tells."""
    named = ", ".join(f"{each.key} (version {each.version_id})" for each in lost[:INPUTS_NAMED])
    more = f" and {len(lost) - INPUTS_NAMED:,} more" if len(lost) > INPUTS_NAMED else ""
    since = (
        f"their copies were deleted on {min(deleted):%Y-%m-%d at %H:%M} UTC"
        if deleted
        else "since when, S3 does not tell"
    )
    return (
        f"{named}{more} of run {original.id} are not there any more, neither the versions that were dropped nor the "
        f"copies of them; {since}: drop the data again for a new run"
    )
