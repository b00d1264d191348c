from __future__ import annotations

from decimal import Decimal

import pytest

from dropforge.domain.run import Run
from tests.command import Answer
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World
from tests.unit.cli.shell import Shell, trained

COMMIT = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
OBJECT = "s3://training-bucket/digits/digits.csv"


@pytest.fixture
def shell() -> Shell:
    """Two runs: of one commit, on two versions of a file."""
    shell = Shell()
    run = trained(shell)
    shell.world.dispatch()
    shell.world.finish(shell.world.run(run))
    shell.world.drop("digits/digits.csv", b"4,5,6\n")
    shell.world.grow_quiet()
    return shell


@pytest.fixture
def first(shell: Shell) -> Run:
    return min(shell.world.store.runs.values(), key=lambda run: run.requested_at)


@pytest.fixture
def second(shell: Shell) -> Run:
    return max(shell.world.store.runs.values(), key=lambda run: run.requested_at)


def things(answer: Answer, kind: str) -> set[str]:
    assert answer.code == 0, answer.said
    return {each["name"] for each in answer.document["things"] if each["kind"] == kind}


def model_of(run: Run) -> tuple[str, str]:
    assert run.result is not None
    assert run.result.model is not None
    assert run.result.model.sha256 is not None
    return run.result.model.uri, run.result.model.sha256


def test_a_run_leads_up_to_its_commit_and_objects_and_down_to_its_model(shell: Shell, first: Run) -> None:
    answer = shell.type("lineage", first.id[:6], "--json")
    assert things(answer, "run") == {first.id}
    assert things(answer, "commit") == {COMMIT}
    assert things(answer, "image") == {first.image.digest}
    assert things(answer, "dataset") == {first.dataset.version}
    assert things(answer, "object") == {f"{OBJECT}?versionId=digits/digits.csv@1"}
    assert things(answer, "model") == {model_of(first)[0]}


@pytest.mark.parametrize("name", [COMMIT, COMMIT[:12], "image"])
def test_a_commit_and_an_image_lead_down_to_every_run(shell: Shell, first: Run, second: Run, name: str) -> None:
    answer = shell.type("lineage", first.image.digest if name == "image" else name, "--json")
    assert things(answer, "run") == {first.id, second.id}
    assert things(answer, "object") == {f"{OBJECT}?versionId=digits/digits.csv@{number}" for number in (1, 2)}


def test_one_version_of_an_object_leads_to_its_own_run_and_the_key_to_both(
    shell: Shell, first: Run, second: Run
) -> None:
    for words in (["--version", "digits/digits.csv@1"], []):
        runs = {first.id} if words else {first.id, second.id}
        assert things(shell.type("lineage", OBJECT, *words, "--json"), "run") == runs
        assert things(shell.type("lineage", "digits/digits.csv", *words, "--json"), "run") == runs
    assert things(shell.type("lineage", f"{OBJECT}?versionId=digits/digits.csv@2", "--json"), "run") == {second.id}


def test_a_dataset_version_leads_up_to_its_objects_and_down_to_its_model(shell: Shell, first: Run) -> None:
    answer = shell.type("lineage", first.dataset.version.removeprefix("sha256:"), "--json")
    assert things(answer, "run") == {first.id}
    assert things(answer, "model") == {model_of(first)[0]}
    assert len(things(answer, "object")) == 1


@pytest.mark.parametrize("by", ["its address", "its checksum"])
def test_a_model_leads_up_to_everything_that_it_was_made_from(shell: Shell, first: Run, by: str) -> None:
    uri, sha256 = model_of(first)
    answer = shell.type("lineage", uri if by == "its address" else sha256, "--json")
    [subject] = answer.document["subjects"]
    assert answer.document["things"][subject]["name"] == uri
    assert (things(answer, "commit"), things(answer, "run")) == ({COMMIT}, {first.id})


def test_an_image_on_which_nothing_has_trained_yet_leads_up_to_its_commit() -> None:
    world = World()
    world.push(commit=COMMIT)
    image = world.store.head("digits").image
    assert image is not None
    assert things(Shell(world).type("lineage", image.digest, "--json"), "commit") == {COMMIT}


def test_a_tree_goes_down_from_its_subject_and_up_from_what_it_meets(shell: Shell, first: Run) -> None:
    told = shell.type("lineage", f"{OBJECT}?versionId=digits/digits.csv@1").out.splitlines()
    assert told[0].startswith(f"object {OBJECT}?versionId=digits/digits.csv@1 (put by AWS:ADA, from 192.0.2.7)")
    assert [line.lstrip("│├└─ ").partition(" (")[0] for line in told[1:]] == [
        f"gave dataset {first.dataset.version}",
        f"gave run {first.id}",
        f"gave model {model_of(first)[0]}",
        f"made from image {first.image.digest}",
        f"made from commit {COMMIT}",
    ]


def test_a_chart_names_each_thing_once_and_draws_each_link(shell: Shell, first: Run) -> None:
    lines = shell.type("lineage", first.id, "--format", "mermaid").out.splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(first.id in line and line.endswith('"]') for line in lines if "run " in line) == 1
    assert sum(" --> " in line for line in lines) == 5


def test_what_an_answer_does_not_hold_is_said(shell: Shell) -> None:
    for number in range(30):
        shell.world.drop(f"digits/{number:02}.csv", b"7\n")
    shell.world.grow_quiet()
    newest = max(shell.world.store.runs.values(), key=lambda run: run.requested_at)
    assert "There is more: 11 more objects are in" in shell.type("lineage", newest.id).said


@pytest.mark.parametrize("name", ["0" * 64, "0" * 40, "abcdef", "digits/nothing.csv", "s3://elsewhere/a"])
def test_what_nobody_has_on_record_ends_with_3(shell: Shell, name: str) -> None:
    answer = shell.type("lineage", name)
    assert (answer.code, answer.out) == (3, "")
    assert f"nothing on record is called {name}" in answer.said


def test_a_reproduction_says_what_it_repeats_and_a_metric_may_have_any_name(shell: Shell, first: Run) -> None:
    again = shell.type("reproduce", first.id, "--no-wait").out.strip()
    shell.world.dispatch()
    shell.world.finish(shell.world.run(again), JobEnd(metrics={"kind": Decimal(1), "status": Decimal(2)}))
    [told] = [each for each in shell.type("lineage", again, "--json").document["things"] if each["name"] == again]
    assert (told["reproduces"], told["status"], told["kind"]) == (first.id, "COMPLETED", "run")


def test_an_original_leads_to_each_run_that_repeats_it_and_from_there_back(shell: Shell, first: Run) -> None:
    again = [shell.type("reproduce", first.id, "--no-wait").out.strip() for _ in range(2)]
    answer = shell.type("lineage", first.id, "--json")
    assert things(answer, "run") == {first.id, *again}
    names = [each["name"] for each in answer.document["things"]]
    links = {(names[source], names[target]) for source, target in answer.document["links"]}
    assert {(first.id, each) for each in again} <= links
    tree = shell.type("lineage", first.id).out.splitlines()
    assert sum(line.lstrip("│├└─ ").startswith("repeated by run ") for line in tree) == 2
    told = [line.strip("│├└─ ") for line in shell.type("lineage", again[0]).out.splitlines()]
    assert f"repeats run {first.id}" in told
