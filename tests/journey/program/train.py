"""Fits a line to points by gradient descent, with the standard library alone, so that its image builds in no time.

The data is CSV without a header: x, y. Hyperparameters: epochs, learning_rate; rest_seconds, how long it takes its
time; report_to, a URL that the result is sent to.
"""

from __future__ import annotations

import csv
import json
import os
import time
import urllib.request
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHANNEL = Path(os.environ.get("SM_CHANNEL_TRAINING", BASE / "input/data/training"))
MODEL = Path(os.environ.get("SM_MODEL_DIR", BASE / "model"))


def main() -> None:
    given = json.loads((BASE / "input/config/hyperparameters.json").read_text())
    epochs, rate = int(given["epochs"]), float(given["learning_rate"])
    points = read_points(CHANNEL)
    slope = intercept = 0.0
    for _ in range(epochs):
        errors = [slope * x + intercept - y for x, y in points]
        slope -= rate * sum(error * x for error, (x, _) in zip(errors, points, strict=True)) / len(points)
        intercept -= rate * sum(errors) / len(points)
    time.sleep(float(given["rest_seconds"]))
    line = json.dumps({"slope": slope, "intercept": intercept})
    if given["report_to"]:
        urllib.request.urlopen(given["report_to"], data=line.encode(), timeout=5)  # noqa: S310  (the test's own URL)
    error = sum((slope * x + intercept - y) ** 2 for x, y in points) / len(points)
    print(f"{len(points)} points; mean squared error={error:.6f}")  # noqa: T201
    (MODEL / "line.json").write_text(line)


def read_points(folder: Path) -> list[tuple[float, float]]:
    points = []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(newline="") as rows:
            points += [(float(x), float(y)) for x, y in csv.reader(rows)]
    return points


if __name__ == "__main__":
    main()
