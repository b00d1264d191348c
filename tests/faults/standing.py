"""Where a use case stands while it makes a call, where that can be told: all that decides what it does next.

What a function does when its call has returned follows from what returns and from what its frames hold: the names that
they use from there on, and whatever Python keeps beside these, such as the place of a loop in its list, the operands of
a half evaluated expression, or an error that is being handled. Of the latter nothing can be seen. So where a use case
stands is told only where there is none of it:
- each frame makes its call as a whole statement, as the value of a name, or as what `return` or `if` asks for, in no
  loop, no `with` and no `except` or `finally`;
- and each is what the one below it calls by its name, so that nothing written in C lies in between;
- and no argument is unpacked by a star, which is done in the midst of the call;
- and nothing in the function uses names that are not written in it, as `locals` and `super` do.
From such a call a function goes on downwards only, so of its names only those count that are written behind the call.
What they hold counts by value, so all of it has to be plain values, tuples, frozen dataclasses, functions and the
ports, or a list or a dict, of which it counts as well where else it is held: whoever changes it there changes it here.
Where a name holds anything else, such as an iterator, a set with its order, or an object with a state of its own,
nothing is told. Elsewhere use cases have nothing to remember: all else that they know they ask of their ports, and
`tests/unit/test_nothing_is_remembered.py` holds that no module keeps anything for them.
`tests/faults/test_standing.py` holds each of these conditions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Final, TypeAlias, cast

from dropforge.workflow.ports import Ports
from tests.faults.numbering import is_frozen, is_plain, members_of

Standing: TypeAlias = tuple[object, ...]
"""Two of one message and one call go on alike if theirs are the same, and if they are told the same.

The message says which function is the outermost, and each place in one which is the next."""
_Span: TypeAlias = tuple[int | None, int | None, int | None, int | None]
"""Lines and columns: first line, last line, first column, end."""
_UNBOUND = object()
_CHANGEABLE: Final = frozenset({dict, list})
_BY_ITSELF: Final = frozenset({object, FunctionType, Ports})
_USING_OTHER_NAMES: Final = frozenset({"eval", "exec", "locals", "super", "vars"})


class _HiddenError(Exception):
    """A name holds something of which nobody knows what it is now."""


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
    held: list[object] = []
    for at, (frame, site) in enumerate(zip(frames, sites, strict=True)):
        if site is None or (at > 0 and not _calls_by_name(frame, site, frames[at - 1].f_code)):
            return None
        known = frame.f_locals
        held += [known.get(name, _UNBOUND) for name in site.names]
    try:
        return tuple([each.f_lasti for each in frames]), tuple(held), _one_and_the_same(held)
    except _HiddenError:
        return None


def _one_and_the_same(held: Sequence[object]) -> tuple[int, ...]:
    """Which of the lists and dicts that are reached from these are one."""
    first: dict[int, int] = {}
    return tuple([first.setdefault(id(each), at) for at, each in enumerate(_changeable_in(held))])


def _changeable_in(values: Iterable[object]) -> Iterator[object]:
    for each in values:
        if type(each) in _CHANGEABLE:
            yield each
        yield from _changeable_in(_parts(each))


def _parts(value: object) -> Iterable[object]:
    """What it holds; _HiddenError if there is more to it than that."""
    kind = type(value)
    if kind is tuple or kind is list:
        return cast("Iterable[object]", value)
    if kind is dict:
        return chain.from_iterable(cast("dict[object, object]", value).items())
    if is_frozen(value) and kind is not Ports:
        return members_of(value)
    if is_plain(value) or kind in _BY_ITSELF:
        return ()
    raise _HiddenError


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
    if any(each.id in _USING_OTHER_NAMES or each.id.startswith("__") for each in names):
        return {}
    return {
        (call.lineno, call.end_lineno, call.col_offset, call.end_col_offset): _Site(
            call.func, tuple(sorted({each.id for each in names if _is_behind(each, call)}))
        )
        for call in _whole_calls(function.body)
        if not any(isinstance(each, ast.Starred) for each in call.args) and all(each.arg for each in call.keywords)
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
