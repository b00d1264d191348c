"""The page of questions and answers: each of its commands is typed, and answers as the page says.

`WRITE_ANSWERS=1` writes the answers as they are now into the page, whole; leave out of them what nobody asked with `…`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dropforge.domain.run import Run
from tests.journey.deployed_stage import PROGRAM
from tests.local.trial import POINTS, Trial

pytestmark = pytest.mark.local

PAGE = Path(__file__).parents[2] / "docs" / "questions.md"
PROJECT = "answers"
KEY = f"{PROJECT}/training/points.csv"
_BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<answer>.*?)```", re.DOTALL)
_VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"\b\d\d:\d\d:\d\d\b", "<time>"),
    (r"\b\d+ (min|s)( \d+ s)?\b", "<span>"),
    (r"(?m)^\*( +(?:billable|cost) )", r" \1"),  # two runs take as long as each other, or not
    (r"\d+\.\d+ USD", "<cost>"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r"sha256:[0-9a-f]{64}", "sha256:<digest>"),
    (r"\b[0-9a-f]{64}\b", "<sha256>"),
    (r"\b(?!0{12}\b)([0-9a-f]{20}|[0-9a-f]{12})\b", "<run>"),
    (r"\b\d+ bytes\b", "<size>"),
    (r"\b\d+ entries\b", "<so many> entries"),
    (r"\bentry \d+", "entry <number>"),
)


def test_each_question_of_the_page_is_answered_as_it_says(trial: Trial, tmp_path: Path) -> None:
    names = asked_about(trial, tmp_path)
    page = PAGE.read_text("utf-8")

    def answered(block: re.Match[str]) -> str:
        answer = typed(trial, block["command"], names)
        kept = block["answer"] if fits(block["answer"], answer) else answer
        return f"```console\n$ {block['command']}\n{kept}```"

    now = _BLOCK.sub(answered, page)
    shown = ("show", names["first"])
    assert trial.program(*shown) == trial.dropforge(*shown), "a process of its own answers the same"
    if os.environ.get("WRITE_ANSWERS"):
        PAGE.write_text(now, "utf-8")
    assert now == page


def asked_about(trial: Trial, folder: Path) -> Mapping[str, str]:
    """What the page calls `<so>`, by its name there."""
    commit = trial.clone(PROJECT).push("Fit a line")
    trial.image_of(PROJECT, commit)
    versions = [trial.put(KEY, POINTS)]
    first = trial.completed(trial.new_run(PROJECT).id)
    versions.append(trial.put(KEY, POINTS + b"4,9\n"))
    second = trial.completed(trial.new_run(PROJECT, first.id).id)
    trial.eventually(lambda: trial.run(first.id).signed, f"the signature of {first.id}", trial.patience.run)
    trial.eventually(lambda: trial.run(second.id).signed, f"the signature of {second.id}", trial.patience.run)
    data = folder / "data"
    data.mkdir()
    (data / "points.csv").write_bytes(POINTS)
    names = {"first": first.id, "second": second.id, "commit": commit, "bucket": trial.deployment.training_bucket}
    names |= {f"version-{number}": version for number, version in enumerate(versions, start=1)}
    names |= {"data": str(data), "program": str(PROGRAM), "folder": str(folder)}
    names |= {"image": first.image.digest, "data-1": first.dataset.version, "data-2": second.dataset.version}
    return names | {"model-1": model_of(first), "model-2": model_of(second)}


def model_of(run: Run) -> str:
    assert run.result is not None
    assert run.result.model is not None
    assert run.result.model.sha256 is not None
    return run.result.model.sha256


def typed(trial: Trial, command: str, names: Mapping[str, str]) -> str:
    """What the command answers, as the page would have it: what stands on the terminal, errors and notes after it."""
    for name, value in names.items():
        command = command.replace(f"<{name}>", value)
    program, *words = shlex.split(command)
    assert program == "dropforge"
    answer = trial.dropforge(*words)
    return as_written(answer.out + answer.said, names)


def as_written(text: str, names: Mapping[str, str]) -> str:
    for name, value in sorted(names.items(), key=lambda each: -len(each[1])):
        text = text.replace(value, f"<{name}>")
    for name, value in names.items():
        short = value.removeprefix("sha256:")[:12]
        if re.fullmatch("[0-9a-f]{12}", short):
            text = text.replace(short, f"<{name}>")
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return "".join(f"{_narrowed(line.rstrip())}\n" for line in text.splitlines())


def _narrowed(line: str) -> str:
    """Columns are as wide as what they hold; a tree stays as it is."""
    return line if re.search("[│├└]", line) else re.sub(" {3,}", "  ", line)


def fits(written: str, answer: str) -> bool:
    """Whether the page's lines are the answer's, where `…` stands for any."""
    return re.fullmatch("".join(_pattern(written.splitlines())), answer, re.DOTALL) is not None


def _pattern(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield "(?:[^\n]*\n)*" if line == "…" else re.escape(line) + "\n"
