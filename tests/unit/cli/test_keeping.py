"""What `dropforge show` says of how long all that a run needs is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.dataset import ListedObject
from dropforge.domain.keeping import ExpiryRule
from dropforge.domain.project import PinMode, PinPolicy
from tests.fakes.world import DIGITS, World, stage_of
from tests.unit.cli.shell import Shell, trained

KEY = "digits/digits.csv"


def finished(mode: PinMode = PinMode.COPY) -> tuple[Shell, str]:
    shell = Shell(World(stage_of(replace(DIGITS, pin=PinPolicy(mode)))))
    run = trained(shell)
    shell.world.dispatch()
    shell.world.finish(shell.world.run(run))
    return shell, run


def kept(shell: Shell, run: str) -> list[str]:
    """The lines of that section."""
    answer = shell.type("show", run)
    assert answer.code == 0, answer.said
    lines = answer.out.splitlines()
    width = len(lines[0]) - len(lines[0].removeprefix("Run").lstrip())
    begin = next(number for number, line in enumerate(lines) if line.startswith("Kept"))
    end = next(number for number, line in enumerate(lines) if line.startswith("Trail"))
    return [line[width:] for line in lines[begin:end]]


def test_by_default_nothing_that_a_run_needs_expires() -> None:
    shell, run = finished()
    assert kept(shell, run) == [f"for ever: image, copy of {KEY}, model, log"]


def test_the_log_is_said_to_end_when_it_does_and_to_be_gone_afterwards() -> None:
    shell, run = finished()
    shell.world.lifespans.log_days = 30
    assert "until 2026-03-02 12:0" in kept(shell, run)[1]
    shell.world.clock.pass_by(days=31)
    assert "gone since 2026-03-02 12:0" in kept(shell, run)[1]


def test_of_data_that_was_not_copied_it_is_said_that_what_is_replaced_expires() -> None:
    shell, run = finished(PinMode.VERIFY)
    assert kept(shell, run) == [f"for ever: image, {KEY}, version {KEY}@1, model, log"]
    shell.world.lifespans.training_rules = (ExpiryRule("", replaced_days=30),)
    assert kept(shell, run)[1] == f"until 30 days after it is replaced or deleted: {KEY}, version {KEY}@1"
    shell.world.drop(KEY, b"other\n")
    assert kept(shell, run)[1] == f"until 2026-03-03 00:00:00 UTC: {KEY}, version {KEY}@1"


def test_what_is_gone_is_named_with_since_when_and_whether_its_original_is_still_there() -> None:
    shell, run = finished()
    shell.world.clock.pass_by(days=3)
    [copy] = [key for key in shell.world.bucket.artifacts if "/pools/" in key]
    shell.world.bucket.delete_copy(copy)
    shell.world.builds.pushed.clear()
    assert kept(shell, run) == [
        "gone, AWS does not tell since when: image",
        f"gone since 2026-02-03 12:02:02 UTC: copy of {KEY}",
        f"for ever: {KEY}, version {KEY}@1, model, log",
    ]
    shell.world.bucket.delete_version(ListedObject(KEY, f"{KEY}@1", 6))
    assert f"gone, AWS does not tell since when: image, {KEY}, version {KEY}@1" in kept(shell, run)


@pytest.mark.parametrize("ended", [True, False])
def test_as_json_each_thing_has_its_own_span(*, ended: bool) -> None:
    shell = Shell()
    run = trained(shell)
    if ended:
        shell, run = finished()
    spans = {each["what"]: each["span"]["kept"] for each in shell.type("show", run, "--json").document["kept"]}
    things = ["image", f"copy of {KEY}", *(["model", "log"] if ended else [])]
    assert spans == dict.fromkeys(things, "for ever")


def test_of_much_data_the_first_objects_stand_for_all() -> None:
    shell, _ = finished()
    for number in range(40):
        shell.world.drop(f"digits/{number:02}.csv", b"7\n")
    shell.world.grow_quiet()
    newest = max(shell.world.store.runs.values(), key=lambda each: each.requested_at)
    assert kept(shell, newest.id) == [
        "for ever: image, " + ", ".join(f"copy of digits/{number:02}.csv" for number in range(4)) + " and 16 more"
    ]


def test_copies_are_found_though_the_data_prefix_has_changed_since() -> None:
    shell, _ = finished()
    shell.world.drop("digits/test/a.csv", b"7\n")
    shell.world.grow_quiet()
    newest = max(shell.world.store.runs.values(), key=lambda each: each.requested_at)
    elsewhere = stage_of(replace(DIGITS, data_prefix="in/digits/"))
    shell.world.ports = replace(shell.world.ports, stage=elsewhere)
    assert kept(shell, newest.id) == [f"for ever: image, copy of digits/test/a.csv, copy of {KEY}"]
