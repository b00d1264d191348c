"""Events of AWS's real shapes, the odd ones included, written after its documentation: the files of tests/events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "events"


def body(name: str) -> str:
    """As the text that a queue's message carries."""
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def event(name: str) -> dict[str, Any]:
    """As the object that Lambda hands to a function."""
    document: dict[str, Any] = json.loads(body(name))
    return document
