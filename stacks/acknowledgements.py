"""Findings of cdk-nag that are right as a rule and wrong, or unavoidable, for one construct: each with its reason."""

from __future__ import annotations

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

from stacks.policies import Permission


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of the AwsSolutions pack on a construct.

    https://github.com/cdklabs/cdk-nag#acknowledging-a-rule
    """
    Validations.of(construct).acknowledge(Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}", reason=reason))


def acknowledge_wildcards(policy: IConstruct, permission: Permission) -> None:
    """Accept each wildcard of a permission that says why it is there; one without a reason stays a finding."""
    if permission.because is None:
        return
    for resource in permission.resources:
        if "*" in resource:
            acknowledge(policy, f"IAM5[Resource::{_shown(Stack.of(policy).resolve(resource))}]", permission.because)


def _shown(resolved: Any) -> str:
    """A resource as cdk-nag names it: what is known only at deployment stands between angle brackets."""
    match resolved:
        case str():
            return resolved
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_shown(part) for part in parts)
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
    raise TypeError(f"cdk-nag's name for {resolved} is not known here: build the resource from its name.")
