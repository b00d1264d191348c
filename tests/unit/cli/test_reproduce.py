from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from dropforge.domain.artifact_layout import channel_files_key, reproduction_files_key
from dropforge.domain.dataset import ListedObject
from dropforge.domain.project import PinMode, PinPolicy
from dropforge.domain.run import RequesterKind, Run, RunStatus
from dropforge.domain.training_job import JobStatus
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of
from tests.unit.cli.shell import ADA, Shell, trained

FILES = {"model/weights": b"1.25 2.5", "model/code.py": b"pass"}


def archive(
    files: Mapping[str, bytes] = FILES, *, packed_at: int = 0, mode: int = 0o644, link: str = "weights"
) -> bytes:
    """A model.tar.gz as a job packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), packed_at, mode
            tar.addfile(member, io.BytesIO(content))
        linked = tarfile.TarInfo("model/latest")
        linked.type, linked.linkname, linked.mtime = tarfile.SYMTYPE, link, packed_at
        tar.addfile(linked)
    return buffer.getvalue()


def ready(world: World | None = None) -> tuple[Shell, Run]:
    """A stage whose one run has completed."""
    shell = Shell(world or World())
    run = trained(shell)
    finish(shell, run, archive())
    return shell, shell.world.run(run)


def finish(shell: Shell, run_id: str, model: bytes | None, status: JobStatus = JobStatus.COMPLETED) -> None:
    shell.world.dispatch()
    shell.world.finish(shell.world.run(run_id), JobEnd(status, metrics={"a": Decimal(1)}, model=model))


def reproduction_of(shell: Shell, original: Run) -> Run:
    [found] = [run for run in shell.world.store.runs.values() if run.reproduces and run.reproduces.of == original.id]
    return found


def will_give(shell: Shell, original: Run, model: bytes | None, status: JobStatus = JobStatus.COMPLETED) -> None:
    shell.while_waiting = lambda: finish(shell, reproduction_of(shell, original).id, model, status)


def test_a_reproduction_is_a_run_of_its_own_with_the_recorded_inputs_and_leaves_the_head_alone() -> None:
    shell, original = ready()
    shell.world.push(commit="c2")
    head = shell.world.store.head("digits")
    will_give(shell, original, archive(packed_at=99))
    answer = shell.type("reproduce", original.id[:6], "--json")
    again = reproduction_of(shell, original)
    assert answer.code == 0, answer.said
    assert answer.document == {"run": again.id, "reproduces": original.id, "identical": True, "differences": []}
    assert (again.image, again.dataset, again.spec) == (original.image, original.dataset, original.spec)
    assert (again.requester.kind, again.requester.name) == (RequesterKind.USER, ADA)
    assert shell.world.store.head("digits") == head


def test_it_trains_on_the_same_bytes_though_they_were_overwritten_and_deleted_since() -> None:
    shell, original = ready()
    shell.world.drop("digits/digits.csv", b"other\n")
    shell.world.delete("digits/digits.csv")
    will_give(shell, original, archive())
    assert shell.type("reproduce", original.id).code == 0
    assert bytes_given(shell, reproduction_of(shell, original)) == {"digits.csv": b"1,2,3\n"}


def test_copies_that_were_deleted_are_made_anew_from_the_very_versions() -> None:
    shell, original = ready()
    shell.world.drop("digits/digits.csv", b"other\n")
    delete_copies(shell)
    will_give(shell, original, archive())
    assert shell.type("reproduce", original.id).code == 0
    assert bytes_given(shell, reproduction_of(shell, original)) == {"digits.csv": b"1,2,3\n"}


def test_data_that_was_never_copied_is_pinned_for_the_reproduction() -> None:
    verify = replace(DIGITS, pin=PinPolicy(PinMode.VERIFY))
    shell, original = ready(World(stage_of(verify)))
    shell.world.drop("digits/digits.csv", b"other\n")
    will_give(shell, original, archive())
    assert shell.type("reproduce", original.id).code == 0
    again = reproduction_of(shell, original)
    assert bytes_given(shell, again) == {"digits.csv": b"1,2,3\n"}
    assert again.result is not None
    assert again.result.moved is None


def test_a_copy_that_is_there_stands_for_a_version_that_has_expired_while_another_is_made_anew() -> None:
    shell, original = with_two_files()
    delete_copies(shell, "/digits.csv")
    shell.world.bucket.delete_version(ListedObject("digits/more.csv", "digits/more.csv@1", 6))
    made = len(shell.world.bucket.copies)
    will_give(shell, original, archive())
    assert shell.type("reproduce", original.id).code == 0
    given = bytes_given(shell, reproduction_of(shell, original))
    assert given == {"digits.csv": b"1,2,3\n", "more.csv": b"4,5,6\n"}
    [copied] = shell.world.bucket.copies[made:]
    assert copied.endswith("/digits.csv")


def test_only_what_is_truly_lost_is_named() -> None:
    shell, original = with_two_files()
    delete_copies(shell)
    shell.world.bucket.delete_version(ListedObject("digits/more.csv", "digits/more.csv@1", 6))
    answer = shell.type("reproduce", original.id)
    assert answer.code == 1
    assert "digits/more.csv (version digits/more.csv@1) of run" in answer.said
    assert "digits/digits.csv" not in answer.said


@pytest.mark.parametrize("mode", PinMode)
def test_its_job_has_the_file_names_of_the_first_though_the_data_prefix_has_changed_since(mode: PinMode) -> None:
    project = replace(DIGITS, pin=PinPolicy(mode))
    world = World(stage_of(project))
    world.drop("digits/test/a.csv", b"7,8,9\n")
    shell, original = ready(world)
    delete_copies(shell)
    world.ports = replace(world.ports, stage=stage_of(replace(project, data_prefix="in/digits/")))
    again = shell.type("reproduce", original.id, "--no-wait").out.strip()
    given = {
        name: world.bucket.files_of(reproduction_files_key("digits", again, name)) for name in ("test", "training")
    }
    assert given == {"test": {"a.csv": b"7,8,9\n"}, "training": {"digits.csv": b"1,2,3\n"}}


def test_a_list_that_is_not_of_the_recorded_data_is_not_trained_on() -> None:
    shell, original = ready()
    delete_copies(shell)
    listed = channel_files_key("digits", original.dataset.version, "training")
    files = shell.world.bucket.channel_files(listed)
    shell.world.bucket.put_channel_files(listed, replace(files, names=("other.csv",)))
    answer = shell.type("reproduce", original.id)
    assert answer.code == 1
    assert f"{listed} and " in answer.said
    assert list(shell.world.store.runs) == [original.id]


def test_inputs_that_have_expired_are_named_and_nothing_is_recorded() -> None:
    shell, original = ready()
    shell.world.clock.pass_by(days=40)
    delete_copies(shell)
    shell.world.bucket.delete_version(ListedObject("digits/digits.csv", "digits/digits.csv@1", 6))
    answer = shell.type("reproduce", original.id)
    assert (answer.code, answer.out) == (1, "")
    assert "digits/digits.csv (version digits/digits.csv@1)" in answer.said
    assert "their copies were deleted on 2026-03-12 at 12:02 UTC" in answer.said
    assert list(shell.world.store.runs) == [original.id]


def test_an_image_that_is_gone_says_which_commit_to_push_again() -> None:
    shell, original = ready()
    shell.world.builds.pushed.clear()
    answer = shell.type("reproduce", original.id)
    assert answer.code == 1
    assert f"the image {original.image.digest} of run {original.id} is not in ECR any more" in answer.said
    assert f"push commit {original.image.commit} again" in answer.said


def test_a_run_without_a_model_cannot_be_compared_with() -> None:
    shell = Shell()
    run = trained(shell)
    finish(shell, run, None, JobStatus.FAILED)
    answer = shell.type("reproduce", run)
    assert answer.code == 1
    assert "is FAILED and has no model to compare with" in answer.said


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (archive({**FILES, "model/weights": b"1.25 2.6"}), "model/weights has "),
        (archive({"model/weights": FILES["model/weights"]}), "model/code.py is only in the original"),
        (archive({**FILES, "model/more": b""}), "model/more is only in the reproduction"),
        (archive(mode=0o755), "model/weights has mode 644, and 755 in the reproduction"),
        (archive(link="code.py"), "model/latest has weights…, and code.py… in the reproduction"),
    ],
    ids=["a file's bytes", "a file missing", "a file more", "a mode", "a link"],
)
def test_a_model_that_differs_is_told_in_what_and_ends_with_1(model: bytes, told: str) -> None:
    shell, original = ready()
    will_give(shell, original, model)
    answer = shell.type("reproduce", original.id)
    assert answer.code == 1
    assert told in answer.out


def test_each_reproduction_counts_on_and_one_of_a_reproduction_is_waited_for() -> None:
    shell, original = ready()
    first = shell.type("reproduce", original.id, "--no-wait", "--json").document["run"]
    second = shell.type("reproduce", original.id, "--no-wait", "--json").document["run"]
    numbers = {run: shell.world.run(run).reproduces for run in (first, second)}
    assert [each and each.number for each in numbers.values()] == [1, 2]
    finish(shell, first, archive(packed_at=7))
    answer = shell.type("reproduce", first)
    assert (answer.code, answer.out.splitlines()[0]) == (0, first)
    assert "identical to that of run" in answer.out
    assert len(shell.world.store.runs) == 3


def test_a_reproduction_that_fails_says_where_the_reason_is() -> None:
    shell, original = ready()
    will_give(shell, original, None, JobStatus.FAILED)
    answer = shell.type("reproduce", original.id)
    assert answer.code == 1
    assert "is FAILED: `dropforge show" in answer.said


def test_the_record_of_a_reproduction_says_what_it_repeats() -> None:
    shell, original = ready()
    again = shell.type("reproduce", original.id, "--no-wait").out.strip()
    assert f"run {original.id}, for the 1st time" in shell.type("show", again).out
    assert shell.world.run(again).status is RunStatus.WAITING


def bytes_given(shell: Shell, run: Run) -> Mapping[str, bytes]:
    """What the run's job was given in its channel."""
    [(key, _)] = shell.world.jobs.requests[run.attempts[0].job_name].channels.values()
    return shell.world.bucket.files_of(key)


def delete_copies(shell: Shell, ending: str = "") -> None:
    for key in [key for key in shell.world.bucket.artifacts if "/pools/" in key and key.endswith(ending)]:
        shell.world.bucket.delete_copy(key)


def with_two_files() -> tuple[Shell, Run]:
    world = World()
    world.drop("digits/more.csv", b"4,5,6\n")
    return ready(world)
