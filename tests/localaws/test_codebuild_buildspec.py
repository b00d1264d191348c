"""What a buildspec may hold here, and what is said of the rest."""

from __future__ import annotations

import datetime as dt

import pytest

from localaws.codebuild.buildspec import BuildspecError, read
from localaws.codebuild.events import shown
from tests.localaws.local_server import ROOT


def test_every_member_that_is_honoured_is_read() -> None:
    spec = read("""
version: 0.2
env:
  shell: bash
  variables: {NUMBER: 7, FLAG: true}
  parameter-store: {TOKEN: /ci/token}
  exported-variables: [IMAGE_TAG]
phases:
  install: {runtime-versions: {python: 3.12}, commands: [a]}
  build:
    on-failure: CONTINUE
    commands:
      - |
        several
        lines
    finally: [always]
artifacts: {files: ['**/*'], base-directory: out, discard-paths: yes, secondary-artifacts: {more: {files: [x]}}}
cache: {paths: ['/root/.cache/**/*']}
""")
    assert spec.variables == {"NUMBER": "7", "FLAG": "true"}
    assert spec.phases["build"].commands == ("several\nlines\n",)
    assert spec.phases["build"].finally_commands == ("always",)
    assert spec.phases["build"].continue_on_failure is True
    assert spec.artifact is not None
    assert (spec.artifact.base, spec.artifact.flat) == ("out", True)
    assert spec.secondary["more"].files == ("x",)
    assert spec.exported == ("IMAGE_TAG",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 0.1\nphases: {build: {commands: [a]}}", "write version: 0.2"),
        ("version: 0.2", "phases has no phase"),
        ("version: 0.2\nphases: {deploy: {commands: [a]}}", "phases has deploy"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nreports: {}", "has reports"),
        ("version: 0.2\nphases: {build: {commands: [{echo: b}]}}", "phases/build/commands must be a list of texts"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: RETRY}}", "ABORT and CONTINUE"),
        ("version: 0.2\nenv: {shell: powershell.exe}\nphases: {build: {commands: [a]}}", "sh and bash"),
        ("version: [", "not valid YAML"),
        ("just text", "must be a mapping"),
    ],
)
def test_what_cannot_be_honoured_is_named_rather_than_left_out(text: str, why: str) -> None:
    with pytest.raises(BuildspecError, match=why):
        read(text)


def test_the_product_s_own_buildspec_is_within_what_is_honoured() -> None:
    spec = read((ROOT / "buildspecs" / "image.yml").read_text(encoding="utf-8"))
    assert "build" in spec.phases


def test_events_write_times_as_codebuild_does() -> None:
    assert shown(dt.datetime(2017, 9, 1, 16, 12, 29, tzinfo=dt.UTC)) == "Sep 1, 2017 4:12:29 PM"
    assert shown(dt.datetime(2017, 9, 21, 0, 2, 9, tzinfo=dt.UTC)) == "Sep 21, 2017 12:02:09 AM"
