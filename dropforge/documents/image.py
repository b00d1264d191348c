"""`image.json`: what a build says of the image that it made, for the Lambda action that registers it."""

from __future__ import annotations

from dropforge.domain.training_spec import TrainingSpec

LONGEST_AUTHOR = 200
LONGEST_MESSAGE = 2_000


def image_document(spec: TrainingSpec, author: str, message: str) -> dict[str, object]:
    """The spec, and what git claims about the commit, shortened to a size that every record can hold."""
    return {
        "spec": spec.to_document(),
        "claimed_author": author.strip()[:LONGEST_AUTHOR],
        "message": message.strip()[:LONGEST_MESSAGE],
    }
