"""The topics that reach people: outcomes, filtered by project and outcome, and alarms, for ops alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from dropforge.adapters.sns import OUTCOME_ATTRIBUTE, PROJECT_ATTRIBUTE
from dropforge.documents.stage_config import StageConfig
from dropforge.domain.announcement import Outcome
from stacks.names import Names, arn
from stacks.policies import allow_service

NOT_FOR_OPS = frozenset({Outcome.COMPLETED, Outcome.SUPERSEDED})
OPS_OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome not in NOT_FOR_OPS)
FilterPolicy = dict[str, Any]


class OutcomesTopic(sns.Topic):
    """Each mail address subscribes once: SNS refuses a second subscription of it that filters otherwise."""

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, key: kms.IKey, config: StageConfig
    ) -> None:
        super().__init__(scope, construct_id, topic_name=names.of("outcomes"), master_key=key, enforce_ssl=True)
        for address, policy in filters(config).items():
            _subscribe(self, address, policy)


class AlarmsTopic(sns.Topic):
    """A topic of its own, because an alarm carries no attributes and a filter would drop it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, key: kms.IKey, mail: Iterable[str]
    ) -> None:
        super().__init__(scope, construct_id, topic_name=names.of("alarms"), master_key=key, enforce_ssl=True)
        self.add_to_resource_policy(
            allow_service(
                "cloudwatch.amazonaws.com",
                ["sns:Publish"],
                [self.topic_arn],
                source_arn=arn("cloudwatch", f"alarm:{names.of('*')}"),
            )
        )
        for address in sorted(set(mail)):
            _subscribe(self, address, None)


def filters(config: StageConfig) -> dict[str, FilterPolicy]:
    """For each address, sorted, the filter policy of all that it is to be told.

    Where an address wants different outcomes of different projects, the policy is an alternative of both:
    https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
    """
    wanted: dict[str, dict[tuple[str, ...], set[str]]] = {}
    for project in config.projects():
        for told in project.notify:
            outcomes = tuple(sorted({outcome.value for outcome in told.on}))
            wanted.setdefault(told.mail, {}).setdefault(outcomes, set()).add(project.name)
    alternatives: dict[str, list[FilterPolicy]] = {
        address: [
            {PROJECT_ATTRIBUTE: sorted(projects)} | _only(outcomes)
            for outcomes, projects in sorted(by_outcomes.items())
        ]
        for address, by_outcomes in wanted.items()
    }
    for address in config.ops.mail:
        alternatives.setdefault(address, []).insert(0, {OUTCOME_ATTRIBUTE: list(OPS_OUTCOMES)})
    return {address: _either(policies) for address, policies in sorted(alternatives.items())}


def _only(outcomes: tuple[str, ...]) -> FilterPolicy:
    """Nothing where all are wanted: SNS takes 150 combinations of values in a policy, and counts them all."""
    return {} if len(outcomes) == len(Outcome) else {OUTCOME_ATTRIBUTE: list(outcomes)}


def _either(policies: list[FilterPolicy]) -> FilterPolicy:
    return policies[0] if len(policies) == 1 else {"$or": policies}


def _subscribe(topic: sns.Topic, address: str, policy: Mapping[str, Any] | None) -> None:
    sns.CfnSubscription(
        topic, f"Mail-{address}", topic_arn=topic.topic_arn, protocol="email", endpoint=address, filter_policy=policy
    )
