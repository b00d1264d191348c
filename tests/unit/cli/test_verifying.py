from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dropforge.domain.artifact_layout import statement_name
from dropforge.domain.run import Run
from dropforge.domain.training_job import ModelArtifact
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.memory_signing import MemorySigner
from tests.fakes.signed_world import COMMIT, world_with_a_signed_run, world_with_an_ended_run
from tests.unit.cli.shell import Shell


class Desk:
    """A folder with a downloaded model, its statement and the stage's public key, and a shell that is out of reach."""

    def __init__(self, folder: Path, *, key: str = "stage.pem") -> None:
        self.world, self.run = world_with_a_signed_run()
        self.shell = Shell(self.world)
        self.key = folder / key
        self.key.write_text(self.shell.type("public-key").out)
        self.model = folder / "model.tar.gz"
        assert self.shell.type("download", self.run.id, "--to", str(self.model)).code == 0
        self.statement = Path(statement_name(str(self.model)))
        self.shell.out_of_reach = True

    def verify(self, *options: str) -> tuple[int, str]:
        answer = self.shell.type("verify", str(self.model), "--key", str(self.key), *options)
        return answer.code, answer.out + answer.said


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def model_of(run: Run) -> ModelArtifact:
    assert run.result is not None
    assert run.result.model is not None
    return run.result.model


def test_a_downloaded_model_is_verified_without_aws_by_the_public_key_alone(desk: Desk) -> None:
    code, said = desk.verify()
    assert code == 0
    assert said.startswith(f"This is the model of run {desk.run.id}, signed by dropforge-test.\n")
    assert COMMIT in said
    assert desk.run.dataset.version in said


def test_a_changed_byte_of_the_model_is_refused(desk: Desk) -> None:
    desk.model.write_bytes(desk.model.read_bytes()[:-1] + b"?")
    code, said = desk.verify()
    assert code == 1
    assert "the model was changed, or the statement is another model's" in said


def test_a_changed_statement_is_refused(desk: Desk) -> None:
    signed = desk.statement.read_bytes()
    desk.statement.write_bytes(signed.replace(b'"payload":"ey', b'"payload":"ew'))
    assert desk.statement.read_bytes() != signed
    code, said = desk.verify()
    assert code == 1
    assert "was changed after it was signed" in said


def test_another_models_statement_is_refused(desk: Desk) -> None:
    other, run = world_with_a_signed_run()
    assert run.result is not None
    model = replace(model_of(run), sha256="0" * 64)
    other.ports = replace(other.ports, signer=desk.world.signer)
    other.store.runs[run.id] = replace(run, signed=None, result=replace(run.result, model=model))
    other.sign()
    swapped = other.statements.beside(model.uri)
    assert swapped is not None
    desk.statement.write_bytes(swapped)
    assert "the statement is another model's" in desk.verify()[1]


def test_another_stages_key_is_refused(desk: Desk) -> None:
    desk.key.write_bytes(MemorySigner().public_key_pem())
    code, said = desk.verify()
    assert code == 1
    assert "it is another stage's, or somebody else's" in said


def test_a_signature_that_only_bears_the_keys_name_is_refused(desk: Desk) -> None:
    """The name of the key in an envelope is nobody's word."""
    mallory, ours = MemorySigner(), desk.world.signer
    envelope = desk.statement.read_bytes()
    world, run = world_with_an_ended_run(), desk.run
    world.ports = replace(world.ports, signer=mallory)
    world.sign()
    forged = world.statements.beside(model_of(run).uri)
    assert forged is not None
    desk.statement.write_bytes(forged.replace(mallory.sign(b"").key_id.encode(), ours.sign(b"").key_id.encode()))
    assert desk.statement.read_bytes() != envelope
    assert "was changed after it was signed" in desk.verify()[1]


def test_the_statement_of_another_run_that_gave_the_same_bytes_is_refused_where_a_run_is_named(desk: Desk) -> None:
    assert desk.verify("--run", desk.run.id[:8])[0] == 0
    code, said = desk.verify("--run", "beef" * 5)
    assert code == 1
    assert f"the statement is that of run {desk.run.id}, and not of {'beef' * 5}" in said


def test_without_a_key_or_a_statement_it_says_how_to_get_one(desk: Desk) -> None:
    answer = desk.shell.type("verify", str(desk.model))
    assert (answer.code, "dropforge public-key > stage.pem" in answer.said) == (2, True)
    desk.statement.unlink()
    code, said = desk.verify()
    assert (code, "`dropforge download` brings it along" in said) == (3, True)


def test_what_is_no_public_key_is_refused_in_words(desk: Desk) -> None:
    desk.key.write_text("hello")
    assert "That is no public key in PEM" in desk.verify()[1]


@pytest.fixture
def shell() -> Shell:
    return Shell(world_with_a_signed_run()[0])


def test_a_run_is_verified_against_its_record(shell: Shell) -> None:
    run = shell.world.only_run()
    answer = shell.type("verify", run.id[:6])
    assert (answer.code, run.id in answer.out) == (0, True)


def test_a_model_is_verified_where_it_lies(shell: Shell) -> None:
    assert shell.type("verify", model_of(shell.world.only_run()).uri).code == 0


def test_a_model_whose_bytes_were_exchanged_in_the_bucket_is_refused(shell: Shell) -> None:
    run = shell.world.only_run()
    key = model_of(run).uri.removeprefix(f"s3://{shell.world.bucket.artifacts_name}/")
    shell.world.bucket.artifacts[key] = b"better model"
    for target in (run.id, model_of(run).uri):
        assert "the model was changed" in shell.type("verify", target).said


def test_a_record_that_says_something_else_than_was_signed_is_refused(shell: Shell) -> None:
    run = shell.world.only_run()
    shell.world.store.runs[run.id] = replace(run, image=replace(run.image, commit="0" * 40))
    answer = shell.type("verify", run.id)
    assert answer.code == 1
    assert f"another commit ({'0' * 40}) than was signed ({COMMIT})" in answer.said


def test_a_statement_that_was_copied_beside_another_model_is_refused(shell: Shell) -> None:
    model = model_of(shell.world.only_run())
    elsewhere = model.uri.replace("/runs/", "/runs/else/")
    name, content = model.uri.removeprefix(f"s3://{shell.world.bucket.artifacts_name}/"), shell.world.bucket.artifacts
    content[name.replace("runs/", "runs/else/")] = content[name]
    envelope = shell.world.statements.beside(model.uri)
    assert envelope is not None
    shell.world.statements.put(statement_name(elsewhere), envelope)
    assert f"is about {model.uri}, and not about {elsewhere}" in shell.type("verify", elsewhere).said


def test_a_run_that_is_not_signed_yet_says_so() -> None:
    shell = Shell(world_with_an_ended_run())
    answer = shell.type("verify", shell.world.only_run().id)
    assert (answer.code, "is about to be signed" in answer.said) == (3, True)


def test_a_file_that_is_not_there_is_not_taken_for_a_run(shell: Shell) -> None:
    answer = shell.type("verify", "models/digits.tar.gz")
    assert (answer.code, "There is no file models/digits.tar.gz here" in answer.said) == (3, True)


def test_the_audit_of_a_run_and_of_all_holds(shell: Shell) -> None:
    run = shell.world.only_run()
    assert shell.type("audit", "verify", run.id).out == (
        f"{run.id[:12]}  holds: {run.trail.sequence} entries, signed up to entry {run.trail.sequence - 2}\n"
    )
    [verdict] = shell.type("audit", "verify", "--all", "--json").document
    assert (verdict["run"], verdict["faults"]) == (run.id, [])


def test_an_audit_that_finds_something_says_what_and_fails(shell: Shell) -> None:
    run = shell.world.only_run()
    entry = shell.world.store.trails[run.id, 2]
    shell.world.store.trails[run.id, 2] = replace(entry, body="{}")
    answer = shell.type("audit", "verify", "--all")
    assert answer.code == 1
    assert "DOES NOT HOLD" in answer.out
    assert "does not follow entry 2" in answer.out
    assert "1 of 1 do not hold" in answer.said


def test_an_audit_of_nothing_in_particular_is_asked_back(shell: Shell) -> None:
    assert shell.type("audit", "verify").code == 2
    assert shell.type("audit", "verify", "abcd", "--all").code == 2


def test_a_failed_runs_story_says_that_it_was_signed() -> None:
    world = world_with_an_ended_run(JobEnd(model=None))
    world.sign()
    answer = Shell(world).type("show", world.only_run().id)
    assert "signed: its trail, up to entry 4" in answer.out
