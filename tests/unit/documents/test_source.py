from __future__ import annotations

from pathlib import Path

import pytest

from dropforge.documents.problems import DocumentError
from dropforge.documents.source import MAX_BYTES, parse, read


def content(text: str, *verbatim: str) -> object:
    return parse(text.encode(), "it.yaml", verbatim).content


def refusal(text: str | bytes) -> str:
    with pytest.raises(DocumentError) as refused:
        parse(text.encode() if isinstance(text, str) else text, "it.yaml")
    return str(refused.value)


def test_words_that_yaml_1_1_takes_for_booleans_dates_and_times_are_text() -> None:
    assert content("on: yes\nday: 2024-01-02\ntime: 60:00\naccount: 012345678901") == {
        "on": "yes",
        "day": "2024-01-02",
        "time": "60:00",
        "account": "012345678901",
    }


def test_plain_scalars_become_what_they_look_like_and_quoted_ones_stay_text() -> None:
    text = "a: 1\nb: 0.5\nc: true\nd:\ne: '1'\nf: 1e-3\ng: [~, -2]"
    assert content(text) == {"a": 1, "b": 0.5, "c": True, "d": None, "e": "1", "f": 0.001, "g": [None, -2]}


def test_members_asked_for_verbatim_keep_the_text_that_was_written() -> None:
    text = "verbatim: {rate: 0.10, on: true, none: }\nother: 0.10"
    assert content(text, "verbatim") == {"verbatim": {"rate": "0.10", "on": "true", "none": None}, "other": 0.1}


def test_each_location_knows_its_line() -> None:
    source = parse(b"a:\n  b:\n    - 1\n    - c: 2\n", "it.yaml")
    assert source.line_of(("a", "b", 1, "c")) == 4
    assert source.line_of(("a", "b", 1, "missing")) == 4
    assert source.line_of(("nowhere",)) == 1


def test_a_key_that_comes_twice_is_refused_with_both_lines() -> None:
    assert (
        refusal("a: 1\nb: 2\na: 3\n") == "it.yaml:3: `a` is here a second time (first in line 1); remove one of the two"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it.yaml:1: is empty;"),
        ("a: 1\n\tb: 2", "it.yaml:2: is indented with a tab; indent with spaces"),
        ("a: b: c", "it.yaml:1: has a second `:` in one line;"),
        ("a: 1\n---\nb: 2", "it.yaml:2: holds several YAML documents;"),
        ("a: [1", "it.yaml:1: is not YAML:"),
        ("a: !!python/name:os.system x", "it.yaml:1: has the tag"),
        ("a: &x {b: 1}\nc: {<<: *x}", "it.yaml:2: merges with `<<`;"),
        ("? [a]\n: 1", "it.yaml:1: has a key that is not a name;"),
        ("a: \x07", "it.yaml:1: holds a character that YAML does not allow;"),
        (b"a: 1\nb: \xff", "it.yaml:2: is not UTF-8;"),
        (b"#" * (MAX_BYTES + 1), "it.yaml:1: is larger than 256 KiB;"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line_and_a_remedy(text: str | bytes, said: str) -> None:
    assert refusal(text).startswith(said)


def test_aliases_that_multiply_end_in_a_refusal_and_not_in_the_machine_s_memory() -> None:
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 12)]
    assert "holds more than a document of this kind needs" in refusal("\n".join(levels))


def test_an_alias_of_itself_and_deep_nesting_end_in_a_refusal() -> None:
    assert "holds more than a document of this kind needs" in refusal("a: &a [*a]")
    assert "nest" in refusal("[" * 3000)


def test_a_file_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: no such file or directory"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nvolume_gb: " + "9" * 5000, "it.yaml:2: holds a number of 5,000 digits"),
        (r'a: "\UFFFFFFFF"', "has an escape that stands for no character"),
        (r'a: "\U00110000"', "has an escape that stands for no character"),
        (r'a: "\uD800"', "has an escape that stands for half a character"),
    ],
)
def test_what_python_can_not_take_as_a_number_or_a_character_is_refused_with_a_sentence(text: str, said: str) -> None:
    assert said in refusal(text)
