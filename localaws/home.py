"""Where the local AWS keeps everything: one folder, safe to delete while the server is stopped.

What is the same for every server, since its name says its content, may lie in a cache that several share.
"""

from __future__ import annotations

import configparser
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_HOME = Path(".localaws")
DEFAULT_CACHE = DEFAULT_HOME / "cache"
ACCESS_KEY_ID = "localaws"


@dataclass(frozen=True)
class Credentials:
    """An AWS key pair of the account's root user."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Home:
    """The layout below `root`; folders are made when `prepare` is called.

    shared_cache: a cache that other homes use too, also at the same time; without one, the home has its own.
    """

    root: Path
    shared_cache: Path | None = None

    @property
    def state(self) -> Path:
        """What each service remembers: one JSON file a service."""
        return self.root / "state"

    @property
    def objects(self) -> Path:
        """The bytes of S3 objects."""
        return self.root / "s3"

    @property
    def mail(self) -> Path:
        """E-mail that SNS sent: one RFC 5322 file a message and subscriber."""
        return self.root / "mail"

    @property
    def git(self) -> Path:
        """Bare repositories of the local stand-in for GitHub."""
        return self.root / "git"

    @property
    def images(self) -> Path:
        """The registry's own layers, by digest and repository, and the names of the images that builds made."""
        return self.root / "images"

    @property
    def cache(self) -> Path:
        """What images are made of, installed and unpacked, each by digest: safe to delete, slow to lose."""
        return self.shared_cache or self.root / "cache"

    @property
    def jobs(self) -> Path:
        """Working folders of training jobs in flight."""
        return self.root / "jobs"

    @property
    def builds(self) -> Path:
        """Working folders of builds in flight."""
        return self.root / "builds"

    @property
    def config(self) -> Path:
        """What a user may edit, such as `sagemaker-quotas.json`."""
        return self.root / "config"

    @property
    def temporary(self) -> Path:
        """TMPDIR of the server and of what it runs."""
        return self.root / "tmp"

    @property
    def processes(self) -> Path:
        """One file a child process, so that `down` ends what a killed server left behind."""
        return self.root / "processes"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.root / "server.log"

    @property
    def server_record(self) -> Path:
        """JSON of the running server: pid, port, endpoint, region."""
        return self.root / "server.json"

    def prepare(self) -> None:
        """Create every folder; readable by its owner alone, since the root credentials live here."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.state, self.objects, self.mail, self.git, self.images, self.jobs, self.builds,
                       self.config, self.temporary, self.processes):  # fmt: skip
            folder.mkdir(exist_ok=True)

    def credentials(self) -> Credentials:
        """Return the root user's key pair, made at first use and kept in an AWS shared credentials file.

        The secret is random: with a well-known one, any page in the user's browser could sign requests to this
        server, which runs programs.
        """
        path = self.root / "credentials"
        parser = configparser.ConfigParser()
        if not parser.read(path, encoding="utf-8"):
            parser["default"] = {
                "aws_access_key_id": ACCESS_KEY_ID,
                "aws_secret_access_key": secrets.token_urlsafe(30),
            }
            with _private(path) as file:
                parser.write(file)
        section = parser["default"]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])

    def hook_token(self) -> str:
        """Return the secret that authorises calls below `/_localaws/`, made at first use."""
        path = self.root / "hook-token"
        if not path.exists():
            with _private(path) as file:
                file.write(secrets.token_urlsafe(30))
        return path.read_text(encoding="utf-8")

    def last_port(self) -> int:
        """Return the port that the server had the last time, or 0."""
        path = self.root / "port"
        return int(path.read_text(encoding="utf-8")) if path.exists() else 0

    def remember_port(self, port: int) -> None:
        """Note the port that the server has."""
        (self.root / "port").write_text(str(port), encoding="utf-8")

    def settings(self, name: str) -> dict[str, Any]:
        """Return what the user wrote in `config/<name>.json`, or nothing; raise ValueError if it is no JSON object."""
        path = self.config / f"{name}.json"
        if not path.exists():
            return {}
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not valid JSON ({error}): correct or delete it.") from error
        if not isinstance(content, dict):
            raise ValueError(f"{path} must hold one JSON object: correct or delete it.")  # noqa: TRY004  (the content)
        return content


def _private(path: Path) -> Any:
    """Open a new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")
