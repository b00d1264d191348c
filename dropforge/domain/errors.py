"""The root of every error that Dropforge raises on purpose."""

from __future__ import annotations


class DropforgeError(Exception):
    """Something is not as it must be; the message is for a person and says what to do next."""


class InvalidDocumentError(DropforgeError):
    """A stored or received document does not have the shape that its type asks for."""


class UnknownProjectError(DropforgeError):
    """No project of that name is declared in the stage's configuration."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no project {name!r} here: declare it in the stage's config file and deploy")
        self.name = name
