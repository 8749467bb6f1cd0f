"""The command line put together: what commands raise becomes a line and an exit code.

Owns no arithmetic and takes no decision about video.
"""

import io
import os
import sys
import traceback
from typing import Annotated

import typer

from vidtag.cli.cache import cache
from vidtag.cli.compare import compare
from vidtag.cli.config import config
from vidtag.cli.configuration import tell_origin
from vidtag.cli.cut import cut
from vidtag.cli.eval import evaluate
from vidtag.cli.explain import explain
from vidtag.cli.grep import grep
from vidtag.cli.group import TAG, Group, HelpedCommand, HelpedGroup, TagCommand
from vidtag.cli.grouping import grouped
from vidtag.cli.labels import labels
from vidtag.cli.models import models
from vidtag.cli.schema import schema
from vidtag.cli.show import show
from vidtag.cli.speaking import complain, print_line
from vidtag.cli.tag import tag
from vidtag.cli.train import pretrain, train
from vidtag.cli.watch import watch
from vidtag.errors import ExitCode, ModelOptionError, UsageError, VidtagError
from vidtag.terminal import mend_signs, stderr_console
from vidtag.text import printable
from vidtag.urls import hide_credentials
from vidtag.version import __version__

app = typer.Typer(
    cls=Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    add_completion=False,  # `vidtag.cli.shells` has its own, with values
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMPLETION_OPTIONS = (["--show-completion"], ["--install-completion"])
"""What sets up completion instead of running a command."""


def _print_version(value: bool) -> None:
    if value:
        print_line(f"vidtag {__version__}")
        raise typer.Exit()


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Tell what people are doing in a video, and when."""


# In the order in which help lists them.
app.command(TAG, cls=TagCommand)(grouped(tag))
app.command(cls=HelpedCommand)(grouped(show))
app.command(cls=HelpedCommand)(grouped(grep))
app.command(cls=HelpedCommand)(grouped(cut))
app.command(cls=HelpedCommand)(grouped(watch))
app.command(cls=HelpedCommand)(grouped(explain))
app.command(cls=HelpedCommand)(grouped(compare))
app.command("eval", cls=HelpedCommand)(grouped(evaluate))
app.command(cls=HelpedCommand)(grouped(train))
app.command(cls=HelpedCommand)(grouped(pretrain))
app.add_typer(models, name="models", cls=HelpedGroup)
app.command(cls=HelpedCommand)(grouped(labels))
app.command(cls=HelpedCommand)(config)
app.command(cls=HelpedCommand)(schema)
app.command(cls=HelpedCommand)(cache)


def run() -> int:
    """Run the command line; turn what it raises into one line on stderr and an exit code."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        mend_signs(sys.stderr, keeps=True)
    try:
        if "_VIDTAG_COMPLETE" in os.environ or sys.argv[1:2] in COMPLETION_OPTIONS:
            from vidtag.cli.shells import run_completion

            run_completion(typer.main.get_command(app), TAG, sys.argv[1:])
            return ExitCode.DONE
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        return 0  # the reader of the pipe has what it wanted
    except SystemExit as exc:
        # What typer and rich make of a reader that is gone: exit code 1.
        if isinstance(exc.__context__, BrokenPipeError):
            return 0
        raise
    except VidtagError as exc:
        _tell_where()
        complain(tell_origin(str(exc)))
        is_usage = isinstance(exc, UsageError | ModelOptionError)
        return ExitCode.WRONG_USAGE if is_usage else ExitCode.FAILED
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except typer.TyperException as exc:
        message = exc.format_message() if hasattr(exc, "format_message") else str(exc)
        complain(tell_origin(message))
        return ExitCode.WRONG_USAGE
    except MemoryError:
        _tell_where()
        complain(
            "There is too little memory; end other programs, or try --batch-size 1 or a smaller "
            "--model."
        )
        return ExitCode.FAILED
    except Exception as exc:  # noqa: BLE001 - told, with its traceback where that is asked for
        _tell_where()
        complain(
            f"vidtag failed ({type(exc).__name__}: {exc}). Please report this; "
            "VIDTAG_DEBUG=1 shows where."
        )
        return ExitCode.FAILED


def _tell_where() -> None:
    """Print the traceback of what went wrong, where that is asked for; with no password in it."""
    if os.environ.get("VIDTAG_DEBUG") == "1":
        for line in hide_credentials(traceback.format_exc(), sys.argv[1:]).splitlines():
            stderr_console().print(printable(line))
