"""Both sinks against a server on this machine that speaks their two interfaces."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

from dropforge.adapters.sinks.github_status import GitHubStatuses
from dropforge.adapters.sinks.open_lineage import OpenLineageBackend
from dropforge.domain.announcement import Outcome
from dropforge.domain.image import Build
from dropforge.domain.project import Project
from dropforge.domain.run import Reproduction, Run, RunResult
from dropforge.domain.run_events import (
    AttemptIntended,
    AttemptStarted,
    ImageBuiltAgain,
    RunEvent,
    RunFinished,
)
from dropforge.domain.sinks import GitHubStatusSink, OpenLineageSink
from dropforge.domain.state_change import RunStateChanged, state_change_of
from dropforge.domain.state_report import StateReport
from dropforge.workflow.ports import SinkError
from tests.fakes.lineage_reader import read_lineage
from tests.fakes.outside import GITHUB_TOKEN, LINEAGE_TOKEN, Outside, serving
from tests.fakes.specimens import ADA, IMAGE, after
from tests.fakes.world import DIGITS, START

COMMIT, OTHER = "a" * 40, "b" * 40
INTENDED = AttemptIntended(START, 1, "dropforge-test-1-01")
STARTED = AttemptStarted(START, 1, "arn:job")
GOOD = RunResult(
    metrics={"accuracy": Decimal("0.97")},
    started_at=START,
    ended_at=START + timedelta(minutes=4),
    cost_usd=Decimal("0.31"),
)
DONE = RunFinished(START + timedelta(minutes=4), Outcome.COMPLETED, GOOD, attempt=1)


@dataclass(frozen=True)
class KnownTokens:
    """Implements `secrets_manager.Tokens`."""

    known: Mapping[str, str]

    def token(self, secret: str) -> str:
        return self.known[secret]


TOKENS = KnownTokens({"lineage": LINEAGE_TOKEN, "github": GITHUB_TOKEN, "expired": "github_pat_9999"})


@pytest.fixture(scope="module")
def server() -> Iterator[Outside]:
    with serving() as outside:
        yield outside


@pytest.fixture
def outside(server: Outside) -> Outside:
    server.events.clear()
    server.statuses.clear()
    server.answers.clear()
    return server


def report_of(
    *events: RunEvent, project: Project | None = DIGITS, reproduces: Reproduction | None = None
) -> StateReport:
    run: Run = after(*events)
    run = replace(run, image=replace(IMAGE, commit=COMMIT), reproduces=reproduces)
    return StateReport(change_of(run), run, project)


def change_of(run: Run) -> RunStateChanged:
    """The latest, whether or not something else has happened to the run since."""
    change = state_change_of("dropforge-test", replace(run, trail=replace(run.trail, sequence=run.status_sequence)))
    assert change is not None
    return change


def github(outside: Outside, kept_in: str = "github") -> GitHubStatuses:
    return GitHubStatuses(GitHubStatusSink(outside.url, kept_in), TOKENS)


def lineage(outside: Outside, kept_in: str | None = "lineage") -> OpenLineageBackend:
    return OpenLineageBackend(OpenLineageSink(f"{outside.url}/", "mlops", kept_in), TOKENS)


def test_the_commit_has_the_status_of_its_run(outside: Outside) -> None:
    github(outside).deliver(report_of(INTENDED, STARTED, DONE))
    assert outside.statuses == [
        {
            "repository": "example/digits",
            "sha": COMMIT,
            "state": "success",
            "context": "dropforge-test/digits",
            "description": "accuracy 0.97; 4 min, 0.31 USD",
        }
    ]


def test_every_commit_that_gave_the_image_has_the_status(outside: Outside) -> None:
    again = ImageBuiltAgain(START, Build(OTHER, "main", "e2", "Ada"), ADA)
    github(outside).deliver(report_of(INTENDED, STARTED, again))
    assert [(each["sha"], each["state"]) for each in outside.statuses] == [(COMMIT, "pending"), (OTHER, "pending")]


def test_neither_a_reproduction_nor_a_run_of_a_removed_project_touches_a_commit(outside: Outside) -> None:
    github(outside).deliver(report_of(INTENDED, STARTED, reproduces=Reproduction("3f2a", 1)))
    github(outside).deliver(report_of(INTENDED, STARTED, project=None))
    assert outside.statuses == []


def test_a_token_that_github_does_not_take_is_said_in_words_that_do_not_show_it(outside: Outside) -> None:
    with pytest.raises(SinkError) as refused:
        github(outside, "expired").deliver(report_of(INTENDED))
    said = str(refused.value)
    assert "example/digits at aaaaaaaaaaaa (401" in said
    assert "Bad credentials" in said
    assert "put a token that is valid into the secret" in said
    assert "github_pat" not in said


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [(403, "Commit statuses: write"), (404, "Commit statuses: write"), (422, "fewer than 1,000"), (502, "told again")],
)
def test_what_github_refuses_says_what_to_do(outside: Outside, answer: int, remedy: str) -> None:
    outside.answers.append(answer)
    with pytest.raises(SinkError, match=remedy):
        github(outside).deliver(report_of(INTENDED))


def test_a_token_does_not_follow_a_redirection(outside: Outside) -> None:
    moved = replace(DIGITS, repository="example/moved")
    with pytest.raises(SinkError, match="another name now: correct `repository`"):
        github(outside).deliver(report_of(INTENDED, project=moved))
    assert outside.events == []


def test_the_backend_of_openlineage_takes_what_its_own_client_reads(outside: Outside) -> None:
    lineage(outside).deliver(report_of(INTENDED, STARTED))
    lineage(outside).deliver(report_of(INTENDED, STARTED, DONE))
    assert [event["eventType"] for event in outside.events] == ["START", "COMPLETE"]
    for event in outside.events:
        read_lineage(event)


def test_openlineages_own_client_sends_to_the_same_place_with_the_same_kind_of_token(outside: Outside) -> None:
    lineage(outside).deliver(report_of(INTENDED, STARTED))
    [ours] = outside.events
    auth = ApiKeyTokenProvider({"api_key": LINEAGE_TOKEN})
    HttpTransport(HttpConfig(url=outside.url, auth=auth)).emit(read_lineage(ours))
    assert outside.events == [ours, ours]


def test_a_backend_that_refuses_is_told_again_and_says_so(outside: Outside) -> None:
    with pytest.raises(SinkError, match=r"did not take the START of run .* \(401.*address and token under `sinks`"):
        lineage(outside, None).deliver(report_of(INTENDED, STARTED))


def test_a_host_that_does_not_answer_is_named() -> None:
    with serving() as gone:
        pass
    with pytest.raises(SinkError, match=r"127.0.0.1:\d+ was not reached \(ConnectionRefusedError"):
        lineage(gone).deliver(report_of(INTENDED, STARTED))


def test_no_token_goes_to_a_host_whose_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    with serving(tls=self_signed(tmp_path)) as stranger:
        with pytest.raises(SinkError, match="SSLCertVerificationError"):
            lineage(stranger).deliver(report_of(INTENDED, STARTED))
        assert stranger.events == []


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "server.pem"
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
