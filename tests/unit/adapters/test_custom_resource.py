"""What CloudFormation is answered, by a server that stands where it signs addresses to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from dropforge.adapters.custom_resource import NotAnsweredError, give


class Answers(HTTPServer):
    """Takes answers, or refuses them with another status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TakesAnswers)
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    def request(self, kind: str, **more: str) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server_port}/answer?signature=x",
            "StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "PublicKey",
            **more,
        }  # fmt: skip


class TakesAnswers(BaseHTTPRequestHandler):
    server: Answers

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.headers.get("Content-Type", ""), json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


@pytest.fixture
def answers() -> Iterator[Answers]:
    server = Answers()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def pem() -> Mapping[str, str]:
    return {"Pem": "-----BEGIN PUBLIC KEY-----\n…"}


def refused() -> Mapping[str, str]:
    raise PermissionError("no kms:GetPublicKey" + "!" * 5000)


@pytest.mark.parametrize(("more", "name"), [({}, "the-key"), ({"PhysicalResourceId": "before"}, "before")])
def test_the_attributes_are_given_under_the_name_that_cloudformation_knows(
    answers: Answers, more: dict[str, str], name: str
) -> None:
    assert give(answers.request("Update" if more else "Create", **more), "the-key", pem)
    [(content_type, answer)] = answers.taken
    assert content_type == ""
    assert answer == {
        "Status": "SUCCESS", "PhysicalResourceId": name, "Data": pem(),
        "StackId": "arn:stack", "RequestId": "r-1", "LogicalResourceId": "PublicKey",
    }  # fmt: skip


def test_what_goes_wrong_is_told_in_few_words_and_not_tried_again(answers: Answers) -> None:
    assert not give(answers.request("Create"), "the-key", refused)
    [(_, answer)] = answers.taken
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("PermissionError: no kms:GetPublicKey")
    assert len(json.dumps(answer)) < 4096


def test_a_deletion_asks_for_nothing(answers: Answers) -> None:
    give(answers.request("Delete", PhysicalResourceId="the-key"), "the-key", refused)
    assert [answer["Status"] for _, answer in answers.taken] == ["SUCCESS"]


def test_an_answer_that_is_not_taken_is_an_error(answers: Answers) -> None:
    answers.status = 403
    with pytest.raises(NotAnsweredError, match="with status 403"):
        give(answers.request("Create"), "the-key", pem)
