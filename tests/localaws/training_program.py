"""A training program for the tests of the local SageMaker; what it does is a hyperparameter. Standard library only."""

# ruff: noqa: T201  (what a training program prints is its log)
import json
import os
import signal
import sys
import time
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CONFIG = BASE / "input" / "config"
PARAMETERS = json.loads((CONFIG / "hyperparameters.json").read_text())


def train() -> None:
    print("epoch=1 accuracy=0.5;")
    print("epoch=2 accuracy=0.75;", flush=True)
    seen = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "configuration": {file.stem: json.loads(file.read_text()) for file in CONFIG.glob("*.json")},
        "files": {
            str(file.relative_to(BASE / "input" / "data")): file.read_text()
            for file in sorted((BASE / "input" / "data").rglob("*"))
            if file.is_file()
        },
    }
    (BASE / "model" / "seen.json").write_text(json.dumps(seen))
    (BASE / "output" / "data" / "report.txt").write_text("as planned")


def crash() -> None:
    (BASE / "output" / "data" / "half.txt").write_text("half done")
    (BASE / "output" / "failure").write_text("no such column: price")
    print("Traceback: no such column: price", flush=True)
    sys.exit(3)


def wait() -> None:
    def end(*_: object) -> None:
        (BASE / "model" / "so-far.txt").write_text("as far as it came")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print("waiting", flush=True)
    time.sleep(600)


def ignore() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("waiting", flush=True)
    time.sleep(600)


def pipes() -> None:
    epochs = [(BASE / "input" / "data" / f"train_{epoch}").read_text() for epoch in range(2)]
    (BASE / "model" / "epochs.json").write_text(json.dumps(epochs))


def resume() -> None:
    counter = BASE / "checkpoints" / "counter"
    count = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(count))


def escape() -> None:
    for place in ("model/passwd", "checkpoints/passwd", "output/data/passwd"):
        (BASE / place).symlink_to("/etc/passwd")
    os.mkfifo(BASE / "output" / "failure")
    sys.exit(3)


{"train": train, "crash": crash, "wait": wait, "ignore": ignore, "pipes": pipes, "resume": resume, "escape": escape}[
    PARAMETERS.get("behaviour", "train")
]()
