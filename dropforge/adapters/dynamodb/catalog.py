"""Images, dataset versions, object versions, and each project's head."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import Question, Tables
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, ObjectVersion
from dropforge.domain.drop import ObjectDropped, ObjectRef, sequencer_order
from dropforge.domain.encoding import time_text
from dropforge.domain.head import ProjectHead, SealedData
from dropforge.domain.image import Image

_SCHEMA = {":schema": layout.SCHEMA_VERSION}
_NO_EARLIER_BUILD = "attribute_not_exists(#image_order) OR #image_order <= :order"
"""`Image.replaces`: a later execution, or another build of the same one."""


class DynamoCatalog:
    """Implements `ports.Catalog`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def head(self, project: str) -> ProjectHead:
        return head_in(project, self._tables.get(layout.project_head(project)))

    def advance_image(self, image: Image) -> ProjectHead:
        order = time_text(image.execution_started_at)
        self._tables.put(item(layout.build(image.project, image.execution_id), {"document": text_of(image)}))
        self._tables.update(
            layout.image(image.project, image.digest),
            "SET #schema = :schema, #document = :image, #image_order = :order",
            {":image": text_of(image), ":order": order, **_SCHEMA},
            _NO_EARLIER_BUILD,
        )
        return self._advance(
            image.project,
            "SET #schema = :schema, #image = :image, #image_order = :order, "
            "#first_build = if_not_exists(#first_build, :build)",
            {":image": text_of(image), ":order": order, ":build": image.execution_id, **_SCHEMA},
            _NO_EARLIER_BUILD,
        )

    def advance_data(self, data: SealedData) -> ProjectHead:
        return self._advance(
            data.dataset.project,
            "SET #schema = :schema, #data = :data, #data_revision = :revision, #owes_run = :revision",
            {":data": text_of(data), ":revision": data.revision, **_SCHEMA},
            # `SealedData.replaces`
            "attribute_not_exists(#data_revision) OR #data_revision < :revision",
        )

    def settle_data(self, project: str, revision: int) -> None:
        self._tables.update(
            layout.project_head(project), "REMOVE #owes_run", {":revision": revision}, "#owes_run = :revision"
        )

    def image(self, project: str, digest: str) -> Image | None:
        found = self._tables.get(layout.image(project, digest))
        return None if found is None else value_of(Image, found["document"])

    def images_of_digest(self, projects: Sequence[str], digest: str) -> tuple[Image, ...]:
        found = self._tables.get_all(layout.image(project, digest) for project in projects)
        return tuple(value_of(Image, each["document"]) for each in found)

    def build(self, project: str, execution_id: str) -> Image | None:
        found = self._tables.get(layout.build(project, execution_id))
        return None if found is None else value_of(Image, found["document"])

    def put_dataset(self, dataset: Dataset, objects: Sequence[ObjectVersion]) -> None:
        """Members first: a dataset that is on record has all of them."""
        self._tables.put_all(membership_item(dataset, each) for each in objects)
        document = {"document": text_of(dataset)}
        self._tables.put_if_absent(item(layout.dataset(dataset.project, dataset.version), document))

    def dataset(self, project: str, version: str) -> Dataset | None:
        found = self._tables.get(layout.dataset(project, version))
        return None if found is None else value_of(Dataset, found["document"])

    def datasets_of_version(self, projects: Sequence[str], version: str) -> tuple[Dataset, ...]:
        found = self._tables.get_all(layout.dataset(project, version) for project in projects)
        return tuple(value_of(Dataset, each["document"]) for each in found)

    def datasets_of_object(self, bucket: str, key: str, version_id: str | None, limit: int) -> tuple[Dataset, ...]:
        """Of one version by the table itself; of any by the index, since version ids are in no order of time."""
        partition = layout.object_partition(bucket, key)
        if version_id is None:
            question = Question(partition, layout.BY_DATASET, newest_first=True, limit=limit)
        else:
            prefix = {":prefix": layout.membership_prefix(version_id)}
            question = Question(partition, None, "begins_with(#sk, :prefix)", prefix, True, limit)
        found: dict[tuple[str, str], Dataset] = {}
        for dataset in (value_of(Dataset, each["dataset"]) for each in self._tables.query(question)):
            # A sealing that was cut off before the dataset was on record has left items with an earlier time.
            found.setdefault((dataset.project, dataset.version), dataset)
        return tuple(found.values())

    def record_drop(self, project: str, drop: ObjectDropped) -> None:
        self._tables.update(*drop_update(project, drop))

    def drop(self, bucket: str, key: str, version_id: str) -> ObjectDropped | None:
        return drop_in(self._tables.get(layout.object_version(bucket, key, version_id)) or {})

    def drops_of(self, objects: Sequence[ObjectRef]) -> Mapping[ObjectRef, ObjectDropped]:
        found = self._tables.get_all(layout.object_version(each.bucket, each.key, each.version_id) for each in objects)
        return {drop.ref: drop for each in found if (drop := drop_in(each)) is not None}

    def dropped(self, bucket: str, objects: Sequence[ListedObject]) -> Collection[ListedObject]:
        listed = {layout.object_version(bucket, each.key, each.version_id): each for each in objects}
        there = (found for found in self._tables.get_all(listed) if found.keys() & {"drop", "found"})
        return frozenset(listed[_key_of(found)] for found in there)

    def note_latest(self, drop: ObjectDropped) -> bool:
        if not drop.sequencer:
            return True
        after = self._tables.update(
            layout.latest_drop(drop.bucket, drop.key),
            "SET #schema = :schema, #sequencer = :order, #version_id = :version",
            {":order": sequencer_order(drop.sequencer), ":version": drop.version_id, **_SCHEMA},
            # `is_later` says no.
            "attribute_not_exists(#sequencer) OR #sequencer <= :order",
        )
        return after is not None

    def latest_version(self, bucket: str, key: str) -> str | None:
        found = self._tables.get(layout.latest_drop(bucket, key))
        return None if found is None else str(found["version_id"])

    def checksums(self, bucket: str, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Checksum]:
        listed = {layout.object_version(bucket, each.key, each.version_id): each for each in objects}
        return {
            listed[_key_of(found)]: value_of(Checksum, found["checksum"])
            for found in self._tables.get_all(listed)
            if "checksum" in found
        }

    def record_checksum(self, bucket: str, listed: ListedObject, checksum: Checksum) -> None:
        self._tables.update(
            layout.object_version(bucket, listed.key, listed.version_id),
            "SET #schema = :schema, #checksum = :checksum",
            {":checksum": text_of(checksum), **_SCHEMA},
        )

    def _advance(self, project: str, expression: str, values: Mapping[str, Scalar], condition: str) -> ProjectHead:
        """One item has both halves: whoever writes one is told the other as it is at that moment."""
        key = layout.project_head(project)
        after = self._tables.update(key, expression, values, condition)
        return self.head(project) if after is None else head_in(project, after)


def membership_item(dataset: Dataset, member: ObjectVersion) -> dict[str, Scalar]:
    in_dataset = layout.sealed(time_text(dataset.sealed_at), dataset.project, dataset.version)
    key = layout.membership(dataset.bucket, member.key, member.version_id, in_dataset)
    found_by = {layout.BY_DATASET.partition_key: key.partition, layout.BY_DATASET.sort_key: in_dataset}
    return item(key, {"dataset": text_of(dataset), **found_by})


def drop_update(project: str, drop: ObjectDropped) -> tuple[layout.Key, str, Mapping[str, Scalar]]:
    """Where, how and with what values a drop is recorded.

    S3's word has an attribute of its own, so that no condition is needed for it to replace other news, and each first
    one stays: the condition of a part would be that of a whole transaction.
    """
    news = "#drop" if drop.says_who else "#found"
    return (
        layout.object_version(drop.bucket, drop.key, drop.version_id),
        f"SET #schema = :schema, #project = if_not_exists(#project, :project), {news} = if_not_exists({news}, :drop)",
        {":project": project, ":drop": text_of(drop), **_SCHEMA},
    )


def drop_in(found: Item) -> ObjectDropped | None:
    """`ObjectDropped.replaces`: S3's word, where it has come."""
    news = found.get("drop", found.get("found"))
    return None if news is None else value_of(ObjectDropped, news)


def head_in(project: str, found: Item | None) -> ProjectHead:
    found = found or {}
    return ProjectHead(
        project,
        image=value_of(Image, found["image"]) if "image" in found else None,
        data=value_of(SealedData, found["data"]) if "data" in found else None,
        owes_run="owes_run" in found,
        first_build=str(found["first_build"]) if "first_build" in found else None,
    )


def _key_of(found: Item) -> layout.Key:
    return layout.Key(str(found[layout.PARTITION_KEY]), str(found[layout.SORT_KEY]))
