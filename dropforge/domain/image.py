"""An ECR image by digest, with what it was built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dropforge.domain.encoding import decode
from dropforge.domain.training_spec import TrainingSpec

SKIP_TRAINING = "[skip train]"
LONGEST_AUTHOR = 200
LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class Build:
    """One pipeline execution that gave an image, and the commit that it built; earlier entries lack its start."""

    commit: str
    branch: str
    execution_id: str
    claimed_author: str
    started_at: datetime | None = None


@dataclass(frozen=True)
class Image:
    """`commit`, `branch`, `execution_id` come from CodePipeline, `digest`, `uri`, `pushed_at` from ECR.

    `claimed_author` and `message` are what git says: nobody has vouched for them. `uri` names the image by digest.
    """

    project: str
    repository: str
    digest: str
    uri: str
    tag: str
    commit: str
    branch: str
    execution_id: str
    execution_started_at: datetime
    claimed_author: str
    message: str
    spec: TrainingSpec
    pushed_at: datetime

    @property
    def build(self) -> Build:
        return Build(self.commit, self.branch, self.execution_id, self.claimed_author, self.execution_started_at)

    @property
    def skips_training(self) -> bool:
        return SKIP_TRAINING in self.message.lower()

    def replaces(self, other: Image | None) -> bool:
        """Whether this becomes the project's image where `other` is.

        Builds follow each other as their pipeline executions started. When an image was pushed does not say it: a build
        that gives an earlier image again, bit for bit, keeps that image's time.
        """
        return other is None or self.execution_started_at >= other.execution_started_at


@dataclass(frozen=True)
class BuildClaims:
    """What a build says of itself in `image.json`; the spec is still a document, to be checked."""

    spec: Mapping[str, object]
    claimed_author: str
    message: str

    @classmethod
    def from_document(cls, document: object) -> BuildClaims:
        """Strict in shape; texts are cut to what every record can hold."""
        claims = decode(cls, document)
        return cls(claims.spec, claims.claimed_author[:LONGEST_AUTHOR], shortened(claims.message))


def shortened(message: str) -> str:
    """A commit message as records hold it; what it says about training survives the cut."""
    kept = message[:LONGEST_MESSAGE]
    if SKIP_TRAINING in message.lower() and SKIP_TRAINING not in kept.lower():
        return f"{message[: LONGEST_MESSAGE - len(SKIP_TRAINING) - 1]} {SKIP_TRAINING}"
    return kept


def image_tag(commit: str, execution_id: str) -> str:
    """Tags are immutable, and the same commit may be built again: a tag is of one commit in one pipeline execution."""
    return f"{commit}-{execution_id}"


def execution_in_tag(tag: str) -> str | None:
    """The pipeline execution that `image_tag` put into the tag; None for a tag that somebody else made."""
    commit, dash, execution = tag.partition("-")
    return execution if commit and dash and execution else None
