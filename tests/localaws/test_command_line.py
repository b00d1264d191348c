from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.processes import started_at
from tests.localaws.local_server import ROOT, LocalServer, eventually, kill, run_command, start

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
        done = _run("up", "--home", str(tmp_path), "--port", port)
    assert done.returncode == 1
    holder = r"(, by `.+`, process \d+)?"
    advice = r"choose another with --port, or any free one with --port 0\."
    assert re.fullmatch(rf"localaws: Port {port} cannot be used \(.+ in use{holder}\): {advice}\n", done.stderr)
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in done.stderr


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


@pytest.mark.parametrize("path", ["/_ministack/sqs/messages", "/_ministack/ready", "/%5Fministack/sqs/messages"])
def test_the_emulators_own_pages_need_the_token_too(local_aws: LocalServer, path: str) -> None:
    assert _status(local_aws, "GET", path, {}) == 403
    token = {"Authorization": f"Bearer {local_aws.home.hook_token()}"}
    assert _status(local_aws, "GET", path, token) == 200
    assert _status(local_aws, "GET", "/_ministack/health", {}) == 200


_SCOPE = "localaws/20260101/us-east-1/s3/aws4_request"
_FORGED = f"AWS4-HMAC-SHA256 Credential={_SCOPE}, SignedHeaders=host, Signature={'0' * 64}"
_NOT_SIGNED: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "another scheme": [("Authorization", "Bearer x")],
    "an empty signature": [("Authorization", "AWS ")],
    "a key without a signature": [("Authorization", f"AWS4-HMAC-SHA256 Credential={_SCOPE}")],
    "two of which one is checked and one believed": [("Authorization", "Bearer x"), ("Authorization", _FORGED)],
    "two of version 2": [("Authorization", "Bearer x"), ("Authorization", "AWS localaws:x")],
}
_CALLS = [
    ("GET", "/"), ("PUT", "/unsigned-bucket"), ("DELETE", "/unsigned-bucket"), ("GET", "/v2/apis"), ("GET", "/health"),
    ("GET", "/?Action=ListUsers&Version=2010-05-08"), ("GET", "/2015-03-31/functions/"), ("GET", "/v2/x/blobs/y?a"),
    ("GET", f"/?X-Amz-Credential={_SCOPE}"), ("GET", "/?AWSAccessKeyId=localaws&Signature="),
]  # fmt: skip


@pytest.mark.parametrize("headers", _NOT_SIGNED.values(), ids=_NOT_SIGNED)
@pytest.mark.parametrize(("method", "path"), _CALLS)
def test_no_one_is_served_without_a_signature(
    local_aws: LocalServer, method: str, path: str, headers: list[tuple[str, str]]
) -> None:
    token_asked_for = path.startswith("/v2/x/") and not headers  # a registry says where to log in
    assert _status(local_aws, method, path, headers) == (401 if token_asked_for else 403)
    assert "unsigned-bucket" not in [bucket["Name"] for bucket in local_aws.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize("headers", [[("Authorization", _FORGED)], [("Authorization", "AWS localaws:x")]], ids=str)
@pytest.mark.parametrize(("method", "path"), [call for call in _CALLS if call[1] != "/health"])
def test_no_one_is_served_with_a_forged_signature(
    local_aws: LocalServer, method: str, path: str, headers: list[tuple[str, str]]
) -> None:
    assert _status(local_aws, method, path, headers) in {400, 401, 403}
    assert "unsigned-bucket" not in [bucket["Name"] for bucket in local_aws.client("s3").list_buckets()["Buckets"]]


def test_an_unsigned_request_is_refused_in_the_protocol_that_it_speaks(local_aws: LocalServer) -> None:
    unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    session: Any = boto3.session.Session(region_name=local_aws.region)
    refusals = {
        "s3": ("list_buckets", "AccessDenied"),
        "sqs": ("list_queues", "MissingAuthenticationTokenException"),
        "iam": ("list_users", "MissingAuthenticationToken"),
    }
    for service, (operation, code) in refusals.items():
        client = session.client(service, endpoint_url=local_aws.endpoint, config=unsigned)
        with pytest.raises(client.exceptions.ClientError) as refused:
            getattr(client, operation)()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_needs_no_header(local_aws: LocalServer, version: str) -> None:
    local_aws.client("s3").create_bucket(Bucket=f"by-link-{version}")
    local_aws.client("s3").put_object(Bucket=f"by-link-{version}", Key="k", Body=b"v")
    key, secret = (local_aws.environment[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    session: Any = boto3.session.Session(key, secret, region_name=local_aws.region)
    config = Config(signature_version=version, s3={"addressing_style": "path"})
    s3 = session.client("s3", endpoint_url=local_aws.endpoint, config=config)
    link = s3.generate_presigned_url("get_object", Params={"Bucket": f"by-link-{version}", "Key": "k"})
    path = link.removeprefix(local_aws.endpoint)
    assert _status(local_aws, "GET", path, {}) == 200
    assert _status(local_aws, "GET", path.replace("/k?", "/other?"), {}) == 403
    assert _status(local_aws, "GET", path, {"Authorization": "AWS localaws:x"}) == 403


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


def _status(server: LocalServer, method: str, path: str, headers: dict[str, str] | list[tuple[str, str]]) -> int:
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=5)
    connection.putrequest(method, path)
    for name, value in headers.items() if isinstance(headers, dict) else headers:
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_server_whose_home_was_deleted_ends_and_leaves_nothing_there(tmp_path: Path) -> None:
    home = tmp_path / "home"
    start(home)
    pid = json.loads((home / "server.json").read_text())["pid"]
    shutil.rmtree(home)
    eventually(lambda: not started_at(pid), "the server's end")
    assert not home.exists()


def test_a_home_has_one_server(local_aws: LocalServer) -> None:
    done = _run("serve", "--home", str(local_aws.home.root), "--port", "0")
    assert done.stderr == (
        f"localaws: Another server has {local_aws.home.root}: stop it with `python -m localaws down`.\n"
    )
    assert local_aws.client("sts").get_caller_identity()["Account"] == local_aws.account


def test_a_start_on_another_port_says_what_that_means_for_what_was_deployed(tmp_path: Path) -> None:
    try:
        first = start(tmp_path)
        run_command("down", "--home", str(tmp_path))
        port = int(first.endpoint.rpartition(":")[2])
        with socket.socket() as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", port))
            holder.listen()
            done = _run("up", "--home", str(tmp_path), "--port", "0")
        assert f"It had port {port} before, and so have the queue URLs that stacks wrote down: deploy" in done.stderr
    finally:
        run_command("down", "--home", str(tmp_path))


def test_a_journal_that_cannot_be_read_is_said_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.sqlite").write_text("no database, whatever else it may be" * 100)
    done = _run("up", "--home", str(tmp_path), "--port", "0")
    assert done.returncode == 1
    assert f"{tmp_path}/state/journal.sqlite cannot be used (file is not a database): free some space" in done.stderr
    assert "take another --home, or delete this one and deploy again." in done.stderr


def test_a_home_that_cannot_be_one_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("up", "--home", str(tmp_path / "file"), "--port", "0")
    assert done.returncode == 1
    assert re.fullmatch(
        rf"localaws: {tmp_path}/file\S* cannot be used: .+\. Mend that, or take another --home\.\n", done.stderr
    )


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    done = _run("down", "--home", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "The local AWS does not run.\n")


def _fill(server: LocalServer, bucket: str, taken: list[str]) -> None:
    for number in range(20):
        server.client("s3").put_object(Bucket=bucket, Key=f"{number:02}", Body=bytes(1 << 20))
        taken.append(f"{number:02}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localaws", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a disk of 20 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=20M", "tmpfs", str(tmp_path)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes Linux and its administrator")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_what_a_full_disk_does_not_take_is_refused_and_what_it_took_is_kept(small_disk: Path) -> None:
    home = small_disk / "home"
    server = start(home)
    try:
        server.client("s3").create_bucket(Bucket="large")
        taken = list[str]()
        with pytest.raises(ClientError, match=rf"The disk of {home} is full \(\d+ MiB left\): free some space\."):
            _fill(server, "large", taken)
        assert len(taken) > 5
        run_command("down", "--home", str(home))
        server = start(home)
        listed = server.client("s3").list_objects_v2(Bucket="large")["Contents"]
        assert [item["Key"] for item in listed] == taken
    finally:
        run_command("down", "--home", str(home))
    (small_disk / "rest").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    refused = _run("up", "--home", str(small_disk / "another"), "--port", "0")
    assert refused.stderr.startswith(f"localaws: The disk of {small_disk / 'another'} has 0 MiB left: free 2, or ")


def test_a_change_that_a_full_disk_does_not_take_is_refused_and_one_that_finds_room_again_is_kept(
    small_disk: Path,
) -> None:
    home, rest = small_disk / "home", small_disk / "rest"
    server = start(home)
    try:
        ssm = server.client("ssm")
        ssm.put_parameter(Name="/kept", Value="first", Type="String")
        rest.write_bytes(bytes(shutil.disk_usage(small_disk).free))
        with pytest.raises(ClientError, match=r"journal\.sqlite cannot be written .+: free some space\."):
            ssm.put_parameter(Name="/kept", Value="second", Type="String", Overwrite=True)
        rest.unlink()
        ssm.put_parameter(Name="/kept", Value="third", Type="String", Overwrite=True)
        kill(home)
        assert start(home).client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "third"
    finally:
        run_command("down", "--home", str(home))
