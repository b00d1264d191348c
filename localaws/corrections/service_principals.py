"""A role that trusts a service trusts it on the conditions that it states: the emulator lets root pass for any service.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html (aws:SourceArn, aws:SourceAccount)
"""

from __future__ import annotations

import contextvars
import dataclasses
import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import sts

from localaws.caller import PRINCIPAL_HEADER, SOURCE_ARN_HEADER, ServicePrincipal
from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_asking: contextvars.ContextVar[ServicePrincipal | None] = contextvars.ContextVar("asking", default=None)


def install(runtime: Runtime) -> None:
    """Ask a trust policy about the service that assumes the role, which only this server itself can claim to be."""

    async def answer(original: Callable[..., Any], *request: Any) -> Any:
        _method, _path, headers, *_rest = request
        name = headers.get(PRINCIPAL_HEADER)
        _asking.set(ServicePrincipal(name, headers.get(SOURCE_ARN_HEADER, "")) if name else None)
        return await original(*request)

    def evaluate(original: Callable[..., bool], trust: str | dict[str, Any], caller_arn: str, *context: Any) -> bool:
        principal = _asking.get()
        if principal is None or not caller_arn.endswith(":root") or not context:
            return original(trust, caller_arn, *context)
        keys = {
            "aws:sourcearn": principal.source_arn,
            "aws:sourceaccount": runtime.account,
            "aws:principalisawsservice": "true",
        }
        about = {**context[0].service_context, **keys}
        asked = dataclasses.replace(context[0], service_context=about)
        return original(_addressed(trust, principal.name), caller_arn, asked)

    wrap(sts, "handle_request", answer)
    wrap(iam_evaluator, "evaluate_trust_policy", evaluate)


def _addressed(trust: str | dict[str, Any], service: str) -> dict[str, Any]:
    """Return the statements of a trust policy that speak of the service, as if they spoke of whoever asks."""
    policy = json.loads(trust) if isinstance(trust, str) else trust
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    addressed = [{**each, "Principal": "*"} for each in statements if _names(each.get("Principal"), service)]
    return {**policy, "Statement": addressed}


def _names(principal: Any, service: str) -> bool:
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    return principal == "*" or service in ([services] if isinstance(services, str) else services)
