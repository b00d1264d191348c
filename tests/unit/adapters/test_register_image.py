"""What the Register action's function answers CodePipeline, on an AWS that refuses everything it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from dropforge.bootstrap import Function
from dropforge.settings import RegisterImageSettings
from lambdas import register_image

EVENTS = Path(__file__).parents[2] / "events"


class RefusingAws(BaseHTTPRequestHandler):
    """S3 refuses; what CodePipeline is answered is kept."""

    answers: list[str]

    def do_GET(self) -> None:
        self._reply(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answers.append(self.headers["X-Amz-Target"].partition(".")[2])
        self._reply(200, b"{}")

    def log_message(self, *_: object) -> None:
        pass

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    kept: list[str] = []
    with ThreadingTCPServer(("127.0.0.1", 0), type("Refusing", (RefusingAws,), {"answers": kept})) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(register_image, "function", Function(RegisterImageSettings))
        yield kept
        server.shutdown()


def event(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((EVENTS / name).read_text(encoding="utf-8"))
    return found


def test_an_error_that_lambda_may_try_again_is_raised_and_is_no_answer(answers: list[str]) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        register_image.handler(event("codepipeline_job.json"), LambdaContext())
    assert answers == []


def test_what_will_never_do_is_answered_as_failed_and_is_not_tried_again(answers: list[str]) -> None:
    register_image.handler(event("codepipeline_job_without_parameters.json"), LambdaContext())
    assert answers == ["PutJobFailureResult"]
