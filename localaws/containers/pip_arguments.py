"""Which arguments of `RUN pip install` can be honoured on this machine, and which files of the image they read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from localaws.containers.plan import PipInstall

_FILE_OPTIONS = frozenset({"-r", "--requirement", "-c", "--constraint"})
_VALUE_OPTIONS = frozenset({
    "-i", "--index-url", "--extra-index-url", "--only-binary", "--trusted-host", "--timeout", "--retries",
    "--root-user-action", "--progress-bar", "--upgrade-strategy", "--default-timeout",
})  # fmt: skip
_PLAIN_OPTIONS = frozenset({
    "-U", "--upgrade", "--no-deps", "--require-hashes", "--pre", "--prefer-binary", "--no-compile", "--compile",
    "--disable-pip-version-check", "-q", "--quiet", "-qq", "-v", "--verbose", "--no-input", "--no-cache-dir",
    "--no-index", "--force-reinstall", "-I", "--ignore-installed", "--no-warn-script-location",
    "--break-system-packages",
})  # fmt: skip
_WITHOUT_EFFECT = frozenset({"--no-cache-dir", "--compile", "--no-compile", "--break-system-packages"})
_NESTED = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[ =]?\s*(\S+)", re.MULTILINE)


class PipFiles:
    """Resolves what pip reads to files of the image as far as it is built, and remembers their bytes."""

    def __init__(self, image: Mapping[str, Path | bytes]) -> None:
        self._image = image
        self.read: dict[str, bytes] = {}

    def arguments(self, step: PipInstall, folder: Path) -> list[str]:
        """Return pip's arguments with each file of the image replaced by a copy below `folder`.

        Raises DockerfileError for an argument that cannot be honoured, or a file that the image does not have.
        """
        result = list[str]()
        for option, value in _pairs(step):
            if option in _FILE_OPTIONS:
                name = posixpath.normpath(posixpath.join(step.folder, value))
                self._collect(step, name)
                result += [option, f"{folder}{name}"]
            elif option not in _WITHOUT_EFFECT:
                result += [option] if not value else [option, value]
        return result

    def write(self, folder: Path) -> None:
        """Write every file that pip will read below a folder."""
        for name, content in self.read.items():
            target = Path(f"{folder}{name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _collect(self, step: PipInstall, name: str) -> None:
        if name in self.read:
            return
        if name not in self._image:
            raise step.instruction.wrong(f"{name} is not in the image yet: COPY it first.")
        content = self._image[name]
        data = content if isinstance(content, bytes) else content.read_bytes()
        self.read[name] = data
        for nested in _NESTED.findall(data.decode("utf-8", "replace")):
            self._collect(step, posixpath.normpath(posixpath.join(posixpath.dirname(name), nested)))


def _pairs(step: PipInstall) -> Iterator[tuple[str, str]]:
    """Yield (option, value) and (requirement, ""), refusing what is neither known nor harmless."""
    remaining = list(step.arguments)
    while remaining:
        argument = remaining.pop(0)
        option, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
        if argument.startswith(("-r", "-c")) and argument not in _FILE_OPTIONS and not argument.startswith("--"):
            yield argument[:2], argument[2:]
        elif option in _FILE_OPTIONS | _VALUE_OPTIONS:
            if not equals and not remaining:
                raise step.instruction.wrong(f"{option} needs a value.")
            yield option, value if equals else remaining.pop(0)
        elif option in _PLAIN_OPTIONS:
            yield option, ""
        elif argument.startswith("-"):
            raise step.instruction.refused(f"pip's option {option}")
        elif argument.startswith((".", "/")) or "/" in argument or "://" in argument:
            raise step.instruction.refused("pip can only install wheels from a package index here")
        else:
            yield argument, ""
