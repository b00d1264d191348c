"""The main job: a push and a drop become one trained, recorded, announced model."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from dropforge.domain.run import RequesterKind
from tests.journey import claims
from tests.journey.claims import Dropped
from tests.local.story import CHANGED, KEY, PROJECT, Story
from tests.local.trial import ADA, GRACE, OPS, POINTS, Trial

pytestmark = pytest.mark.local


def test_a_pushed_image_waits_for_data_and_the_project_says_so(story: Story) -> None:
    pushed = story.pushed()

    assert pushed["standing"]["waits_for"] == "data"
    assert pushed["standing"]["head"]["image"]["commit"] == pushed["commit"]
    assert pushed["runs"] == []


def test_an_image_is_recorded_by_the_digest_that_the_registry_gives_it(trial: Trial, story: Story) -> None:
    run = story.first_run()

    claims.image_is_the_registrys(trial, run)
    claims.execution_is_the_pipelines(trial, run)
    assert run.image.commit == story.pushed()["commit"]
    assert run.image.branch == "main"
    assert run.image.claimed_author == "Ada Lovelace <ada@example.com>"
    assert run.image.message == "Fit a line"


def test_a_drop_is_sealed_and_pinned_by_version_and_hash(trial: Trial, story: Story) -> None:
    run = story.first_run()

    claims.data_is_pinned(trial, run, {KEY: Dropped(story.told("first")["version"], POINTS)})
    assert run.requester.kind is RequesterKind.DROP


def test_the_program_of_the_image_really_trains_on_the_data(trial: Trial, story: Story) -> None:
    run = story.first_run()

    claims.job_is_as_recorded(trial, run)
    claims.line_is_fitted(claims.model_is_the_recorded_one(trial, run), slope=1.98)


def test_a_run_is_recorded_whole(trial: Trial, story: Story) -> None:
    run = story.first_run()

    claims.run_is_recorded_whole(trial, run, {KEY: Dropped(story.told("first")["version"], POINTS)})
    assert run.result is not None
    assert run.result.cost_usd == Decimal("0.01") * (run.result.billable_seconds or 0)
    assert str(run.result.where).startswith("local AWS us-east-1, in ")  # and then the rung that ran it


def test_a_completed_run_is_mailed_to_who_wants_to_know_and_to_nobody_else(trial: Trial, story: Story) -> None:
    run = story.first_run()
    mail = trial.mail(ADA, run.id)

    assert mail.startswith("[dropforge] reuse completed: error ")
    assert run.image.commit[:12] in mail
    assert run.dataset.version in mail
    assert f"dropforge show {run.id}" in mail
    assert trial.mails(GRACE, run.id) == []  # she asked for failures
    assert trial.mails(OPS, run.id) == []  # they are told of what went wrong


def test_another_file_under_the_same_key_trains_the_same_image_on_another_data_version(
    trial: Trial, story: Story
) -> None:
    first, second = story.first_run(), story.other_data()

    assert second.image.digest == first.image.digest
    assert second.dataset.version != first.dataset.version
    claims.data_is_pinned(trial, second, {KEY: Dropped(story.told("data")["version"], CHANGED)})
    claims.data_is_pinned(trial, first, {KEY: Dropped(story.told("first")["version"], POINTS)})


def test_a_changed_hyperparameter_trains_another_commit_on_the_same_data(story: Story) -> None:
    second, third = story.other_data(), story.other_code()

    assert third.dataset.version == second.dataset.version
    assert third.image.commit == story.told("code")["commit"] != second.image.commit
    assert (second.spec.hyperparameters["epochs"], third.spec.hyperparameters["epochs"]) == ("200", "300")
    assert third.requester.kind is RequesterKind.PUSH
    assert third.id != second.id


def test_an_event_that_comes_again_starts_nothing_more(trial: Trial, story: Story) -> None:
    story.other_code()
    bucket = trial.deployment.training_bucket
    version = story.told("data")["version"]
    drop = trial.ports.store.drop(bucket, KEY, version)
    assert drop is not None
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
        "eventTime": drop.at.isoformat(), "userIdentity": {"principalId": drop.principal},
        "requestParameters": {"sourceIPAddress": drop.address},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": {
            "key": KEY, "size": drop.size, "versionId": version, "sequencer": drop.sequencer}},
    }  # fmt: skip
    before = asked_for_by_drops(trial)

    for _ in range(2):
        trial.send("ingest", json.dumps({"Records": [record]}))

    trial.quiet(PROJECT)
    assert asked_for_by_drops(trial) == before


def asked_for_by_drops(trial: Trial) -> set[str]:
    return {run.id for run in trial.runs(PROJECT) if run.requester.kind is RequesterKind.DROP}
