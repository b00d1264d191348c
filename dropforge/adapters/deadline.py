"""How long a function may still work.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aws_lambda_powertools.utilities.typing import LambdaContext

RESERVE: Final = timedelta(minutes=2)
"""For what has begun to end, and for writing down what was done."""


def ends_at(context: LambdaContext, now: datetime) -> datetime:
    """When nothing new should be begun; of a function with less than twice the reserve, at half of what is left."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    return now + max(left - RESERVE, left / 2)
