"""What holds between the lines of a stage's configuration: each rule finds one kind of mistake, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dropforge.documents.checking import MistakeError
from dropforge.documents.problems import Location
from dropforge.domain.announcement import Outcome

if TYPE_CHECKING:
    from dropforge.documents.stage_config import StageConfig

LOCAL_ACCOUNT = "000000000000"
"""One that AWS never gives away: a stage of it lives on the local AWS alone."""
LARGEST_DECLARATION = 8192
"""Bytes of a project's document as JSON: the most that a parameter of SSM holds
(https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
"""
MOST_COMBINATIONS = 150
"""Of values in one filter policy: https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html"""
OPS_COMBINATIONS = 1 + len(Outcome)
"""At most what an address of ops takes for itself in the same policy."""


def check_rules(config: StageConfig) -> None:
    """Raises the first MistakeError."""
    for rule in RULES:
        rule(config)


def prices_are_positive(config: StageConfig) -> None:
    for instance_type, price in config.prices.items():
        if price <= 0:
            raise MistakeError(
                f"the price of {instance_type} is not more than 0",
                "write USD an hour, or leave it out",
                ("prices", instance_type),
            )


def prices_are_of_types_that_a_project_allows(config: StageConfig) -> None:
    allowed = [pattern for part in config.project_parts.values() for pattern in part.guard_rails.instance_types]
    for instance_type in config.prices:
        if allowed and not any(fnmatchcase(instance_type, pattern) for pattern in allowed):
            raise MistakeError(
                f"there is a price for {instance_type}, which no project may use",
                "allow it in a project's `guard_rails.instance_types`, or leave the price out",
                ("prices", instance_type),
            )


def what_is_locked_is_retained(config: StageConfig) -> None:
    if config.audit.lock_days is not None and config.removal == "destroy":
        raise MistakeError(
            "what is locked cannot be removed with the stage (`audit.lock_days` with `removal: destroy`)",
            "use `removal: retain`, or leave `audit.lock_days` out: what is locked already stays so, and how the rest "
            "is removed says docs/operations.md#remove-a-stage-with-a-lock",
            ("audit", "lock_days"),
        )


def what_runs_need_does_not_expire(config: StageConfig) -> None:
    """Data that is not copied is there as long as its versions are, and no longer."""
    days = config.retention.old_versions_days
    for name, project in config.project_parts.items():
        if days is not None and project.pin.mode == "verify":
            raise MistakeError(
                f"what the runs of {name} read would expire {days} days after it is replaced (`pin: {{mode: verify}}` "
                "with `retention.old_versions_days`)",
                "leave `old_versions_days` out, or use `pin: {mode: copy}`",
                ("retention", "old_versions_days"),
            )


def objects_build_nothing(config: StageConfig) -> None:
    for name, project in config.project_parts.items():
        if project.seal.mode == "object" and project.on_data == "rebuild":
            raise MistakeError(
                f"{name} would build an image for each object (`seal: {{mode: object}}` with `on_data: rebuild`)",
                "use `on_data: reuse`, or seal by `quiet` or `marker`",
                ("projects", name, "on_data"),
            )


def declarations_are_short(config: StageConfig) -> None:
    for name, project in config.project_parts.items():
        size = len(json.dumps(project.to_project(name).to_document()))
        if size > LARGEST_DECLARATION:
            raise MistakeError(
                f"{name} takes {size} bytes to declare, and AWS keeps {LARGEST_DECLARATION} for the command line",
                "shorten its `paths`, `notify` or `base_images`: a pattern or a mailing list may say the same",
                ("projects", name),
            )


def prefixes_are_apart(config: StageConfig) -> None:
    owners: list[tuple[str, str]] = []
    for name, project in config.project_parts.items():
        prefix = project.data_prefix or f"{name}/"
        for other, taken in owners:
            if prefix.startswith(taken) or taken.startswith(prefix):
                raise MistakeError(
                    f"the data prefix {prefix} of {name} overlaps {taken} of {other}",
                    "give each project a folder of its own with `data_prefix`",
                    ("projects", name, "data_prefix"),
                )
        owners.append((name, prefix))


def accounts_agree(config: StageConfig) -> None:
    """A connection serves every region, whichever its ARN names (where it was made); its account must be the stage's.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/welcome-connections-how-it-works-global.html
    """
    for field, arn in (("connection", config.connection), ("permissions_boundary", config.permissions_boundary)):
        owner = arn.split(":")[4] if arn else None
        if config.account and owner and owner not in {config.account, "aws"}:
            raise MistakeError(
                f"`{field}` is of the account {owner} and the stage of {config.account}",
                f"name one of the account {config.account}, or correct `account`",
                (field,),
            )


def sinks_are_reached_over_tls(config: StageConfig) -> None:
    """Tokens and what is told of runs travel in the clear nowhere but on one machine."""
    lineage, github = config.sinks.openlineage, config.sinks.github_status
    for name, field, url in (
        ("openlineage", "url", lineage.url if lineage else ""),
        ("github_status", "api_url", github.api_url if github else ""),
    ):
        if url.startswith("http://") and config.account != LOCAL_ACCOUNT:
            raise MistakeError(
                f"{url} is of a machine that no function on AWS reaches",
                "write an address that begins with https://",
                ("sinks", name, field),
            )


def tokens_are_kept_beside_the_stage(config: StageConfig) -> None:
    """A function asks Secrets Manager of its own region, and its role is of its own account."""
    for name, sink in (("openlineage", config.sinks.openlineage), ("github_status", config.sinks.github_status)):
        secret = sink.token_secret if sink else None
        if secret is None or not secret.startswith("arn:"):
            continue
        region, owner = secret.split(":")[3:5]
        if region != config.region or owner != (config.account or owner):
            raise MistakeError(
                f"the secret is of {owner} in {region} and the stage of {config.account or owner} in {config.region}",
                "keep the token in the stage's own account and region",
                ("sinks", name, "token_secret"),
            )


def projects_keep_within_the_stage(config: StageConfig) -> None:
    most = config.limits.concurrent_runs
    for name, project in config.project_parts.items():
        said, wanted = "concurrent_runs" in project.guard_rails.model_fields_set, project.guard_rails.concurrent_runs
        if said and wanted > most:
            raise MistakeError(
                f"{name} may train {wanted} runs at once and the whole stage {most}",
                f"write at most {most}, or raise `limits.concurrent_runs`",
                ("projects", name, "guard_rails", "concurrent_runs"),
            )


def nothing_is_given_up_before_it_is_told_of(config: StageConfig) -> None:
    for name, project in config.project_parts.items():
        told, given_up = project.waiting.tell_after_minutes, project.waiting.give_up_after_minutes
        if given_up is not None and given_up < told:
            raise MistakeError(
                f"runs of {name} are given up after {given_up} minutes and told of after {told}",
                f"let `give_up_after_minutes` be at least {told}, or write a smaller `tell_after_minutes`",
                ("projects", name, "waiting", "give_up_after_minutes"),
            )


def nobody_is_spelt_in_two_ways(config: StageConfig) -> None:
    """SNS would take two spellings for two people, and write twice."""
    first: dict[str, str] = {}
    for address, location in _addresses(config):
        known = first.setdefault(address.lower(), address)
        if known != address:
            raise MistakeError(
                f"{address} is written {known} elsewhere in this document", "write it the same everywhere", location
            )


def filters_fit_into_sns(config: StageConfig) -> None:
    """Projects by outcomes, for each address: its one subscription filters by both."""
    ops = dict.fromkeys(config.ops.mail, OPS_COMBINATIONS)
    counts: dict[str, int] = {}
    for name, project in config.project_parts.items():
        for position, told in enumerate(project.notify):
            outcomes = set(told.on)
            more = 1 if len(outcomes) == len(Outcome) else len(outcomes)
            counts[told.mail] = counts.get(told.mail, ops.get(told.mail, 0)) + more
            if counts[told.mail] > MOST_COMBINATIONS:
                raise MistakeError(
                    f"{told.mail} is told of more pairs of project and outcome than the {MOST_COMBINATIONS} that SNS "
                    "filters by",
                    "leave `on` out, which takes one a project, or use a second address for some projects",
                    ("projects", name, "notify", position),
                )


def _addresses(config: StageConfig) -> Iterator[tuple[str, Location]]:
    for position, address in enumerate(config.ops.mail):
        yield address, ("ops", "mail", position)
    for name, project in config.project_parts.items():
        for position, told in enumerate(project.notify):
            yield told.mail, ("projects", name, "notify", position, "mail")


RULES: tuple[Callable[[StageConfig], None], ...] = (
    prices_are_positive,
    prices_are_of_types_that_a_project_allows,
    what_is_locked_is_retained,
    what_runs_need_does_not_expire,
    objects_build_nothing,
    declarations_are_short,
    prefixes_are_apart,
    accounts_agree,
    sinks_are_reached_over_tls,
    tokens_are_kept_beside_the_stage,
    projects_keep_within_the_stage,
    nothing_is_given_up_before_it_is_told_of,
    nobody_is_spelt_in_two_ways,
    filters_fit_into_sns,
)
