from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.dataset import ListedObject
from dropforge.domain.project import PinMode, PinPolicy, Project
from dropforge.domain.sealing import DatasetRefusedError, is_data, refuse_unfit, split_key
from tests.fakes.world import DIGITS


def listed(*keys: str, size: int = 1) -> list[ListedObject]:
    return [ListedObject(key, "v1", size) for key in keys]


@pytest.mark.parametrize(
    ("key", "channel", "name"),
    [
        ("digits/train.csv", "training", "train.csv"),
        ("digits/test/a.csv", "test", "a.csv"),
        ("digits/test/deep/a.csv", "test", "deep/a.csv"),
    ],
)
def test_the_first_folder_below_the_prefix_is_the_channel(key: str, channel: str, name: str) -> None:
    assert split_key(key, "digits/") == (channel, name)


def test_folder_placeholders_and_markers_are_no_data() -> None:
    assert [is_data(key) for key in ("digits/", "digits/test/", "digits/_SUCCESS", "digits/a")] == [False] * 3 + [True]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (("digits/t/a", "digits/t/a/b"), "t/a would be a file and the folder of t/a/b at once: rename one"),
        (("digits/a", "digits/training/a"), "two objects would both be training/a in the job"),
        (("digits/my data/a",), "the folder 'my data' of digits/my data/a cannot name a channel"),
        (("digits/../a",), "cannot name a channel"),
        (("digits//a",), "cannot name a channel"),
        (("digits/t/../../a",), "digits/t/../../a cannot be the path of a file: rename it"),
        (("digits/t//a",), "digits/t//a cannot be the path of a file: rename it"),
        (("digits/t/" + "n" * 256,), "is longer than the 255 bytes of a file's name: shorten it"),
        (("digits/t/" + "é/" * 337 + "é",), "is too long to be copied below the dataset's prefix: shorten it"),
    ],
)
def test_keys_that_no_job_could_read_are_refused_with_the_reason(keys: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(DatasetRefusedError) as refused:
        refuse_unfit(DIGITS, listed(*keys))
    assert sentence in str(refused.value)


def test_awkward_keys_that_a_job_can_read_are_taken() -> None:
    refuse_unfit(
        DIGITS, listed("digits/t/a b", "digits/t/a+b", "digits/t/%2F", "digits/t/😀", "digits/t/é", "digits/ta")
    )


def test_a_name_of_255_bytes_is_taken() -> None:
    refuse_unfit(DIGITS, listed("digits/t/" + "é" * 127 + "n"))


def test_an_object_without_a_version_is_refused() -> None:
    with pytest.raises(DatasetRefusedError, match="digits/a was put without versioning"):
        refuse_unfit(DIGITS, [ListedObject("digits/a", "null", 1)])


def test_an_empty_object_is_refused() -> None:
    with pytest.raises(DatasetRefusedError, match=r"digits/a is empty: upload it again, or delete it"):
        refuse_unfit(DIGITS, listed("digits/a", size=0))


def test_more_than_the_limit_is_refused() -> None:
    small: Project = replace(DIGITS, pin=PinPolicy(copy_limit_gb=1))
    refuse_unfit(small, listed("digits/a", size=10**9))
    with pytest.raises(DatasetRefusedError, match=r"pin\.copy_limit_gb of digits is 1"):
        refuse_unfit(small, listed("digits/a", size=10**9 + 1))


def test_what_is_verified_where_it_lies_may_be_of_any_size_and_have_any_key() -> None:
    in_place: Project = replace(DIGITS, pin=PinPolicy(PinMode.VERIFY, copy_limit_gb=1))
    refuse_unfit(in_place, listed("digits/t/" + "é/" * 337 + "é", size=10**13))


def test_a_thousand_mistakes_are_told_by_a_few() -> None:
    with pytest.raises(DatasetRefusedError, match="and 995 more") as refused:
        refuse_unfit(DIGITS, listed(*(f"digits/t/{n}" for n in range(1000)), size=0))
    assert len(refused.value.reasons) == 1000
