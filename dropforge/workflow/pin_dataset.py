"""Make an immutable dataset version of what lies under a project's prefix now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dropforge.domain.artifact_layout import dataset_prefix, manifest_key
from dropforge.domain.dataset import Dataset, ListedObject, Manifest, ObjectVersion
from dropforge.domain.project import Project
from dropforge.domain.sealing import is_data, pinned_key, refuse_unfit, split_key
from dropforge.workflow.ports import Ports


def pin_dataset(ports: Ports, project: Project, now: datetime) -> Dataset | None:
    """The recorded dataset version, with every object copied; None when nothing is there.

    The version is recorded last, so that nobody sees half of it; what an earlier call copied is not copied again.
    DatasetRefusedError when an object cannot be pinned.
    """
    listed = [each for each in ports.bucket.current_objects(project.data_prefix) if is_data(each.key)]
    if not listed:
        return None
    refuse_unfit(project, listed)
    manifest = Manifest.of(ports.bucket.name, _with_checksums(ports, project, listed))
    dataset = Dataset.of(project.name, manifest, sealed_at=now)
    _copy(ports, project, manifest)
    ports.bucket.put_manifest(manifest_key(project.name, dataset.version), manifest)
    ports.store.put_dataset(dataset, manifest.objects)
    return dataset


def _with_checksums(ports: Ports, project: Project, listed: Sequence[ListedObject]) -> list[ObjectVersion]:
    known = ports.store.checksums(ports.bucket.name, listed)
    versions = []
    for each in listed:
        checksum = known.get(each)
        if checksum is None:
            checksum = ports.bucket.checksum(each)
            ports.store.record_checksum(ports.bucket.name, each, checksum)
        channel, _ = split_key(each.key, project.data_prefix)
        versions.append(ObjectVersion(channel, each.key, each.version_id, each.size, checksum.sha256))
    return versions


def _copy(ports: Ports, project: Project, manifest: Manifest) -> None:
    there = ports.bucket.pinned_keys(dataset_prefix(project.name, manifest.version))
    for version in manifest.objects:
        key = pinned_key(project, manifest.version, version.key)
        if key not in there:
            ports.bucket.pin(version, key)
