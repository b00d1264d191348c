"""A run's trail as a person reads it: a sentence for each event."""

from __future__ import annotations

from dropforge.cli import wording
from dropforge.domain.run import Requester, RequesterKind, RunResult
from dropforge.domain.run_events import (
    AttemptFailed,
    AttemptIntended,
    AttemptStarted,
    ImageBuiltAgain,
    JobStateObserved,
    RunAnnounced,
    RunAskedAgain,
    RunDelayed,
    RunEvent,
    RunFinished,
    RunHeld,
    RunOverdue,
    RunReleased,
    RunRequested,
    RunRetried,
    RunSigned,
    RunSuperseded,
    RunWithdrawn,
    StopRequested,
)

_ASKED = {
    RequesterKind.PUSH: "a push by {}",
    RequesterKind.DROP: "data dropped by {}",
    RequesterKind.USER: "{}",
    RequesterKind.RULE: "the rule {}",
}


def asked_by(requester: Requester) -> str:
    return _ASKED[requester.kind].format(requester.name)


def sentence(event: RunEvent) -> str:  # noqa: C901, PLR0911, PLR0912  (one line for each kind of event, and nothing else)
    """What happened, without its time."""
    match event:
        case RunRequested():
            return f"asked for by {asked_by(event.requester)}"
        case RunDelayed():
            return f"waits: {event.reason}. {event.remedy}" if event.remedy else f"waits: {event.reason}"
        case RunHeld():
            return f"{event.outcome.value}: {event.reason}. {event.remedy}"
        case RunReleased():
            return f"released by {asked_by(event.by)}"
        case AttemptIntended():
            return f"attempt {event.attempt}: the job {event.job_name} is about to be created"
        case AttemptStarted():
            return f"attempt {event.attempt}: SageMaker has the job"
        case JobStateObserved():
            return f"the job is {event.state.secondary or event.state.status.value}"
        case AttemptFailed():
            return f"attempt {event.attempt} failed, and not by the program's fault: {event.reason}"
        case RunFinished():
            found = f" (found by {asked_by(event.found_by)})" if event.found_by else ""
            return f"{event.outcome.value}{_how(event.result)}{found}"
        case RunWithdrawn():
            return f"{event.outcome.value}: {event.reason}"
        case RunSuperseded():
            return f"superseded by run {event.by_run}"
        case StopRequested():
            return f"to be stopped, asked for by {asked_by(event.by)}"
        case RunRetried():
            return f"to be tried again, asked for by {asked_by(event.by)}"
        case RunAskedAgain():
            return f"asked for again by {asked_by(event.by)}"
        case RunOverdue():
            return f"{event.outcome.value}: {event.reason}"
        case ImageBuiltAgain():
            commit, execution = wording.short(event.build.commit), event.build.execution_id
            return f"the same image was built from commit {commit} (execution {execution}): this run stands for it too"
        case RunAnnounced():
            return f"announced as {event.outcome.value}"
        case RunSigned():
            what = "its trail and where its model comes from" if event.provenance is not None else "its trail"
            return f"signed: {what}, up to entry {event.head.sequence}"


def _how(result: RunResult) -> str:
    if result.reason:
        return f": {wording.first_line(result.reason)}"
    return f": {wording.metrics(result.metrics)}" if result.metrics else ""
