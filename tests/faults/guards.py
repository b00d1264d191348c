"""Every condition, lease, retry and ordering rule that a promise rests on, with the edit that takes it away."""

from __future__ import annotations

from dataclasses import dataclass

WORKFLOW, DOMAIN, DYNAMODB = "dropforge/workflow", "dropforge/domain", "dropforge/adapters/dynamodb"
UNIT, CONTRACT, FAULTS = "tests/unit/workflow", "tests/contract", "tests/faults"


@dataclass(frozen=True)
class Guard:
    """`intact` stands in `file` exactly once; `removed` stands there instead when the guard is taken away.

    `tests` are the files of which at least one test must then fail.
    """

    name: str
    file: str
    intact: str
    removed: str
    tests: tuple[str, ...]


IN_WORKFLOW = (
    Guard(
        "a condition that fails is answered by reading again",
        f"{WORKFLOW}/recording.py",
        "            run = runs.run(run.id) or run\n            continue",
        "            return runs.run(run.id) or run",
        (f"{UNIT}/test_recording.py",),
    ),
    Guard(
        "an event that changes nothing of what was read is tried on what there is by now",
        f"{WORKFLOW}/recording.py",
        "if run.trail == seen:",
        "if True:",
        (f"{UNIT}/test_recording.py",),
    ),
    Guard(
        "others may be first several times",
        f"{WORKFLOW}/recording.py",
        "TRIES = 8",
        "TRIES = 1",
        (f"{UNIT}/test_recording.py", f"{UNIT}/test_two_at_once.py"),
    ),
    Guard(
        "who asks for a run at the same moment gets the other's",
        f"{WORKFLOW}/request_run.py",
        "        if run is None:\n            raise\n        return run",
        "        raise",
        (f"{UNIT}/test_two_at_once.py",),
    ),
    Guard(
        "a run is named by its inputs",
        f"{DOMAIN}/run.py",
        '        "dataset": dataset_version,\n',
        "",
        ("tests/unit/domain/test_run_identity.py", f"{UNIT}/test_seal_dataset.py"),
    ),
    Guard(
        "the intent comes before the job",
        f"{WORKFLOW}/dispatch_runs.py",
        "        if intended.status is not RunStatus.STARTING:\n            return  # somebody else was first\n",
        "",
        (f"{FAULTS}/test_same_moment.py",),
    ),
    Guard(
        "an intent without a job is gone on with",
        f"{WORKFLOW}/dispatch_runs.py",
        "        if ref.status is RunStatus.STARTING:\n",
        "        if False:\n",
        (f"{UNIT}/test_cut_off_anywhere.py", f"{UNIT}/test_dispatch_runs.py"),
    ),
    Guard(
        "a job that exists is ours when its tags say so",
        f"{WORKFLOW}/start_attempt.py",
        "    if is_same_job(request, ports.jobs.tags(there.arn)):\n",
        "    if False:\n",
        (f"{UNIT}/test_cut_off_anywhere.py",),
    ),
    Guard(
        "a job that exists is not ours when its tags do not say so",
        f"{WORKFLOW}/start_attempt.py",
        "    if is_same_job(request, ports.jobs.tags(there.arn)):\n",
        "    if True:\n",
        (f"{UNIT}/test_dispatch_runs.py",),
    ),
    Guard(
        "tags name the deployment's life, not only its name",
        f"{DOMAIN}/job_request.py",
        "    ours = (TAG_DEPLOYMENT, TAG_RUN, TAG_REQUESTED_AT)",
        "    ours = (TAG_DEPLOYMENT, TAG_RUN)",
        (f"{FAULTS}/test_same_moment.py",),
    ),
    Guard(
        "having no room puts a run back in line",
        f"{WORKFLOW}/start_attempt.py",
        "event, started = _back_in_line(ports, room, run, busy), Started.NO",
        'event, started = RunFinished(ports.clock.now(), Outcome.FAILED, RunResult(reason=f"{busy}")), Started.NEVER',
        (f"{UNIT}/test_dispatch_runs.py",),
    ),
    Guard(
        "delays grow",
        f"{DOMAIN}/backoff.py",
        "2 ** min(delays, 10)",
        "1",
        ("tests/unit/domain/test_backoff.py",),
    ),
    Guard(
        "what has no room is remembered",
        f"{WORKFLOW}/room.py",
        "        self._ports.store.note_congestion(note)\n",
        "",
        (f"{FAULTS}/test_burst.py",),
    ),
    Guard(
        "a pass ends when requests are throttled",
        f"{WORKFLOW}/dispatch_runs.py",
        "return self._room.is_throttled_for_long or self._loads.keys() <= self._closed",
        "return self._loads.keys() <= self._closed",
        (f"{UNIT}/test_room.py",),
    ),
    Guard(
        "throttling that is over soon is waited out",
        f"{WORKFLOW}/dispatch_runs.py",
        "return self._room.is_throttled_for_long or",
        "return self._room.is_throttled or",
        (f"{UNIT}/test_room.py",),
    ),
    Guard(
        "after a wait it is decided anew whether a run may start",
        f"{WORKFLOW}/dispatch_runs.py",
        "            self.visit(ref)  # it may",
        "            self._admit(run)  # it may",
        (f"{UNIT}/test_room.py",),
    ),
    Guard(
        "an attempt that has ended is not ended again",
        f"{DOMAIN}/run_events.py",
        "        if run.status.is_terminal or latest is None or latest.number != self.attempt or latest.has_ended:\n",
        "        if run.status.is_terminal or latest is None:\n",
        ("tests/unit/domain",),
    ),
    Guard(
        "an older observation never undoes a newer one",
        f"{DOMAIN}/training_job.py",
        "        return not other.status.is_terminal and self.rank > other.rank",
        "        return True",
        ("tests/unit/domain", f"{UNIT}/test_record_job_state.py"),
    ),
    Guard(
        "an end is final",
        f"{DOMAIN}/run_events.py",
        "        latest = run.attempt\n        if run.status.is_terminal:\n            return run\n",
        "        latest = run.attempt\n",
        ("tests/unit/domain", f"{UNIT}/test_record_job_state.py"),
    ),
    Guard(
        "an end wakes the dispatcher, also when its delivery was cut off before",
        f"{WORKFLOW}/record_job_state.py",
        "        ports.wakeups.dispatch()  # an earlier delivery may have been cut off before it could\n",
        "",
        (f"{UNIT}/test_record_job_state.py",),
    ),
    Guard(
        "the image that is the head is that of the latest execution",
        f"{DOMAIN}/image.py",
        "self.execution_started_at >= other.execution_started_at",
        "True",
        (f"{UNIT}/test_register_image.py",),
    ),
    Guard(
        "the data that is the head is that of the latest drop",
        f"{DOMAIN}/head.py",
        "self.revision > other.revision",
        "True",
        (f"{UNIT}/test_seal_dataset.py", f"{CONTRACT}/test_catalog.py"),
    ),
    Guard(
        "a stale drop of a key asks for nothing",
        f"{WORKFLOW}/accept_drop.py",
        "case SealMode.QUIET if is_latest:",
        "case SealMode.QUIET:",
        (f"{UNIT}/test_accept_drop.py",),
    ),
    Guard(
        "data is sealed once it is quiet, not before",
        f"{WORKFLOW}/seal_dataset.py",
        "if timer is None or timer.due is None or timer.due > now + CLOCK_SKEW:",
        "if timer is None or timer.due is None:",
        (f"{UNIT}/test_seal_dataset.py",),
    ),
    Guard(
        "one function at a time seals a revision",
        f"{WORKFLOW}/seal_dataset.py",
        "    if not ports.store.hold_seal(timer, turn.holder, now, ends):\n        return None\n",
        "",
        (f"{FAULTS}/test_same_moment.py",),
    ),
    Guard(
        "the timer stands until its run is on record",
        f"{WORKFLOW}/seal_dataset.py",
        "    _settle(ports, project, ports.store.head(project.name))\n    try:\n",
        "    ports.store.clear_seal(timer)\n    try:\n",
        (f"{UNIT}/test_cut_off_anywhere.py",),
    ),
    Guard(
        "a run that the head owes is asked for before the head moves on",
        f"{WORKFLOW}/seal_dataset.py",
        "    _settle(ports, project, ports.store.head(project.name))\n",
        "",
        (f"{FAULTS}/test_same_moment.py",),
    ),
    Guard(
        "an object that a clock behind S3's puts into the future is sealed all the same",
        f"{WORKFLOW}/seal_dataset.py",
        "max(now, timer.last_drop_at)",
        "now",
        (f"{FAULTS}/test_random_schedules.py",),
    ),
    Guard(
        "a build that new data asked for is started once",
        f"{WORKFLOW}/start_rebuild.py",
        "    if rebuild.execution_id is not None or pause_of(ports.store, rebuild.project) is not None:",
        "    if pause_of(ports.store, rebuild.project) is not None:",
        (f"{FAULTS}/test_same_moment.py",),
    ),
    Guard(
        "a build that could not be started is put off, for longer each time",
        f"{WORKFLOW}/start_rebuild.py",
        "    if rebuild.is_due(ports.clock.now()):\n",
        "    if True:\n",
        (f"{UNIT}/test_seal_dataset.py",),
    ),
    Guard(
        "a rebuild has one run, whichever of its builds comes first",
        f"{WORKFLOW}/register_image.py",
        "    first = store.image(project, rebuild.image_digest or image.digest) or image\n",
        "    first = image\n",
        (f"{UNIT}/test_register_image.py",),
    ),
    Guard(
        "an announcement is leased",
        f"{DOMAIN}/announcement.py",
        "        unleased = self.leased_until is None or self.leased_until <= now\n",
        "        unleased = True\n",
        (f"{UNIT}/test_announce.py",),
    ),
    Guard(
        "a lease runs out",
        f"{DOMAIN}/announcement.py",
        "        unleased = self.leased_until is None or self.leased_until <= now\n",
        "        unleased = self.leased_until is None\n",
        (f"{UNIT}/test_announce.py",),
    ),
    Guard(
        "who could not send gives the lease back",
        f"{WORKFLOW}/announce.py",
        "        ports.store.release_announcement(key)\n",
        "",
        (f"{UNIT}/test_announce.py",),
    ),
    Guard(
        "an end and what is to be told of it are one transaction",
        f"{DOMAIN}/transition.py",
        "        case RunHeld() | RunFinished() |",
        "        case RunHeld() |",
        (f"{UNIT}/test_announce.py", f"{UNIT}/test_cut_off_anywhere.py"),
    ),
    Guard(
        "the sweep sends what is pending",
        f"{WORKFLOW}/sweep.py",
        "_projects, _announcements, _signatures,",
        "_projects, _signatures,",
        (f"{UNIT}/test_sweep.py",),
    ),
    Guard(
        "the sweep asks for a signature that is missing",
        f"{WORKFLOW}/sweep.py",
        "_announcements, _signatures, _wakeups)",
        "_announcements, _wakeups)",
        (f"{UNIT}/test_sign_run.py",),
    ),
    Guard(
        "a trail that is not what its head says is never signed",
        f"{WORKFLOW}/sign_run.py",
        "    verify(ports.store.trail(run.id)[: run.trail.sequence], run.trail)\n",
        "",
        (f"{UNIT}/test_sign_run.py",),
    ),
    Guard(
        "what was signed is not signed again",
        f"{WORKFLOW}/sign_run.py",
        "if not run.awaits_signature:",
        "if not run.status.is_terminal:",
        (f"{UNIT}/test_sign_run.py",),
    ),
    Guard(
        "the sweep asks after each open run",
        f"{WORKFLOW}/sweep.py",
        "for part in (_open_runs, _waiting,",
        "for part in (_waiting,",
        (f"{UNIT}/test_sweep.py",),
    ),
    Guard(
        "the sweep looks for drops that no event told of",
        f"{WORKFLOW}/sweep.py",
        '        yield f"data of {project.name}", partial(find_drops, ports, project)\n',
        "",
        (f"{UNIT}/test_sweep.py",),
    ),
    Guard(
        "the sweep looks for images that no event told of",
        f"{WORKFLOW}/sweep.py",
        '        yield f"images of {project.name}", partial(find_images, ports, project)\n',
        "",
        (f"{UNIT}/test_sweep.py",),
    ),
    Guard(
        "what fails for one is tried for all others",
        f"{WORKFLOW}/sweep.py",
        "            yield name, error\n            name = part\n",
        "            raise\n",
        (f"{UNIT}/test_sweep.py",),
    ),
    Guard(
        "a trail entry is bound to the one before",
        f"{DOMAIN}/trail.py",
        "if (entry.sequence, entry.previous) != (last.sequence + 1, last.digest):",
        "if entry.sequence != last.sequence + 1:",
        ("tests/unit/domain/test_trail.py",),
    ),
)

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

GUARDS = (*IN_WORKFLOW, *IN_THE_STORE)
