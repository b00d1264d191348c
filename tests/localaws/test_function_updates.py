"""A function that is updated while it works."""

from __future__ import annotations

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.localaws.local_server import LocalServer

pytestmark = pytest.mark.local
SLOW = 'import time\ndef handler(event, context):\n    time.sleep(event["seconds"])\n    return "old"\n'
QUICK = 'def handler(event, context):\n    return "new"\n'


def test_what_a_function_was_doing_when_it_was_updated_it_does_to_the_end(local_aws: LocalServer) -> None:
    functions = local_aws.client("lambda")
    functions.create_function(
        FunctionName="updated", Runtime="python3.12", Handler="code.handler", Timeout=20,
        Code={"ZipFile": zipped(SLOW)}, Role=local_aws.role("updated", "lambda.amazonaws.com"),
    )  # fmt: skip

    def call(seconds: float) -> object:
        answer = functions.invoke(FunctionName="updated", Payload=json.dumps({"seconds": seconds}))
        return json.load(answer["Payload"])

    assert call(0) == "old"
    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(call, 3)
        time.sleep(1)
        functions.update_function_code(FunctionName="updated", ZipFile=zipped(QUICK))
        assert call(0) == "new"
        assert working.result(timeout=15) == "old"


def zipped(program: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("code.py", program)
    return content.getvalue()
