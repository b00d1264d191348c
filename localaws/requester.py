"""Who made the request that is being answered, for services that record it."""

from __future__ import annotations

from contextvars import ContextVar

requester: ContextVar[str] = ContextVar("requester", default="")
"""The ARN of the caller; empty for what this server does by itself."""
