"""IAM is asked about the resource in the form in which AWS names it, where the emulator names another or none.

- CloudWatch Logs: log streams. But for tagging, a log group in a policy ends in `:*`, since what a request is checked
  against goes on with `:log-stream:` and the stream.
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
  What lists log groups is asked of all of them: of a log group without a name.
- ECR DescribeRepositories: the repository that is asked for.
  https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
- SSM GetParametersByPath: the path, written as a parameter.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}


def install(runtime: Runtime) -> None:
    """Name log streams, described repositories, and paths of parameters."""

    def resource_arn(original: Callable[..., str], service: str, *request: Any) -> str:
        arn = original(service, *request)
        _method, _path, headers, body, *_rest = request
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service == "logs" and arn != "*" and action not in _TAGGING:
            return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"
        if service == "logs" and action == "DescribeLogGroups":
            return f"arn:aws:logs:{runtime.region}:{runtime.account}:log-group::log-stream:"
        if service == "ecr" and action == "DescribeRepositories":
            names = json.loads(body).get("repositoryNames") or []
            if len(names) == 1:  # several would need a decision each: `*` is the stricter question
                return f"arn:aws:ecr:{runtime.region}:{runtime.account}:repository/{names[0]}"
        if service == "ssm" and action == "GetParametersByPath":
            return f"arn:aws:ssm:{runtime.region}:{runtime.account}:parameter{json.loads(body).get('Path', '')}"
        return arn

    wrap(iam_actions, "extract_resource_arn", resource_arn)
