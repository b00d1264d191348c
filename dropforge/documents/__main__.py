"""The documents without the command line, for the build and for `make schemas`.

    python -m dropforge.documents validate [dropforge.yaml]
    python -m dropforge.documents image [dropforge.yaml] --author-file FILE --message-file FILE --to image.json
    python -m dropforge.documents schemas

`validate` prints the spec as canonical JSON. A broken document is explained on stderr, the last line being a sentence
that stands alone, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dropforge.documents.image import image_document
from dropforge.documents.problems import DocumentError
from dropforge.documents.schemas import write_schemas
from dropforge.documents.training_spec import FILE_NAME, read_training_spec
from dropforge.domain.canonical import canonical


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if given.command == "schemas":
        sys.stdout.writelines(f"wrote {file}\n" for file in write_schemas())
        return 0
    try:
        spec = read_training_spec(given.file)
    except DocumentError as error:
        sys.stderr.write(_explanation(error))
        return 1
    if given.command == "validate":
        sys.stdout.write(canonical(spec.to_document()).decode() + "\n")
    else:
        author = given.author_file.read_text("utf-8", "replace")
        message = given.message_file.read_text("utf-8", "replace")
        given.to.write_bytes(canonical(image_document(spec, author, message)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dropforge.documents")
    commands = parser.add_subparsers(dest="command", required=True)
    validate = commands.add_parser("validate", help=f"check a {FILE_NAME} and print its spec")
    image = commands.add_parser("image", help=f"check a {FILE_NAME} and write image.json")
    for command in (validate, image):
        command.add_argument("file", type=Path, nargs="?", default=Path(FILE_NAME))
    for option, content in (("--author-file", "the commit's author"), ("--message-file", "the commit's message")):
        image.add_argument(option, type=Path, required=True, help=f"holds {content}")
    image.add_argument("--to", type=Path, required=True, help="the file to write")
    commands.add_parser("schemas", help="write the JSON Schemas of the documents and of the event anew")
    return parser


def _explanation(error: DocumentError) -> str:
    """Every problem; of several, the last line says the first again, since it may be all that somebody is shown."""
    lines = f"{error}\n"
    if len(error.problems) > 1:
        lines += f"{len(error.problems)} mistakes; the first is {error.problems[0]}\n"
    return lines


if __name__ == "__main__":
    sys.exit(main())
