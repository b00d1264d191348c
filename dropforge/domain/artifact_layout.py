"""Where things lie in the artifact bucket. No trigger watches it, so nothing written here starts anything."""

from __future__ import annotations


def manifest_key(project: str, version: str) -> str:
    return f"datasets/{project}/{_hex(version)}.json"


def origin_key(project: str, version: str) -> str:
    """Beside the manifest: who sealed it and when, which is no part of what it is."""
    return f"datasets/{project}/{_hex(version)}.origin.json"


def channel_files_key(project: str, version: str, channel: str) -> str:
    """The list of a channel's objects that a job is given."""
    return f"datasets/{project}/{_hex(version)}/{channel}.json"


def pool_prefix(project: str, channel: str, pool: int) -> str:
    """Ends in `/`; below it lie copies under the names that they have in the job, for every version that uses them."""
    return f"datasets/{project}/pools/{channel}/{pool:06d}/"


def attempt_prefix(run_id: str, attempt: int) -> str:
    """Ends in `/`; SageMaker writes the job's model and output below it."""
    return f"runs/{run_id}/{attempt:02d}/"


def checkpoint_prefix(run_id: str) -> str:
    """Of the run and not of the attempt, so that a later attempt goes on from where an earlier one stopped."""
    return f"runs/{run_id}/checkpoints/"


def _hex(version: str) -> str:
    return version.removeprefix("sha256:")
