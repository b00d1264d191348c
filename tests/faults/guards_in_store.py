"""What the conditions of the metadata store guard."""

from __future__ import annotations

from tests.faults.guard import CONTRACT, DYNAMODB, Guard

IN_THE_STORE = (
    Guard(
        "a run is written upon the head that was read",
        f"{DYNAMODB}/runs.py",
        "self._tables.put_write(run_item(run), _UNCHANGED, head)",
        "self._tables.put_write(run_item(run))",
        (f"{CONTRACT}/test_runs.py",),
    ),
    Guard(
        "a run begins once",
        f"{DYNAMODB}/runs.py",
        "return [self._tables.put_write(run_item(run), ABSENT), *map(",
        "return [self._tables.put_write(run_item(run)), *map(",
        (f"{CONTRACT}/test_stored_conditions.py",),
    ),
    Guard(
        "a trail entry is never overwritten",
        f"{DYNAMODB}/runs.py",
        "put_write(self._tables.trail, trail_item(change.entry), ABSENT)",
        "put_write(self._tables.trail, trail_item(change.entry))",
        (f"{CONTRACT}/test_stored_conditions.py",),
    ),
    Guard(
        "an announcement becomes pending once",
        f"{DYNAMODB}/runs.py",
        'condition = ABSENT if announcement.state is AnnouncementState.PENDING else ""',
        'condition = ""',
        (f"{CONTRACT}/test_stored_conditions.py",),
    ),
    Guard(
        "an announcement is leased by one, and never after it was sent",
        f"{DYNAMODB}/announcements.py",
        '"#state = :pending AND (attribute_not_exists(#leased_until) OR #leased_until <= :now)"',
        '"attribute_exists(#pk) AND :pending <> :now"',
        (f"{CONTRACT}/test_announcements.py",),
    ),
    Guard(
        "an older image never becomes the head",
        f"{DYNAMODB}/catalog.py",
        '"attribute_not_exists(#image_order) OR #image_order <= :order"',
        '""',
        (f"{CONTRACT}/test_catalog.py",),
    ),
    Guard(
        "older data never becomes the head",
        f"{DYNAMODB}/catalog.py",
        '"attribute_not_exists(#data_revision) OR #data_revision < :revision"',
        '""',
        (f"{CONTRACT}/test_catalog.py",),
    ),
    Guard(
        "an older drop of a key is known as such",
        f"{DYNAMODB}/catalog.py",
        '"attribute_not_exists(#sequencer) OR #sequencer <= :order"',
        '""',
        (f"{CONTRACT}/test_catalog.py",),
    ),
    Guard(
        "a timer is cleared only if no drop was counted since",
        f"{DYNAMODB}/seal_timers.py",
        '            {":revision": timer.revision},\n            "#revision = :revision",\n',
        '            {},\n            "attribute_exists(#pk)",\n',
        (f"{CONTRACT}/test_seal_timers.py",),
    ),
    Guard(
        "the timer of an object and who dropped it are one transaction",
        f"{DYNAMODB}/seal_timers.py",
        "self._tables.transact([is_set, self._tables.update_write(*is_dropped)])",
        "self._tables.transact([is_set])",
        (f"{CONTRACT}/test_seal_timers.py",),
    ),
    Guard(
        "who dropped an object replaces what the sweep found of it",
        f"{DYNAMODB}/catalog.py",
        'found.get("drop", found.get("found"))',
        'found.get("found", found.get("drop"))',
        (f"{CONTRACT}/test_catalog.py",),
    ),
    Guard(
        "who dropped an object is recorded though its timer was set before",
        f"{DYNAMODB}/seal_timers.py",
        "            self._tables.update(*is_dropped)  # the sweep may have set the timer, which knew of nobody\n",
        "",
        (f"{CONTRACT}/test_seal_timers.py",),
    ),
    Guard(
        "a revision is held by one",
        f"{DYNAMODB}/seal_timers.py",
        '"OR #held_revision <> :revision OR #held_until <= :now OR #held_by = :holder)"',
        '"OR #held_revision = :revision OR #held_until <= :now OR #held_by = :holder)"',
        (f"{CONTRACT}/test_seal_timers.py",),
    ),
    Guard(
        "the last drop is the latest one",
        f"{DYNAMODB}/seal_timers.py",
        'in_order = "attribute_not_exists(#last_drop_at) OR #last_drop_at <= :at"',
        'in_order = ""',
        (f"{CONTRACT}/test_seal_timers.py",),
    ),
    Guard(
        "the first image of a rebuild stands for it",
        f"{DYNAMODB}/rebuilds.py",
        '"SET #image_digest = if_not_exists(#image_digest, :image)"',
        '"SET #image_digest = :image"',
        (f"{CONTRACT}/test_rebuilds_and_pauses.py",),
    ),
    Guard(
        "a pinned key is bound once",
        f"{DYNAMODB}/pools.py",
        "self._tables.put_write(binding_item(pin), ABSENT)",
        "self._tables.put_write(binding_item(pin))",
        (f"{CONTRACT}/test_stored_conditions.py",),
    ),
    Guard(
        "a pool is begun once",
        f"{DYNAMODB}/pools.py",
        '"#number = :after" if after else "attribute_not_exists(#number) OR #number = :after"',
        '""',
        (f"{CONTRACT}/test_pools.py",),
    ),
)
