"""The log of a training job, in CloudWatch Logs.

SageMaker writes each host's output to `/aws/sagemaker/TrainingJobs` in a stream `<job>/algo-<n>-<time>`:
https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dropforge.adapters.clients import AwsClients
from dropforge.workflow.ports import LogPart

TRAINING_JOBS_LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"

_MOST_LINES: Final = 10_000
"""What GetLogEvents gives at once."""
_MOST_STREAMS: Final = 50


class CloudWatchJobLogs:
    """Reads job logs; a job that has written nothing yet has an empty log, which is no error."""

    def __init__(self, clients: AwsClients, log_group: str = TRAINING_JOBS_LOG_GROUP) -> None:
        self._clients = clients
        self._log_group = log_group

    def tail(self, job_name: str, lines: int) -> tuple[str, ...]:
        """At most `lines` in all; of a job on several hosts, each host's share of them, host by host."""
        streams = self._streams(job_name)
        share = max(lines // max(len(streams), 1), 1)
        return tuple(line for stream in streams for line in self._last_lines(stream, share))[-lines:]

    def after(self, job_name: str, read: Mapping[str, str]) -> LogPart:
        """`read` is the token of each stream at which its next lines begin."""
        lines, reached = list[str](), dict(read)
        for stream in self._streams(job_name):
            begin: Any = {"nextToken": read[stream]} if stream in read else {}
            answer = self._clients.logs.get_log_events(
                logGroupName=self._log_group, logStreamName=stream, startFromHead=True, limit=_MOST_LINES, **begin
            )
            lines += [event["message"].rstrip("\r\n") for event in answer["events"]]
            reached[stream] = answer["nextForwardToken"]
        return LogPart(tuple(lines), reached)

    def first_line(self, job_name: str) -> str | None:
        streams = self._streams(job_name)
        if not streams:
            return None
        answer = self._clients.logs.get_log_events(
            logGroupName=self._log_group, logStreamName=streams[0], startFromHead=True, limit=1
        )
        return next((event["message"].strip() for event in answer["events"]), None)

    def _streams(self, job_name: str) -> list[str]:
        try:
            answer = self._clients.logs.describe_log_streams(
                logGroupName=self._log_group, logStreamNamePrefix=f"{job_name}/", limit=_MOST_STREAMS
            )
        except self._clients.logs.exceptions.ResourceNotFoundException:
            return []
        return sorted(stream["logStreamName"] for stream in answer["logStreams"])

    def _last_lines(self, stream: str, lines: int) -> list[str]:
        answer = self._clients.logs.get_log_events(
            logGroupName=self._log_group, logStreamName=stream, startFromHead=False, limit=min(lines, _MOST_LINES)
        )
        return [event["message"].rstrip("\r\n") for event in answer["events"]]
