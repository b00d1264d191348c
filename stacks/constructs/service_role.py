"""A role that one AWS service assumes for one resource, with customer-managed policies that are written out."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acknowledgements import acknowledge_wildcards
from stacks.policies import Permission, for_source


class ServiceRole(iam.Role):
    """The policy is made before the role, so whatever depends on the role finds its permissions in place.

    `source_arn` names the resource on whose behalf the service may assume the role. Lambda alone documents no such
    condition for execution roles (they can only be passed within their account): it gives None.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        source_arn: str | None,
        description: str,
        permissions: Sequence[Permission],
    ) -> None:
        self._policy = iam.ManagedPolicy(scope, f"{construct_id}Policy", description=description)
        super().__init__(
            scope,
            construct_id,
            description=description,
            assumed_by=iam.ServicePrincipal(service, conditions=for_source(source_arn) if source_arn else None),
            managed_policies=[self._policy],
        )
        for permission in permissions:
            self.permit(permission)

    def add_policy(self, construct_id: str, permissions: Sequence[Permission]) -> None:
        """A further policy, for what grows with the number of projects and would fill the first."""
        policy = iam.ManagedPolicy(self, construct_id)
        for permission in permissions:
            policy.add_statements(permission.statement())
            acknowledge_wildcards(policy, permission)
        self.add_managed_policy(policy)

    def permit(self, permission: Permission) -> None:
        """Add a permission to the policy that the role was made with."""
        self._policy.add_statements(permission.statement())
        acknowledge_wildcards(self._policy, permission)
