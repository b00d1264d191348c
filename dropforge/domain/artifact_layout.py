"""Where things lie in the artifact bucket. No trigger watches it, so nothing written here starts anything."""

from __future__ import annotations


def manifest_key(project: str, version: str) -> str:
    """Apart from the data itself, so that whoever may know what a dataset version holds need not be able to read it."""
    return f"manifests/{project}/{_hex(version)}.json"


def origin_key(project: str, version: str) -> str:
    """Beside the manifest: who sealed it and when, which is no part of what it is."""
    return f"manifests/{project}/{_hex(version)}.origin.json"


def channel_files_key(project: str, version: str, channel: str) -> str:
    """The list of a channel's objects that a job is given."""
    return f"manifests/{project}/{_hex(version)}/{channel}.json"


def pool_prefix(project: str, channel: str, pool: int) -> str:
    """Ends in `/`; below it lie copies under the names that they have in the job, for every version that uses them."""
    return f"datasets/{project}/pools/{channel}/{pool:06d}/"


def reproduction_prefix(project: str, run_id: str, channel: str) -> str:
    """Ends in `/`; below it lie the copies of a channel that were made anew for a reproduction."""
    return f"datasets/{project}/reproductions/{run_id}/{channel}/"


def reproduction_files_key(project: str, run_id: str, channel: str) -> str:
    """The list of a channel's objects that a reproduction is given."""
    return f"manifests/{project}/reproductions/{run_id}/{channel}.json"


def attempt_prefix(run_id: str, attempt: int) -> str:
    """Ends in `/`; SageMaker writes the job's model and output below it."""
    return f"runs/{run_id}/{attempt:02d}/"


def checkpoint_prefix(run_id: str) -> str:
    """Of the run and not of the attempt, so that a later attempt goes on from where an earlier one stopped."""
    return f"runs/{run_id}/checkpoints/"


STATEMENT_SUFFIX = ".intoto.jsonl"


def statement_name(model: str) -> str:
    """The signed statement of a model's origin lies beside it, as a key, a URI or a file."""
    return f"{model}{STATEMENT_SUFFIX}"


def trail_statement_key(run_id: str, sequence: int) -> str:
    """In the audit bucket: that the run's trail had so many entries when it was signed."""
    return f"{trail_statements_prefix(run_id)}{sequence:010d}{STATEMENT_SUFFIX}"


def trail_statements_prefix(run_id: str = "") -> str:
    """Of one run, or with "" of all."""
    return f"heads/{run_id}/" if run_id else "heads/"


def _hex(version: str) -> str:
    return version.removeprefix("sha256:")
