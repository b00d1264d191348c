"""Writes scikit-learn's bundled handwritten digits as a CSV file to drop: python make_data.py [--rows N] [FILE]

1,797 real 8 by 8 scans (UCI Optical Recognition of Handwritten Digits, CC BY 4.0).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from sklearn.datasets import load_digits


def main() -> None:
    arguments = argparse.ArgumentParser(description="Write the bundled handwritten digits as CSV.")
    arguments.add_argument("file", nargs="?", type=Path, default=Path("digits.csv"))
    arguments.add_argument("--rows", type=int, help="only the first N of 1797 rows")
    given = arguments.parse_args()
    digits = load_digits()
    with given.file.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*digits.feature_names, "label"])
        for pixels, label in zip(digits.data[: given.rows].astype(int), digits.target[: given.rows], strict=True):
            rows.writerow([*pixels, label])
    print(f"wrote {given.file}")


if __name__ == "__main__":
    main()
