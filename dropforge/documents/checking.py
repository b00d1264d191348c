"""A document's content against its model; every mistake gets its line, its words and its remedy."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dropforge.documents.problems import DocumentError, Location, Problem
from dropforge.documents.source import Source


class Part(BaseModel):
    """A mapping in a document: unknown members are refused, nothing is coerced, nothing changes afterwards.

    `beyond` says, after an unknown member's remedy, why there are no more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    beyond: ClassVar[str] = ""


class MistakeError(ValueError):
    """What a validator of ours found. `at` leads from the validated value to the member that is meant."""

    def __init__(self, what: str, remedy: str, at: Location = ()) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy, self.at = what, remedy, at


Checked = TypeVar("Checked", bound=Part)


def check(source: Source, model: type[Checked]) -> Checked:
    """The document as its model. Raises DocumentError with every mistake found."""
    if not isinstance(source.content, dict):
        what, remedy = "must be a mapping of names to values", "write `name: value` lines"
        raise DocumentError([Problem(source.name, 1, what, remedy)])
    try:
        # By way of JSON, where a list may become a tuple although nothing is coerced.
        return model.model_validate_json(json.dumps(source.content))
    except ValidationError as error:
        raise DocumentError([_problem(source, model, details) for details in _causes(error.errors())]) from error


def _causes(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without those that only follow from others: a list counts as too short where its members were refused."""
    places = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short" or not any(place[:-1] == error["loc"] for place in places if place)
    ]


def _problem(source: Source, model: type[Part], error: ErrorDetails) -> Problem:
    location: Location = tuple(part for part in error["loc"] if part != "[key]")
    found = error.get("ctx", {}).get("error")
    if isinstance(found, MistakeError):
        what, remedy = found.what, found.remedy
        location = (*location, *found.at)
    elif error["type"] == "extra_forbidden":
        what, remedy = _unknown(model, location)
    elif error["type"] in {"literal_error", "enum"}:
        what = f"`{_dotted(location)}` {_complaint(error)}"
        near = _nearest(str(error["input"]), re.findall(r"'([^']+)'", error["ctx"]["expected"]))
        remedy = f"did you mean {near}?" if near else "write one of them"
    else:
        what, remedy = f"`{_dotted(location)}` {_complaint(error)}", _remedy(model, location, error)
    return Problem(source.name, source.line_of(location), what, remedy)


def _unknown(model: type[Part], location: Location) -> tuple[str, str]:
    owner = _owner(model, location)
    known = sorted(_fields(owner)) if owner else []
    near = _nearest(str(location[-1]), known)
    remedy = f"did you mean `{near}`?" if near else "its fields are " + ", ".join(known)
    place = f"of `{_dotted(location[:-1])}`" if location[:-1] else "of this document"
    return f"`{location[-1]}` is not a field {place}", remedy + (f" ({owner.beyond})" if owner and owner.beyond else "")


def _nearest(given: str, known: Sequence[str]) -> str | None:
    begun = [name for name in known if len(given) > 2 and name.startswith(given.lower())]
    return next(iter(begun or difflib.get_close_matches(given.lower(), known, n=1)), None)


# https://docs.pydantic.dev/latest/errors/validation_errors/ : those that the models here can raise
_MAPPING = "must be a mapping (`name: value` lines), not {given}"
_COMPLAINTS = {
    "missing": "is missing",
    "int_type": "must be a whole number, not {given}",
    "int_from_float": "must be a whole number, not {given}",
    "float_type": "must be a number, not {given}",
    "decimal_type": "must be a number, not {given}",
    "string_type": "must be text, not {given}",
    "bool_type": "must be true or false, not {given}",
    "tuple_type": "must be a list, not {given}",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "greater_than_equal": "must be at least {ge}, not {given}",
    "less_than_equal": "must be at most {le}, not {given}",
    "enum": "must be {expected}, not {given}",
    "literal_error": "must be {expected}, not {given}",
    "string_too_short": "is too short (at least {min_length})",
    "string_too_long": "is too long (at most {max_length})",
    "too_short": "is too short (at least {min_length})",
    "too_long": "has more than {max_length} entries",
}


def _complaint(error: ErrorDetails) -> str:
    """The predicate of the sentence."""
    words = _COMPLAINTS.get(error["type"])
    if words is None:
        return error["msg"][0].lower() + error["msg"][1:]
    return words.format(**error.get("ctx", {}), given=_shown(error["input"]))


def _remedy(model: type[Part], location: Location, error: ErrorDetails) -> str:
    name = str(location[-1]) if location else ""
    field = _enclosing(model, location).get(name)
    if error["type"] == "string_type" and error["input"] is not None:
        return "put it in quotes"
    if error["type"] == "too_long":
        return "it takes no more: take some out, or join some"
    if field is not None and field.examples:
        example = field.examples[0] if isinstance(field.examples[0], str) else json.dumps(field.examples[0])
        return f"{'add' if error['type'] == 'missing' else 'write, for example,'} `{name}: {example}`"
    return f"it says {field.description}" if field is not None and field.description else "correct it or leave it out"


def _enclosing(model: type[Part], location: Location) -> Mapping[str, FieldInfo]:
    """The fields among which the last member of a location belongs; empty where names are free."""
    owner = _owner(model, location)
    return _fields(owner) if owner else {}


def _owner(model: type[Part], location: Location) -> type[Part] | None:
    at: Any = model
    for part in location[:-1]:
        at = _inside(at, part)
    return at if isinstance(at, type) and issubclass(at, Part) else None


def _fields(model: type[Part]) -> dict[str, FieldInfo]:
    """By the name that the document uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inside(annotation: Any, part: str | int) -> Any:
    """The type of one member of a value of this type."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        field = _fields(annotation).get(str(part))
        return _bare(field.annotation) if field else None
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return _bare(arguments[1])
    return _bare(arguments[0]) if get_origin(annotation) is tuple else None


def _bare(annotation: Any) -> Any:
    """Without Annotated and without None."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in {Union, UnionType}:
        return next((_bare(member) for member in get_args(annotation) if member is not NoneType), None)
    return annotation


def _dotted(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "this document"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:39] + "…"
