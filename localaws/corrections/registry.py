"""ECR's registry asks who is there: the emulator lets anyone push and pull.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html (the token is the caller's, for 12 hours)
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html (which actions a push needs)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator, router
from ministack.services import ecr

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_VALID_SECONDS = 12 * 3600
_ACTIONS = {
    ("blob_uploads", "POST"): "InitiateLayerUpload",
    ("blob_upload_session", "PATCH"): "UploadLayerPart",
    ("blob_upload_session", "PUT"): "CompleteLayerUpload",
    ("blob_upload_session", "GET"): "UploadLayerPart",
    ("blob_upload_session", "DELETE"): "UploadLayerPart",
    ("blob", "HEAD"): "BatchCheckLayerAvailability",
    ("blob", "GET"): "GetDownloadUrlForLayer",
    ("manifest", "PUT"): "PutImage",
    ("manifest", "GET"): "BatchGetImage",
    ("manifest", "HEAD"): "BatchGetImage",
    ("manifest", "DELETE"): "BatchDeleteImage",
    ("tags_list", "GET"): "ListImages",
}


def install(runtime: Runtime) -> None:
    """Give each caller a token of its own, and ask IAM about what its bearer does."""
    secret = runtime.home.credentials().secret_access_key.encode()

    async def answer_api(original: Callable[..., Any], *request: Any) -> Any:
        _method, _path, headers, _body, query = request
        status, answer, body = await original(*request)
        if status == 200 and headers.get("x-amz-target", "").endswith(".GetAuthorizationToken"):
            content = json.loads(body)
            token = _issue(secret, router.extract_access_key_id(headers, query))
            content["authorizationData"][0]["authorizationToken"] = token
            body = json.dumps(content).encode()
        return status, answer, body

    async def answer_registry(original: Callable[..., Any], *request: Any) -> Any:
        method, path, headers, *_rest = request
        access_key = _bearer(secret, headers.get("authorization", ""))
        if access_key is None:
            status, answer, body = ecr._registry_error(401, "UNAUTHORIZED", "log in with ecr get-login-password first")
            return status, {**answer, "Www-Authenticate": f'Basic realm="{runtime.endpoint}/",service="ecr"'}, body
        parsed = ecr._parse_v2_path(path)
        action = _ACTIONS.get((parsed[0], method.upper())) if parsed else None
        if action is not None and not _allowed(runtime, access_key, f"ecr:{action}", parsed[1]):
            denial = f"the caller may not ecr:{action} on repository {parsed[1]}"
            return ecr._registry_error(403, "DENIED", denial)
        return await original(*request)

    wrap(ecr, "handle_request", answer_api)
    wrap(ecr, "handle_registry_request", answer_registry)


def _allowed(runtime: Runtime, access_key: str, action: str, repository: str) -> bool:
    iam_evaluator._signed_request.set(None)  # who calls is known from the token; this request has no signature
    resource = f"arn:aws:ecr:{runtime.region}:{runtime.account}:repository/{repository}"
    return iam_evaluator.enforce(access_key, action, "ecr", runtime.region, resource_arn=resource) is None


def _issue(secret: bytes, access_key: str) -> str:
    claim = f"{access_key}.{int(time.time()) + _VALID_SECONDS}"
    return base64.b64encode(f"AWS:{claim}.{_sign(secret, claim)}".encode()).decode()


def _bearer(secret: bytes, authorization: str) -> str | None:
    """Return the access key that a token was issued to, or None if it is no token of ours or has expired."""
    try:
        pair = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
    except ValueError:
        return None
    user, _, password = pair.partition(":")
    claim, _, signature = password.rpartition(".")
    access_key, _, expires = claim.rpartition(".")
    genuine = user == "AWS" and hmac.compare_digest(signature.encode(), _sign(secret, claim).encode())
    return access_key if genuine and time.time() < int(expires) else None


def _sign(secret: bytes, claim: str) -> str:
    return hmac.new(secret, b"ecr " + claim.encode(), hashlib.sha256).hexdigest()
