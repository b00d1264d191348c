"""The part of `config/<stage>.yaml` that says which other systems are told of runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dropforge.documents.checking import Part
from dropforge.documents.fields import Matching
from dropforge.domain.sinks import GitHubStatusSink, OpenLineageSink, Sinks

SinkUrl = Annotated[
    str,
    Matching(
        r"(?:https://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|http://127\.0\.0\.1)(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?",
        "the address of a sink",
        "write https://HOST, with a port or a path where there is one, and neither user nor `?`; only a stage on the "
        "local AWS may use http://127.0.0.1:PORT",
    ),
]
SecretName = Annotated[
    str,
    Matching(
        r"(?!gh[a-z]_|github_pat_)[A-Za-z0-9/_+=.@-]+|"
        r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}",
        "the name or the ARN of a secret",
        "write the name that the secret has in AWS Secrets Manager, or its whole ARN, whose last six characters AWS "
        "chose, and never the token itself",
        512,
    ),
]
NamespaceName = Annotated[
    str,
    Matching(
        r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]*[A-Za-z0-9])?", "a namespace of OpenLineage", "write, for example, mlops"
    ),
]


class OpenLineagePart(Part):
    url: SinkUrl = Field(
        description="the backend; events are sent to <url>/api/v1/lineage", examples=["https://lineage.example.com"]
    )
    namespace: NamespaceName | None = Field(
        default=None, description="the namespace of the jobs; dropforge-<stage> unless said", examples=["mlops"]
    )
    token_secret: SecretName | None = Field(
        default=None,
        description="the secret that holds the backend's token; null: it takes none",
        examples=["dropforge/openlineage"],
    )


class GitHubStatusPart(Part):
    token_secret: SecretName = Field(
        description="the secret that holds a token which may write the repositories' commit statuses",
        examples=["dropforge/github"],
    )
    api_url: SinkUrl = Field(
        default="https://api.github.com",
        description="GitHub's REST API, where it is not the public one's",
        examples=["https://api.github.com"],
    )


class SinksPart(Part):
    """Other systems that are told of runs; none unless said."""

    openlineage: OpenLineagePart | None = Field(
        default=None, description="a backend of OpenLineage is told of each attempt, with its data and its model"
    )
    github_status: GitHubStatusPart | None = Field(
        default=None, description="each commit on GitHub has a status: whether it trained, how good it is, what it cost"
    )

    def to_sinks(self, deployment: str) -> Sinks:
        lineage, github = self.openlineage, self.github_status
        return Sinks(
            OpenLineageSink(lineage.url, lineage.namespace or deployment, lineage.token_secret) if lineage else None,
            GitHubStatusSink(github.api_url, github.token_secret) if github else None,
        )
