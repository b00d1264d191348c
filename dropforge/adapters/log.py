"""The functions' log: one JSON object a line, with run and project where they are known, never a payload."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools import Logger


@cache
def logger() -> Logger:
    return Logger(service="dropforge", utc=True)
