from __future__ import annotations

import json

from dropforge.adapters.dead_letter_reasons import failure_in, reason_of_call, reason_of_event


def test_the_exception_of_our_own_log_line_is_its_last_line() -> None:
    trace = "Traceback (most recent call last):\n  File ...\ndropforge.workflow.ports.ConflictError: read again"
    line = json.dumps({"level": "ERROR", "exception": trace, "record_id": "m-1"})
    assert failure_in(line) == "dropforge.workflow.ports.ConflictError: read again"


def test_other_lines_tell_of_no_failure() -> None:
    assert failure_in("REPORT RequestId: 1") is None
    assert failure_in('{"level":"INFO"}') is None


def test_what_eventbridge_could_not_deliver_says_rule_target_and_error() -> None:
    attributes = {
        "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/dropforge-local-job-state",
        "TARGET_ARN": "arn:aws:sqs:us-east-1:000000000000:dropforge-local-job-state",
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "denied",
    }
    assert reason_of_event(attributes) == (
        "EventBridge could not deliver what the rule dropforge-local-job-state caught to dropforge-local-job-state: "
        "NO_PERMISSIONS: denied"
    )


def test_an_abandoned_call_says_what_the_function_answered_last() -> None:
    body = {
        "requestContext": {
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:dropforge-local-register-image:$LATEST",
            "condition": "RetriesExhausted",
        },
        "requestPayload": {},
        "responsePayload": {"errorMessage": "no such image"},
    }
    assert reason_of_call(json.dumps(body)) == (
        "dropforge-local-register-image failed and was not tried again (RetriesExhausted): no such image"
    )


def test_records_of_a_stream_are_left_to_the_sweep() -> None:
    body = {
        "requestContext": {
            "functionArn": "arn:aws:lambda:us-east-1:0:function:f",
            "condition": "RetryAttemptsExhausted",
        },
        "DDBStreamBatchInfo": {"batchSize": 1},
    }
    assert reason_of_call(json.dumps(body)).endswith("what is pending the sweep sends")
