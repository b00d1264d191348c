"""What all tests have in common: the options of pytest's command line, and the order."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("CDK_VALIDATION", "false")  # takes longer than a synthesis; of prod's, a test has it

ORDER = ("tests/local/", "tests/infrastructure/", "tests/faults/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stage", default="dev", help="for -m e2e: which config/<stage>.yaml to deploy (default: dev)")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins: the whole path, which mostly waits, and of it the tests that follow one another.

    What is short comes last, so that no worker has long to do when the others are through.
    """
    items.sort(key=lambda item: (_rank(item), item.get_closest_marker("xdist_group") is None))


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(ORDER) if item.nodeid.startswith(folder)), len(ORDER))
