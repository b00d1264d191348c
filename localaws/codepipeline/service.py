"""CodePipeline's API: what it accepts, what it starts, what it shows.

Follows the CodePipeline API Reference (docs.aws.amazon.com/codepipeline/latest/APIReference). The engine runs what is
started here; nothing here publishes an event or calls another API, because requests may come from this very server.
"""

from __future__ import annotations

import copy
import functools
import json
import pickle
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from localaws.codepipeline import executions, jobs, transitions, views
from localaws.codepipeline.declaration import check
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.executions import Cause
from localaws.codepipeline.records import Execution, Job, Pipeline, instant, loaded, now, places, saved
from localaws.codepipeline.webhook import deliver
from localaws.codepipeline.work import Board
from localaws.githost import Commit
from localaws.githost.pushes import Push
from localaws.journal import Row
from localaws.requester import requester
from localaws.runtime import Runtime
from localaws.service import Operation, Service, ServiceError

_MAX_TAGS = 50
_WITH_PIPELINE = frozenset({"CreatePipeline", "UpdatePipeline"})
_STAGE_ACTIONS = frozenset({"RetryStageExecution", "EnableStageTransition", "DisableStageTransition"})
_JOB_ACTIONS = frozenset({"PutJobSuccessResult", "PutJobFailureResult", "GetJobDetails"})


class CodePipelineService(Service):
    """The pipelines of this account and region."""

    name = "codepipeline"
    target_prefixes = ("CodePipeline_20150709",)
    iam_namespace = "codepipeline"
    principal = "codepipeline.amazonaws.com"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._board = Board(threading.Condition(threading.RLock()), {}, {})
        self._engine = Engine(runtime, self._board)
        self._rows: dict[str, Row] = {}
        """As they were last asked for."""

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that the local AWS has."""
        return {
            "CreatePipeline": self._create,
            "GetPipeline": self._get,
            "UpdatePipeline": self._update,
            "DeletePipeline": self._delete,
            "ListPipelines": self._list,
            "GetPipelineState": self._state,
            "StartPipelineExecution": self._start,
            "StopPipelineExecution": self._stop,
            "GetPipelineExecution": self._execution,
            "ListPipelineExecutions": self._executions,
            "ListActionExecutions": self._actions,
            "RetryStageExecution": self._retry,
            "PutJobSuccessResult": lambda request: jobs.succeeded(self._board, request),
            "PutJobFailureResult": lambda request: jobs.failed(self._board, request),
            "EnableStageTransition": self._enable_transition,
            "DisableStageTransition": self._disable_transition,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags_of,
        }

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the pipeline's or stage's ARN, as the Service Authorization Reference lists them for each action."""
        if operation in _JOB_ACTIONS or operation == "ListPipelines":
            return "*"  # AWS defines no resource type for these
        if "resourceArn" in request:
            return str(request["resourceArn"])
        name = request["pipeline"]["name"] if operation in _WITH_PIPELINE else None
        arn = self._arn(str(name or request.get("name") or request["pipelineName"]))
        return f"{arn}/{request['stageName']}" if operation in _STAGE_ACTIONS else arn

    def passed_roles(self, operation: str, request: Mapping[str, Any]) -> Sequence[str]:
        """Return the pipeline's role; an action's own role is assumed by that one, not passed."""
        return [request["pipeline"]["roleArn"]] if operation in _WITH_PIPELINE else []

    def pushed(self, push: Push, commit: Commit) -> dict[str, list[dict[str, str]]]:
        """Start every pipeline whose triggers match a push; say which were started, and which refused and why."""
        delivery = deliver(self.runtime, self._board, push, commit)
        for pipeline, execution in delivery.begun:
            self._engine.start(pipeline, execution)
        self.keep()
        return {
            "started": [{"pipeline": item.name, "execution": execution.id} for item, execution in delivery.begun],
            "refused": [{"pipeline": item.name, "reason": reason} for item, reason in delivery.refused],
        }

    def snapshot(self) -> dict[str, Any]:
        """Return everything; what runs is taken up again from here."""
        with self._board.changed:
            return saved(self._board.pipelines, self._board.jobs)

    def rows(self) -> Sequence[Row]:
        """Return a row a pipeline and a row a job; each step of an execution asks, and turns only its own into text."""
        with self._board.changed:
            self._rows = {
                place: _row(place, thing, self._rows.get(place))
                for place, thing in places(self._board.pipelines, self._board.jobs).items()
            }
            return list(self._rows.values())

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a snapshot and go on with what was in flight, each action where it was."""
        with self._board.changed:
            self._board.pipelines, self._board.jobs = loaded(state)
            pipelines = self._board.pipelines.values()
            in_flight = [(item, execution) for item in pipelines for execution in item.open_executions()]
        for pipeline, execution in in_flight:
            self._engine.start(pipeline, execution)

    def stop(self) -> None:
        """Let every thread see that the server stops, and leave its action as it is."""
        with self._board.changed:
            self._board.changed.notify_all()

    def reset(self) -> None:
        """Forget everything; threads of what ran find their execution abandoned."""
        with self._board.changed:
            for pipeline in self._board.pipelines.values():
                for execution in pipeline.open_executions():
                    execution.status, execution.abandoned = "Stopping", True
            self._board.pipelines, self._board.jobs = {}, {}
            self._board.changed.notify_all()

    def _arn(self, name: str) -> str:
        return f"arn:aws:codepipeline:{self.runtime.region}:{self.runtime.account}:{name}"

    def _pipeline(self, name: str) -> Pipeline:
        pipeline = self._board.pipelines.get(name)
        if pipeline is None:
            raise ServiceError(
                "PipelineNotFoundException",
                f"Account '{self.runtime.account}' does not have a pipeline with name '{name}'",
            )
        return pipeline

    def _tagged(self, arn: str) -> Pipeline:
        pipeline = next((item for item in self._board.pipelines.values() if item.arn == arn), None)
        if pipeline is None:
            raise ServiceError("ResourceNotFoundException", f"There is no pipeline {arn}: correct the ARN.")
        return pipeline

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        declaration = _complete(request["pipeline"], version=1)
        check(declaration)
        name = declaration["name"]
        tags = {tag["key"]: tag["value"] for tag in request.get("tags", [])}
        with self._board.changed:
            if name in self._board.pipelines:
                raise ServiceError("PipelineNameInUseException", f"A pipeline with name '{name}' already exists.")
            pipeline = Pipeline(name, self._arn(name), {1: declaration}, tags)
            self._board.pipelines[name] = pipeline
            # AWS starts a new pipeline at once, whether or not its source can be read yet.
            execution = executions.begin_with_defaults(pipeline, Cause("CreatePipeline", requester.get()))
        if execution is not None:
            self._engine.start(pipeline, execution)
        return {"pipeline": declaration, "tags": request.get("tags")}

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["name"])
            declaration = pipeline.declarations.get(request.get("version", pipeline.version))
            if declaration is None:
                raise ServiceError(
                    "PipelineVersionNotFoundException",
                    f"The pipeline {pipeline.name} has versions 1 to {pipeline.version}: ask for one of them.",
                )
            metadata = {
                "pipelineArn": pipeline.arn,
                "created": instant(pipeline.created),
                "updated": instant(pipeline.updated),
            }
            return {"pipeline": copy.deepcopy(declaration), "metadata": metadata}

    def _update(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["pipeline"]["name"])
            declaration = _complete(request["pipeline"], version=pipeline.version + 1)
            check(declaration)
            pipeline.declarations[declaration["version"]] = declaration
            pipeline.updated = now()
            executions.follow_update(pipeline)
            self._board.changed.notify_all()
        return {"pipeline": declaration}

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._board.pipelines.pop(request["name"], None)
            for execution in pipeline.open_executions() if pipeline else []:
                execution.status, execution.abandoned = "Stopping", True
            self._board.changed.notify_all()
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            shown = [views.pipeline_summary(item) for _, item in sorted(self._board.pipelines.items())]
        return views.page(shown, request, "pipelines", default=1000)

    def _state(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            return views.state(self._pipeline(request["name"]))

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["name"])
            execution = executions.requested(pipeline, request, Cause("StartPipelineExecution", requester.get()))
            is_new = execution.id not in pipeline.executions
            if is_new:
                executions.begin(pipeline, execution)
        if is_new:
            self._engine.start(pipeline, execution)
        return {"pipelineExecutionId": execution.id}

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["pipelineName"])
            execution = self._find(pipeline, request["pipelineExecutionId"])
            executions.stop(execution, request)
            self._board.changed.notify_all()
        self._engine.tell(pipeline, execution)
        return {"pipelineExecutionId": execution.id}

    def _execution(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            found = self._find(self._pipeline(request["pipelineName"]), request["pipelineExecutionId"])
            return {"pipelineExecution": views.execution(found)}

    def _executions(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["pipelineName"])
            stage = request.get("filter", {}).get("succeededInStage", {}).get("stageName")
            kept = [item for item in pipeline.newest_first() if stage is None or executions.succeeded_in(item, stage)]
            shown = [views.execution_summary(item) for item in kept]
        return views.page(shown, request, "pipelineExecutionSummaries", default=100)

    def _actions(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("filter", {})
        latest = wanted.get("latestInPipelineExecution", {})
        identifier = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        with self._board.changed:
            pipeline = self._pipeline(request["pipelineName"])
            chosen = [self._find(pipeline, identifier)] if identifier else pipeline.newest_first()
            shown = [views.action_detail(action, item) for item in chosen for action in reversed(item.actions)]
        if latest.get("startTimeRange") == "Latest":
            shown = executions.latest_of_each(shown)
        return views.page(shown, request, "actionExecutionDetails", default=100)

    def _retry(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            pipeline = self._pipeline(request["pipelineName"])
            execution = self._find(pipeline, request["pipelineExecutionId"])
            executions.retry(pipeline, execution, request["stageName"], request["retryMode"])
        self._engine.start(pipeline, execution, resumed=True)
        return {"pipelineExecutionId": execution.id}

    def _find(self, pipeline: Pipeline, identifier: str) -> Execution:
        execution = pipeline.executions.get(identifier)
        if execution is None:
            raise ServiceError(
                "PipelineExecutionNotFoundException",
                f"The pipeline {pipeline.name} has no execution {identifier}: list them to find its id.",
            )
        return execution

    def _enable_transition(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            transitions.enable(self._pipeline(request["pipelineName"]), request)
            self._board.changed.notify_all()
        return {}

    def _disable_transition(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            transitions.disable(self._pipeline(request["pipelineName"]), request, by=requester.get())
        return {}

    def _tag(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            tags = self._tagged(request["resourceArn"]).tags
            new = {tag["key"]: tag["value"] for tag in request["tags"]}
            if len(tags | new) > _MAX_TAGS:
                raise ServiceError("TooManyTagsException", f"A pipeline takes {_MAX_TAGS} tags: remove some first.")
            tags.update(new)
        return {}

    def _untag(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            tags = self._tagged(request["resourceArn"]).tags
            for key in request["tagKeys"]:
                tags.pop(key, None)
        return {}

    def _tags_of(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._board.changed:
            tags = self._tagged(request["resourceArn"]).tags
            shown = [{"key": key, "value": value} for key, value in tags.items()]
        return views.page(shown, request, "tags", default=100)


def _complete(declaration: Mapping[str, Any], version: int) -> dict[str, Any]:
    """The declaration with AWS's defaults and its version filled in; with V2's members a pipeline is V2."""
    complete = copy.deepcopy(dict(declaration))
    second_type = complete.get("triggers") or complete.get("variables") or complete.get("executionMode") == "QUEUED"
    complete.setdefault("pipelineType", "V2" if second_type else "V1")
    complete.setdefault("executionMode", "SUPERSEDED")
    complete["version"] = version
    for stage in complete["stages"]:
        for action in stage["actions"]:
            action.setdefault("runOrder", 1)
            action.setdefault("configuration", {})
            action.setdefault("inputArtifacts", [])
            action.setdefault("outputArtifacts", [])
    return complete


def _row(place: str, thing: Pipeline | Job, before: Row | None) -> Row:
    mark = hash(pickle.dumps(thing, pickle.HIGHEST_PROTOCOL))
    if before is not None and before.mark == mark:
        return before
    return Row(place, mark, functools.partial(str, json.dumps(asdict(thing))))
