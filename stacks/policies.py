"""Permissions, written out: who may do what to which resource, on which condition and, for a wildcard, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms


@dataclass(frozen=True)
class Permission:
    """What a role may do. Resources with a wildcard need the reason why no narrower name would do."""

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Any] | None = None
    because: str | None = None

    def statement(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources), conditions=self.conditions
        )


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
    *,
    because: str | None = None,
) -> Permission:
    return Permission(tuple(actions), tuple(resources), conditions, because)


def use_key(key: kms.IKey) -> Permission:
    """Read and write what is encrypted with the deployment's key."""
    return allow(["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"], [key.key_arn])


def allow_service(
    service: str, actions: Sequence[str], resources: Sequence[str], source_arn: str
) -> iam.PolicyStatement:
    """For a resource's policy: a service may act, but only for the source named (wildcards allowed) of this account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)],
        actions=list(actions),
        resources=list(resources),
        conditions=for_source(source_arn),
    )


def allow_role(role: iam.IRole, actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    """For a resource's policy: one role may do what its own policy cannot say, being older than the resource."""
    return iam.PolicyStatement(
        principals=[iam.ArnPrincipal(role.role_arn)], actions=list(actions), resources=list(resources)
    )


def for_source(source_arn: str) -> dict[str, Any]:
    """The conditions that keep a service from being used by someone else's resource."""
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": source_arn}}
