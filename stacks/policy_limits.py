"""What IAM takes, checked at synthesis: a deployment that would be refused on AWS is refused here, with what to do.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

LONGEST_POLICY = 6144
"""Characters of a customer-managed policy, white space not counted."""
MOST_POLICIES = 10
"""Customer-managed policies of one role, unless the account has a higher quota."""
LONGEST_ARN = 128
"""Of what a template names by reference: the resources of this tree have shorter ones."""
_LONGEST = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-northeast-1", "AWS::AccountId": "123456789012"}
_REMEDY = "Spread the projects over two stages."


class PolicyLimitError(Exception):
    """A policy or a role is more than IAM takes; the message says which, and what to do."""


def check_policies(scope: IConstruct) -> None:
    """Measure every policy and role below a construct. Raises PolicyLimitError."""
    for construct in scope.node.find_all():
        if isinstance(construct, iam.CfnManagedPolicy):
            size = len(policy_text(construct))
            if size > LONGEST_POLICY:
                raise PolicyLimitError(
                    f"The policy {construct.node.path} has {size} characters and IAM takes {LONGEST_POLICY}. {_REMEDY}"
                )
        elif isinstance(construct, iam.CfnRole):
            attached = len(Stack.of(construct).resolve(construct.managed_policy_arns) or [])
            if attached > MOST_POLICIES:
                raise PolicyLimitError(
                    f"The role {construct.node.path} has {attached} policies and IAM takes {MOST_POLICIES}. {_REMEDY}"
                )


def policy_text(policy: iam.CfnManagedPolicy) -> str:
    """The policy as IAM counts it, with the longest that each reference can become."""
    document = Stack.of(policy).resolve(policy.policy_document)
    return json.dumps(_longest(document), separators=(",", ":"))


def _longest(resolved: Any) -> Any:
    match resolved:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]} | {"Fn::ImportValue": name}:
            return _LONGEST.get(str(name), "r" * LONGEST_ARN)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(AWS::\w+)\}", lambda found: _LONGEST.get(found[1], "r" * LONGEST_ARN), text)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(cast("str", _longest(part)) for part in parts)
        case dict():
            return {name: _longest(member) for name, member in resolved.items()}
        case list():
            return [_longest(member) for member in resolved]
    return resolved
