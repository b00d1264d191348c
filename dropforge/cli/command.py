"""What all commands share: their common options, how they end, and the session that they are given.

    @command
    def runs(session: Session, limit: Annotated[int, typer.Option(help="how many")] = 20) -> None:

becomes a function whose `session` typer does not see, and which takes `--json` besides; with `@stage_command` also
`--stage`, `--profile` and `--region`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dropforge.cli.console import Console
from dropforge.cli.exits import ExitCode, exit_code_of
from dropforge.cli.wiring import Place, Wiring, Workspace
from dropforge.domain.errors import DropforgeError

STAGE_VARIABLE = "DROPFORGE_STAGE"

JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
StageOption = Annotated[str, typer.Option(help="The stage, as its config file is called.", envvar=STAGE_VARIABLE)]
ProfileOption = Annotated[str | None, typer.Option(help="The AWS profile, in place of AWS_PROFILE.")]
# boto3 itself reads AWS_DEFAULT_REGION only; the other SDKs and the AWS command line put AWS_REGION first.
RegionOption = Annotated[str | None, typer.Option(help="The AWS region.", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"])]


@dataclass(frozen=True)
class Session:
    """What one command works with."""

    console: Console
    wiring: Wiring
    place: Place

    @contextmanager
    def stage(self, doing: str = "asking AWS") -> Iterator[Workspace]:
        """The deployed stage, with a word on what is being done while nothing is printed."""
        waiting = self.console.busy(f"{doing} …") if doing else nullcontext()
        with waiting, self.wiring.open_stage(self.place) as workspace:
            yield workspace


def command(body: Callable[..., None]) -> Callable[..., None]:
    """For a command that needs no AWS."""
    return _wrapped(body, {"as_json": (JsonOption, False)})


def stage_command(body: Callable[..., None]) -> Callable[..., None]:
    """For a command on a deployed stage."""
    options = {
        "as_json": (JsonOption, False),
        "stage": (StageOption, "local"),
        "profile": (ProfileOption, None),
        "region": (RegionOption, None),
    }
    return _wrapped(body, options)


def _wrapped(body: Callable[..., None], options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    @functools.wraps(body)
    def run(context: typer.Context, **given: Any) -> None:
        common = {name: given.pop(name) for name in options}
        wiring = context.obj if isinstance(context.obj, Wiring) else Wiring()
        place = Place(common.get("stage", ""), common.get("profile"), common.get("region"))
        console = Console(as_json=common["as_json"])
        with ends_in_words(console):
            body(Session(console, wiring, place), **given)

    # \b keeps the examples' lines as they are; see click's documentation on paragraphs.
    run.__doc__ = (body.__doc__ or "").replace("For example:\n", "\b\n    For example:\n")
    own = [each for each in inspect.signature(body, eval_str=True).parameters.values() if each.name != "session"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(name, keyword, annotation=kind, default=value) for name, (kind, value) in options.items()
    ]
    context = inspect.Parameter("context", keyword, annotation=typer.Context)
    parameters = [context, *(each.replace(kind=keyword) for each in own), *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


@contextmanager
def ends_in_words(console: Console) -> Iterator[None]:
    """Errors that are meant for people become a sentence on stderr and an exit code; all others stay as they are."""
    try:
        yield
    except DropforgeError as error:
        console.problem(str(error))
        raise typer.Exit(exit_code_of(error)) from error
    except KeyboardInterrupt as error:
        console.note("Interrupted. What runs on AWS goes on; nothing here was left half done.")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
