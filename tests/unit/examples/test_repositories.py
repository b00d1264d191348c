"""What a data scientist copies is complete, pinned, and the same where it is meant to be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
NAMES = ("digits", "cancer")


@pytest.mark.parametrize("name", NAMES)
def test_every_distribution_is_pinned_by_hash(name: str) -> None:
    lock = (EXAMPLES / name / "requirements.txt").read_text()
    entries = re.split(r"\n(?=[a-z])", lock.partition("\n")[2])
    assert {"numpy", "scikit-learn"} <= {entry.partition("==")[0].strip() for entry in entries}
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_examples_share_a_lock_so_that_their_images_share_a_layer() -> None:
    assert len({(EXAMPLES / name / "requirements.txt").read_bytes() for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_image_holds_what_its_dockerfile_copies_and_nothing_that_is_not_there(name: str) -> None:
    dockerfile = (EXAMPLES / name / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    assert copied == ["requirements.txt", "train.py"]
    assert all((EXAMPLES / name / file).is_file() for file in copied)
    assert "--require-hashes" in dockerfile
