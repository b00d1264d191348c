from __future__ import annotations

import pytest

from dropforge.domain.job_names import job_names
from dropforge.domain.pinning import ChannelFiles


@pytest.mark.parametrize(
    ("channel", "names"),
    [
        ("test", {"digits/test/a": "a", "digits/test/b/a": "b/a"}),
        ("training", {"digits/a": "a", "digits/training/b": "b"}),
        ("training", {"digits/training/a": "a", "digits/training/training/a": "training/a"}),
        ("training", {"in/training/training/a": "a"}),
    ],
    ids=["a folder of the channel", "directly and in the folder", "one in the other", "a prefix like a channel"],
)
def test_each_object_has_the_name_under_which_it_is_listed(channel: str, names: dict[str, str]) -> None:
    assert job_names(channel, names, ChannelFiles(True, "pool/", tuple(names.values()))) == names


def test_objects_that_the_list_does_not_name_have_no_names() -> None:
    assert job_names("test", ["digits/test/a", "digits/test/b"], ChannelFiles(True, "pool/", ("a",))) == {}
    assert job_names("test", ["digits/other/a"], ChannelFiles(True, "pool/", ("a",))) == {}
