"""The two tables: names of attributes and indexes, and the keys of every kind of item.

The stacks create tables and indexes from these constants and the store adapter reads and writes by them. All keys are
strings. An item enters an index only when it carries both of the index's attributes (sparse indexes):
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-general-sparse-indexes.html
"""

from __future__ import annotations

from typing import Final, NamedTuple

PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
SCHEMA: Final = "schema"
SCHEMA_VERSION: Final = 1
"""On every item, so that a later release knows how to read an older one."""


class Key(NamedTuple):
    """The primary key of one item."""

    partition: str
    sort: str


class Index(NamedTuple):
    """A global secondary index of the state table, and the two attributes that are its key."""

    name: str
    partition_key: str
    sort_key: str


BY_PROJECT: Final = Index("by_project", "project_pk", "project_sk")
BY_COMMIT: Final = Index("by_commit", "commit_pk", "commit_sk")
BY_DATASET: Final = Index("by_dataset", "dataset_pk", "dataset_sk")
BY_DUE: Final = Index("by_due", "due_pk", "due_sk")
INDEXES: Final = (BY_PROJECT, BY_COMMIT, BY_DATASET, BY_DUE)
"""All project every attribute: each question is answered by one query, without a read per item."""

# The partitions of by_due: what is not yet finished, by when it wants attention.
WAITING: Final = "WAITING"
OPEN: Final = "OPEN"
PENDING: Final = "PENDING"
SEALING: Final = "SEALING"

TRAIL_SEQUENCE_DIGITS: Final = 10


def project_head(project: str) -> Key:
    return Key(f"PROJECT#{project}", "HEAD")


def image(project: str, digest: str) -> Key:
    return Key(f"PROJECT#{project}", f"IMAGE#{digest}")


def dataset(project: str, version: str) -> Key:
    return Key(f"PROJECT#{project}", f"DATASET#{version}")


def rebuild(project: str, dataset_version: str) -> Key:
    return Key(f"PROJECT#{project}", f"REBUILD#{dataset_version}")


def day(project: str, date: str) -> Key:
    """How many runs of the project were started on an ISO date (UTC)."""
    return Key(f"PROJECT#{project}", f"DAY#{date}")


def seal_timer(project: str) -> Key:
    return Key(f"PROJECT#{project}", "SEAL")


def pause(project: str | None) -> Key:
    """Of one project, or with None of the whole stage."""
    return Key("STAGE" if project is None else f"PROJECT#{project}", "PAUSE")


def object_version(bucket: str, key: str, version_id: str) -> Key:
    return Key(f"OBJECT#{bucket}/{key}", f"VERSION#{version_id}")


def run(run_id: str) -> Key:
    return Key(f"RUN#{run_id}", "RUN")


def notice(notice_id: str) -> Key:
    return Key(f"NOTICE#{notice_id}", "NOTICE")


def announcement(subject_partition: str, outcome: str) -> Key:
    """Beside the item that it tells of: `subject_partition` is that item's partition."""
    return Key(subject_partition, f"ANNOUNCEMENT#{outcome}")


def trail_entry(run_id: str, sequence: int) -> Key:
    """In the trail table; padded, so that entries sort in the order in which they were appended."""
    return Key(f"RUN#{run_id}", f"{sequence:0{TRAIL_SEQUENCE_DIGITS}d}")
