"""How every command ends: results on stdout, one line a fault on stderr, a telling exit status."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import typer
from typer.core import TyperGroup

__all__ = ["EXIT_ERROR", "EXIT_INTERRUPTED", "EXIT_SKIPPED", "FertoolsGroup", "new_app", "run"]

EXIT_ERROR = 1
EXIT_SKIPPED = 3
EXIT_INTERRUPTED = 130


class FertoolsGroup(TyperGroup):
    """A group of commands that turns a user's faults into one line instead of a traceback."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer does, but an empty value, as of an unset variable, is a mistake.

        An empty path would be the working folder.
        """
        for place, word in enumerate(args):
            if not word or re.fullmatch(r"--[\w-]+=", word):
                name = word.rstrip("=") or (args[place - 1] if place else "the command")
                ctx.fail(f"the value after {name!r} is empty; leave out both, or give one")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; end with status 1 on a clear error, 130 on an interruption."""
        from fertools.errors import FertoolsError

        try:
            return super().invoke(ctx)
        except FertoolsError as error:
            typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        except MemoryError:
            typer.echo("error: memory ran out; ask for smaller or fewer pictures", err=True)
        except KeyboardInterrupt:
            typer.echo(_interrupted(), err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except UnicodeEncodeError as error:
            name = error.object[:80]
            typer.echo(f"error: {name!r}: a name that is not UTF-8; rename the folder", err=True)
        except BrokenPipeError:  # the reader of our output left, as 'head' does: typer ends it
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            reason = error.strerror or str(error)
            typer.echo(f"error: {place}{reason}; mend that and start the command again", err=True)
        raise typer.Exit(EXIT_ERROR)


def new_app(help_text: str) -> typer.Typer:
    """A group of commands with the endings above."""
    return typer.Typer(
        cls=FertoolsGroup,
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def run(app: typer.Typer) -> None:
    """Entry point: also an interruption before the command has begun ends in one line."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # docs/decisions/0005
    try:
        app()
    except KeyboardInterrupt:
        typer.echo(_interrupted(), err=True)
        sys.exit(EXIT_INTERRUPTED)


def _interrupted() -> str:
    """What is said after Ctrl-C."""
    return "interrupted; what is whole is kept: start the same command again to go on"
