"""What ECR holds under a tag: the digest is the registry's word, not the build's.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from dropforge.adapters.clients import AwsClients
from dropforge.workflow.ports import PushedImage, TaggedImage

_MOST_DESCRIBED: Final = 1000


class EcrImageRegistry:
    """Reads the deployment's repositories, each named `<deployment>/<project>`."""

    def __init__(self, clients: AwsClients, deployment: str) -> None:
        self._clients = clients
        self._deployment = deployment

    def pushed_image(self, project: str, tag: str) -> PushedImage | None:
        ecr, repository = self._clients.ecr, f"{self._deployment}/{project}"
        try:
            images = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except ecr.exceptions.ImageNotFoundException:
            return None
        image = images["imageDetails"][0]
        described = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]
        return PushedImage(
            repository=repository,
            digest=image["imageDigest"],
            uri=f"{described['repositoryUri']}@{image['imageDigest']}",
            pushed_at=image["imagePushedAt"].astimezone(UTC),
        )

    def holds(self, project: str, digest: str) -> bool:
        ecr = self._clients.ecr
        try:
            ecr.describe_images(repositoryName=f"{self._deployment}/{project}", imageIds=[{"imageDigest": digest}])
        except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
            return False
        return True

    def pushed_since(self, project: str, since: datetime) -> Iterator[TaggedImage]:
        pages = self._clients.ecr.get_paginator("describe_images").paginate(
            repositoryName=f"{self._deployment}/{project}",
            filter={"tagStatus": "TAGGED"},
            PaginationConfig={"PageSize": _MOST_DESCRIBED},
        )
        for page in pages:
            for image in page["imageDetails"]:
                pushed_at = image["imagePushedAt"].astimezone(UTC)
                if pushed_at >= since:
                    yield from (TaggedImage(tag, image["imageDigest"], pushed_at) for tag in image.get("imageTags", []))
