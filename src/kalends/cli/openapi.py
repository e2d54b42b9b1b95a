"""kalends openapi: the reference for programs."""

import json

import click

from kalends.app import reference


@click.command(name="openapi", epilog="Example:  kalends openapi > openapi.json")
def command() -> None:
    """Print the OpenAPI document that `serve` gives at /openapi.json."""
    click.echo(json.dumps(reference(), indent=2, ensure_ascii=False))
