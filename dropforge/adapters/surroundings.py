"""What lies about a deployment in its account: its connection, its mail subscriptions, quotas, dead letters.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dead_letters import SqsDeadLetters

_QUOTA_SUFFIX: Final = " for training job usage"
_PENDING: Final = "PendingConfirmation"


class AwsSurroundings:
    """Implements `workflow.diagnose.Surroundings`."""

    def __init__(self, clients: AwsClients, deployment: str, connection_arn: str, topic_arn: str) -> None:
        self._clients = clients
        self._deployment = deployment
        self._connection_arn = connection_arn
        self._topic_arn = topic_arn

    def pending_connection(self) -> str | None:
        connection = self._clients.codeconnections.get_connection(ConnectionArn=self._connection_arn)["Connection"]
        pending = connection.get("ConnectionStatus") == "PENDING"
        return connection.get("ConnectionName", self._connection_arn) if pending else None

    def unconfirmed_mails(self) -> tuple[str, ...]:
        """Of outcomes and of alarms: each is a subscription of its own."""
        listed = self._clients.sns.get_paginator("list_subscriptions_by_topic")
        topics = (self._topic_arn, f"{self._topic_arn.rpartition(':')[0]}:{self._deployment}-alarms")
        pages = (page for topic in topics for page in listed.paginate(TopicArn=topic))
        found = [each for page in pages for each in page["Subscriptions"] if each["SubscriptionArn"] == _PENDING]
        return tuple(dict.fromkeys(each["Endpoint"] for each in found))

    def training_quotas(self) -> dict[str, int] | None:
        """None where Service Quotas does not answer or may not be asked: then a run's first job tells."""
        client: Any = self._clients.session.client("service-quotas")
        try:
            pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
            quotas = [each for page in pages for each in page["Quotas"]]
        except (ClientError, BotoCoreError):
            return None
        named = (each for each in quotas if each["QuotaName"].endswith(_QUOTA_SUFFIX))
        return {each["QuotaName"].removesuffix(_QUOTA_SUFFIX): int(each["Value"]) for each in named}

    def waiting_dead_letters(self) -> tuple[str, ...]:
        """By their approximate counts, so that nothing is taken out of anybody's sight."""
        sqs, queues = self._clients.sqs, SqsDeadLetters(self._clients, self._deployment)
        return tuple(queue for queue in queues.queues if self._count(sqs, queues.url(queue)))

    def _count(self, sqs: Any, url: str) -> int:
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(counts))["Attributes"]
        return sum(int(found[each]) for each in counts)
