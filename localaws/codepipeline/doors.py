"""Who may enter a stage, and in which order.

Follows "How executions are processed in QUEUED mode" and "… in SUPERSEDED mode" of the user guide
(concepts-how-it-works.html): one execution is in a stage at a time; QUEUED lets those that wait in one by one, in the
order in which they were started; in SUPERSEDED a newer one that comes to the same door sends the waiting one away.
"""

from __future__ import annotations

from collections.abc import Sequence

from localaws.codepipeline.records import Execution, Pipeline


def arrive(pipeline: Pipeline, execution: Execution, stage: str) -> None:
    """Put an execution before a stage's door; where that is the mode, only the newest there stays.

    An execution that comes late, after a newer one already waits there, is sent away by that one.
    """
    execution.waiting_for = stage
    if execution.mode != "SUPERSEDED":
        return
    newest_first = sorted(waiting(pipeline, stage), key=lambda item: item.number, reverse=True)
    for overtaken in newest_first[1:]:
        overtaken.status, overtaken.waiting_for = "Superseded", None


def may_enter(pipeline: Pipeline, execution: Execution, stage: str) -> bool:
    """Whether the stage is free, its door open, and nobody with an earlier place waits."""
    first = min(waiting(pipeline, stage), key=lambda item: item.number, default=execution)
    return stage not in pipeline.occupants and first is execution and not closed(pipeline, stage)


def closed(pipeline: Pipeline, stage: str) -> bool:
    """Whether someone disabled the transition into a stage, on this side or on the other."""
    names = [item["name"] for item in pipeline.declaration["stages"]]
    position = names.index(stage) if stage in names else 0
    sides = [f"{stage}/Inbound"] + ([f"{names[position - 1]}/Outbound"] if position > 0 else [])
    return any(side in pipeline.disabled for side in sides)


def enter(pipeline: Pipeline, execution: Execution, stage: str) -> None:
    """Take the stage."""
    execution.waiting_for = None
    pipeline.occupants[stage] = execution.id


def leave(pipeline: Pipeline, execution: Execution, stage: str) -> None:
    """Give the stage back, if it is this execution's."""
    if pipeline.occupants.get(stage) == execution.id:
        del pipeline.occupants[stage]


def waiting(pipeline: Pipeline, stage: str) -> Sequence[Execution]:
    """The executions before a stage's door."""
    return [item for item in pipeline.executions.values() if item.waiting_for == stage and not item.finished]
