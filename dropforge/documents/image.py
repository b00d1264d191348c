"""`image.json`: what a build says of the image that it made, for the Lambda action that registers it."""

from __future__ import annotations

from dropforge.domain.encoding import encode_object
from dropforge.domain.image import LONGEST_AUTHOR, BuildClaims, shortened
from dropforge.domain.training_spec import TrainingSpec


def image_document(spec: TrainingSpec, author: str, message: str) -> dict[str, object]:
    """The domain's `BuildClaims` as a document: the spec, and what git says of the commit, cut to what records hold."""
    claims = BuildClaims(spec.to_document(), author.strip()[:LONGEST_AUTHOR], shortened(message.strip()))
    return encode_object(claims)
