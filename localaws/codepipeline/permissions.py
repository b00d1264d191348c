"""Asks IAM whether an action's role may do what no request of its own carries.

CodePipeline uses connections and starts builds inside AWS: the role's policies decide, but no signed call is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localaws.codepipeline.work import Work, refused_in_words


def allows(work: Work, alternatives: Sequence[str], resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether the action's role is allowed one of these IAM actions on a resource, and denied none of them.

    `context` holds the condition keys that AWS would fill in, by name.
    """
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in (context or {}).items()
    ]
    role = work.assumed_role().arn
    with refused_in_words(f"IAM could not say what {role} may do"):
        results = work.runtime.caller.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=list(alternatives), ResourceArns=[resource], ContextEntries=entries
        )["EvaluationResults"]
    decisions = {result["EvalDecision"] for result in results}
    return "allowed" in decisions and "explicitDeny" not in decisions
