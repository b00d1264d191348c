"""Functions that run the same bundle."""

from __future__ import annotations

import json

import pytest

from tests.localaws.local_server import LocalServer
from tests.localaws.test_function_updates import zipped

pytestmark = pytest.mark.local
PROGRAM = """
import os, pathlib

def handler(event, context):
    here = pathlib.Path(__file__)
    return {"name": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "folder": str(here.parent.resolve())}
"""


def test_functions_of_one_bundle_run_it_from_one_folder_and_those_of_another_do_not(local_aws: LocalServer) -> None:
    functions = local_aws.client("lambda")
    role = local_aws.role("bundled", "lambda.amazonaws.com")

    def answer(name: str, bundle: bytes) -> dict[str, str]:
        functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="code.handler",
            Role=role,
            Code={"ZipFile": bundle},
        )
        said: dict[str, str] = json.load(functions.invoke(FunctionName=name)["Payload"])
        return said

    same = zipped(PROGRAM)
    one, other, changed = answer("one", same), answer("other", same), answer("changed", zipped(f"{PROGRAM}# changed"))
    assert (one["name"], other["name"]) == ("one", "other")
    assert one["folder"] == other["folder"] != changed["folder"]
