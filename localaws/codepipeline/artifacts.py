"""Artifacts: zips in the pipeline's bucket, encrypted with the pipeline's key, written and read as its role.

Follows "Input and output artifacts" of the user guide (welcome-introducing-artifacts.html): the key is
`<pipeline>/<artifact>/<random>`, the pipeline's name cut to 20 characters and the artifact's to 10.
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from localaws.codepipeline.work import Work, refused_in_words

_ALPHABET = string.ascii_letters + string.digits


def place(work: Work, artifact: str) -> dict[str, str]:
    """A new place for an artifact: its bucket and key."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(7))
    return {"bucket": work.store["location"], "key": f"{work.pipeline.name[:20]}/{artifact[:10]}/{random}"}


def put(work: Work, artifact: str, content: bytes) -> None:
    """Store an output artifact and note where."""
    location = place(work, artifact)
    with refused_in_words(
        f"The artifact {artifact} could not be written to s3://{location['bucket']}/{location['key']}"
    ):
        work.client("s3").put_object(
            Bucket=location["bucket"], Key=location["key"], Body=content, ContentType="application/zip",
            **encryption(work),
        )  # fmt: skip
    work.update(outputs={**work.record.outputs, artifact: location})


def encryption(work: Work) -> dict[str, Any]:
    """What PutObject is told: the configured key, else S3's own KMS key as AWS documents."""
    key = work.store.get("encryptionKey")
    return {"ServerSideEncryption": "aws:kms"} | ({"SSEKMSKeyId": key["id"]} if key else {})


def output_names(work: Work) -> list[str]:
    """The names of the action's output artifacts."""
    return [artifact["name"] for artifact in work.action.get("outputArtifacts", [])]
