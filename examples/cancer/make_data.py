"""Writes scikit-learn's bundled breast cancer data as a CSV file to drop: python make_data.py [--rows N] [FILE]

569 real biopsies, 30 measurements each (UCI Breast Cancer Wisconsin, Diagnostic, CC BY 4.0).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from sklearn.datasets import load_breast_cancer


def main() -> None:
    arguments = argparse.ArgumentParser(description="Write the bundled breast cancer data as CSV.")
    arguments.add_argument("file", nargs="?", type=Path, default=Path("cancer.csv"))
    arguments.add_argument("--rows", type=int, help="only the first N of 569 rows")
    given = arguments.parse_args()
    biopsies = load_breast_cancer()
    with given.file.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*(name.replace(" ", "_") for name in biopsies.feature_names), "malignant"])
        for values, benign in zip(biopsies.data[: given.rows], biopsies.target[: given.rows], strict=True):
            rows.writerow([*(repr(float(value)) for value in values), 1 - benign])
    print(f"wrote {given.file}")


if __name__ == "__main__":
    main()
