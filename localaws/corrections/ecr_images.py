"""DescribeImages says so when an image is not there, and how large one is.

The emulator answers with an empty list where ECR raises ImageNotFoundException, so that a build which never pushed
looks like one that did; and it gives the size of the manifest for the size of the image.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core import responses
from ministack.services import ecr

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime


def install(_runtime: Runtime) -> None:
    """Correct the operation."""
    wrap(ecr, "_describe_images", _describe_images)


def _describe_images(emulated: Callable[[dict[str, Any]], Any], request: dict[str, Any]) -> Any:
    name = request.get("repositoryName", "")
    if name in ecr._repositories:
        for identity in request.get("imageIds") or []:
            if not ecr._find_image(name, identity):
                described = ", ".join(f"{key}:'{value}'" for key, value in identity.items())
                return responses.error_response_json(
                    "ImageNotFoundException",
                    f"The image with imageId {{{described}}} does not exist within the repository with name '{name}' "
                    f"in the registry with id '{responses.get_account_id()}'",
                    400,
                )
    status, headers, body = emulated(request)
    answer = json.loads(body)
    for detail in answer.get("imageDetails", []):
        image = ecr._find_image(name, {"imageDigest": detail["imageDigest"]})
        manifest = json.loads(image["imageManifest"])
        detail["imageSizeInBytes"] = sum(layer["size"] for layer in manifest.get("layers", []))
    return status, headers, json.dumps(answer).encode()
