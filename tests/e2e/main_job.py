"""The main job, once, on any AWS: deploy, connect, push, drop, trained, recorded, announced, removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dropforge.domain.run import Run
from tests.e2e import removal
from tests.journey import claims
from tests.journey.claims import Dropped
from tests.journey.deployed_stage import DeployedStage

POINTS = b"0,1\n1,3\n2,5.1\n3,6.9\n"
HANDSHAKE_SECONDS = 900.0


@dataclass(frozen=True)
class MainJob:
    """`config` is the stage's file, `project` the one whose repository is pushed to; `say` tells whoever waits.

    `handshake` does, or asks somebody for, what makes a pending connection available.
    """

    stage: DeployedStage
    config: Path
    project: str
    say: Callable[[str], None]
    handshake: Callable[[str], None]

    @contextmanager
    def deployed(self) -> Iterator[None]:
        """Deploy a stage that is not there yet, and remove it however the block ends."""
        there = removal.stacks(self.stage.session, self.stage.bench.stage)
        assert not there, f"the stage is deployed already ({', '.join(there)}), and would be removed: use another stage"
        account = self.stage.aws.sts.get_caller_identity()["Account"]
        self.stage.bench.bootstrap(account, self.stage.session.region_name)
        self.stage.bench.cdk("synth", "--quiet", "-c", f"config={self.config}")
        try:
            self.stage.bench.cdk_again("deploy", "--all", "--require-approval", "never", "--concurrency", "4")
            yield
        finally:
            self.say("Removing the stage.")
            removal.remove(self.stage.session, self.stage.bench)
            self.say("\n  ".join(["Left in the account:", *removal.left(self.stage.session, self.stage.bench.stage)]))

    def connect(self) -> None:
        """Wait until the connection to the code host is available."""
        connection = self.stage.deployment.connection_arn

        def available() -> bool | None:
            answer = self.stage.aws.codeconnections.get_connection(ConnectionArn=connection)
            return answer["Connection"].get("ConnectionStatus") == "AVAILABLE" or None

        if not available():
            self.handshake(connection)
            self.stage.eventually(available, "the end of the connection's handshake", HANDSHAKE_SECONDS)

    def train(self) -> Run:
        """Push and drop; hold the run against everything that is promised of it."""
        project = self.stage.ports.stage.project(self.project)
        commit = self.stage.clone(self.project).push("Fit a line", branch=project.branch)
        self.say(f"Pushed {commit[:12]}; the pipeline builds.")
        self.stage.image_of(self.project, commit)
        key = f"{project.data_prefix}training/points.csv"
        dropped = {key: Dropped(self.stage.put(key, POINTS), POINTS)}
        self.say(f"Dropped {key}; it is sealed after {project.seal.quiet_seconds} s without another.")
        run = self.stage.completed(self.stage.new_run(self.project).id)
        assert run.image.commit == commit
        claims.image_is_the_registrys(self.stage, run)
        claims.execution_is_the_pipelines(self.stage, run)
        claims.data_is_pinned(self.stage, run, dropped)
        claims.job_is_as_recorded(self.stage, run)
        claims.line_is_fitted(claims.model_is_the_recorded_one(self.stage, run), slope=1.98)
        claims.run_is_recorded_whole(self.stage, run, dropped)
        again = self.stage.dropforge("run", self.project, "--json")
        assert again.document["id"] == run.id, "the same inputs asked for again should be the same run"
        return run
