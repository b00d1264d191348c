"""The build context: what COPY takes from it, with globs and .dockerignore as Docker reads them.

Follows https://docs.docker.com/reference/dockerfile/#copy and
https://docs.docker.com/build/concepts/context/#dockerignore-files.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from localaws.containers.layers import Entry
from localaws.containers.plan import Copy


class Context:
    """A folder whose files may go into an image."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        ignore = self._folder / ".dockerignore"
        lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
        stripped = [line.strip() for line in lines]
        self._rules = [
            (not line.startswith("!"), _pattern(line.lstrip("!").strip("/")))
            for line in stripped
            if line and not line.startswith("#")
        ]

    def entries(self, copy: Copy) -> Iterator[Entry]:
        """Yield what one COPY puts into the image, by absolute path; raise DockerfileError if a source is missing."""
        found = [path for source in copy.sources for path in self._matches(copy, source)]
        is_folder = copy.destination.endswith("/")
        if len(found) > 1 and not is_folder:
            raise copy.instruction.wrong("with several sources, the destination must be a folder and end with /.")
        for path in found:
            if (self._folder / path).is_dir():
                yield from self._tree(copy, path)
            else:
                name = copy.destination + (posixpath.basename(path) if is_folder else "")
                yield self._entry(copy, path, name, follow=True)

    def _matches(self, copy: Copy, source: str) -> list[str]:
        wanted = posixpath.normpath(source.lstrip("/") or ".")
        if wanted.startswith(".."):
            raise copy.instruction.wrong(f"{source} lies outside of the build context.")
        if any(character in wanted for character in "*?["):
            shown = sorted(path.relative_to(self._folder).as_posix() for path in self._folder.glob(wanted))
            found = [path for path in shown if not self._ignored(path)]
        else:
            exists = os.path.lexists(self._folder / wanted)
            found = [wanted] if exists and (wanted == "." or not self._ignored(wanted)) else []
        if not found:
            raise copy.instruction.wrong(f"{source} is not in the build context, or .dockerignore leaves it out.")
        if any(self._folder not in [(self._folder / path).resolve(), *(self._folder / path).resolve().parents]
               for path in found):  # fmt: skip
            raise copy.instruction.wrong(f"{source} lies outside of the build context.")
        return found

    def _tree(self, copy: Copy, start: str) -> Iterator[Entry]:
        """Yield the contents of a folder: Docker copies what is in it, not the folder itself."""
        for parent, folders, files in os.walk(self._folder / start):
            folders.sort()
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            for name in sorted([*files, *links]):
                inside = (Path(parent) / name).relative_to(self._folder).as_posix()
                if not self._ignored(inside):
                    target = posixpath.relpath(inside, start)
                    yield self._entry(copy, inside, posixpath.join(copy.destination, target), follow=False)

    def _entry(self, copy: Copy, path: str, name: str, *, follow: bool) -> Entry:
        file = self._folder / path
        if file.is_symlink() and not follow:
            return Entry(name, link=str(file.readlink()))
        if not file.is_file():
            raise copy.instruction.wrong(f"{path} is neither a file nor a folder.")
        executable = 0o755 if os.access(file, os.X_OK) else 0o644
        return Entry(name, mode=copy.mode or executable, content=file)

    def _ignored(self, path: str) -> bool:
        """Tell what .dockerignore says: the last rule that matches the path, or a folder above it, wins."""
        above = [path]
        while "/" in above[-1]:
            above.append(above[-1].rpartition("/")[0])
        ignored = False
        for excludes, pattern in self._rules:
            if any(pattern.fullmatch(candidate) for candidate in above):
                ignored = excludes
        return ignored


def _pattern(rule: str) -> re.Pattern[str]:
    """Translate a pattern: ** is any number of folders, * and ? stay within one name."""
    parts = re.split(r"(\*\*/?|\*|\?|\[[^]]*\])", posixpath.normpath(rule))
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, part if part.startswith("[") else re.escape(part)) for part in parts))
