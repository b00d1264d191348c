"""The documents without the command line, for the build and for `make schemas`.

    python -m dropforge.documents validate dropforge.yaml [--to FILE]
    python -m dropforge.documents schemas

`validate` prints the spec as canonical JSON, or writes it to FILE. A broken document is explained on stderr and ends with
exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dropforge.documents.problems import DocumentError
from dropforge.documents.schemas import write_schemas
from dropforge.documents.training_spec import FILE_NAME, read_training_spec
from dropforge.domain.canonical import canonical


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dropforge.documents")
    commands = parser.add_subparsers(dest="command", required=True)
    validate = commands.add_parser("validate", help=f"check a {FILE_NAME}")
    validate.add_argument("file", type=Path, nargs="?", default=Path(FILE_NAME))
    validate.add_argument("--to", type=Path, help="write the spec as canonical JSON to this file")
    commands.add_parser("schemas", help="write the JSON Schemas of both documents anew")
    given = parser.parse_args(arguments)
    if given.command == "schemas":
        sys.stdout.writelines(f"wrote {file}\n" for file in write_schemas())
        return 0
    return _validate(given.file, given.to)


def _validate(file: Path, to: Path | None) -> int:
    try:
        spec = canonical(read_training_spec(file).to_document()) + b"\n"
    except DocumentError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if to is None:
        sys.stdout.write(spec.decode())
    else:
        to.write_bytes(spec)
    return 0


if __name__ == "__main__":
    sys.exit(main())
