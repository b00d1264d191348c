"""An EventBridge rule whose events wait in a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.names import arn
from stacks.policies import allow_service


class QueuedRule(Construct):
    """Sends each matching event, or each tick of a schedule, to a queue; what cannot be delivered to `undelivered`.

    Scheduled rules rather than EventBridge Scheduler: they need no role that could be passed on, and each tick carries
    an id of its own, which a FIFO queue that deduplicates by content depends on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        queue: sqs.IQueue,
        undelivered: sqs.IQueue,
        pattern: Mapping[str, Any] | None = None,
        schedule: str | None = None,
        message_group: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        fifo = events.CfnRule.SqsParametersProperty(message_group_id=message_group) if message_group else None
        target = events.CfnRule.TargetProperty(
            id="queue",
            arn=queue.queue_arn,
            sqs_parameters=fifo,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=undelivered.queue_arn),
            retry_policy=events.CfnRule.RetryPolicyProperty(
                maximum_event_age_in_seconds=86_400, maximum_retry_attempts=185
            ),
        )
        rule = events.CfnRule(
            self,
            "Rule",
            name=name,
            description=description,
            event_pattern=pattern,
            schedule_expression=schedule,
            targets=[target],
        )
        source = arn("events", f"rule/{name}")
        for receiver in (queue, undelivered):
            sent = receiver.add_to_resource_policy(
                allow_service("events.amazonaws.com", ["sqs:SendMessage"], [receiver.queue_arn], source_arn=source)
            )
            if sent.policy_dependable is not None:
                rule.node.add_dependency(sent.policy_dependable)
