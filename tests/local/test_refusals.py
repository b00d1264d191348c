"""Bad input gets a sentence that says what to do, where ops look, and is kept."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from demo.local_aws import LocalAws
from demo.workbench import CommandFailedError, Workbench
from dropforge.domain.announcement import Outcome
from tests.local.trial import GRACE, OPS, POINTS, Trial

pytestmark = pytest.mark.local


def test_an_object_outside_every_prefix_is_noticed_and_kept(trial: Trial) -> None:
    version = trial.put("elsewhere/points.csv", POINTS)
    notice = trial.notice(lambda each: each.sentence.startswith("elsewhere/points.csv "), "the object")

    assert notice.kind is Outcome.REFUSED
    assert notice.project is None
    assert "lies outside every project's data prefix" in notice.sentence
    assert any(version in line for line in notice.details)
    assert "move it below one of these" in trial.mail(OPS, "elsewhere/points.csv")
    kept = trial.aws.s3.get_object(Bucket=trial.deployment.training_bucket, Key="elsewhere/points.csv")
    assert kept["Body"].read() == POINTS


def test_an_empty_object_is_noticed_and_kept_and_trains_nothing(trial: Trial) -> None:
    version = trial.drop("refused", b"")
    notice = trial.notice(lambda each: "refused/training/points.csv is empty" in each.sentence, "the empty object")

    assert (notice.kind, notice.project) == (Outcome.REFUSED, "refused")
    assert "was not trained on: refused/training/points.csv is empty: upload it again" in notice.sentence
    assert trial.head("refused").data is None
    kept = trial.aws.s3.head_object(Bucket=trial.deployment.training_bucket, Key="refused/training/points.csv")
    assert kept["VersionId"] == version


def test_what_a_build_cannot_do_is_noticed_in_the_builds_own_words(trial: Trial) -> None:
    copy = trial.clone("broken")
    copy.change("dropforge.yaml", "hyperparameters:", "hyperparametres:")
    misspelt = copy.push("Misspell")
    assert trial.built("broken", misspelt)["status"] == "Failed"
    copy.change("dropforge.yaml", "hyperparametres:", "hyperparameters:")
    copy.change("Dockerfile", "COPY", "RUN apt-get update && apt-get install -y gcc\nCOPY")
    assert trial.built("broken", copy.push("Install a compiler"))["status"] == "Failed"

    said = trial.notice(lambda each: "hyperparametres" in each.sentence, "the unknown field")
    assert (said.kind, said.project) == (Outcome.BUILD_FAILED, "broken")
    assert "dropforge.yaml:" in said.sentence
    assert "hyperparameters" in said.sentence
    unable = trial.notice(lambda each: "apt-get" in each.sentence, "the instruction")
    assert unable.kind is Outcome.BUILD_FAILED
    assert "Docker" in unable.sentence
    assert "AWS" in unable.sentence
    for notice in (said, unable):
        execution = notice.evidence["execution"]
        assert "mend the cause and push" in trial.mail(GRACE, execution)
        assert execution in {each["evidence"].get("execution") for each in shown(trial)}
    assert trial.head("broken").image is None


def shown(trial: Trial) -> list[dict[str, dict[str, str]]]:
    listed: list[dict[str, dict[str, str]]] = trial.dropforge("notices", "--limit", "100", "--json").document
    return listed


def test_a_connection_that_nobody_accepted_is_noticed_with_its_name(trial: Trial) -> None:
    """Every pipeline that is made runs once, and this stage's were made before its connection was accepted."""
    connection = trial.deployment.connection_arn
    notice = trial.notice(lambda each: connection in each.sentence and each.project == "journey", "the connection")

    assert notice.kind is Outcome.BUILD_FAILED
    assert "PENDING" in notice.sentence
    assert "complete its handshake" in notice.sentence


def test_a_mistake_in_the_config_is_said_at_synthesis_with_its_line_and_remedy(tmp_path: Path) -> None:
    """Through the CDK's command line; each mistake that there can be is in tests/unit/documents."""
    config = tmp_path / "stage.yaml"
    config.write_text("stage: trial\nregion: us-east-1\nprojects:\n  one: { repository: a/b, brnch: main }\n")
    bench = Workbench("trial", {}, tmp_path / "commands.log")

    with pytest.raises(CommandFailedError):
        bench.cdk("synth", "--quiet", "-c", f"config={config}")

    [line] = [line for line in bench.log.read_text().splitlines() if "stage.yaml:4: " in line]
    assert ";" in line  # what is wrong; what to do
    assert "Traceback" not in bench.log.read_text()


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandFailedError, match=rf"{port}.*(in use|taken)"):
            LocalAws(tmp_path / "home", port).start()
