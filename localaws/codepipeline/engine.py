"""Runs executions: a thread each, stage after stage, run order after run order.

Nothing here publishes an event or calls an AWS API while it holds the lock: both come back into this server.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from localaws.codepipeline import doors
from localaws.codepipeline.actions import PROVIDERS
from localaws.codepipeline.declaration import run_orders
from localaws.codepipeline.events import Announcer
from localaws.codepipeline.records import ActionExecution, Execution, Pipeline, StageExecution, new_id, now
from localaws.codepipeline.variables import UnresolvedVariableError, resolve
from localaws.codepipeline.work import (
    AbandonedError,
    ActionFailedError,
    Board,
    ServerStopsError,
    Work,
    refused_in_words,
)
from localaws.runtime import Runtime

_CANCELLED = "The pipeline was updated while this execution was running: start it again."
_UNEXPECTED = "The local AWS failed while it ran this action ({error}): see the server's log."


class Engine:
    """Takes executions through their pipelines."""

    def __init__(self, runtime: Runtime, board: Board) -> None:
        self._runtime = runtime
        self._board = board
        self._announcer = Announcer(runtime.publish)

    def start(self, pipeline: Pipeline, execution: Execution, *, resumed: bool = False) -> None:
        """Run an execution, or go on with one, on a thread of its own.

        `resumed` says that someone retries a stage of it: the world is told.
        """
        self._runtime.spawn(f"pipeline {pipeline.name} {execution.id}", self._run, pipeline, execution, resumed)

    def _run(self, pipeline: Pipeline, execution: Execution, resumed: bool) -> None:
        try:
            if resumed or not execution.stages:
                self._announcer.execution_changed(pipeline.arn, execution, resumed=resumed)
            while (stage := self._next_stage(pipeline, execution)) is not None:
                if not self._pass_through(pipeline, execution, stage):
                    return
            self._finish(pipeline, execution, "Succeeded")
        except ServerStopsError:
            return
        except Exception as error:  # a thread's outermost point: without this the execution would hang for ever
            with self._board.changed:
                execution.status, execution.summary = "Failed", _UNEXPECTED.format(error=error)
            raise

    def tell(self, pipeline: Pipeline, execution: Execution) -> None:
        """Announce an execution's new status, on a thread of its own."""
        self._runtime.spawn(f"announce {execution.id}", self._announcer.execution_changed, pipeline.arn, execution)

    def _next_stage(self, pipeline: Pipeline, execution: Execution) -> str | None:
        """The first stage that the execution has not come through; looked up anew, since it may wait long."""
        for stage in self._declaration(pipeline, execution)["stages"]:
            known = execution.stages.get(stage["name"])
            if known is None or known.status != "Succeeded":
                return str(stage["name"])
        return None

    def _declaration(self, pipeline: Pipeline, execution: Execution) -> Mapping[str, Any]:
        return pipeline.declarations[execution.pipeline_version]

    def _pass_through(self, pipeline: Pipeline, execution: Execution, stage: str) -> bool:
        """Wait for the stage, run it, leave it; whether the execution goes on to the next one."""
        if not self._enter(pipeline, execution, stage):
            return False
        try:
            outcome = self._run_stage(pipeline, execution, stage)
        finally:
            with self._board.changed:
                if not self._runtime.stopping.is_set():
                    self._leave(pipeline, execution, stage)
        if outcome != "Succeeded":
            self._finish(pipeline, execution, outcome)
        return outcome == "Succeeded"

    def _enter(self, pipeline: Pipeline, execution: Execution, stage: str) -> bool:
        """Wait at the stage's door; False if the execution ended there."""
        with self._board.changed:
            if pipeline.occupants.get(stage) != execution.id:  # after a restart it may be inside already
                doors.arrive(pipeline, execution, stage)
                self._board.changed.notify_all()
                self._wait_at_door(pipeline, execution, stage)
            ended = self._ended_at_door(pipeline, execution)
            if ended is None:
                doors.enter(pipeline, execution, stage)
        if ended is not None:
            self._finish(pipeline, execution, ended)
        return ended is None

    def _leave(self, pipeline: Pipeline, execution: Execution, stage: str) -> None:
        """Give the stage back and, in the same breath, take a place before the next: nobody slips in between."""
        doors.leave(pipeline, execution, stage)
        following = self._next_stage(pipeline, execution)
        if execution.status == "InProgress" and following not in {None, stage}:
            doors.arrive(pipeline, execution, str(following))
        self._board.changed.notify_all()

    def _wait_at_door(self, pipeline: Pipeline, execution: Execution, stage: str) -> None:
        while self._ended_at_door(pipeline, execution) is None:
            if self._runtime.stopping.is_set():
                raise ServerStopsError
            if doors.may_enter(pipeline, execution, stage):
                return
            self._board.changed.wait(1.0)

    def _ended_at_door(self, pipeline: Pipeline, execution: Execution) -> str | None:
        """How an execution ends that is not to go on; None while it is."""
        if execution.finished:
            return execution.status
        if execution.status == "Stopping":
            return "Stopped"
        return "Cancelled" if execution.pipeline_version != pipeline.version else None

    def _run_stage(self, pipeline: Pipeline, execution: Execution, name: str) -> str:
        stage = next(item for item in self._declaration(pipeline, execution)["stages"] if item["name"] == name)
        with self._board.changed:
            fresh = name not in execution.stages
            state = execution.stages.setdefault(name, StageExecution(name))
        if fresh or state.retry_trigger:
            self._announcer.stage_changed(pipeline.arn, execution, state, resumed=not fresh)
        outcome = self._run_actions(pipeline, execution, stage, state)
        with self._board.changed:
            state.status = outcome
            execution.updated = now()
        self._announcer.stage_changed(pipeline.arn, execution, state)
        return outcome

    def _run_actions(
        self, pipeline: Pipeline, execution: Execution, stage: Mapping[str, Any], state: StageExecution
    ) -> str:
        for order in run_orders(stage):
            actions = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
            left = [action for action in actions if not self._done(execution, state, action["name"])]
            self._run_side_by_side([self._work(pipeline, execution, state, action) for action in left])
            if self._runtime.stopping.is_set():
                raise ServerStopsError
            if execution.status == "Stopping":
                return "Stopped"
            if not all(self._done(execution, state, action["name"]) for action in actions):
                return "Failed"
            if execution.pipeline_version != pipeline.version:
                return "Cancelled"
        return "Succeeded"

    def _done(self, execution: Execution, state: StageExecution, action: str) -> bool:
        attempt = self._latest(execution, state, action)
        return attempt is not None and attempt.status == "Succeeded"

    def _latest(self, execution: Execution, state: StageExecution, action: str) -> ActionExecution | None:
        """The last attempt at an action since all of its stage's were begun anew."""
        attempts = execution.actions[state.begun_at :]
        return next((item for item in reversed(attempts) if (item.stage, item.action) == (state.name, action)), None)

    def _work(self, pipeline: Pipeline, execution: Execution, state: StageExecution, action: Mapping[str, Any]) -> Work:
        """A new attempt at an action, or the one that was under way when the server stopped."""
        declaration = self._declaration(pipeline, execution)
        with self._board.changed:
            record = self._latest(execution, state, action["name"])
            if record is None or record.status != "InProgress":
                record = self._new_attempt(execution, state.name, action, declaration)
        return Work(self._runtime, self._board, pipeline, execution, declaration, state.name, action, record)

    def _new_attempt(
        self, execution: Execution, stage: str, action: Mapping[str, Any], declaration: Mapping[str, Any]
    ) -> ActionExecution:
        artifacts = execution.artifacts()
        wanted = [artifact["name"] for artifact in action.get("inputArtifacts", [])]
        record = ActionExecution(
            id=new_id(),
            stage=stage,
            action=action["name"],
            type_id=dict(action["actionTypeId"]),
            configuration=dict(action.get("configuration", {})),
            role_arn=action.get("roleArn", declaration["roleArn"]),
            region=action.get("region", self._runtime.region),
            pipeline_version=execution.pipeline_version,
            namespace=action.get("namespace"),
            inputs={name: artifacts[name] for name in wanted if name in artifacts},
        )
        execution.actions.append(record)
        return record

    def _run_side_by_side(self, works: list[Work]) -> None:
        """Run the actions of one run order and wait for all of them."""
        threads: list[threading.Thread] = [
            self._runtime.spawn(f"action {work.record.action} {work.execution.id}", self._act, work) for work in works
        ]
        for thread in threads:
            thread.join()

    def _act(self, work: Work) -> None:
        """Run one attempt at an action and record how it ended; one cut short by the server's stop stays open."""
        self._announcer.action_changed(work.pipeline.arn, work.execution, work.record)
        try:
            self._perform(work)
            work.update(status="Succeeded")
        except ServerStopsError:
            return
        except AbandonedError:
            work.update(status="Abandoned")
        except ActionFailedError as failure:
            work.update(status="Failed", error_code=failure.code, error_message=str(failure))
        except Exception as error:  # a thread's outermost point: without this the execution would hang for ever
            work.update(status="Failed", error_code="SystemUnavailable", error_message=_UNEXPECTED.format(error=error))
            raise
        finally:
            with self._board.changed:
                self._board.changed.notify_all()
        self._announcer.action_changed(work.pipeline.arn, work.execution, work.record)

    def _perform(self, work: Work) -> None:
        try:
            resolved = resolve(work.record.configuration, work.execution.namespaces())
        except UnresolvedVariableError as error:
            raise ActionFailedError("ConfigurationError", str(error)) from error
        work.update(resolved_configuration=resolved)
        # Anything that the action's client raises outside an action's own words is about the role itself.
        with refused_in_words(f"The action could not be run as {work.record.role_arn}"):
            PROVIDERS[work.record.type_id["provider"]](work)

    def _finish(self, pipeline: Pipeline, execution: Execution, status: str) -> None:
        with self._board.changed:
            execution.status, execution.waiting_for, execution.updated = status, None, now()
            if status == "Cancelled":
                execution.summary = _CANCELLED
            self._board.changed.notify_all()
        self._announcer.execution_changed(pipeline.arn, execution)
