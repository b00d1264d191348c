"""The program `dropforge`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dropforge.cli.audit import audit
from dropforge.cli.compare import compare
from dropforge.cli.cost import cost
from dropforge.cli.dead_letters import dead_letters
from dropforge.cli.doctor import doctor
from dropforge.cli.download import download
from dropforge.cli.exits import EXIT_CODES, ExitCode
from dropforge.cli.init import init
from dropforge.cli.lineage import lineage
from dropforge.cli.logs import logs
from dropforge.cli.notices import notices
from dropforge.cli.pause import pause
from dropforge.cli.projects import projects
from dropforge.cli.public_key import public_key
from dropforge.cli.reproduce import reproduce
from dropforge.cli.resume import resume
from dropforge.cli.retry import retry
from dropforge.cli.run import run
from dropforge.cli.runs import runs
from dropforge.cli.show import show
from dropforge.cli.stop import stop
from dropforge.cli.train import train
from dropforge.cli.validate import validate
from dropforge.cli.verify import verify
from dropforge.cli.watch import watch

COMMANDS = {
    each.__name__.replace("_", "-"): each
    for each in (
        init,
        validate,
        train,
        run,
        runs,
        projects,
        show,
        lineage,
        compare,
        cost,
        reproduce,
        watch,
        logs,
        download,
        verify,
        public_key,
        stop,
        retry,
        pause,
        resume,
        notices,
        dead_letters,
        doctor,
    )
}

app = typer.Typer(
    name="dropforge",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXIT_CODES,
)
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(audit, name="audit")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        sys.stdout.write(f"dropforge {version('dropforge')}\n")
        raise typer.Exit


@app.callback()
def dropforge(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Push code or drop data; get one trained, recorded, announced model.

    Commands on a deployed stage take --stage (or DROPFORGE_STAGE), and find AWS by the ordinary settings: AWS_PROFILE,
    AWS_REGION, AWS_ENDPOINT_URL and the rest. Results go to stdout, everything else to stderr.
    """


def main() -> None:
    """Entry point of the command `dropforge` and of `python -m dropforge`."""
    try:
        app(prog_name="dropforge")
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
