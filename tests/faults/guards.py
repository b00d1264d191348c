"""Every condition, lease, retry and ordering rule that a promise rests on."""

from __future__ import annotations

from tests.faults.guards_in_store import IN_THE_STORE
from tests.faults.guards_in_workflow import IN_WORKFLOW

GUARDS = (*IN_WORKFLOW, *IN_THE_STORE)
