"""CloudFormation encrypts a topic with the key that its template names; the emulator drops it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localaws.corrections.wrapping import wrap_resource
from localaws.runtime import Runtime

Properties = Mapping[str, Any]
Result = tuple[str, dict[str, Any]]


def install(runtime: Runtime) -> None:
    """Set the key after a topic is created or updated."""

    def create(original: Callable[..., Result], logical_id: str, properties: Properties, stack: str) -> Result:
        arn, attributes = original(logical_id, properties, stack)
        _set_key(runtime, arn, properties)
        return arn, attributes

    def update(original: Callable[..., Result], name: str, old: Properties, new: Properties, *rest: Any) -> Result:
        arn, attributes = original(name, old, new, *rest)
        _set_key(runtime, arn, new)
        return arn, attributes

    wrap_resource("AWS::SNS::Topic", create, "create")
    wrap_resource("AWS::SNS::Topic", update, "update")


def _set_key(runtime: Runtime, topic_arn: str, properties: Properties) -> None:
    key = properties.get("KmsMasterKeyId")
    if key:
        sns = runtime.caller.client("sns")
        sns.set_topic_attributes(TopicArn=topic_arn, AttributeName="KmsMasterKeyId", AttributeValue=key)
