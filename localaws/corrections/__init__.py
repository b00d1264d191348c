"""What the emulator gets wrong, mended: one module a subject, each naming the AWS document that it follows."""

from __future__ import annotations

from localaws.runtime import Runtime


def install(runtime: Runtime) -> None:
    """Put every correction in place, before the first request."""
