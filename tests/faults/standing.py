"""Where a use case stands while it makes a call, where that can be told: all that decides what it does next.

What a function does when its call has returned follows from what returns and from what its frames hold: the names that
they use from there on, and whatever Python keeps beside these, such as the place of a loop in its list, the operands of
a half evaluated expression, or an error that is being handled. Of the latter nothing can be seen. So where a use case
stands is told only where there is none of it:
- each frame makes its call as a whole statement, as the value of a name, or as what `return` or `if` asks for, in no
  loop, no `with` and no `except` or `finally`;
- and each is what the one below it calls by its name, so that nothing written in C lies in between.
From such a call a function goes on downwards only, so of its names only those count that are written behind the call.
What they hold is compared by value, if it is a value; an iterator, a lambda, or an object with a state of its own is
equal to itself alone. Elsewhere use cases have nothing to remember: all else that they know they ask of their ports.
`tests/faults/test_standing.py` holds each of these conditions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeAlias

Standing: TypeAlias = tuple[object, ...]
"""Two that are equal go on alike, if what they wait for returns the same."""
_Span: TypeAlias = tuple[int | None, int | None, int | None, int | None]
"""Lines and columns: first line, last line, first column, end."""
_UNBOUND = object()
_CHANGEABLE = (dict, list, set)


@dataclass(frozen=True)
class _Site:
    """A call beside which its frame has names alone."""

    called: ast.expr
    names: tuple[str, ...]
    """Those that are written behind it."""


def standing(frames: Sequence[FrameType], method: str) -> Standing | None:
    """Of the frames of a use case, from the one that calls the port's method outwards; None where it cannot be told."""
    sites = [_site(each) for each in frames]
    if not _calls_method(sites[0], method):
        return None
    names: list[Standing] = []
    for at, (frame, site) in enumerate(zip(frames, sites, strict=True)):
        if site is None or (at > 0 and not _calls_by_name(frame, site, frames[at - 1].f_code)):
            return None
        known = frame.f_locals
        names.append(tuple([known.get(name, _UNBOUND) for name in site.names]))
    return tuple([(each.f_code, each.f_lasti) for each in frames]), tuple(names), _one_and_the_same(names)


def _one_and_the_same(names: list[Standing]) -> tuple[int, ...]:
    """Which names are of one container, so that whoever changes the one changes the other."""
    first: dict[int, int] = {}
    held = enumerate(chain.from_iterable(names))
    return tuple([first.setdefault(id(each), at) for at, each in held if isinstance(each, _CHANGEABLE)])


def _calls_method(site: _Site | None, method: str) -> bool:
    return site is not None and isinstance(site.called, ast.Attribute) and site.called.attr == method


def _calls_by_name(frame: FrameType, site: _Site, code: CodeType) -> bool:
    if not isinstance(site.called, ast.Name) or site.called.id in frame.f_locals:
        return False
    return getattr(frame.f_globals.get(site.called.id), "__code__", None) is code


def _site(frame: FrameType) -> _Site | None:
    return _site_at(frame.f_code, frame.f_lasti)


@cache
def _site_at(code: CodeType, instruction: int) -> _Site | None:
    return _sites(code).get(list(code.co_positions())[instruction // 2])


@cache
def _sites(code: CodeType) -> Mapping[_Span, _Site]:
    function = _functions(code.co_filename).get((code.co_name, code.co_firstlineno))
    if function is None:
        return {}
    names = [each for each in ast.walk(function) if isinstance(each, ast.Name)]
    return {
        (call.lineno, call.end_lineno, call.col_offset, call.end_col_offset): _Site(
            call.func, tuple(sorted({each.id for each in names if _is_behind(each, call)}))
        )
        for call in _whole_calls(function.body)
    }


@cache
def _functions(file: str) -> Mapping[tuple[str, int], ast.FunctionDef]:
    """Those of a file, by their names and the lines on which they begin."""
    nodes = ast.walk(ast.parse(Path(file).read_text("utf-8")))
    functions = [each for each in nodes if isinstance(each, ast.FunctionDef)]
    return {(each.name, min([each.lineno, *(one.lineno for one in each.decorator_list)])): each for each in functions}


def _is_behind(name: ast.Name, call: ast.Call) -> bool:
    return (name.lineno, name.col_offset) >= (call.end_lineno, call.end_col_offset)


def _whole_calls(statements: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    for statement in statements:
        match statement:
            case (
                ast.Expr(value=value)
                | ast.Return(value=value)
                | ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=value)
            ):
                yield from _chosen(value)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from _chosen(test)
                yield from _whole_calls([*body, *orelse])
            case ast.Try(body=body, orelse=orelse):
                yield from _whole_calls([*body, *orelse])


def _chosen(value: ast.expr | None) -> Iterator[ast.Call]:
    """What a value may be, whole: nothing of it is evaluated before and kept."""
    match value:
        case ast.Call():
            yield value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _chosen(operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _chosen(body)
            yield from _chosen(orelse)
