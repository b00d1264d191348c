from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import boto3
import pytest

from dropforge.documents.checking import check
from dropforge.documents.fields import REGIONS
from dropforge.documents.problems import DocumentError
from dropforge.documents.source import parse
from dropforge.documents.stage_config import StageConfig
from dropforge.domain.announcement import Outcome
from dropforge.domain.project import GuardRails, OnData, Project, Subscription
from dropforge.domain.sinks import GitHubStatusSink, OpenLineageSink, Sinks
from tests.unit.docs.pages import anchors

SMALLEST = "stage: dev\nregion: eu-west-1\nprojects:\n  digits:\n    repository: example/digits\n"

CONNECTION = "arn:aws:codeconnections:us-east-1:210987654321:connection/0f6d7c1e"


def config(text: str) -> StageConfig:
    return check(parse(text.encode(), "dev.yaml"), StageConfig)


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentError) as refused:
        config(text)
    return str(refused.value).splitlines()


def test_stage_region_and_repository_are_enough_and_the_rest_is_safe() -> None:
    found = config(SMALLEST)
    (digits,) = found.projects()
    assert (found.removal, found.account, found.connection) == ("retain", None, None)
    assert digits.data_prefix == "digits/"
    assert digits.guard_rails == GuardRails()
    assert digits.base_images == ()


def test_a_project_is_as_its_lines_say() -> None:
    found = config(
        SMALLEST
        + "    on_data: rebuild\n    data_prefix: some/where/\n    seal: {quiet_seconds: 5}\n"
        + "    guard_rails: {instance_types: [ml.c5.*], runs_per_day: 3}\n"
        + "    notify: [{mail: ada@example.com, on: [failed, held]}, {mail: bob@example.com}]\n"
    )
    (digits,) = found.projects()
    assert digits.on_data is OnData.REBUILD
    assert digits.data_prefix == "some/where/"
    assert digits.seal.quiet_seconds == 5
    assert digits.guard_rails == GuardRails(instance_types=("ml.c5.*",), runs_per_day=3)
    assert digits.notify == (
        Subscription("ada@example.com", (Outcome.FAILED, Outcome.HELD)),
        Subscription("bob@example.com"),
    )


def test_projects_survive_the_document_in_which_the_stacks_hand_them_on() -> None:
    (digits,) = config(SMALLEST).projects()
    assert Project.from_document(digits.to_document()) == digits


def test_prices_are_exact() -> None:
    assert config("prices: {ml.m5.large: 0.115}\n" + SMALLEST).prices == {"ml.m5.large": Decimal("0.115")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("region: eu-west-1", "dev.yaml:1: `stage` is missing; add `stage: dev`"),
        (SMALLEST + "acount: '1'\n", "dev.yaml:6: `acount` is not a field of this document; did you mean `account`?"),
        (SMALLEST + "account: 12\n", "dev.yaml:6: `account` must be text, not 12; put it in quotes"),
        (
            SMALLEST + "    brunch: x\n",
            "dev.yaml:6: `brunch` is not a field of `projects.digits`; did you mean `branch`?",
        ),
        (
            SMALLEST + "  digits:\n    repository: a/b\n",
            "dev.yaml:6: `digits` is here a second time (first in line 4);",
        ),
        (
            SMALLEST + "  other:\n    repository: a/b\n    data_prefix: digits/new/\n",
            "dev.yaml:8: the data prefix digits/new/ of other overlaps digits/ of digits; give each",
        ),
        *(
            (
                SMALLEST + f"    data_prefix: 'a{each}/'\n",
                f'dev.yaml:6: "a{each}/" is not a data prefix; write a folder',
            )
            for each in "*?$"
        ),
        (SMALLEST + "    data_prefix: digits\n", 'dev.yaml:6: "digits" is not a data prefix; write a folder'),
        (
            SMALLEST + "    seal: {mode: loud}\n",
            "dev.yaml:6: `projects.digits.seal.mode` must be 'quiet', 'marker' or 'object'",
        ),
        (
            SMALLEST + "    seal: {mode: object}\n    on_data: rebuild\n",
            "dev.yaml:7: digits would build an image for each object",
        ),
        (
            SMALLEST + "    pin: {mode: verify}\nretention: {old_versions_days: 30}\n",
            "dev.yaml:7: what the runs of digits read would expire 30 days after it is replaced",
        ),
        (
            SMALLEST + "removal: destroy\naudit: {lock_days: 365}\n",
            "dev.yaml:7: what is locked cannot be removed with the stage (`audit.lock_days` with `removal: destroy`);",
        ),
        (SMALLEST + "audit: {lock_days: 36501}\n", "dev.yaml:6: `audit.lock_days` must be at most 36500, not 36501;"),
        (SMALLEST + "ops: {mail: [ada@example]}\n", 'dev.yaml:6: "ada@example" is not a mail address;'),
        (
            SMALLEST.replace("example/digits", "https://github.com/a/b"),
            'dev.yaml:5: "https://github.com/a/b" is not a GitHub',
        ),
        (
            SMALLEST.replace("dev", "astageoflength123"),
            "dev.yaml:1: a stage's name has at most 12 characters and this has 17;",
        ),
        (
            SMALLEST.replace("dev", "prod-eu"),
            'dev.yaml:1: "prod-eu" is not a stage\'s name; use lower-case letters and digits, without hyphens',
        ),
        (SMALLEST.replace("digits:", "Digits:"), 'dev.yaml:4: "Digits" is not a project\'s name;'),
        (
            SMALLEST + f"    base_images: [{', '.join(f'public.ecr.aws/{n:080}' for n in range(100))}]\n",
            "dev.yaml:4: digits takes 10",
        ),
        ("prices: {ml.m5.large: 0}\n" + SMALLEST, "dev.yaml:1: the price of ml.m5.large is not more than 0;"),
        ("retention: {log_days: 31}\n" + SMALLEST, "dev.yaml:1: `retention.log_days` must be 1, 3, 5, "),
        (
            SMALLEST.replace("eu-west-1", "eu-west-9"),
            'dev.yaml:2: "eu-west-9" is not a region of AWS that has SageMaker',
        ),
        (
            SMALLEST + f"account: '123456789012'\nconnection: {CONNECTION}\n",
            "dev.yaml:7: `connection` is of the account 210987654321 and the stage of 123456789012;",
        ),
        (
            SMALLEST + "account: '123456789012'\npermissions_boundary: arn:aws:iam::210987654321:policy/boundary\n",
            "dev.yaml:7: `permissions_boundary` is of the account 210987654321",
        ),
        (
            SMALLEST + "    guard_rails: {instance_types: [ml.m5.lage]}\n",
            'dev.yaml:6: "ml.m5.lage" is not an instance type of SageMaker training, or a pattern of some;',
        ),
        (
            SMALLEST + "    guard_rails: {runs_per_day: 99999999999}\n",
            "dev.yaml:6: `projects.digits.guard_rails.runs_per_day` must be at most 100000, not 99999999999;",
        ),
        (
            SMALLEST + "    guard_rails: {max_instances: 100000}\n",
            "dev.yaml:6: `projects.digits.guard_rails.max_instances` must be at most 1000, not 100000;",
        ),
        (
            SMALLEST + "    guard_rails: {concurrent_runs: 9}\n",
            "dev.yaml:6: digits may train 9 runs at once and the whole stage 8; write at most 8, or raise",
        ),
        (
            SMALLEST + "prices: {ml.p3.2xlarge: 3.825}\n",
            "dev.yaml:6: there is a price for ml.p3.2xlarge, which no project may use; allow it in",
        ),
        (
            SMALLEST + "    waiting: {give_up_after_minutes: 30}\n",
            "dev.yaml:6: runs of digits are given up after 30 minutes and told of after 60; let",
        ),
        (
            SMALLEST + "    notify: [{mail: You@your.org}]\nops: {mail: [you@your.org]}\n",
            "dev.yaml:6: You@your.org is written you@your.org elsewhere in this document; write it the same",
        ),
        (
            "stage: dev\nregion: eu-west-1\nprojects:\n"
            + "".join(
                f"  p{n}: {{repository: x/p{n}, notify: [{{mail: a@b.org, on: [failed, held, blocked]}}]}}\n"
                for n in range(51)
            ),
            "dev.yaml:54: a@b.org is told of more pairs of project and outcome than the 150 that SNS filters by;",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_what_to_do(text: str, said: str) -> None:
    (line,) = mistakes(text)
    assert line.startswith(said)


def test_who_would_remove_what_is_locked_is_led_to_the_page_that_says_how_the_rest_is_removed() -> None:
    (line,) = mistakes(SMALLEST + "removal: destroy\naudit: {lock_days: 365}\n")
    page, anchor = line.rpartition(" ")[2].split("#")
    assert anchor in anchors((Path(__file__).parents[3] / page).read_text("utf-8"))


def test_a_list_whose_members_are_wrong_is_not_called_too_short_as_well() -> None:
    assert len(mistakes(SMALLEST + "    guard_rails: {instance_types: [m5]}\n")) == 1


@pytest.mark.parametrize("allowed", ["ml.m5.large", "ml.m5.*", "ml.p6-b200.48xlarge", "ml.*.xlarge", "ml.g6e.12xlarge"])
def test_types_and_patterns_that_sagemaker_has_are_taken(allowed: str) -> None:
    (digits,) = config(SMALLEST + f"    guard_rails: {{instance_types: ['{allowed}']}}\n").projects()
    assert digits.guard_rails.instance_types == (allowed,)


def test_every_instance_type_of_training_that_the_aws_sdk_knows_can_be_allowed() -> None:
    model = boto3.Session().client("sagemaker", region_name="us-east-1").meta.service_model
    known = model.shape_for("TrainingInstanceType").metadata["enum"]
    (digits,) = config(SMALLEST + f"    guard_rails: {{instance_types: [{', '.join(known)}]}}\n").projects()
    assert len(digits.guard_rails.instance_types) == len(known) > 100


def test_the_regions_are_those_in_which_the_aws_sdk_knows_sagemaker() -> None:
    session = boto3.Session()
    known = {
        region
        for partition in ("aws", "aws-cn", "aws-us-gov")
        for region in session.get_available_regions("sagemaker", partition_name=partition)
    }
    assert known == set(REGIONS)


def test_a_connection_made_in_another_region_serves_this_one() -> None:
    found = config(SMALLEST + f"account: '210987654321'\nconnection: {CONNECTION}\n")
    assert found.connection == CONNECTION


def test_no_other_system_is_told_of_runs_unless_the_file_says_so() -> None:
    assert not config(SMALLEST).sinks.to_sinks("dropforge-dev").are_on


def test_sinks_are_as_their_lines_say_and_the_namespace_is_the_deployment_unless_said() -> None:
    found = config(
        SMALLEST
        + "sinks:\n  openlineage: {url: 'https://lineage.example.com:8443/api', token_secret: dropforge/lineage}\n"
        + "  github_status: {token_secret: dropforge/github}\n"
    ).sinks.to_sinks("dropforge-dev")
    assert found == Sinks(
        OpenLineageSink("https://lineage.example.com:8443/api", "dropforge-dev", "dropforge/lineage"),
        GitHubStatusSink("https://api.github.com", "dropforge/github"),
    )
    assert found.secrets == ("dropforge/lineage", "dropforge/github")


@pytest.mark.parametrize(
    ("url", "account", "said"),
    [
        ("http://lineage.example.com", "", '"http://lineage.example.com" is not the address of a sink; write https://'),
        ("https://ada:pw@lineage.example.com", "", "is not the address of a sink"),
        ("https://lineage.example.com?key=1", "", "is not the address of a sink"),
        ("http://127.0.0.1:5000", "", "http://127.0.0.1:5000 is of a machine that no function on AWS reaches"),
        ("http://127.0.0.1:5000", "account: '000000000000'\n", None),
    ],
)
def test_a_sink_is_reached_over_tls_but_for_one_beside_the_local_aws(url: str, account: str, said: str | None) -> None:
    text = f"{account}{SMALLEST}sinks: {{openlineage: {{url: '{url}'}}}}\n"
    if said is None:
        assert config(text).sinks.openlineage is not None
    else:
        assert said in mistakes(text)[0]


SECRET = "arn:aws:secretsmanager:{}:{}:secret:dropforge/github-Ab12Cd"


@pytest.mark.parametrize(("region", "owner", "is_taken"), [
    ("eu-west-1", "123456789012", True), ("us-east-1", "123456789012", False), ("eu-west-1", "210987654321", False),
])  # fmt: skip
def test_a_token_is_kept_in_the_stages_own_account_and_region(region: str, owner: str, is_taken: bool) -> None:
    secret = SECRET.format(region, owner)
    text = f"account: '123456789012'\n{SMALLEST}sinks: {{github_status: {{token_secret: '{secret}'}}}}\n"
    if is_taken:
        assert config(text).sinks.github_status is not None
    else:
        assert "keep the token in the stage's own account and region" in mistakes(text)[0]


def test_the_arn_of_a_secret_is_whole() -> None:
    secret = SECRET.format("eu-west-1", "123456789012").removesuffix("-Ab12Cd") + ".token"
    text = f"account: '123456789012'\n{SMALLEST}sinks: {{github_status: {{token_secret: '{secret}'}}}}\n"
    assert "or its whole ARN, whose last six characters AWS chose" in mistakes(text)[0]


@pytest.mark.parametrize("token", ["Bearer 0123", "ghp_0123", "github_pat_0123"])
def test_a_token_in_the_place_of_its_secrets_name_is_no_name(token: str) -> None:
    text = f"{SMALLEST}sinks: {{github_status: {{token_secret: '{token}'}}}}\n"
    assert "and never the token itself" in mistakes(text)[0]
