"""What the world may answer instead of an answer, in words that the use cases understand."""

from __future__ import annotations

from dropforge.domain.errors import DropforgeError


class ConflictError(DropforgeError):
    """Somebody else wrote first: read again and decide again."""


class JobExistsError(DropforgeError):
    """A training job of that name exists: ours only if Describe shows our tags."""


class BusyError(DropforgeError):
    """AWS has no room now (throttled, quota in use, no capacity); the message is AWS's. Never a reason to fail a run.

    `throttled` says that any other request would be refused as well.
    """

    def __init__(self, message: str, *, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled


class QuotaTooLowError(DropforgeError):
    """The job alone wants more than the account's quota allows at all; waiting does not help. The message is AWS's.

    `quota` is what Service Quotas calls it, `limit` and `wanted` are instances.
    """

    def __init__(self, message: str, *, quota: str, limit: int, wanted: int) -> None:
        super().__init__(message)
        self.quota, self.limit, self.wanted = quota, limit, wanted


class NotAllowedError(DropforgeError):
    """The deployment's own role may not do what it has to; the message is AWS's. Nothing starts until ops mend it."""


class RejectedError(DropforgeError):
    """AWS will not take this request however often it is sent; the message is AWS's."""


class VersionGoneError(DropforgeError):
    """An object version that was listed has been deleted for good: list again."""


class ConnectionPendingError(DropforgeError):
    """The connection to the code host was never completed in the console."""


class SinkError(DropforgeError):
    """Another system did not take what it was told, or was not reached; it is told again."""
