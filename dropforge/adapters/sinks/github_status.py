"""The status of a commit on GitHub.

https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from dropforge.adapters.secrets_manager import Tokens
from dropforge.adapters.sinks.posting import post
from dropforge.domain.commit_status import CommitStatus, commit_status, commits_of
from dropforge.domain.sinks import GitHubStatusSink
from dropforge.domain.state_report import StateReport
from dropforge.workflow.ports import SinkError

API_VERSION: Final = "2022-11-28"
_RIGHTS: Final = (
    "give the token this repository and the permission “Commit statuses: write”, unless GitHub says to slow down"
)
_REMEDIES: Final = MappingProxyType(
    {
        301: "the repository has another name now: correct `repository`",
        307: "the repository has another name now: correct `repository`",
        401: "put a token that is valid into the secret",
        403: _RIGHTS,
        404: _RIGHTS,
        422: "look whether the repository still has this commit, and fewer than 1,000 statuses for it",
    }
)


class GitHubStatuses:
    """Implements `ports.Sink`: each commit of the run's image has the status that the run has now."""

    name: Final = "GitHub"

    def __init__(self, sink: GitHubStatusSink, tokens: Tokens) -> None:
        self._sink = sink
        self._tokens = tokens

    def deliver(self, report: StateReport) -> None:
        commits = commits_of(report.run)
        if report.project is None or not commits:
            return
        status = commit_status(report.change.deployment, report.run, report.previous)
        for commit in commits:
            self._put(report.project.repository, commit, status)

    def _put(self, repository: str, commit: str, status: CommitStatus) -> None:
        answer = post(
            f"{self._sink.api_url.rstrip('/')}/repos/{quote(repository)}/statuses/{quote(commit, safe='')}",
            {"state": status.state.value, "context": status.context, "description": status.description},
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._tokens.token(self._sink.token_secret)}",
                "User-Agent": "dropforge",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )
        if not answer.is_accepted:
            remedy = _REMEDIES.get(answer.status, "it is told again")
            raise SinkError(
                f"GitHub did not take the status of {repository} at {commit[:12]} ({answer.status}: {answer.said}): "
                f"{remedy}"
            )
