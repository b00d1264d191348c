"""AWS CodeConnections, by its new name and its old one (AWS CodeStar Connections)."""

from __future__ import annotations

from localaws.codeconnections.service import CodeConnectionsService, CodeStarConnectionsService, accepted

__all__ = ["CodeConnectionsService", "CodeStarConnectionsService", "accepted"]
