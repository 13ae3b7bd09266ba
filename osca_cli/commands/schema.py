"""``osca schema``: the JSON Schema of specs."""

from __future__ import annotations

import click

from osca_cli.spec.schema import schema_text


@click.command(epilog="Example: osca schema > spec.schema.json")
def command() -> None:
    """Print the JSON Schema (draft-07) of specs, with which editors complete and check them."""
    click.echo(schema_text(), nl=False)
