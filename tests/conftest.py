"""What all tests have in common: the options of pytest's command line."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stage", default="dev", help="for -m e2e: which config/<stage>.yaml to deploy (default: dev)")
