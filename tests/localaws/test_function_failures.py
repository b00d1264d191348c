"""What is left of a function's environment after a failure."""

from __future__ import annotations

import json

import pytest

from tests.localaws.local_server import LocalServer
from tests.localaws.test_function_updates import zipped

pytestmark = pytest.mark.local
PROGRAM = """
import os, time

calls = []

def handler(event, context):
    calls.append(event)
    if event == "raise":
        raise ValueError("as asked")
    if event == "exit":
        os._exit(1)
    if event == "sleep":
        time.sleep(60)
    return len(calls)
"""


def test_an_environment_outlives_what_its_handler_raises_but_no_crash_and_no_timeout(local_aws: LocalServer) -> None:
    functions = local_aws.client("lambda")
    functions.create_function(
        FunctionName="failing", Runtime="python3.12", Handler="code.handler", Timeout=2,
        Code={"ZipFile": zipped(PROGRAM)}, Role=local_aws.role("failing", "lambda.amazonaws.com"),
    )  # fmt: skip

    def call(event: str) -> tuple[bool, object]:
        answer = functions.invoke(FunctionName="failing", Payload=json.dumps(event))
        said = json.load(answer["Payload"])
        return "FunctionError" in answer, said["errorMessage"] if isinstance(said, dict) else said

    assert call("count") == (False, 1)
    assert call("raise") == (True, "as asked")
    assert call("count") == (False, 3)
    assert call("exit")[0]
    assert call("count") == (False, 1)
    failed, message = call("sleep")
    assert failed
    assert "timed out" in str(message)
    assert call("count") == (False, 1)
