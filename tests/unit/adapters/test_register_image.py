"""What the Register action's function answers CodePipeline, on an AWS that refuses all but, perhaps, the artifact."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread
from zipfile import ZipFile

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "tests" / "events"
CALL = "import json, sys; from lambdas.register_image import handler; handler(json.load(sys.stdin), None)"


class RefusingAws(BaseHTTPRequestHandler):
    """S3 has the build's artifact, or refuses; what CodePipeline is answered is kept."""

    answers: list[str]
    artifact: bytes | None

    def do_GET(self) -> None:
        if self.artifact is not None:
            self._reply(200, self.artifact)
            return
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


@dataclass(frozen=True)
class Called:
    """A process of its own called the handler: how that ended, and what CodePipeline was answered meanwhile."""

    code: int
    log: str
    answers: list[str]


def called(event: str, artifact: bytes | None = None) -> Called:
    answers: list[str] = []
    aws = type("Refusing", (RefusingAws,), {"answers": answers, "artifact": artifact})
    with ThreadingTCPServer(("127.0.0.1", 0), aws) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        done = subprocess.run(
            [sys.executable, "-c", CALL],
            input=(EVENTS / event).read_text(encoding="utf-8"),
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        server.shutdown()
    return Called(done.returncode, done.stderr, answers)


def artifact_with(document: str) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as opened:
        opened.writestr("image.json", document)
    return archive.getvalue()


def test_an_error_that_lambda_may_try_again_is_raised_and_is_no_answer() -> None:
    call = called("codepipeline_job.json")
    assert call.code == 1
    assert "An error occurred (AccessDenied) when calling the GetObject operation" in call.log
    assert call.answers == []


def test_an_error_of_ours_that_is_not_the_builds_is_raised_and_is_no_answer() -> None:
    call = called("codepipeline_job.json", artifact_with("{}"))
    assert call.code == 1
    assert "SettingsError" in call.log
    assert call.answers == []


def test_an_artifact_that_is_not_what_the_build_makes_is_answered_as_failed() -> None:
    call = called("codepipeline_job.json", artifact_with("[]"))
    assert call.code == 0, call.log
    assert call.answers == ["PutJobFailureResult"]


def test_what_will_never_do_is_answered_as_failed_and_is_not_tried_again() -> None:
    call = called("codepipeline_job_without_parameters.json")
    assert call.code == 0, call.log
    assert call.answers == ["PutJobFailureResult"]
