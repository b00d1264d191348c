from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from localaws.processes import started_at
from tests.localaws.local_server import ROOT, LocalServer, run_command, start

pytestmark = pytest.mark.local


def test_state_survives_down_and_up(tmp_path: Path) -> None:
    server = start(tmp_path)
    try:
        server.client("s3").create_bucket(Bucket="kept")
        server.client("s3").put_object(Bucket="kept", Key="a key", Body=b"some bytes")
        server.client("sqs").create_queue(QueueName="kept")
        run_command("down", "--home", str(tmp_path))
        server = start(tmp_path)
        assert server.client("s3").get_object(Bucket="kept", Key="a key")["Body"].read() == b"some bytes"
        assert server.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"].startswith(server.endpoint)
    finally:
        run_command("down", "--home", str(tmp_path))


def test_down_leaves_no_process(tmp_path: Path) -> None:
    start(tmp_path)
    pid = json.loads((tmp_path / "server.json").read_text())["pid"]
    run_command("down", "--home", str(tmp_path))
    assert started_at(pid) == ""
    assert not (tmp_path / "server.json").exists()


def test_a_second_up_says_that_it_runs_and_prints_the_same_environment(local_aws: LocalServer) -> None:
    shown = run_command("up", "--home", str(local_aws.home.root))
    assert f"export AWS_ENDPOINT_URL={local_aws.endpoint}" in shown.splitlines()


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "localaws", "up", "--home", str(tmp_path), "--port", port],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    reason = "Address already in use"
    assert done.stderr == f"localaws: Port {port} cannot be used ({reason}): choose another with --port.\n"


def test_it_listens_on_loopback_alone(local_aws: LocalServer) -> None:
    port = int(local_aws.endpoint.rpartition(":")[2])
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_web_page_cannot_speak_to_it(local_aws: LocalServer) -> None:
    assert _status(local_aws, "GET", "/a-bucket", {"Origin": "https://example.com"}) == 403


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_localaws/reset"])
def test_administration_needs_the_token_of_the_home_folder(local_aws: LocalServer, path: str) -> None:
    assert _status(local_aws, "POST", path, {}) == 403


def test_a_request_signed_with_another_secret_is_refused(local_aws: LocalServer) -> None:
    stranger = LocalServer(local_aws.home, {**local_aws.environment, "AWS_SECRET_ACCESS_KEY": "test"})
    with pytest.raises(stranger.client("sqs").exceptions.ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
        stranger.client("sqs").list_queues()


def test_a_policy_that_demands_tls_lets_loopback_through(local_aws: LocalServer) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="tls-only")
    resources = ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"]
    denial = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denial]}))
    allowed = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": resources}
    writer = local_aws.client("s3", local_aws.role("tls-writer", "lambda.amazonaws.com", allowed))
    writer.put_object(Bucket="tls-only", Key="k", Body=b"v")
    assert writer.get_object(Bucket="tls-only", Key="k")["Body"].read() == b"v"


def _status(server: LocalServer, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=5)
    connection.request(method, path, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
