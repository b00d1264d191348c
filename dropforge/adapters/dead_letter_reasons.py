"""Why a message lies in a dead-letter queue: SQS keeps no reason, so it is looked up where there is one.

EventBridge writes it into the message's attributes, Lambda into the body of an abandoned call; of a message that a
function failed to handle, the function's log tells, by the message's id, which stays the same in every queue.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from dropforge.adapters.clients import AwsClients

_LINES_READ: Final = 100


class FunctionLogs:
    """The logs of the deployment's functions."""

    def __init__(self, clients: AwsClients, deployment: str) -> None:
        self._clients = clients
        self._deployment = deployment

    def reason(self, module: str, message_id: str, receives: int) -> str:
        """What the function last said about the message; where to look when it says nothing, or no longer.

        SQS counts looks together with tries: received once, the message was looked at just now and never tried.
        """
        function = f"{self._deployment}-{module.replace('_', '-')}"
        group = f"/aws/lambda/{function}"
        said = [text for line in self._lines(group, message_id) if (text := failure_in(line)) is not None]
        if said:
            return f"{function} failed each time, at last with {said[-1]}"
        silent = f"the log {group} does not name this message"
        if receives <= 1:
            return f"received once, no failure logged: somebody put it here, since {silent}"
        return f"no failure logged: {function} ran out of time each time, or somebody put it here; {silent}"

    def _lines(self, group: str, message_id: str) -> list[str]:
        logs = self._clients.logs
        try:
            answer = logs.filter_log_events(logGroupName=group, filterPattern=f'"{message_id}"', limit=_LINES_READ)
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in answer["events"]]


def failure_in(line: str) -> str | None:
    """The exception that a line of our own log tells of, `KeyError: 'x'`; None for any other line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or "exception" not in entry:
        return None
    return str(entry["exception"]).strip().rpartition("\n")[2]


def reason_of_event(attributes: Mapping[str, str]) -> str:
    rule = attributes.get("RULE_ARN", "?").rpartition("/")[2]
    target = attributes.get("TARGET_ARN", "?").rpartition(":")[2]
    code, message = attributes.get("ERROR_CODE", "no code"), attributes.get("ERROR_MESSAGE", "no reason given")
    return f"EventBridge could not deliver what the rule {rule} caught to {target}: {code}: {message}"


def reason_of_call(body: str) -> str:
    """Of a call that Lambda gave up on, or of records of the state table's stream."""
    try:
        call: Any = json.loads(body)
    except ValueError:
        return "somebody put this here: Lambda writes JSON"
    context = call.get("requestContext", {})
    function = str(context.get("functionArn", "?")).removesuffix(":$LATEST").rpartition(":")[2]
    condition = context.get("condition", "no condition given")
    if "DDBStreamBatchInfo" in call:
        count = call["DDBStreamBatchInfo"].get("batchSize", "some")
        failed = f"{function} failed on {count} records of the table's stream ({condition})"
        return f"{failed}; what is pending the sweep sends"
    answer = call.get("responsePayload")
    said = answer.get("errorMessage") if isinstance(answer, dict) else None
    return f"{function} failed and was not tried again ({condition}): {said or 'it left no reason'}"
