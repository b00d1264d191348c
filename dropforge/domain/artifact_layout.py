"""Where things lie in the artifact bucket. No trigger watches it, so nothing written here starts anything."""

from __future__ import annotations


def dataset_prefix(project: str, version: str) -> str:
    """Ends in `/`; below it lies a folder for each channel."""
    return f"datasets/{project}/{_hex(version)}/"


def channel_prefix(project: str, version: str, channel: str) -> str:
    return f"{dataset_prefix(project, version)}{channel}/"


def manifest_key(project: str, version: str) -> str:
    return f"datasets/{project}/{_hex(version)}.json"


def attempt_prefix(run_id: str, attempt: int) -> str:
    """Ends in `/`; SageMaker writes the job's model and output below it."""
    return f"runs/{run_id}/{attempt:02d}/"


def checkpoint_prefix(run_id: str) -> str:
    """Of the run and not of the attempt, so that a later attempt goes on from where an earlier one stopped."""
    return f"runs/{run_id}/checkpoints/"


def _hex(version: str) -> str:
    return version.removeprefix("sha256:")
