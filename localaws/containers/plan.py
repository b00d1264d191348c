"""What a Dockerfile asks for, as far as it can be honoured without a container engine.

FROM (recorded, not pulled), ARG, ENV, WORKDIR, COPY, RUN pip install, ENTRYPOINT, CMD, LABEL, and USER root are
honoured; anything else fails by name (DockerfileError), because a build that left it out would not be the image
that was asked for.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from localaws.containers.dockerfile import DockerfileError, Instruction, instructions, json_words, words

PYTHON_HOME = "/opt/python"
"""Where a host-based image has its Python environment."""
SEARCH_PATH = f"{PYTHON_HOME}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM_FOLDERS = frozenset({"bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc", "sys", "dev"})
_PIP = re.compile(r"(?:python3?(?:\.\d+)? -m pip|pip3?(?:\.\d+)?) install$")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_SHELL_SYNTAX = re.compile(r"[;&|<>`()*?!]")


@dataclass(frozen=True)
class Copy:
    """COPY: sources below the build context, and an absolute destination that ends with / if it is a folder."""

    instruction: Instruction
    sources: tuple[str, ...]
    destination: str
    mode: int | None


@dataclass(frozen=True)
class PipInstall:
    """RUN pip install: the arguments after `install`, and the folder of the image in which it runs."""

    instruction: Instruction
    arguments: tuple[str, ...]
    folder: str


@dataclass
class Plan:
    """An image to build."""

    base: str = ""
    steps: list[Copy | PipInstall] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": SEARCH_PATH})
    folder: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)


def plan(text: str, build_arguments: Mapping[str, str]) -> Plan:
    """Return what a Dockerfile asks for; raise DockerfileError for the first line that cannot be honoured."""
    reader = _Reader(dict(build_arguments))
    for instruction in instructions(text):
        reader.read(instruction)
    if not reader.plan.base:
        raise DockerfileError(1, "there is no FROM: name the base image first.")
    return reader.plan


class _Reader:
    """Reads instructions in order, since each sees the variables that those before it set."""

    def __init__(self, build_arguments: dict[str, str]) -> None:
        self.plan = Plan()
        self._given = build_arguments
        self._arguments = dict[str, str]()
        self._readers: Mapping[str, Callable[[Instruction], None]] = {
            "FROM": self._from, "ARG": self._arg, "ENV": self._env, "WORKDIR": self._workdir, "COPY": self._copy,
            "RUN": self._run, "ENTRYPOINT": self._entrypoint, "CMD": self._cmd, "LABEL": self._label,
            "USER": self._user,
        }  # fmt: skip

    def read(self, instruction: Instruction) -> None:
        reader = self._readers.get(instruction.keyword)
        if reader is None:
            raise instruction.refused()
        if not self.plan.base and instruction.keyword not in {"FROM", "ARG"}:
            raise instruction.wrong("FROM must come first.")
        if not instruction.text:
            raise instruction.wrong("it has no argument.")
        reader(instruction)
        self.plan.history.append(instruction.shown)

    @property
    def _variables(self) -> dict[str, str]:
        return {**self._arguments, **self.plan.environment}

    def _from(self, instruction: Instruction) -> None:
        if self.plan.base:
            raise instruction.refused("a second build stage")
        if any(name != "platform" for name, _ in instruction.flags):
            raise instruction.refused()
        self.plan.base = words(instruction, self._arguments)[0]
        self._arguments = {}  # an ARG before FROM is out of scope after it

    def _arg(self, instruction: Instruction) -> None:
        for word in words(instruction, self._variables):
            name, given, default = word.partition("=")
            if name in self._given:
                self._arguments[name] = self._given[name]
            elif given:
                self._arguments[name] = default

    def _env(self, instruction: Instruction) -> None:
        self.plan.environment.update(self._pairs(instruction))

    def _label(self, instruction: Instruction) -> None:
        self.plan.labels.update(self._pairs(instruction))

    def _pairs(self, instruction: Instruction) -> Iterator[tuple[str, str]]:
        found = words(instruction, self._variables)
        if "=" not in found[0]:  # the old form: ENV name the whole rest
            yield found[0], " ".join(found[1:])
            return
        for word in found:
            name, separator, value = word.partition("=")
            if not name or not separator:
                raise instruction.wrong(f"{word} is not of the form name=value.")
            yield name, value

    def _workdir(self, instruction: Instruction) -> None:
        self.plan.folder = posixpath.normpath(
            posixpath.join(self.plan.folder, " ".join(words(instruction, self._variables)))
        )

    def _user(self, instruction: Instruction) -> None:
        if words(instruction, self._variables)[0] not in {"root", "0", "root:root", "0:0"}:
            raise instruction.refused("the program runs as the user who started the local AWS")

    def _copy(self, instruction: Instruction) -> None:
        mode = None
        for name, value in instruction.flags:
            if name == "chmod" and re.fullmatch("[0-7]{3,4}", value):
                mode = int(value, 8)
            elif not (name == "link" or (name == "chown" and value in {"0", "0:0", "root", "root:root"})):
                raise instruction.refused()
        found = json_words(instruction) or tuple(words(instruction, self._variables))
        if len(found) < 2:
            raise instruction.wrong("it needs a source and a destination.")
        destination = posixpath.join(self.plan.folder, found[-1])
        folder = found[-1].endswith(("/", "/.")) or found[-1] in {".", ".."}
        destination = posixpath.normpath(destination)
        if destination.split("/")[1] in _SYSTEM_FOLDERS:
            raise instruction.refused(f"/{destination.split('/')[1]} is this machine's")
        self.plan.steps.append(Copy(instruction, found[:-1], destination.rstrip("/") + "/" * folder, mode))

    def _run(self, instruction: Instruction) -> None:
        if any(not (name == "mount" and value.startswith("type=cache")) for name, value in instruction.flags):
            raise instruction.refused()
        commands = instruction.text.split("&&") if json_words(instruction) is None else [instruction.text]
        for command in commands:
            self.plan.steps.append(self._pip(instruction, command.strip()))

    def _pip(self, instruction: Instruction, command: str) -> PipInstall:
        exec_form = json_words(instruction)
        if exec_form is None and _SHELL_SYNTAX.search(_QUOTED.sub("", command)):
            raise instruction.refused("only `pip install` alone can be run, without shell syntax")
        single = Instruction(instruction.line, "RUN", (), command)
        found = list(exec_form or words(single, self._variables))
        position = found.index("install") + 1 if "install" in found else 0
        if not _PIP.match(" ".join(found[:position])):
            raise instruction.refused("only `pip install` can be run")
        return PipInstall(instruction, tuple(found[position:]), self.plan.folder)

    def _entrypoint(self, instruction: Instruction) -> None:
        self.plan.entrypoint = _program(instruction)

    def _cmd(self, instruction: Instruction) -> None:
        self.plan.command = _program(instruction)


def _program(instruction: Instruction) -> tuple[str, ...]:
    """Return the exec form as it is, and the shell form as Docker runs it."""
    exec_form = json_words(instruction)
    return ("/bin/sh", "-c", instruction.text) if exec_form is None else exec_form
