"""The ECR repository of one project's images."""

from __future__ import annotations

import json

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

UNTAGGED_DAYS = 14


class ImageRepository(ecr.CfnRepository):
    """Tags never move, each push is scanned, and only what has no tag ever expires.

    Every image that a run may use was pushed under a tag, and ECR cannot know which of them a run did use; so no tagged
    image is expired. https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey, removal: RemovalPolicy
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            repository_name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(scan_on_push=True),
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS", kms_key=key.key_arn
            ),
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(lifecycle_policy_text=json.dumps(_lifecycle())),
            empty_on_delete=removal is RemovalPolicy.DESTROY,
        )
        self.apply_removal_policy(removal)


def _lifecycle() -> dict[str, object]:
    untagged = {
        "rulePriority": 1,
        "description": "Layers and manifests that no tag names",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": UNTAGGED_DAYS,
        },
        "action": {"type": "expire"},
    }
    return {"rules": [untagged]}
