"""What goes wrong between a person's command and AWS, in words."""

from __future__ import annotations

from dropforge.domain.errors import DropforgeError


class AwsError(DropforgeError):
    """AWS was not reached, or refused; the message says what to look at."""
