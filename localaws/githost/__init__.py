"""The local stand-in for GitHub: bare repositories whose push starts pipelines, as a CodeConnections trigger would."""

from __future__ import annotations

from localaws.githost.git import GitError
from localaws.githost.repositories import Commit, Repository, RepositoryError, clone_url, create, find

__all__ = ["Commit", "GitError", "Repository", "RepositoryError", "clone_url", "create", "find"]
