"""What the demo shows, a step a function. Each ends by checking what it claims; none prints a result of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from demo.stage import Document, Stage
from demo.workbench import EXAMPLES_PYTHON, ROOT
from dropforge.domain.run import Run, RunStatus

_OF_AN_OBJECT = {"key": "key", "size": "size", "versionId": "version_id", "sequencer": "sequencer"}
"""What the notification calls it, and what the record does."""


class UnexpectedError(Exception):
    """A step ended otherwise than it should have."""


@dataclass
class Story:
    """The steps, and what they carry from one to the next: working copies, and the runs seen so far by project."""

    stage: Stage
    copies: dict[str, Path] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=lambda: {"digits": set(), "cancer": set()})
    first: str = ""
    second: str = ""
    failed: str = ""

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        return (
            ("Deploy to the local AWS the stacks that go to AWS", self.stage.deploy),
            ("Push a commit: the pipeline builds an image, and training waits for data", self.push_code),
            ("Drop data: it is sealed and pinned, and a run trains", self.drop_data),
            (
                "Drop a changed file under the same key: same image, another data version, a second run",
                self.change_data,
            ),
            ("Push a changed hyperparameter: same data, another commit, a third run", self.change_code),
            ("Deliver an S3 event twice: no further run", self.deliver_twice),
            ("Drop data for the project that rebuilds: pipeline, new image, run", self.rebuild),
            ("Push a program that crashes: a failed run, and a mail that says why", self.crash),
            ("Look at what is on record", self.look),
        )

    def push_code(self) -> None:
        for project in ("digits", "cancer"):
            self.copies[project] = self.stage.clone(project)
        before = {project: self.stage.execution(project) for project in self.copies}
        for project, copy in self.copies.items():
            self.stage.push(copy, f"Train on {project}")
        for project, execution in before.items():
            self.stage.new_image(project, execution)
        self.stage.bench.show("projects")
        waiting = {each["project"]["name"]: each["waits_for"] for each in self.stage.bench.ask("projects")}
        expect(waiting == {"digits": "data", "cancer": "data"}, f"both projects should wait for data, not {waiting}")

    def drop_data(self) -> None:
        self.stage.put(self._data("digits", 900), "digits/training/digits.csv")
        self.first = self.stage.new_run("digits", self.known["digits"])
        self._watch_to(RunStatus.COMPLETED, self.first)

    def change_data(self) -> None:
        self.stage.put(self._data("digits", 1797), "digits/training/digits.csv")
        self.second = self.stage.new_run("digits", self.known["digits"])
        run = self._watch_to(RunStatus.COMPLETED, self.second)
        first = self.stage.run(self.first)
        expect(run.image.digest == first.image.digest, "the second run should use the first one's image")
        expect(run.dataset.version != first.dataset.version, "the second run should use other data")

    def change_code(self) -> None:
        spec = self.copies["digits"] / "dropforge.yaml"
        spec.write_text(spec.read_text().replace("hidden_units: 64", "hidden_units: 128"))
        commit = self._build("Twice as many hidden units")
        run = self._watch_to(RunStatus.COMPLETED, self.stage.new_run("digits", self.known["digits"]))
        expect(run.image.commit == commit, f"the third run should be of commit {commit}")

    def deliver_twice(self) -> None:
        [used] = self.stage.bench.ask("show", self.second)["objects"]
        event = self.stage.scratch / "event.json"
        event.write_text(json.dumps(object_created(used["drop"])))
        queue = self.stage.ingest_queue
        for _ in range(2):
            self.stage.bench.aws("sqs", "send-message", "--queue-url", queue, "--message-body", f"file://{event}")
        self.stage.settled("digits")
        runs = {run.id for run in self.stage.runs("digits")}
        expect(runs == self.known["digits"], f"the same event delivered again started another run: {runs}")

    def rebuild(self) -> None:
        before = self.stage.execution("cancer")
        self.stage.put(self._data("cancer", 569), "cancer/training/cancer.csv")
        built = self.stage.new_image("cancer", before)
        run = self._watch_to(RunStatus.COMPLETED, self.stage.new_run("cancer", self.known["cancer"]))
        expect(run.image.execution_id == built.execution_id, "the run should train what the drop had built")

    def crash(self) -> None:
        program = self.copies["digits"] / "train.py"
        call = "    network = MLPClassifier("
        crash = '    raise FloatingPointError("the loss is not a number: is the learning rate too high?")\n'
        program.write_text(program.read_text().replace(call, crash + call))
        self._build("Try something bold")
        self.failed = self.stage.new_run("digits", self.known["digits"])
        self._watch_to(RunStatus.FAILED, self.failed)

    def look(self) -> None:
        self.stage.bench.show("runs")
        self.stage.bench.show("show", self.first)
        self.stage.local.show_mail("ada@example.com", last=2)
        told = "\n".join(path.read_text() for path in (self.stage.local.home / "mail").glob("*.eml"))
        expect("the loss is not a number" in told, "a mail should carry the reason of the failed run")

    def _build(self, message: str) -> str:
        """Push what was changed in digits, and wait for its image; return the commit."""
        before = self.stage.execution("digits")
        commit = self.stage.push(self.copies["digits"], message)
        image = self.stage.new_image("digits", before)
        expect(image.commit == commit, f"the new image should be of commit {commit}")
        return commit

    def _watch_to(self, status: RunStatus, run: str) -> Run:
        """Show a run to its end, and hold that it ends so."""
        self.stage.bench.show("watch", run, "--every", "0.5", check=False)
        record = self.stage.run(run)
        expect(record.status is status, f"run {run} should end {status.value}, and is {record.status.value}")
        return record

    def _data(self, example: str, rows: int) -> Path:
        """A CSV of the example's real data: its first rows, written by the example's own program."""
        file = self.stage.scratch / f"{example}-{rows}.csv"
        program = ROOT / "examples" / example / "make_data.py"
        subprocess.run([EXAMPLES_PYTHON, program, "--rows", str(rows), file], check=True, capture_output=True)
        return file


def expect(holds: bool, otherwise: str) -> None:
    """Raise UnexpectedError, saying what should have been, unless it holds."""
    if not holds:
        raise UnexpectedError(otherwise)


def object_created(drop: Document) -> Document:
    """The notification that S3 sent of a drop, made again from its record: the same version, moment and sequencer.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    item = {name: drop[field] for name, field in _OF_AN_OBJECT.items()}
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
        "eventTime": drop["at"], "userIdentity": {"principalId": drop["principal"]},
        "requestParameters": {"sourceIPAddress": drop["address"]},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": drop["bucket"]}, "object": item},
    }  # fmt: skip
    return {"Records": [record]}
