"""kalends openapi: print the OpenAPI document."""

import json

import click

from kalends.app import reference


@click.command(name="openapi", epilog="Example:  kalends openapi > openapi.json")
def command() -> None:
    """Print the OpenAPI document that `kalends serve` has at /openapi.json."""
    click.echo(json.dumps(reference(), indent=2, ensure_ascii=False))
