"""Tell the world outside what has become of a run."""

from __future__ import annotations

from dropforge.domain.run import Run
from dropforge.domain.state_change import state_change_of
from dropforge.workflow.ports import Ports


def publish_state(ports: Ports, run: Run) -> None:
    """`run` is as one commit left it: at least once for each change of its state, in no promised order."""
    change = state_change_of(ports.stage.deployment, run)
    if change is not None:
        ports.states.publish(change)
