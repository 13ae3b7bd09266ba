"""The ``osca`` command: finds the subcommand, and renders what goes wrong.

Only click is imported here. A subcommand's module is imported when it is called, so that ``osca --help`` is
quick (docs/decisions/003-start-up-time.md).
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NoReturn

import click

from osca_cli import __version__
from osca_cli.errors import OscaError, SpecError

COMMANDS = {
    "init": "Write a commented spec that runs as it is.",
    "validate": "Check a spec and say all that is wrong with it.",
    "schema": "Print the JSON Schema of specs.",
    "run": "Draw and verify what a spec lacks, or execute a plan.",
    "plan": "Learn how many samples to draw from what.",
    "check": "Prove a plan on held-out problems.",
    "check-verifier": "Audit the verifiers of a spec with known answers.",
    "report": "Write one page that shows a plan and what speaks for it.",
    "show": "Show the pool: pass rates, spend, what is missing.",
    "import": "Take in samples that other tools have drawn.",
    "export": "Write the pool's samples or counts for other programs.",
    "doctor": "Say what is installed and which servers answer.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order of the work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(module_of(cmd_name)).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(COMMANDS)}."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


def module_of(command: str) -> str:
    """Return the name of the module that holds a command."""
    return f"osca_cli.commands.{command.replace('-', '_')}"


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "OSCA"},
    epilog="Start with: osca init, osca run, osca plan --budget 8, osca run plan.yaml, osca check plan.yaml",
)
@click.version_option(__version__, prog_name="osca")
def cli() -> None:
    """Learn which model configurations to sample, and how often, to solve the most for a budget."""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    # The planner's matrices are small: on a busy machine, threads made it thirty times slower.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(_run(args))


def _run(args: list[str] | None) -> int:  # noqa: PLR0911 - one for each way to end
    try:
        result: Any = cli.main(args, prog_name="osca", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SpecError as error:
        click.echo(str(error), err=True)  # bare, so that editors find `file:line:column`
        return error.exit_code
    except OscaError as error:
        click.echo(f"osca: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("osca: interrupted", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if type(error).__module__ != "sqlite3":
            raise
        click.echo(f"osca: the pool cannot be read: {error}; restore it, or name another with --db", err=True)
        return 1
    return result if isinstance(result, int) else 0
