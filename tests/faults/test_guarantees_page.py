"""docs/guarantees.md names what there is."""

from __future__ import annotations

import re

import pytest

from tests.faults.guards import GUARDS
from tests.faults.histories import HISTORIES
from tests.faults.remove_guards import PAGE, ROOT, names_on, without

TEXT = PAGE.read_text("utf-8")


def test_the_pages_table_lists_every_guard() -> None:
    assert names_on(TEXT) == [guard.name for guard in GUARDS], "run `make guards`"


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_is_found_in_the_code_exactly_once(guard: object) -> None:
    found = next(each for each in GUARDS if each is guard)
    without(found, (ROOT / found.file).read_text("utf-8"))
    assert all((ROOT / test).exists() for test in found.tests)


def test_every_test_and_file_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", TEXT)
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}" in (ROOT / file).read_text("utf-8"), f"{file}::{test}"


def test_the_page_counts_the_histories_right() -> None:
    assert len(HISTORIES) == 17
    assert "Seventeen histories" in TEXT
    assert [name for name, each in HISTORIES.items() if each.most != ((2, 1),)] == ["two-versions-of-an-object-at-once"]
    assert "In one history, where two versions of one object are sealed at once," in TEXT
