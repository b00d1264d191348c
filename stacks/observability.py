"""What ops look at, and what wakes them."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from stacks.constructs.dead_lettered_queue import DeadLetteredQueue, PrivateQueue
from stacks.foundation import FoundationStack
from stacks.names import Names
from stacks.training import TrainingStack

FIVE_MINUTES = Duration.minutes(5)
HALF_AN_HOUR = Duration.minutes(30)
OLDEST_MESSAGE_SECONDS = 3600
"""Longer than any message waits that is handled at one of its first tries."""
OLDEST_RECORD_MILLISECONDS = 600_000


class ObservabilityStack(Stack):
    """Alarms on what is lost or late, to ops' mail, and one dashboard. It owns no data.

    Names stand for queues and functions: by reference it would import what the training stack exports, and
    CloudFormation would refuse to take a queue away until this stack, deployed afterwards, had let go of it.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        names: Names,
        foundation: FoundationStack,
        training: TrainingStack,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"{names.deployment}: dashboard and alarms")
        self.add_stack_dependency(training)
        self._names = names
        self._functions = tuple(training.functions)
        self._action = actions.SnsAction(foundation.alarms)
        queues = training.queues
        dead = {f"{name}-dead-letters": queue.dead_letters for name, queue in queues.items()}
        dead |= {"undelivered-events": training.undelivered, "abandoned-calls": training.abandoned}
        self._watch_for_loss(dead)
        self._watch_for_delay(queues)
        self._watch_functions()
        self._watch_for_silence()
        self._dashboard(queues=[pair.queue for pair in queues.values()], dead=list(dead.values()))

    def _watch_for_loss(self, dead: Mapping[str, PrivateQueue]) -> None:
        for name, queue in dead.items():
            self._alarm(
                f"{name}-not-empty",
                f"{self._names.of(name)} holds what could not be done: read a message, mend the cause, redrive.",
                _depth(queue),
                threshold=0,
            )

    def _watch_for_delay(self, queues: Mapping[str, DeadLetteredQueue]) -> None:
        for name, pair in queues.items():
            self._alarm(
                f"{name}-late",
                f"A message of {self._names.of(name)} has waited for more than an hour: is its function failing?",
                _age(pair.queue),
                threshold=OLDEST_MESSAGE_SECONDS,
            )
        self._alarm(
            "announce-late",
            "A pending mail has waited for more than ten minutes: is announce failing?",
            self._function_metric("announce", "IteratorAge", "Maximum"),
            threshold=OLDEST_RECORD_MILLISECONDS,
        )

    def _watch_functions(self) -> None:
        for module in self._functions:
            name = self._names.function(module)
            self._alarm(
                f"{module.replace('_', '-')}-errors",
                f"{name} has failed: its log group /aws/lambda/{name} says why.",
                self._function_metric(module, "Errors", "Sum"),
                threshold=0,
            )
        self._alarm(
            "dispatch-runs-throttled",
            "The dispatcher is throttled, so no run starts: the account's Lambda concurrency is used up.",
            self._function_metric("dispatch_runs", "Throttles", "Sum"),
            threshold=0,
        )

    def _watch_for_silence(self) -> None:
        """What the clock calls: without it nothing starts and nothing is healed, and no other alarm would tell."""
        for module in ("dispatch_runs", "sweep"):
            name = self._names.function(module)
            self._alarm(
                f"{module.replace('_', '-')}-silent",
                f"{name} was not called for half an hour: is its tick's rule disabled, or its queue's mapping?",
                self._function_metric(module, "Invocations", "Sum", HALF_AN_HOUR),
                threshold=1,
                is_low=True,
            )

    def _alarm(
        self, name: str, description: str, metric: cloudwatch.IMetric, *, threshold: float, is_low: bool = False
    ) -> None:
        """When the metric is above the threshold, or below it where it `is_low`, and then also where there is none."""
        compared, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            f"Alarm-{name}",
            alarm_name=self._names.of(name),
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=compared.LESS_THAN_THRESHOLD if is_low else compared.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing.BREACHING if is_low else missing.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)

    def _function_metric(
        self, module: str, metric: str, statistic: str, period: Duration = FIVE_MINUTES
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=metric,
            dimensions_map={"FunctionName": self._names.function(module)},
            statistic=statistic,
            period=period,
        )

    def _dashboard(self, *, queues: list[PrivateQueue], dead: list[PrivateQueue]) -> None:
        def graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
            return cloudwatch.GraphWidget(title=title, left=metrics, width=12)

        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._names.deployment)
        board.add_widgets(
            graph("Lost, until someone looks: messages in dead-letter queues", [_depth(queue) for queue in dead]),
            graph(
                "Late: age of the oldest message, s",
                [_age(queue) for queue in queues],
            ),
            graph("Errors by function", [self._function_metric(module, "Errors", "Sum") for module in self._functions]),
            graph(
                "Calls by function", [self._function_metric(module, "Invocations", "Sum") for module in self._functions]
            ),
            graph(
                "Duration by function, ms",
                [self._function_metric(module, "Duration", "p90") for module in self._functions],
            ),
        )


def _depth(queue: PrivateQueue) -> cloudwatch.Metric:
    return _queue_metric(queue, "ApproximateNumberOfMessagesVisible")


def _age(queue: PrivateQueue) -> cloudwatch.Metric:
    return _queue_metric(queue, "ApproximateAgeOfOldestMessage")


def _queue_metric(queue: PrivateQueue, metric: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=metric,
        dimensions_map={"QueueName": queue.name},
        statistic="Maximum",
        period=FIVE_MINUTES,
    )
