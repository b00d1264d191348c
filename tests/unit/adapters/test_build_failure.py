from __future__ import annotations

from typing import Any, cast

from dropforge.adapters.codepipeline import build_failure

ACTION = cast(
    "Any",
    {
        "stageName": "Build",
        "actionName": "Build",
        "status": "Failed",
        "output": {
            "executionResult": {
                "externalExecutionId": "dropforge-dev-digits:1",
                "externalExecutionSummary": "",
                "errorDetails": {"code": "JobFailed", "message": "Build terminated with state: FAILED"},
            }
        },
    },
)
BUILD = cast(
    "Any",
    {
        "phases": [
            {"phaseType": "INSTALL", "phaseStatus": "SUCCEEDED", "contexts": [{"statusCode": "", "message": ""}]},
            {
                "phaseType": "BUILD",
                "phaseStatus": "FAILED",
                "contexts": [
                    {
                        "statusCode": "COMMAND_EXECUTION_ERROR",
                        "message": "Error while executing command: docker build . Reason: exit status 1",
                    }
                ],
            },
            {"phaseType": "COMPLETED"},
        ]
    },
)


def test_a_failed_build_is_told_in_its_phases_words_and_with_what_its_commands_printed_last() -> None:
    lines = [
        "Step 1/4 : FROM python:3.11",
        "dropforge.yaml, line 3: depht is unknown: write depth",
        "",
        "[Container] 2026/03/02 09:39:58 Phase complete: BUILD State: FAILED",
    ]
    failure = build_failure(ACTION, BUILD, lines)
    assert failure.reason == (
        "Build/Build: BUILD: a command ended with exit status 1; the last line of "
        "its log: dropforge.yaml, line 3: depht is unknown: write depth"
    )
    assert failure.log_tail == tuple(lines[:2])


def test_an_action_that_is_no_build_is_told_in_the_pipelines_words() -> None:
    action = ACTION | {"stageName": "Source", "actionName": "Source"}
    failure = build_failure(action, None, [])
    assert failure.reason == "Source/Source: Build terminated with state: FAILED"
    assert failure.log_tail == ()


def test_no_more_than_the_last_lines_are_shown() -> None:
    failure = build_failure(ACTION, BUILD, [f"line {number}" for number in range(100)])
    assert (len(failure.log_tail), failure.log_tail[-1]) == (20, "line 99")


def test_an_action_that_left_nothing_is_still_named() -> None:
    failure = build_failure(cast("Any", {"stageName": "Register", "actionName": "Register"}), None, [])
    assert failure.reason == "Register/Register: it failed and left no reason"
