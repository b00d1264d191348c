"""What lies about a stage in its account, in memory: at first all is well."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fakes.memory_dead_letters import MemoryDeadLetters


@dataclass
class MemorySurroundings:
    """Implements `workflow.diagnose.Surroundings`."""

    dead_letters: MemoryDeadLetters
    connection: str | None = None
    """The name of a connection that is pending."""
    unconfirmed: tuple[str, ...] = ()
    quotas: dict[str, int] | None = field(default_factory=dict)

    def pending_connection(self) -> str | None:
        return self.connection

    def unconfirmed_mails(self) -> tuple[str, ...]:
        return self.unconfirmed

    def training_quotas(self) -> dict[str, int] | None:
        return self.quotas

    def waiting_dead_letters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.queue for each in self.dead_letters.lying))
