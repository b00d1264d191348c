"""Queues and their messages: a row each.

What was in somebody's hands when the server ended is visible again at once: whoever had it ended with the server.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import time
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from ministack import app as emulator
from ministack.services import sns, sqs

from localaws.corrections.wrapping import wrap
from localaws.journal import Journal, Row
from localaws.keeping.whole import text, value

Queue = dict[str, Any]
Message = dict[str, Any]
_Key = tuple[str, ...]
"""Under which the emulator keeps a queue."""
MESSAGES, _KNOWN = "sqs/messages", "sqs/known"
_IN_ROWS = frozenset({"messages", "dedup_cache"})


class Queues:
    """Notes queues and messages; see `whole.Kept`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._kept: dict[_Key, dict[str, tuple[Any, ...]]] = {}
        """Of each queue the messages that are on disk, by id, with what changes of a message."""
        self._known: dict[_Key, dict[str, Any]] = {}
        """Of each FIFO queue the deduplication ids of the last five minutes, as far as they are on disk."""
        self._counted: dict[_Key, int] = {}
        """How far each FIFO queue has counted its messages, on disk."""

    def install(self) -> None:
        """Learn of messages apart from queues, and let no thread but the loop's change a queue."""
        self._journal.reads(MESSAGES, self.read_messages)
        for module, name in (
            (sqs, "_receive_messages_for_esm"),
            (sqs, "_delete_messages_for_esm"),
            (sns, "_deliver_to_sqs"),
        ):
            wrap(module, name, self._on_loop)

    def read(self) -> None:
        """Note every queue, and put the messages that changed."""
        queues: dict[_Key, Queue] = dict(sqs._queues._data)
        self._journal.note("sqs", [_queue_row(key, queue) for key, queue in queues.items()])
        self.read_messages()

    def read_messages(self) -> None:
        """Put the messages that changed, and what a FIFO queue remembers of them."""
        queues: dict[_Key, Queue] = dict(sqs._queues._data)
        for key, queue in queues.items():
            if queue["fifo_seq"] != self._counted.get(key, 0):
                self._counted[key] = queue["fifo_seq"]
                self._journal.put("sqs", json.dumps(key), _queue_text(queue))
        for key in {*queues, *self._kept, *self._known}:
            self._put_messages(key, queues[key]["messages"] if key in queues else [])
            self._put_known(key, queues[key]["dedup_cache"] if key in queues else {})

    def load(self) -> dict[str, Any] | None:
        """Return the queues, with their messages in the order in which they were sent."""
        queues = type(sqs._queues)()
        for place, content in self._journal.rows("sqs").items():
            queues._data[tuple(json.loads(place))] = {**value(content), "messages": [], "dedup_cache": {}}
        for key, identity, content in self._rows(_KNOWN, queues._data):
            queues._data[key]["dedup_cache"][identity] = json.loads(content)
            self._known.setdefault(key, {})[identity] = None
        now = time.time()
        for key, identity, content in self._rows(MESSAGES, queues._data):
            message = value(content)
            if message["receive_count"]:
                message["visible_at"] = min(message["visible_at"], now)
            queues._data[key]["messages"].append(message)
            self._kept.setdefault(key, {})[identity] = ()
        for queue in queues._data.values():
            queue["messages"].sort(key=lambda message: (message["sent_at"], message.get("seq") or ""))
        return {"queues": queues} if queues._data else None

    def _rows(self, space: str, queues: Container[_Key]) -> Iterator[tuple[_Key, str, str]]:
        """Yield queue, id and content of each row; one whose queue is gone is removed, and hinders no start."""
        for place, content in self._journal.rows(space).items():
            *parts, identity = json.loads(place)
            if tuple(parts) in queues:
                yield tuple(parts), identity, content
            else:
                self._journal.put(space, place, None)

    def _put_messages(self, key: _Key, messages: list[Message]) -> None:
        before = self._kept.get(key, {})
        now = {each["id"]: (each["receive_count"], each["visible_at"]) for each in messages}
        if now == before:
            return
        changed = {identity for identity, mark in now.items() if before.get(identity) != mark}
        for message in messages:
            if message["id"] in changed:
                self._journal.put(MESSAGES, json.dumps((*key, message["id"])), text(message))
        for identity in before.keys() - now.keys():
            self._journal.put(MESSAGES, json.dumps((*key, identity)), None)
        self._kept[key] = now

    def _put_known(self, key: _Key, known: Mapping[str, Any]) -> None:
        before = self._known.get(key, {})
        if known == before:
            return
        for identity in known.keys() | before.keys():
            if known.get(identity) is not before.get(identity):
                content = json.dumps(known[identity]) if identity in known else None
                self._journal.put(_KNOWN, json.dumps((*key, identity)), content)
        self._known[key] = dict(known)

    def _on_loop(self, original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Change queues on the emulator's loop alone, as requests do.

        Its pollers would do so beside them, and what is sent while they make a new list of the messages that are left
        would be lost.
        """
        loop = emulator._MAIN_LOOP
        if loop is None or _running_loop() is loop:
            return original(*arguments, **named)

        async def change() -> Any:
            self._journal.touch(MESSAGES)
            return original(*arguments, **named)

        try:
            return asyncio.run_coroutine_threadsafe(change(), loop).result()
        except concurrent.futures.CancelledError:  # the server stops: nothing is received, and nothing deleted
            return None


def _queue_row(key: _Key, queue: Queue) -> Row:
    mark = (tuple(queue["attributes"].items()), tuple(queue["tags"].items()))
    return Row(json.dumps(key), mark, lambda: _queue_text(queue))


def _queue_text(queue: Queue) -> str:
    return text({name: queue[name] for name in queue if name not in _IN_ROWS})


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
