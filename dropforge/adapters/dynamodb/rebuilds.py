"""Builds that new data asked for, each named by its project and dataset version."""

from __future__ import annotations

from dataclasses import replace

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import Question, Tables
from dropforge.domain.encoding import time_text
from dropforge.domain.head import Rebuild, StartDelay
from dropforge.workflow.ports import ConflictError


class DynamoRebuilds:
    """Implements `ports.Rebuilds`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def record_rebuild(self, rebuild: Rebuild) -> Rebuild:
        if self._tables.put_if_absent(rebuild_item(rebuild)):
            return rebuild
        return self.rebuild(rebuild.project, rebuild.dataset_version) or rebuild

    def rebuild(self, project: str, dataset_version: str) -> Rebuild | None:
        found = self._tables.get(layout.rebuild(project, dataset_version))
        return None if found is None else rebuild_in(found)

    def rebuild_started(self, project: str, dataset_version: str, execution_id: str) -> None:
        self._tables.update(
            layout.rebuild(project, dataset_version),
            "SET #execution_id = :execution REMOVE #due_pk, #due_sk",
            {":execution": execution_id},
            "attribute_exists(#pk)",
        )

    def delay_rebuild(self, project: str, dataset_version: str, delay: StartDelay) -> None:
        self._tables.update(
            layout.rebuild(project, dataset_version),
            "SET #delay = :delay",
            {":delay": text_of(delay)},
            "attribute_exists(#pk) AND attribute_not_exists(#execution_id)",
        )

    def claim_rebuild(self, project: str, dataset_version: str, image_digest: str) -> Rebuild:
        after = self._tables.update(
            layout.rebuild(project, dataset_version),
            "SET #image_digest = if_not_exists(#image_digest, :image)",
            {":image": image_digest},
            "attribute_exists(#pk)",
        )
        if after is None:
            raise ConflictError(f"There is no rebuild of {project} for the data {dataset_version}: record it first.")
        return rebuild_in(after)

    def unstarted_rebuilds(self) -> tuple[Rebuild, ...]:
        return tuple(map(rebuild_in, self._tables.query(Question(layout.REBUILDING, layout.BY_DUE))))


def rebuild_item(rebuild: Rebuild) -> dict[str, Scalar]:
    """What was asked for, and beside it what came of it; until an execution is known, in the index of what is due."""
    unstarted = rebuild.execution_id is None
    return item(
        layout.rebuild(rebuild.project, rebuild.dataset_version),
        {
            "document": text_of(replace(rebuild, execution_id=None, image_digest=None, delay=None)),
            "execution_id": rebuild.execution_id,
            "image_digest": rebuild.image_digest,
            "delay": None if rebuild.delay is None else text_of(rebuild.delay),
            layout.BY_DUE.partition_key: layout.REBUILDING if unstarted else None,
            layout.BY_DUE.sort_key: f"{time_text(rebuild.requested_at)}#{rebuild.project}" if unstarted else None,
        },
    )


def rebuild_in(found: Item) -> Rebuild:
    execution, image, delay = found.get("execution_id"), found.get("image_digest"), found.get("delay")
    return replace(
        value_of(Rebuild, found["document"]),
        execution_id=None if execution is None else str(execution),
        image_digest=None if image is None else str(image),
        delay=None if delay is None else value_of(StartDelay, delay),
    )
