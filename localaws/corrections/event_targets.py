"""EventBridge's and Scheduler's deliveries to SQS obey the queue's policy, FIFO rules and dead-letter queues.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (what a dead letter's attributes say)
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html (a FIFO queue needs a message group and
content-based deduplication: a constant input is a duplicate for five minutes)
https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html (a schedule delivers as its target's role)
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.services import eventbridge, lambda_svc, sqs

from localaws.caller import ServicePrincipal
from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

log = logging.getLogger("localaws")
_UNDER_WAY = "deliveries"


@dataclass(frozen=True)
class _Delivery:
    """The rule or schedule whose target is being invoked."""

    source_arn: str
    target: dict[str, Any]


_current: ContextVar[_Delivery | None] = ContextVar("the delivery that is being made", default=None)


def install(runtime: Runtime) -> None:
    """Send to queues as the service that AWS sends as, and put what is refused into the target's dead-letter queue."""

    def invoke(original: Callable[..., None], target: dict[str, Any], event: Any, rule: Any, *rest: Any) -> None:
        token = _current.set(_Delivery(rule.get("Arn", ""), target))
        try:
            original(target, event, rule, *rest)
        finally:
            _current.reset(token)

    def to_queue(original: Callable[..., None], spec: Any, payload: str, parameters: Any = None) -> None:
        delivery = _current.get()
        if delivery is None:
            original(spec, payload, parameters)
        else:
            identity = uuid.uuid4().hex
            runtime.journal.put(_UNDER_WAY, identity, json.dumps([delivery.source_arn, delivery.target, payload]))
            runtime.spawn("event to queue", _deliver, runtime, identity, delivery, payload)

    def to_function(original: Callable[..., None], arn: str, payload: str) -> None:
        delivery = _current.get()
        function, _config, _name = lambda_svc._get_func_record_for_ref(arn)
        if function is None and delivery is not None:
            missing = ("RESOURCE_NOT_FOUND", f"Function not found: {arn}")
            runtime.spawn("dead letter", _bury, runtime, delivery, payload, *missing)
        else:
            original(arn, payload)

    wrap(eventbridge, "_invoke_target", invoke)
    wrap(eventbridge, "_dispatch_to_sqs", to_queue)
    wrap(eventbridge, "_dispatch_to_lambda", to_function)
    cut_off = runtime.journal.rows(_UNDER_WAY)
    if cut_off:
        runtime.spawn("events that the server's end cut off", _resume, runtime, cut_off)


def _resume(runtime: Runtime, cut_off: Mapping[str, str]) -> None:
    """Make the deliveries that were under way when the server was killed; some of them, then, twice."""
    runtime.caller.client("sts").get_caller_identity()  # answers once the server does
    for identity, content in cut_off.items():
        source_arn, target, payload = json.loads(content)
        _deliver(runtime, identity, _Delivery(source_arn, target), payload)


def _deliver(runtime: Runtime, identity: str, delivery: _Delivery, payload: str) -> None:
    _send(runtime, delivery, payload)
    runtime.journal.put(_UNDER_WAY, identity, None)


def _send(runtime: Runtime, delivery: _Delivery, payload: str) -> None:
    target = delivery.target
    role_arn = target.get("RoleArn")
    if role_arn is None and not _policy_allows(runtime, target["Arn"], delivery.source_arn):
        message = "The queue does not exist, or its policy does not let events.amazonaws.com send."
        _bury(runtime, delivery, payload, "NO_PERMISSIONS", message)
        return
    group = (target.get("SqsParameters") or {}).get("MessageGroupId")
    options = {"MessageGroupId": group} if group else {}
    try:
        principal = ServicePrincipal(_service(delivery.source_arn), delivery.source_arn)
        sender = runtime.caller.role(role_arn, "events", principal) if role_arn else runtime.caller
        sender.client("sqs").send_message(QueueUrl=_url(runtime, target["Arn"]), MessageBody=payload, **options)
    except ClientError as error:
        _bury(runtime, delivery, payload, "SDK_CLIENT_ERROR", str(error))


def _bury(runtime: Runtime, delivery: _Delivery, payload: str, code: str, message: str) -> None:
    """Put an event that could not be delivered into the target's dead-letter queue, or else only say so."""
    dead_letters = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
    log.warning("%s could not deliver to %s: %s", delivery.source_arn, delivery.target.get("Arn"), message)
    if not dead_letters or not _policy_allows(runtime, dead_letters, delivery.source_arn):
        return
    said = {"RULE_ARN": delivery.source_arn, "TARGET_ARN": delivery.target["Arn"], "ERROR_CODE": code,
            "ERROR_MESSAGE": message[:1000]}  # fmt: skip
    runtime.caller.client("sqs").send_message(
        QueueUrl=_url(runtime, dead_letters),
        MessageBody=payload,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in said.items()},
    )


def _policy_allows(runtime: Runtime, queue_arn: str, source_arn: str) -> bool:
    # A schedule's tick belongs to no request, and would pass for one over plain HTTP; AWS's services use TLS.
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    service = _service(source_arn)
    allowed: bool = sqs.queue_policy_allows(queue_arn, service, source_arn, runtime.account)
    return allowed


def _url(runtime: Runtime, queue_arn: str) -> str:
    _, _, _, _, account, name = queue_arn.split(":")
    return f"{runtime.endpoint}/{account}/{name}"


def _service(source_arn: str) -> str:
    return "scheduler.amazonaws.com" if ":scheduler:" in source_arn else "events.amazonaws.com"
