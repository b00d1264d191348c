"""Builds as a user of CodeBuild's API sees them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.codebuild_yard import Yard, failure, phases, queue_of_events
from tests.localaws.containers_workshop import write_index
from tests.localaws.local_server import LocalServer, eventually, run_command, start


@pytest.fixture
def yard(local_aws: LocalServer) -> Yard:
    return Yard(local_aws)


def test_commands_run_in_order_and_hand_on_their_variables_and_where_they_are(yard: Yard) -> None:
    project = yard.project("""
        version: 0.2
        env: {exported-variables: [TAG, NEVER_SET], variables: {GREETING: hello}}
        phases:
          pre_build:
            commands:
              - export TAG="a b"; PLAIN=kept; mkdir deep; cd deep
          build:
            commands:
              - |
                if true; then
                  echo "$GREETING $TAG ${PLAIN:-gone} $(basename "$PWD")"
                fi
              - echo "$CODEBUILD_BUILD_NUMBER $CODEBUILD_INITIATOR $AWS_REGION ${PYTHONPATH:-none}"
    """)
    build = yard.run(project)
    assert build["buildStatus"] == "SUCCEEDED"
    assert yard.output(build) == ["hello a b kept deep", "1 root us-east-1 none"]
    assert build["exportedEnvironmentVariables"] == [{"name": "TAG", "value": "a b"}]
    assert list(phases(build)) == [
        "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD",
        "UPLOAD_ARTIFACTS", "FINALIZING", "COMPLETED",
    ]  # fmt: skip


def test_what_a_build_makes_with_mktemp_lies_in_its_own_folder_and_goes_with_it(yard: Yard) -> None:
    spec = 'version: 0.2\nphases: {build: {commands: [\'made=$(mktemp -d) && touch "$made/file" && echo "$made"\']}}\n'
    build = yard.run(yard.project(spec))
    [made] = map(Path, yard.output(build))
    assert yard.server.home.builds.resolve() / build["id"].replace(":", "-") in made.parents
    eventually(lambda: not made.exists(), "the end of what the build made")


def test_what_a_build_installs_with_pip_is_there_and_is_gone_with_the_build(yard: Yard, tmp_path: Path) -> None:
    index = write_index(tmp_path)
    install = f"pip install --quiet --disable-pip-version-check --index-url {index} answer"

    def said(*commands: str) -> list[str]:
        spec = {"version": 0.2, "phases": {"build": {"commands": commands}}}
        return yard.output(yard.run(yard.project(json.dumps(spec, indent=1))))

    assert said(install, "answer", "python3 -c 'import answer; print(answer.VALUE)'") == ["42", "42"]
    assert said("python3 -c 'import answer' 2>/dev/null || echo none") == ["none"]


def test_a_command_that_fails_ends_its_phase_and_says_so_as_aws_does(yard: Yard) -> None:
    project = yard.project("""
        version: 0.2
        phases:
          build:
            commands: [echo before, exit 3, echo never]
            finally: [echo finally]
          post_build:
            commands: ['echo "succeeding=$CODEBUILD_BUILD_SUCCEEDING"']
    """)
    build = yard.run(project)
    assert build["buildStatus"] == "FAILED"
    assert failure(build) == (
        "COMMAND_EXECUTION_ERROR", "Error while executing command: exit 3. Reason: exit status 3",
    )  # fmt: skip
    assert yard.output(build) == ["before", "finally", "succeeding=0"]
    assert "UPLOAD_ARTIFACTS" not in phases(build)


@pytest.mark.parametrize(
    ("phase", "on_failure", "ran"),
    [("install", "", []), ("pre_build", "", []), ("build", "ABORT", []), ("install", "CONTINUE", ["post"])],
)
def test_what_a_failure_skips(phase: str, on_failure: str, ran: list[str], yard: Yard) -> None:
    rule = f"\n            on-failure: {on_failure}" if on_failure else ""
    project = yard.project(f"""
        version: 0.2
        phases:
          {phase}:{rule}
            commands: ["false"]
          post_build:
            commands: [echo post]
    """)
    build = yard.run(project)
    assert build["buildStatus"] == "FAILED"
    assert yard.output(build) == ran


def test_a_build_has_the_rights_of_its_role_and_no_others(yard: Yard) -> None:
    spec = """
        version: 0.2
        phases:
          build:
            commands:
              - aws sts get-caller-identity --query Arn --output text
              - aws s3api put-object --bucket $BUCKET --key mine/a --query none
              - aws s3api put-object --bucket $BUCKET --key other/a
    """
    variables = [{"name": "BUCKET", "value": yard.name}]
    project = yard.project(spec, yard.may("s3:PutObject", resource=f"arn:aws:s3:::{yard.name}/mine/*"))
    build = yard.run(project, environmentVariablesOverride=variables)
    assert build["buildStatus"] == "FAILED"
    lines = yard.output(build)
    assert f":assumed-role/{project}/" in lines[0]
    assert "AccessDenied" in "".join(lines)
    listed = yard.server.client("s3").list_objects_v2(Bucket=yard.name)
    assert [item["Key"] for item in listed["Contents"]] == ["mine/a"]


def test_source_and_artifacts_go_through_s3_as_the_role(yard: Yard) -> None:
    source = yard.put_source(
        "source.zip",
        buildspec__yml="""
            version: 0.2
            phases: {build: {commands: [mkdir -p out/deep, cp given.txt out/deep/, touch out/skip.log]}}
            artifacts: {files: ['**/*'], base-directory: out, exclude-paths: ['*.log']}
        """,
        given__txt="from the source",
    )
    objects = yard.may("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::{yard.name}/*")
    artifacts = {"type": "S3", "location": yard.name, "path": "built", "name": "result", "packaging": "ZIP",
                 "encryptionDisabled": True}  # fmt: skip
    build = yard.run(yard.project("", objects, source=source, artifacts=artifacts))
    assert build["buildStatus"] == "SUCCEEDED"
    body = yard.server.client("s3").get_object(Bucket=yard.name, Key="built/result.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"deep/given.txt": b"from the source"}
    refused = yard.run(yard.project("", source=source, artifacts=artifacts))
    assert failure(refused)[0] == "CLIENT_ERROR"
    assert phases(refused)["DOWNLOAD_SOURCE"] == "FAILED"


def test_an_artifact_that_was_not_made_fails_the_build(yard: Yard) -> None:
    artifacts = {"type": "S3", "location": yard.name, "name": "result"}
    project = yard.project("""
        version: 0.2
        phases: {build: {commands: ["true"]}}
        artifacts: {files: [image.json]}
    """, artifacts=artifacts)  # fmt: skip
    build = yard.run(project)
    assert (build["buildStatus"], phases(build)["UPLOAD_ARTIFACTS"]) == ("FAILED", "FAILED")
    assert "no matching artifact paths found for image.json" in failure(build)[1]


def test_secrets_reach_the_build_and_never_its_log(yard: Yard) -> None:
    yard.server.client("ssm").put_parameter(Name=f"/{yard.name}/token", Value="p4ssw0rd!", Type="SecureString")
    project = yard.project(
        f"""
        version: 0.2
        env: {{parameter-store: {{TOKEN: /{yard.name}/token}}}}
        phases: {{build: {{commands: ['echo "length ${{#TOKEN}}, value $TOKEN"', 'echo "$AWS_SECRET_ACCESS_KEY"']}}}}
        """,
        yard.may("ssm:GetParameters", "ssm:GetParameter"),
    )
    assert yard.output(yard.run(project)) == ["length 9, value ***", "***"]


def test_a_role_that_may_not_read_a_parameter_fails_the_build_before_it_starts(yard: Yard) -> None:
    project = yard.project("""
        version: 0.2
        env: {parameter-store: {TOKEN: /no/token}}
        phases: {build: {commands: [echo never]}}
    """)
    build = yard.run(project)
    assert failure(build)[0] == "PARAMETER_STORE_ERROR"
    assert yard.output(build) == []


def test_a_role_that_may_not_write_logs_fails_the_build(yard: Yard) -> None:
    build = yard.run(yard.project("version: 0.2\nphases: {build: {commands: [a]}}\n", log=False))
    assert (build["buildStatus"], failure(build)[0]) == ("FAILED", "ACCESS_DENIED")
    assert "does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams" in failure(build)[1]


def test_a_buildspec_that_cannot_be_honoured_fails_the_build_with_the_reason(yard: Yard) -> None:
    build = yard.run(yard.project("version: 0.2\nphases: {build: {commands: [a], retry: 2}}\n"))
    assert failure(build)[0] == "YAML_FILE_ERROR"
    assert "phases/build has retry" in failure(build)[1]


def test_a_stopped_build_ends_with_all_that_it_started(yard: Yard, tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    project = yard.project(f"""
        version: 0.2
        phases: {{build: {{commands: ['while true; do date +%N > {beat}; sleep 0.05; done']}}}}
    """)
    build = yard.codebuild.start_build(projectName=project)["build"]["id"]
    eventually(lambda: beat.exists() and beat.read_text(), "the command runs")
    stopped = yard.codebuild.stop_build(id=build)["build"]
    assert (stopped["buildStatus"], phases(stopped)["BUILD"]) == ("STOPPED", "STOPPED")
    before = beat.read_text()
    time.sleep(0.3)
    assert beat.read_text() == before
    assert not list(yard.server.home.builds.glob(f"{project}-*"))


def test_a_project_s_cache_is_there_in_its_next_build_and_in_no_other_project_s(yard: Yard) -> None:
    spec = """
        version: 0.2
        phases:
          build:
            commands:
              - ls "$HOME/.cache/tool" 2>/dev/null || echo empty
              - mkdir -p ~/.cache/tool; touch ~/.cache/tool/kept
        cache: {paths: ['/root/.cache/tool/**/*']}
    """
    cache = {"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]}
    project, other, without = (yard.project(spec, cache=kind) for kind in (cache, cache, {"type": "NO_CACHE"}))
    seen = [yard.output(yard.run(name)) for name in (project, project, other, without, without)]
    assert seen == [[], ["kept"], [], ["empty"], ["empty"]]


def test_state_changes_are_published(yard: Yard) -> None:
    queue = queue_of_events(yard.server, f"{yard.name}-events")
    project = yard.project("version: 0.2\nphases: {build: {commands: ['false']}}\n")
    build = yard.run(project)
    seen = list[tuple[str, str]]()

    def arrived() -> bool:
        sqs = yard.server.client("sqs")
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            if event["detail"]["project-name"] == project:
                assert event["detail-type"] == "CodeBuild Build State Change"
                assert event["resources"] == [build["arn"]]
                seen.append((event["detail"]["build-status"], event["detail"]["build-id"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) == 2

    eventually(arrived, "both events")
    assert sorted(seen) == [("FAILED", build["arn"]), ("IN_PROGRESS", build["arn"])]


def test_a_project_that_could_not_be_honoured_is_refused(yard: Yard) -> None:
    spec = "version: 0.2\nphases: {build: {commands: [a]}}\n"
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"source": {"type": "GITHUB", "location": "https://github.com/a/b"}}, "GITHUB is not offered"),
        ({"source": {"type": "NO_SOURCE"}}, "buildspec must be inline"),
        ({"artifacts": {"type": "CODEPIPELINE"}}, "both must be"),
    )
    for settings, why in refused:
        with pytest.raises(ClientError, match=why):
            yard.project(spec, **settings)


def test_projects_are_updated_listed_and_deleted(yard: Yard) -> None:
    project = yard.project("version: 0.2\nphases: {build: {commands: [a]}}\n")
    changed = yard.codebuild.update_project(name=project, timeoutInMinutes=30)["project"]
    assert (changed["timeoutInMinutes"], changed["name"]) == (30, project)
    assert project in yard.codebuild.list_projects()["projects"]
    yard.codebuild.delete_project(name=project)
    assert yard.codebuild.batch_get_projects(names=[project]) | {"ResponseMetadata": 0} == {
        "projects": [], "projectsNotFound": [project], "ResponseMetadata": 0,
    }  # fmt: skip
    with pytest.raises(ClientError, match="Project cannot be found"):
        yard.codebuild.start_build(projectName=project)


def test_a_build_that_a_stopped_server_left_behind_never_shows_success(tmp_path: Path) -> None:
    server = start(tmp_path / "home")
    try:
        yard = Yard(server)
        project = yard.project("version: 0.2\nphases: {build: {commands: [sleep 60]}}\n")
        build = yard.codebuild.start_build(projectName=project)["build"]["id"]
        time.sleep(0.5)
        run_command("down", "--home", str(tmp_path / "home"))
        again = start(tmp_path / "home")
        found = again.client("codebuild").batch_get_builds(ids=[build])["builds"][0]
        assert found["buildStatus"] in {"STOPPED", "FAULT"}
        assert found["buildComplete"] is True
        assert again.client("codebuild").list_projects()["projects"] == [project]
    finally:
        run_command("down", "--home", str(tmp_path / "home"))
