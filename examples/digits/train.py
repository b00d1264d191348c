"""Trains a network that reads handwritten digits, and says how well it does on rows that it never saw.

Runs in SageMaker's training container contract without any toolkit
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html), and wherever the SM_* variables
say where things are. The data is CSV with a header: 64 columns of grey values from 0 to 16, and the column `label`.
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
from sklearn.metrics import confusion_matrix
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
CHANNEL = Path(os.environ.get("SM_CHANNEL_TRAINING", BASE / "input/data/training"))
MODEL = Path(os.environ.get("SM_MODEL_DIR", BASE / "model"))
OUTPUT = Path(os.environ.get("SM_OUTPUT_DATA_DIR", BASE / "output/data"))
FAILURE = BASE / "output/failure"
GREY_LEVELS = 16.0

stop_asked = threading.Event()


def hyperparameters() -> dict[str, str]:
    """What dropforge.yaml and the command line said; SageMaker hands every value over as text."""
    file = BASE / "input/config/hyperparameters.json"
    text = os.environ.get("SM_HPS") or (file.read_text() if file.exists() else "{}")
    return {name: str(value) for name, value in json.loads(text).items()}


def read_rows(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, labels, and which rows are held out, from every CSV file of the channel.

    A row's own bytes decide whether it is held out: one in five, and the same ones when the file grows, so that the
    accuracy of one data version can be compared with that of the next.
    """
    pixels, labels, held_out = [], [], []
    for file in sorted(folder.rglob("*.csv")):
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                labels.append(int(row.pop("label")))
                pixels.append([float(value) / GREY_LEVELS for value in row.values()])
                held_out.append(zlib.crc32(",".join(row.values()).encode()) % 5 == 0)
    if not labels:
        raise ValueError(f"no rows in {folder}: drop a CSV file with a header and the column `label`")
    return np.array(pixels), np.array(labels), np.array(held_out)


def train() -> None:
    given = hyperparameters()
    epochs, hidden = int(given.get("epochs", "40")), int(given.get("hidden_units", "64"))
    learning_rate, seed = float(given.get("learning_rate", "0.005")), int(given.get("seed", "7"))
    pixels, labels, held_out = read_rows(CHANNEL)
    print(f"{np.sum(~held_out)} rows to learn from, {np.sum(held_out)} held out")

    network = MLPClassifier((hidden,), learning_rate_init=learning_rate, batch_size=64, random_state=seed)
    for epoch in range(1, epochs + 1):
        network.partial_fit(pixels[~held_out], labels[~held_out], classes=np.arange(10))
        if epoch % 5 == 0 or epoch == epochs or stop_asked.is_set():
            accuracy = network.score(pixels[held_out], labels[held_out])
            print(f"epoch={epoch} loss={network.loss_:.4f} accuracy={accuracy:.4f}")
        if stop_asked.is_set():
            print(f"asked to stop: keeping the model as it is after epoch {epoch}")
            break

    save(network, confusion_matrix(labels[held_out], network.predict(pixels[held_out]), labels=range(10)))


def save(network: MLPClassifier, confusion: np.ndarray) -> None:
    """The model for model.tar.gz, and which digits are taken for which for output.tar.gz."""
    MODEL.mkdir(parents=True, exist_ok=True)
    joblib.dump(network, MODEL / "model.joblib")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    np.savetxt(OUTPUT / "confusion.csv", confusion, fmt="%d", delimiter=",")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop_asked.set())
    try:
        with threadpool_limits(1):  # one thread adds in one order: the same inputs give the same bytes
            train()
    except Exception as error:
        FAILURE.parent.mkdir(parents=True, exist_ok=True)
        FAILURE.write_text(f"{type(error).__name__}: {error}\n\n{traceback.format_exc()}")
        raise


if __name__ == "__main__":
    main()
