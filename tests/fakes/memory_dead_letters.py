"""Dead-letter queues in memory."""

from __future__ import annotations

from dropforge.domain.dead_letter import DeadLetter, Redriven


class MemoryDeadLetters:
    """Implements `cli.wiring.DeadLetters`."""

    queues = ("job-state-dead-letters", "sweep-dead-letters")

    def __init__(self) -> None:
        self.lying: list[DeadLetter] = []
        self.sent_back: list[DeadLetter] = []

    def letters(self, queue: str, limit: int) -> tuple[DeadLetter, ...]:
        return tuple(each for each in self.lying if each.queue == queue)[:limit]

    def redrive(self, queue: str) -> Redriven:
        moved = [each for each in self.lying if each.queue == queue]
        self.lying = [each for each in self.lying if each.queue != queue]
        self.sent_back += moved
        return Redriven(queue, len(moved))
