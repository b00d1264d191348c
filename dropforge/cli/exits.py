"""What the exit code of `dropforge` says."""

from __future__ import annotations

from enum import IntEnum

from dropforge.adapters.aws_error import AwsError
from dropforge.adapters.ssm import NotDeployedError
from dropforge.domain.errors import DropforgeError, UnknownProjectError
from dropforge.workflow.find_run import RunNotFoundError
from dropforge.workflow.run_project import NothingToTrainError
from dropforge.workflow.trace_lineage import NothingKnownError


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1  # it did not succeed: a document is wrong, a run failed, was stopped or is held
    USAGE = 2  # the command line was not understood
    NOT_FOUND = 3  # no such run, project, stage, image or dataset
    AWS = 4  # AWS was not reached, or refused
    INTERRUPTED = 130  # Ctrl-C, as a shell has it


EXIT_CODES = """Exit codes: 0 done; 1 it did not succeed (a wrong document; a run that failed, was stopped or is held);
2 not understood; 3 not found; 4 AWS was not reached, or refused; 130 interrupted."""


class CommandError(DropforgeError):
    """A command cannot go on; the message says why and what to do."""

    exit_code = ExitCode.FAILED


class NotFoundError(CommandError):
    exit_code = ExitCode.NOT_FOUND


class UsageError(CommandError):
    exit_code = ExitCode.USAGE


def exit_code_of(error: DropforgeError) -> ExitCode:
    """What a script is told of an error."""
    match error:
        case CommandError():
            return error.exit_code
        case AwsError():
            return ExitCode.AWS
        case (
            RunNotFoundError()
            | NothingKnownError()
            | NothingToTrainError()
            | UnknownProjectError()
            | NotDeployedError()
        ):
            return ExitCode.NOT_FOUND
        case _:
            return ExitCode.FAILED
