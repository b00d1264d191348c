"""A build's log has every line once, in order, whatever CloudWatch Logs answers in between."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.codebuild.logs import BuildLog


class Logs:
    """CloudWatch Logs that refuses when it is asked for the `refused`-th time, and takes all the rest."""

    def __init__(self, refused: int) -> None:
        self.taken = list[str]()
        self._left = refused

    def create_log_stream(self, **_: Any) -> None:
        pass

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803  (botocore's name)
        self._left -= 1
        if self._left == 0:
            raise ClientError({"Error": {"Code": "ServiceUnavailableException", "Message": "Later"}}, "PutLogEvents")
        self.taken += [event["message"] for event in logEvents]


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_lines_that_were_refused_are_sent_again_in_their_order(refused: int) -> None:
    logs = Logs(refused)
    log = BuildLog(logs, "group", "stream", threading.Event())
    lines = [f"line {number}" for number in range(2500)]
    for line in lines:
        log.write(line)

    with pytest.raises(ClientError):
        log.flush()
    log.write("the last")
    log.flush()

    assert logs.taken == [*lines, "the last"]


def test_a_refusal_does_not_end_the_sending_while_the_build_runs() -> None:
    logs, ended = Logs(refused=1), threading.Event()
    log = BuildLog(logs, "group", "stream", ended)
    log.write("a line")
    sender = threading.Thread(target=log.keep_flushing, daemon=True)
    sender.start()
    for _ in range(100):
        if logs.taken:
            break
        ended.wait(0.1)
    ended.set()
    sender.join(timeout=10)

    assert logs.taken == ["a line"]
