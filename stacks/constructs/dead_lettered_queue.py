"""A queue and the queue of what could not be done: both encrypted with the customer's key and closed to plain HTTP."""

from __future__ import annotations

from datetime import timedelta

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.names import Names

LONGEST_RETENTION = Duration.days(14)
MAX_RECEIVE_COUNT = 5
"""AWS asks for at least five, so that a throttled poll does not send a healthy message away.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""


class PrivateQueue(sqs.Queue):
    """A queue encrypted with the customer's key that refuses whoever does not come over TLS.

    As an attribute `name` is the whole name, the ending of an ordered queue's included.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        fifo: bool = False,
        visibility: Duration | None = None,
        delay: Duration | None = None,
        dead_letters: sqs.IQueue | None = None,
    ) -> None:
        self.name = f"{name}.fifo" if fifo else name
        super().__init__(
            scope,
            construct_id,
            queue_name=self.name,
            fifo=fifo or None,
            content_based_deduplication=fifo or None,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            data_key_reuse=Duration.hours(1),
            enforce_ssl=True,
            retention_period=LONGEST_RETENTION,
            visibility_timeout=visibility,
            delivery_delay=delay,
            removal_policy=RemovalPolicy.DESTROY,
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVE_COUNT)
            if dead_letters
            else None,
        )


class LastQueue(PrivateQueue):
    """Where something ends that could not be delivered, for a person to look at."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey) -> None:
        super().__init__(scope, construct_id, name=name, key=key)
        acknowledge(
            self,
            "SQS3",
            "It is a dead-letter queue, of rules and functions rather than of a queue; nothing reads it by itself.",
        )


class DeadLetteredQueue(Construct):
    """`queue` feeds one function; what fails five times lies in `dead_letters` for 14 days, for a person to look at.

    The visibility timeout is six times the consumer's timeout, as AWS advises for functions that read queues; of an
    ordered queue it is that timeout, since all others wait for the messages of a function that was killed. With a
    `delay`, each message is kept back for so long.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        name: str,
        key: kms.IKey,
        consumer_seconds: int,
        fifo: bool = False,
        delay: timedelta | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.dead_letters = PrivateQueue(self, "DeadLetters", name=names.of(f"{name}-dead-letters"), key=key, fifo=fifo)
        self.queue = PrivateQueue(
            self,
            "Queue",
            name=names.of(name),
            key=key,
            fifo=fifo,
            visibility=Duration.seconds(consumer_seconds if fifo else 6 * consumer_seconds),
            delay=Duration.seconds(delay.total_seconds()) if delay is not None else None,
            dead_letters=self.dead_letters,
        )
