"""What `docker` is in a build: the real one, if an engine answers, else this program, which can do without.

Runs on its own (`python -I docker_shim.py …`) with the variables of the build: AWS_ENDPOINT_URL (this server),
LOCALAWS_IMAGES (where names of images are kept) and LOCALAWS_CACHE (what they are made of), LOCALAWS_ENGINE (docker or
podman, if one answers). In both cases the host of ECR, <account>.dkr.ecr.<region>.amazonaws.com, means the registry of
this server.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from localaws.containers.builder import Builder
from localaws.containers.dockerfile import BuildError
from localaws.containers.registry import ImageReference, Registry
from localaws.containers.store import BuiltImage

_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com")
_IGNORED_WITH_VALUE = ("--platform", "--progress", "--cache-from", "--cache-to", "--provenance", "--sbom", "--network")
_IGNORED = ("--pull", "--no-cache", "--load", "--rm", "--force-rm")
_FIELD = re.compile(r"\{\{\s*(?:json\s+)?\.(?P<path>[\w.]*)\s*\}\}|\{\{\s*index \.(?P<list>\w+) (?P<index>\d+)\s*\}\}")


def main(arguments: Sequence[str]) -> int:
    """Perform one docker command; return its exit code."""
    engine = os.environ.get("LOCALAWS_ENGINE", "")
    if engine:
        _become(engine, arguments)
    commands: Mapping[str, Callable[[Sequence[str]], None]] = {
        "build": _build, "tag": _tag, "push": _push, "pull": _pull, "login": _login, "logout": _logout,
        "inspect": _inspect, "images": _images, "version": _version, "info": _version,
    }  # fmt: skip
    words = list(arguments)
    if words[:1] in (["buildx"], ["image"]):
        words = words[1:]
    command = commands.get(words[0] if words else "")
    if command is None:
        _complain(
            f"docker {' '.join(arguments[:2])} needs a container engine, and none answers on this machine. It works"
            f" with Docker or Podman running, and on AWS. Without one there are: {', '.join(commands)}."
        )
        return 1
    try:
        command(words[1:])
    except BuildError as error:
        _complain(f"ERROR: {error}")
        return 1
    return 0


def _become(engine: str, arguments: Sequence[str]) -> None:
    """Execute the real program, found after this one on PATH, with ECR's host replaced by this server's."""
    local = os.environ["AWS_ENDPOINT_URL"].partition("//")[2]
    rewritten = [_ECR.sub(local, argument) for argument in arguments]
    own = str(Path(os.environ.get("LOCALAWS_TOOLS", "")))
    os.environ["PATH"] = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    os.execvp(engine, [engine, *rewritten])  # noqa: S606  (no shell)


def _build(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker build")
    parser.add_argument("-t", "--tag", action="append", default=[])
    parser.add_argument("-f", "--file")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--push", action="store_true")
    parser.add_argument("--iidfile")
    parser.add_argument("context")
    for name in _IGNORED_WITH_VALUE:
        parser.add_argument(name)
    for name in _IGNORED:
        parser.add_argument(name, action="store_true")
    wanted = parser.parse_args(arguments)
    pairs = (entry.partition("=") for entry in wanted.build_arg)
    given = {name: value if equals else os.environ.get(name, "") for name, equals, value in pairs}
    report = _builder().build(Path(wanted.context), Path(wanted.file) if wanted.file else None, given)
    for name in wanted.tag:
        _builder().store.tag(_with_tag(name), report.image.digest)
    if wanted.iidfile:
        Path(wanted.iidfile).write_text(report.image.digest, encoding="utf-8")
    _say(
        report.image.digest if wanted.quiet else "\n".join([*report.lines, *(f"Tagged {name}" for name in wanted.tag)])
    )
    for name in wanted.tag if wanted.push else []:
        _push([name])


def _tag(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker tag")
    parser.add_argument("source")
    parser.add_argument("target")
    wanted = parser.parse_args(arguments)
    _builder().store.tag(_with_tag(wanted.target), _image(wanted.source).digest)


def _push(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker push")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("name")
    name = _with_tag(parser.parse_args(arguments).name)
    image, target = _image(name), ImageReference.parse(name)
    _registry(target.host).push(image, _builder().store, target)
    _say(f"{target.reference}: digest: {image.digest} size: {len(image.manifest)}")


def _pull(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker pull")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--platform")
    parser.add_argument("name")
    name = _with_tag(parser.parse_args(arguments).name)
    source = ImageReference.parse(name)
    digest = _registry(source.host).fetch(source, _builder().store)
    _builder().store.tag(name, digest)
    _say(f"Digest: {digest}\n{name}")


def _login(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker login")
    parser.add_argument("-u", "--username", default="")
    parser.add_argument("-p", "--password", default="")
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("host")
    wanted = parser.parse_args(arguments)
    password = sys.stdin.read().strip() if wanted.password_stdin else wanted.password
    host = wanted.host.removeprefix("https://")
    token = base64.b64encode(f"{wanted.username}:{password}".encode()).decode()
    Registry(_endpoint(host), token).check()
    file = _configuration_file()
    configuration = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    configuration.setdefault("auths", {})[host] = {"auth": token}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(configuration), encoding="utf-8")
    _say("Login Succeeded")


def _logout(arguments: Sequence[str]) -> None:
    del arguments
    _configuration_file().unlink(missing_ok=True)


def _inspect(arguments: Sequence[str]) -> None:
    parser = _Parser(prog="docker inspect")
    parser.add_argument("-f", "--format", default="")
    parser.add_argument("--type")
    parser.add_argument("name")
    words = arguments[1:] if arguments[:1] == ["inspect"] else arguments
    wanted = parser.parse_args(words)
    image, names = _image(wanted.name), _builder().store.names()
    tags = [name for name, digest in names.items() if digest == image.digest and not name.startswith("<untagged>")]
    repositories = {name.rpartition(":")[0] for name in tags}
    document = {
        "Id": image.digest,
        "RepoTags": tags,
        "RepoDigests": [f"{repository}@{image.digest}" for repository in sorted(repositories)],
        "Architecture": image.config["architecture"],
        "Os": image.config["os"],
        "Config": image.config["config"],
    }
    _say(_formatted(wanted.format, document) if wanted.format else json.dumps([document], indent=4))


def _formatted(template: str, document: Mapping[str, object]) -> str:
    def value(match: re.Match[str]) -> str:
        found: object = document
        for part in [match["list"]] if match["list"] else filter(None, match["path"].split(".")):
            found = found.get(part, "<no value>") if isinstance(found, Mapping) else "<no value>"
        if match["list"]:
            found = found[int(match["index"])] if isinstance(found, list) and found else ""
        return found if isinstance(found, str) else json.dumps(found)

    shown = _FIELD.sub(value, template)
    if "{{" in shown:
        raise BuildError(f"The format {template!r} needs a container engine; here there are fields and `index`.")
    return shown


def _images(arguments: Sequence[str]) -> None:
    del arguments
    for name, digest in sorted(_builder().store.names().items()):
        _say(f"{name}\t{digest}")


def _version(arguments: Sequence[str]) -> None:
    del arguments
    _say("No container engine answers; the local AWS builds images itself, from a strict subset of Dockerfiles.")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse's own ends the process
        raise BuildError(f"{self.prog}: {message}. Without a container engine not every option is there.")


def _builder() -> Builder:
    return Builder(Path(os.environ["LOCALAWS_IMAGES"]), Path(os.environ["LOCALAWS_CACHE"]))


def _image(name: str) -> BuiltImage:
    return _builder().store.image(name if name.startswith("sha256:") else _with_tag(name))


def _with_tag(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def _registry(host: str) -> Registry:
    file = _configuration_file()
    configuration = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    token = configuration.get("auths", {}).get(host, {}).get("auth")
    if token is None:
        raise BuildError(f"no basic auth credentials: run aws ecr get-login-password | docker login … {host} first.")
    return Registry(_endpoint(host), token)


def _endpoint(host: str) -> str:
    if not _ECR.fullmatch(host):
        raise BuildError(f"{host} is not a registry of this local AWS, and there is no engine to reach another.")
    return os.environ["AWS_ENDPOINT_URL"]


def _configuration_file() -> Path:
    folder = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    return Path(folder) / "config.json"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _complain(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
