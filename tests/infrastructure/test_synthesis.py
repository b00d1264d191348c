from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import ROOT
from dropforge.settings import FUNCTIONS
from tests.infrastructure.synthesis import Synthesis, context, read

STACKS = ("foundation", "observability", "training")


def test_one_worker_of_a_session_makes_all_syntheses(request: pytest.FixtureRequest) -> None:
    grouped = getattr(request.config.option, "loadgroup", False)
    assert not grouped or request.node.nodeid.endswith("@infrastructure")


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_a_stage_is_synthesized_from_nothing_but_its_configuration(
    synthesis_of: Callable[[str], Synthesis], stage: str
) -> None:
    synthesis = synthesis_of(stage)
    projects = [name for name in synthesis.templates if name.startswith(f"dropforge-{stage}-project-")]
    assert projects
    assert set(synthesis.templates) == {f"dropforge-{stage}-{stack}" for stack in STACKS} | set(projects)


@pytest.fixture(scope="module")
def from_the_command_line(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """As the CDK's command line runs the app, template validation included: no AWS settings, elsewhere, as nobody."""
    folder = tmp_path_factory.mktemp("app")
    done = _run_app("prod", folder)
    assert done.returncode == 0, done.stderr
    return read(folder)


def test_the_same_tree_gives_the_same_templates_whoever_synthesizes_and_where(
    from_the_command_line: Synthesis, prod: Synthesis
) -> None:
    assert from_the_command_line.templates == prod.templates


def test_every_resource_that_can_be_tagged_says_to_which_deployment_it_belongs(prod: Synthesis) -> None:
    for kind in (
        "AWS::S3::Bucket",
        "AWS::DynamoDB::Table",
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
        "AWS::SQS::Queue",
    ):
        for resource in prod.resources(kind):
            assert {"Key": "dropforge:deployment", "Value": "dropforge-prod"} in resource.properties["Tags"]


def test_no_helper_function_and_no_custom_resource_slips_in_but_our_own_for_the_public_key(local: Synthesis) -> None:
    types = [resource.type for resource in local.resources()]
    assert [kind for kind in types if kind.startswith("Custom::") or "CustomResource" in kind] == [
        "Custom::SigningPublicKey"
    ]
    assert len(local.resources("AWS::Lambda::Function")) == len(FUNCTIONS)


def test_cfn_lint_finds_nothing(telling: Synthesis) -> None:
    templates = [str(telling.folder / f"{name}.template.json") for name in telling.templates]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), *templates],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def test_cdk_nag_finds_nothing_that_is_not_acknowledged_with_a_reason(telling: Synthesis, tmp_path: Path) -> None:
    from tests.infrastructure import constructs  # noqa: PLC0415  (it brings the CDK)

    report = constructs.nag(telling.folder.parent / "local.yaml", tmp_path)
    assert report["pluginName"] == "AwsSolutions"
    assert report["conclusion"] == "success"


def test_an_unknown_stage_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = _run_app("nowhere", tmp_path)
    assert done.returncode == 1
    assert "config/nowhere.yaml: name one of dev, local, prod" in done.stderr
    assert "Traceback" not in done.stderr


def _run_app(stage: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": os.defpath, "CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": json.dumps(context(stage=stage))},
    )  # fmt: skip
