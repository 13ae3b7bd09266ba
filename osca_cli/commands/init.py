"""``osca init``: a spec that runs as it is written."""

from __future__ import annotations

import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from osca_cli.console import news
from osca_cli.errors import UsageError
from osca_cli.registry import did_you_mean

QUICKSTART = "arithmetic"
"""What the template that needs nothing but the embedded model is called by; ``quickstart`` names it, too."""


@click.command(epilog="Example: osca init helpdesk")
@click.argument("folder", default=Path(), type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--template",
    default=QUICKSTART,
    show_default=True,
    metavar="NAME",
    help="What to write: arithmetic, code, maths, agent or ci.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def command(folder: Path, template: str, force: bool) -> None:
    """Write a commented spec with its problems to FOLDER (default: this one)."""
    for path in write_template(_template(template), folder, force=force):
        click.echo(path)
    enter = "" if folder == Path() else f"cd {shlex.quote(str(folder))} && "
    news(f"next: {enter}osca run")


def write_template(template: Traversable, folder: Path, *, force: bool) -> list[Path]:
    """Write the files of a template to a folder, all or none.

    Args:
        template: The folder of the template.
        folder: Where to; created if it is not there.
        force: Whether files that are there are overwritten.

    Returns:
        The files written.

    Raises:
        UsageError: a file is there already, or cannot be written.
    """
    contents = {folder / name: source for name, source in _files(template)}
    there = sorted(str(path) for path in contents if path.exists())
    if there and not force:
        pronoun = "it" if len(there) == 1 else "them"
        raise UsageError(
            f"{', '.join(there)} exists already; --force overwrites {pronoun}, or name another folder"
        )
    try:
        for path, source in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    return list(contents)


def _template(name: str) -> Traversable:
    name = QUICKSTART if name == "quickstart" else name
    folder = files("osca_cli") / "templates"
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("_")
    )
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are: {', '.join(names)}"
        raise UsageError(f"no template is named '{name}'{hint}")
    return folder / name


def _files(folder: Traversable, under: str = "") -> list[tuple[str, Traversable]]:
    """Return all files in a folder of the package, with their paths in it; not what Python leaves behind."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_file() and not entry.name.endswith(".pyc"):
            found.append((f"{under}{entry.name}", entry))
        elif entry.is_dir() and entry.name != "__pycache__":
            found.extend(_files(entry, f"{under}{entry.name}/"))
    return found
