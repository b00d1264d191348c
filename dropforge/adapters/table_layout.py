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
UNSIGNED: Final = "UNSIGNED"
SEALING: Final = "SEALING"
REBUILDING: Final = "REBUILDING"

NOTICES: Final = "NOTICES"
"""The partition of by_project in which every notice of the stage lies, whatever its project."""

RUN_NAME_DIGITS: Final = 4
_SEQUENCE_DIGITS: Final = 10


BEFORE_ALL_LINES: Final = "#"
"""No project's name begins so low."""


def place_in_line(project: str, place: str) -> str:
    """The sort key, in WAITING, of a run in its project's line: the lines lie there one after the other."""
    return f"{project}#{place}"


def end_of_line(project: str) -> str:
    """Above every place in the project's line, and below that of any other: `$` follows `#`."""
    return f"{project}$"


def held(project: str) -> str:
    """The partition of by_due that has the project's held runs: nothing is due until somebody acts."""
    return f"HELD#{project}"


def trained_on(project: str, dataset_version: str) -> str:
    """The partition of by_dataset that has the runs of one project on one dataset version.

    The partition of an object (`object_partition`) has the dataset versions with any version of it.
    """
    return f"{project}#{dataset_version}"


def project_head(project: str) -> Key:
    return Key(f"PROJECT#{project}", "HEAD")


def image(project: str, digest: str) -> Key:
    return Key(f"PROJECT#{project}", f"IMAGE#{digest}")


def build(project: str, execution_id: str) -> Key:
    """What one pipeline execution built: several may give the same image."""
    return Key(f"PROJECT#{project}", f"BUILD#{execution_id}")


def dataset(project: str, version: str) -> Key:
    return Key(f"PROJECT#{project}", f"DATASET#{version}")


def rebuild(project: str, dataset_version: str) -> Key:
    return Key(f"PROJECT#{project}", f"REBUILD#{dataset_version}")


def open_runs(project: str) -> Key:
    """How many places the project has taken."""
    return Key(f"PROJECT#{project}", "OPEN")


def day(project: str, date: str) -> Key:
    """How many runs of the project were started on an ISO date (UTC)."""
    return Key(f"PROJECT#{project}", f"DAY#{date}")


def seal_timer(project: str) -> Key:
    """Of the whole prefix."""
    return Key(f"PROJECT#{project}", "SEAL")


def object_seal_timer(bucket: str, key: str, version_id: str) -> Key:
    """Of a marker, or of an object that is sealed by itself."""
    return Key(object_partition(bucket, key), f"SEAL#{version_id}")


def pool(project: str, channel: str) -> Key:
    """The number of the channel's current pool."""
    return Key(f"PROJECT#{project}", f"POOL#{channel}")


def pinned(key: str) -> Key:
    """What a key in the artifact bucket is bound to; a partition each, so that many are written side by side."""
    return Key(f"PINNED#{key}", "PINNED")


def latest_drop(bucket: str, key: str) -> Key:
    """Which drop of the key came last, by S3's own order."""
    return Key(object_partition(bucket, key), "LATEST")


def pause(project: str | None) -> Key:
    """Of one project, or with None of the whole stage."""
    return Key("STAGE" if project is None else f"PROJECT#{project}", "PAUSE")


CONGESTION: Final = "CONGESTION"
"""The partition of the few notes on AWS having had no room."""


def congestion(scope: str) -> Key:
    """Of an instance type, or `*` for every type."""
    return Key(CONGESTION, scope)


def object_partition(bucket: str, key: str) -> str:
    return f"OBJECT#{bucket}/{key}"


def object_version(bucket: str, key: str, version_id: str) -> Key:
    """Who dropped it, and the checksum of its bytes."""
    return Key(object_partition(bucket, key), f"VERSION#{version_id}")


def membership_prefix(version_id: str) -> str:
    """What the sort keys of `membership` begin with."""
    return f"VERSION#{version_id}#DATASET#"


def membership(bucket: str, key: str, version_id: str, in_dataset: str) -> Key:
    """That an object version is part of a dataset version, in the order of `sealed`."""
    return Key(object_partition(bucket, key), f"{membership_prefix(version_id)}{in_dataset}")


def sealed(sealed_at: str, project: str, dataset_version: str) -> str:
    """By which dataset versions are in the order in which they were sealed."""
    return f"{sealed_at}#{project}#{dataset_version}"


RUN: Final = "RUN"
"""The sort key of every run, by which the table's stream is filtered."""


def run(run_id: str) -> Key:
    return Key(f"RUN#{run_id}", RUN)


def run_of_build(run_id: str, execution_id: str) -> Key:
    """That a run stands for a further build, by whose commit it is found."""
    return Key(f"RUN#{run_id}", f"BUILD#{execution_id}")


def run_of_original(original: str, run_id: str) -> Key:
    """That a run reproduces another, by which it is found."""
    return Key(run(original).partition, f"REPRODUCTION#{run_id}")


def run_of_image(digest: str, requested_at: str, run_id: str) -> Key:
    """That a run is of an image, by whose digest it is found; in the order in which the runs were asked for."""
    return Key(f"IMAGE#{digest}", f"{requested_at}#{run_id}")


def run_of_model(sha256: str, run_id: str) -> Key:
    """That a run gave a model of these bytes."""
    return Key(f"MODEL#{sha256}", f"RUN#{run_id}")


def run_name(run_id: str) -> Key:
    """By which a run is found by the beginning of its id; the partition takes the first four digits."""
    return Key(f"RUNS#{run_id[:RUN_NAME_DIGITS]}", run_id)


def notice(notice_id: str) -> Key:
    return Key(f"NOTICE#{notice_id}", "NOTICE")


def announcement(subject_kind: str, subject: str, sequence: int) -> Key:
    """Beside the run or notice that it tells of: `subject_kind` is `run` or `notice`."""
    return Key(f"{subject_kind.upper()}#{subject}", f"ANNOUNCEMENT#{sequence:0{_SEQUENCE_DIGITS}d}")


def trail_partition(run_id: str) -> str:
    return f"RUN#{run_id}"


def trail_entry(run_id: str, sequence: int) -> Key:
    """In the trail table; padded, so that entries sort in the order in which they were appended."""
    return Key(trail_partition(run_id), f"{sequence:0{_SEQUENCE_DIGITS}d}")
