"""Other systems hear of runs on the local AWS: through the queue, with tokens that Secrets Manager keeps."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.domain.commit_status import commit_status
from dropforge.domain.run import Run
from dropforge.workflow.completed_before import completed_before
from tests.fakes.lineage_reader import read_lineage
from tests.local.outside import OutsideProcess
from tests.local.story import PROJECT, Story
from tests.local.test_permissions import as_function
from tests.local.trial import Trial

pytestmark = pytest.mark.local


def test_a_run_is_told_to_a_backend_of_openlineage_and_is_the_status_of_its_commit(trial: Trial, story: Story) -> None:
    run = story.other_data()
    outside = OutsideProcess(trial.scratch)
    start, complete = trial.eventually(
        lambda: both_ends(outside, run), f"the lineage of run {run.id}", trial.patience.run
    )
    assert start["run"]["runId"] == complete["run"]["runId"]
    [data], [model] = complete["inputs"], complete["outputs"]
    assert (data["namespace"], data["name"]) == (f"s3://{trial.deployment.training_bucket}", PROJECT)
    assert data["facets"]["version"]["datasetVersion"] == run.dataset.version
    assert run.result is not None
    assert run.result.model is not None
    assert f"{model['namespace']}/{model['name']}" == run.result.model.uri
    assert model["facets"]["version"]["datasetVersion"] == run.result.model.version_id

    status = commit_status("dropforge-trial", run, completed_before(trial.ports, run))
    assert "error " in status.description
    assert status.description.endswith(" USD")
    expected = {
        "repository": f"example/{PROJECT}",
        "sha": run.image.commit,
        "state": "success",
        "context": f"dropforge-trial/{PROJECT}",
        "description": status.description,
    }
    trial.eventually(lambda: expected in outside.taken() or None, f"the status of run {run.id}", trial.patience.run)


def both_ends(outside: OutsideProcess, run: Run) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """START and COMPLETE of the run, each as OpenLineage's own client reads it."""
    events = [event for event in outside.taken() if "eventType" in event and run.id in run_tag(event)]
    for event in events:
        read_lineage(event)
    of_kind = {event["eventType"]: event for event in events}
    return (of_kind["START"], of_kind["COMPLETE"]) if {"START", "COMPLETE"} <= of_kind.keys() else None


def run_tag(event: dict[str, Any]) -> list[str]:
    return [tag["value"] for tag in event["run"]["facets"]["tags"]["tags"] if tag["key"] == "run"]


def test_a_token_is_read_by_the_one_function_that_uses_it_and_no_other_secret_by_that(trial: Trial) -> None:
    name = "trial/of-somebody-else"
    trial.session.client("secretsmanager").create_secret(Name=name, SecretString="theirs")
    teller, dispatcher = (as_function(trial, module, "secretsmanager") for module in ("deliver_state", "dispatch_runs"))
    assert teller.get_secret_value(SecretId="trial/github")["SecretString"]
    for secrets, secret in ((teller, name), (dispatcher, "trial/github")):
        with pytest.raises(ClientError, match="AccessDenied"):
            secrets.get_secret_value(SecretId=secret)
