"""What a build hands over: `image.json` in the zip that CodePipeline stores as the action's output.

A build runs code that others wrote, so the archive is opened with limits and its words are handed on unbelieved.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.events.codepipeline import ArtifactLocation
from dropforge.domain.errors import DropforgeError

IMAGE_FILE: Final = "image.json"

_LARGEST_ARCHIVE: Final = 1 << 20
_LARGEST_DOCUMENT: Final = 1 << 18


class BuildArtifactError(DropforgeError):
    """The build's artifact is not what the build specification makes."""


def image_document(clients: AwsClients, artifact: ArtifactLocation) -> Mapping[str, Any]:
    """The document that the build wrote, in its pipeline's own bucket; IAM lets the function read no other."""
    answer = clients.s3.get_object(Bucket=artifact.bucket, Key=artifact.key)
    if answer["ContentLength"] > _LARGEST_ARCHIVE:
        raise BuildArtifactError(f"The build's artifact is larger than 1 MiB; it is to hold {IMAGE_FILE} and no more.")
    return image_document_in(answer["Body"].read(_LARGEST_ARCHIVE))


def image_document_in(archive: bytes) -> Mapping[str, Any]:
    """The JSON object in the archive's `image.json`."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(IMAGE_FILE) as file:
            text = file.read(_LARGEST_DOCUMENT + 1)
        document = json.loads(text) if len(text) <= _LARGEST_DOCUMENT else None
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise BuildArtifactError(
            f"The build left no readable {IMAGE_FILE} ({fault}); its buildspec has to be the stage's image.yml."
        ) from fault
    if not isinstance(document, dict):
        raise BuildArtifactError(f"The build's {IMAGE_FILE} is not a JSON object of at most 256 KiB.")
    return document
