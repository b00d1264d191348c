"""What CloudFormation asks of a resource type."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any, Protocol

from localaws.runtime import Runtime

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, Any]]
"""A resource's physical id (what Ref gives) and its attributes (what GetAtt gives)."""


class Handler(Protocol):
    """Creates, updates and deletes resources of one type through the service's own API."""

    def create(self, runtime: Runtime, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """Create the resource."""

    def update(self, runtime: Runtime, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        """Change the resource in place, or replace it where its properties cannot be changed."""

    def delete(self, runtime: Runtime, physical_id: str, properties: Properties) -> None:
        """Delete the resource; one that is gone already is deleted."""


def generated_name(stack_name: str, logical_id: str, limit: int) -> str:
    """A name for a resource that the template leaves unnamed: `<stack>-<logical id>-<random>`, at most `limit` long."""
    random = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))
    return f"{stack_name}-{logical_id}"[: limit - len(random) - 1] + f"-{random}"


def changed_tags(old: Properties, new: Properties) -> tuple[dict[str, str], list[str]]:
    """The tags to set and the keys to remove, from the `Tags` of two versions of a resource."""
    before, after = ({tag["Key"]: tag["Value"] for tag in item.get("Tags") or []} for item in (old, new))
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, sorted(before.keys() - after.keys())
