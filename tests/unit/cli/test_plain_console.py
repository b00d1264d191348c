from __future__ import annotations

import json

import pytest

from dropforge.cli.plain_console import without_controls
from tests.fakes.memory_jobs import JobEnd
from tests.unit.cli.shell import Shell

HOSTILE = "epoch \x1b[31m1\x1b]0;owned\x07\x1b]52;c;ZWNobw==\x1b\\\x9b2J done"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\ttext, é and 数", "plain\ttext, é and 数"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://example.com\x07link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1b]0;never ended", ""),
        ("one\rtwo\x08\x00", "onetwo"),
        ("safe\u202eexe.txt", "safeexe.txt"),
    ],
)
def test_text_keeps_its_words_and_loses_what_a_terminal_would_act_on(written: str, shown: str) -> None:
    assert without_controls(written) == shown


def test_a_log_a_commit_message_and_a_key_of_others_command_no_terminal() -> None:
    shell = Shell()
    shell.world.push(message=f"Train {HOSTILE}")
    shell.world.drop(f"digits/{HOSTILE}")
    shell.world.grow_quiet()
    shell.world.dispatch()
    run = shell.world.only_run()
    shell.world.finish(run, JobEnd(log=(HOSTILE,)))
    for words in (["logs", run.id], ["show", run.id], ["runs"]):
        answer = shell.type(*words)
        assert answer.code == 0
        assert not {"\x1b", "\x9b", "\x07"} & set(answer.out + answer.said), words
    assert shell.type("logs", run.id).out == "epoch 1 done\n"
    assert json.loads(shell.type("logs", run.id, "--json").out)["lines"] == [HOSTILE]
