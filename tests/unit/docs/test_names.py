"""Queues, functions, indexes, items and settings that the pages name are there, and none is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropforge.adapters import table_layout
from dropforge.domain.announcement import Outcome
from dropforge.domain.project import GuardRails
from dropforge.domain.run_events import RunEvent
from dropforge.settings import FUNCTIONS, SINK_FUNCTIONS
from tests.unit.docs.pages import PAGES, ROOT, code, page, rows, section

DEPLOYMENT = "dropforge-prod-"
QUEUES = {"ingest", "dispatch", "seal", "sign", "job-state", "build-state", "sweep", "deliver"}
ALL = {**FUNCTIONS, **SINK_FUNCTIONS}


def texts_in(*folders: str) -> Iterator[str]:
    """Every text constant in the code of these folders, adjacent ones joined as Python joins them."""
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")) if (ROOT / folder).is_dir() else [ROOT / folder]:
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def stack_names() -> set[str]:
    """The names of queues, topics, rules and alarms that the stacks write, without the deployment's."""
    written = set(texts_in("stacks"))
    dead_letters = {f"{queue}-dead-letters{'.fifo' * (queue == 'dispatch')}" for queue in QUEUES}
    functions = {name.replace("_", "-") for name in ALL}
    assert written >= QUEUES, "a queue has another name"
    return written | dead_letters | functions | {f"{name}-errors" for name in functions}


PROJECTS = {"digits", "project-digits", "drop-digits"}


@pytest.mark.parametrize("name", ["events.md", "operations.md", "security.md", "sinks.md"])
def test_each_resource_that_a_page_names_is_one_of_the_stacks(name: str) -> None:
    named = set(re.findall(rf"{DEPLOYMENT}([a-z][a-z.-]*[a-z])", page(name)))
    bucket_or_stack = {each for each in named if each.startswith(("training-", "training", "foundation"))}
    assert named - bucket_or_stack - PROJECTS - stack_names() == set()


def test_each_queue_and_each_function_has_its_place_among_the_events() -> None:
    events = page("events.md")
    named = set(re.findall(rf"`{DEPLOYMENT}([a-z.-]+)`", events))
    queues = {f"{queue}{'.fifo' * (queue == 'dispatch')}" for queue in QUEUES}
    assert queues <= named
    assert [function for function in ALL if f"`{function}`" not in events] == []
    assert sorted(ALL) == sorted(file.stem for file in (ROOT / "lambdas").glob("[a-z]*.py"))


def test_each_function_has_a_row_among_the_roles_and_no_row_names_another() -> None:
    roles = {name for row in rows(section(page("security.md"), "Roles")) for name in code(row[0])}
    assert roles == set(ALL)


def test_the_outcomes_that_mails_are_filtered_by_are_listed() -> None:
    going_out = section(page("events.md"), "What goes out")
    assert [outcome.value for outcome in Outcome if f"`{outcome.value}`" not in going_out] == []


def test_each_index_of_the_tables_is_described_with_its_keys() -> None:
    described = {code(row[0])[0]: " ".join(row[1:]) for row in rows(section(page("metadata-store.md"), "Indexes"))}
    assert set(described) == {index.name for index in table_layout.INDEXES}
    for index in table_layout.INDEXES:
        assert {f"`{index.partition_key}`", f"`{index.sort_key}`"} <= set(described[index.name].split())


def test_each_kind_of_item_is_described_by_the_keys_that_it_has() -> None:
    layout = table_layout
    keys = [
        layout.project_head("<p>"), layout.image("<p>", "<digest>"), layout.build("<p>", "<execution>"),
        layout.run_of_build("<run>", "<execution>"), layout.dataset("<p>", "<version>"),
        layout.rebuild("<p>", "<version>"), layout.open_runs("<p>"), layout.day("<p>", "<date>"),
        layout.seal_timer("<p>"), layout.pause("<p>"), layout.object_version("<bucket>", "<key>", "<id>"),
        layout.membership("<bucket>", "<key>", "<id>", layout.sealed("<time>", "<p>", "<version>")),
        layout.run("<run>"), layout.run_of_original("<run>", "<reproduction>"),
        layout.notice("<id>"), layout.object_seal_timer("<bucket>", "<key>", "<id>"), layout.pool("<p>", "<channel>"),
        layout.pinned("<key>"), layout.latest_drop("<bucket>", "<key>"), layout.congestion("<type>"),
        layout.run_of_image("<digest>", "<time>", "<run>"), layout.run_of_model("<sha256>", "<run>"),
    ]  # fmt: skip
    described = {
        (partition, sort)
        for row in rows(section(page("metadata-store.md"), "Items of the state table"))
        for partition in code(row[1])
        for sort in code(row[2])
    }
    assert [key for key in keys if tuple(key) not in described] == []
    makers = {
        name for name, made in vars(layout).items() if getattr(made, "__annotations__", {}).get("return") == "Key"
    }
    others = {"run_name", "announcement", "trail_entry"}  # described by what they are made of
    assert len(makers) == len(keys) + len(others), f"a new kind of item needs a row: {sorted(makers)}"


def test_the_schema_number_of_the_page_is_the_one_that_is_written() -> None:
    assert f"carries `{table_layout.SCHEMA}` ({table_layout.SCHEMA_VERSION})" in page("metadata-store.md")


def test_each_event_of_a_run_is_listed_with_the_trail() -> None:
    trail = section(page("metadata-store.md"), "The trail")
    assert [kind.__name__ for kind in RunEvent.__args__ if f"`{kind.__name__}`" not in trail] == []


def test_the_guard_rails_of_the_page_have_the_defaults_of_the_code() -> None:
    said = {code(row[0])[0]: row[1] for row in rows(section(page("operations.md"), "Guard rails"))}
    rails = GuardRails()
    assert set(said) == set(vars(rails))
    assert said["instance_types"] == f"`[{', '.join(rails.instance_types)}]`"
    for name in vars(rails).keys() - {"instance_types"}:
        assert said[name].split(",")[0] == str(getattr(rails, name))


def test_each_sentence_of_the_troubleshooting_is_said_by_the_code() -> None:
    known = list(texts_in("dropforge", "lambdas", "app.py"))
    explained = section(page("operations.md"), "Troubleshooting") + section(page("sinks.md"), "When it fails")
    quoted = re.findall("“([^”]+)”", explained)
    fragments = [part.strip() for sentence in quoted for part in sentence.split("…") if part.strip()]
    assert len(fragments) > 10
    assert [each for each in fragments if not any(each in text for text in known)] == []


def test_each_make_target_that_a_page_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {
        (file.name, target) for file in PAGES for target in re.findall(r"`make ([a-z0-9]+)", file.read_text("utf-8"))
    }
    assert {(file, target) for file, target in named if target not in targets} == set()


def test_each_path_that_a_page_names_is_in_the_tree() -> None:
    folders = (
        "config",
        "docs",
        "dropforge",
        "examples",
        "lambdas",
        "localaws",
        "schemas",
        "stacks",
        "tests",
        "buildspecs",
    )
    named = {
        (file.name, path.partition("::")[0])
        for file in PAGES
        for path in code(file.read_text("utf-8"))
        if path.startswith(tuple(f"{folder}/" for folder in folders)) and not set(path) & set(" <>*…{")
    }
    in_home = {("local-aws.md", "config/sagemaker-quotas.json"), ("local-aws.md", "config/")}
    assert {(file, path) for file, path in named - in_home if not (ROOT / Path(path)).exists()} == set()
