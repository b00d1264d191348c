"""Files that a command leaves behind whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dropforge.cli.exits import CommandError


@contextmanager
def all_or_none(*files: Path) -> Iterator[list[Path]]:
    """A name beside each file to write to; they become the files when the block ends well, and go however else it ends.

    CommandError where one of the files is there already, or a folder is not.
    """
    for each in files:
        if each.exists():
            raise CommandError(f"{each} is there already: remove it, or name another file with --to.")
        if not each.parent.is_dir():
            raise CommandError(f"There is no folder {each.parent}: make it, or name another with --to.")
    parts = [each.with_name(f"{each.name}.part") for each in files]
    try:
        yield parts
        for part, each in zip(parts, files, strict=True):
            part.rename(each)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
