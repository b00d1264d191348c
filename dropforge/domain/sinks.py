"""Other systems that ops want told of runs: where each is, and which secret holds its token, never the token itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenLineageSink:
    """A backend of OpenLineage at `url`; `namespace` is that of the jobs there. Without a secret it takes no token."""

    url: str
    namespace: str
    token_secret: str | None = None


@dataclass(frozen=True)
class GitHubStatusSink:
    """GitHub's REST API at `api_url`; the token may write commit statuses of the projects' repositories."""

    api_url: str
    token_secret: str


@dataclass(frozen=True)
class Sinks:
    """Those that are switched on; None is off."""

    openlineage: OpenLineageSink | None = None
    github_status: GitHubStatusSink | None = None

    @property
    def are_on(self) -> bool:
        return self.openlineage is not None or self.github_status is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names or ARNs, each once."""
        named = (each.token_secret for each in (self.openlineage, self.github_status) if each is not None)
        return tuple(dict.fromkeys(each for each in named if each is not None))
