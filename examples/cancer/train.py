"""Grows a random forest that tells malignant from benign tumours, and says how well it does on rows it never saw.

Runs in SageMaker's training container contract without any toolkit
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html), and wherever the SM_* variables
say where things are. The data is CSV with a header: 30 measurements, and the column `malignant` (0 or 1).
"""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
import traceback
import zlib
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, recall_score

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHANNEL = Path(os.environ.get("SM_CHANNEL_TRAINING", BASE / "input/data/training"))
MODEL = Path(os.environ.get("SM_MODEL_DIR", BASE / "model"))
OUTPUT = Path(os.environ.get("SM_OUTPUT_DATA_DIR", BASE / "output/data"))
FAILURE = BASE / "output/failure"
TREES_A_STEP = 20

stop_asked = threading.Event()


def hyperparameters() -> dict[str, str]:
    """What dropforge.yaml and the command line said; SageMaker hands every value over as text."""
    file = BASE / "input/config/hyperparameters.json"
    text = os.environ.get("SM_HPS") or (file.read_text() if file.exists() else "{}")
    return {name: str(value) for name, value in json.loads(text).items()}


def read_rows(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names of the measurements, their values, the labels, and which rows are held out, from every CSV of the channel.

    A row's own bytes decide whether it is held out: one in four, and the same ones when the file grows, so that the
    metrics of one data version can be compared with those of the next.
    """
    names: list[str] = []
    values, labels, held_out = [], [], []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                labels.append(int(row.pop("malignant")))
                names = list(row)
                values.append([float(value) for value in row.values()])
                held_out.append(zlib.crc32(",".join(row.values()).encode()) % 4 == 0)
    if not labels:
        raise ValueError(f"no rows in {folder}: drop a CSV file with a header and the column `malignant`")
    return names, np.array(values), np.array(labels), np.array(held_out)


def train() -> None:
    given = hyperparameters()
    trees, depth, seed = int(given.get("trees", "100")), int(given.get("max_depth", "8")), int(given.get("seed", "7"))
    names, values, labels, held_out = read_rows(CHANNEL)
    print(f"{np.sum(~held_out)} rows to learn from, {np.sum(held_out)} held out")

    forest = RandomForestClassifier(max_depth=depth, random_state=seed, warm_start=True)
    for size in [*range(TREES_A_STEP, trees, TREES_A_STEP), trees]:
        forest.set_params(n_estimators=size).fit(values[~held_out], labels[~held_out])
        found = forest.predict(values[held_out])
        accuracy, recall = accuracy_score(labels[held_out], found), recall_score(labels[held_out], found)
        print(f"trees={size} accuracy={accuracy:.4f} recall={recall:.4f}")
        if stop_asked.is_set():
            print(f"asked to stop: keeping the forest as it is with {size} trees")
            break

    save(forest, names)


def save(forest: RandomForestClassifier, names: list[str]) -> None:
    """The model for model.tar.gz, and what weighed most in its judgement for output.tar.gz."""
    MODEL.mkdir(parents=True, exist_ok=True)
    joblib.dump(forest, MODEL / "model.joblib")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    ranked = sorted(zip(forest.feature_importances_, names, strict=True), reverse=True)
    (OUTPUT / "importances.csv").write_text("".join(f"{name},{weight:.6f}\n" for weight, name in ranked))


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop_asked.set())
    try:
        train()
    except Exception as error:
        FAILURE.parent.mkdir(parents=True, exist_ok=True)
        FAILURE.write_text(f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}")
        raise


if __name__ == "__main__":
    main()
