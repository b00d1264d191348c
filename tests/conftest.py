"""What all tests have in common: the options of pytest's command line, and the order."""

from __future__ import annotations

from pathlib import Path

import pytest

WHOLE_PATH = Path(__file__).parent / "local"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stage", default="dev", help="for -m e2e: which config/<stage>.yaml to deploy (default: dev)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of the whole path begin: they mostly wait, and what computes fills the time of other workers.

    Those that have to be alone there follow, all on one worker: the others would only wait for their turns.
    """
    for item in items:
        if _is_alone(item):
            item.add_marker(pytest.mark.xdist_group("alone"))
    items.sort(key=lambda item: (WHOLE_PATH not in item.path.parents, _is_alone(item)))


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None
