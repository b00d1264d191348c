"""Pipeline variables and output variables in an action's configuration: `#{namespace.name}`.

Follows "Variables reference" of the CodePipeline user guide (reference-variables.html). A reference that names an
unknown namespace or variable fails the action; the reserved namespace `codepipeline` holds what the service knows, and
`variables` the pipeline's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

REFERENCE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_-]+)\}")
RESERVED_NAMESPACES = frozenset({"codepipeline", "variables"})

Namespaces = Mapping[str, Mapping[str, str]]


class UnresolvedVariableError(ValueError):
    """A configuration refers to a variable that nothing produced."""


def resolve(configuration: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
    """The configuration with every reference replaced by its value.

    A value inside the `EnvironmentVariables` of a build is JSON in text; the reference is replaced there as text too,
    escaped so that the JSON still reads.
    """
    return {
        key: _resolve_text(value, namespaces, within_json=key == "EnvironmentVariables")
        for key, value in configuration.items()
    }


def _resolve_text(text: str, namespaces: Namespaces, *, within_json: bool) -> str:
    def value(reference: re.Match[str]) -> str:
        namespace, name = reference.groups()
        if name not in namespaces.get(namespace, {}):
            raise UnresolvedVariableError(
                f"The action configuration refers to the variable {reference.group(0)}, but no earlier action "
                f"produced it in this execution: check the namespace {namespace!r} and the name {name!r}."
            )
        found = namespaces[namespace][name]
        return json.dumps(found, ensure_ascii=False)[1:-1] if within_json else found

    return REFERENCE.sub(value, text)


def references(configuration: Mapping[str, str]) -> set[tuple[str, str]]:
    """Each (namespace, name) that a configuration refers to."""
    return {(found[0], found[1]) for value in configuration.values() for found in REFERENCE.findall(value)}


def pipeline_values(declared: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The values of the pipeline's variables for one execution: what was given, else the default.

    Raises ValueError for a value that names no declared variable, and for a variable left without any value.
    """
    values = {str(item["name"]): str(item["value"]) for item in given}
    names = {str(item["name"]) for item in declared}
    if unknown := sorted(set(values) - names):
        raise ValueError(f"The pipeline declares no variable {unknown[0]!r}; it declares {sorted(names) or 'none'}.")
    resolved: dict[str, str] = {}
    for item in declared:
        value = values.get(item["name"], item.get("defaultValue"))
        if value is None:
            raise ValueError(f"The variable {item['name']!r} has no default value: give it one for this execution.")
        resolved[str(item["name"])] = str(value)
    return resolved
