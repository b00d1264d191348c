"""Striking a use case at any call that it makes to the world: cutting it off, or doing something else meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dropforge.workflow.ports import Ports


class CutOff(BaseException):
    """A function was killed. No error that a use case could catch."""


def cut_off() -> None:
    raise CutOff


@dataclass
class Interruption:
    """Strikes at the `at`-th call (from 0), before the call's effect or, with `after`, when it is done."""

    at: int
    after: bool
    strike: Callable[[], object] = cut_off
    calls: list[str] = field(default_factory=list)

    @property
    def happened(self) -> bool:
        return len(self.calls) > self.at

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def interrupted(*arguments: object, **named: object) -> object:
            self.calls.append(name)
            strikes = len(self.calls) == self.at + 1
            if strikes and not self.after:
                self.strike()
            result = call(*arguments, **named)
            if strikes and self.after:
                self.strike()
            return result

        return interrupted


class InterruptedPort:
    """A port whose every method may be the last one called."""

    def __init__(self, port: object, interruption: Interruption) -> None:
        self._port = port
        self._interruption = interruption

    def __getattr__(self, name: str) -> object:
        member = getattr(self._port, name)
        return self._interruption.around(name, member) if callable(member) else member


def interrupted(ports: Ports, interruption: Interruption) -> Ports:
    """All that reaches outside, but for the clock."""
    around: dict[str, Any] = {
        each.name: InterruptedPort(getattr(ports, each.name), interruption)
        for each in fields(ports)
        if each.name not in {"stage", "clock"}
    }
    return replace(ports, **around)
