"""Use cases know what they ask of their ports and nothing else: nothing is kept between two of them.

The crash tests rely on it: `tests/faults/standing.py` looks for what a use case knows in the names of its functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from importlib import import_module
from types import ModuleType

from tests.unit.test_imports_point_inwards import ROOT, python_files

FILES = python_files("dropforge/domain", "dropforge/workflow")
CACHES = {
    "dropforge.domain.canonical._utf16",
    "dropforge.domain.encoding._members",
    "dropforge.domain.encoding._reader",
    "dropforge.domain.encoding._writer",
}
"""What each of them returns follows from what it is given."""


def modules() -> Iterator[ModuleType]:
    for file in FILES:
        parts = file.relative_to(ROOT).with_suffix("").parts
        yield import_module(".".join(parts).removesuffix(".__init__"))


def values() -> Iterator[tuple[str, object]]:
    """All that a module or one of its classes holds under a name that is not Python's own."""
    for module in modules():
        classes = [each for each in vars(module).values() if isinstance(each, type)]
        for owner in [module, *(each for each in classes if each.__module__ == module.__name__)]:
            for name, value in vars(owner).items():
                if not (name.startswith("_") and name.endswith("_")):
                    yield f"{module.__name__}.{name}", value


def is_changeable(value: object) -> bool:
    if isinstance(value, MutableMapping | MutableSequence | MutableSet | Iterator):
        return True
    parameters = getattr(value, "__dataclass_params__", None)
    return parameters is not None and not isinstance(value, type) and not parameters.frozen


def test_no_function_rebinds_a_name_outside_itself() -> None:
    rebinding = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Global | ast.Nonlocal)
    ]
    assert not rebinding


def test_no_module_and_no_class_holds_what_may_change() -> None:
    assert not [name for name, value in values() if is_changeable(value)]


def test_only_what_follows_from_the_arguments_is_cached() -> None:
    assert {name for name, value in values() if hasattr(value, "cache_info")} == CACHES
