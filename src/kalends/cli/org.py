"""kalends org: organizations that share an installation and cannot see each other's data."""

import click

from kalends.actions.organizations import create_organization
from kalends.cli.listing import json_option, moment, print_list
from kalends.cli.opening import checked_name, existing_database, open_database, read_settings
from kalends.store.organizations import list_organizations


@click.group(name="org", epilog="Example:  kalends org list")
def command() -> None:
    """Create and list organizations.

    A new installation has one organization. Commands work on it unless --org names another.
    """


@command.command(epilog="Example:  ORG=$(kalends org create 'Riverside School')")
@click.argument("name")
def create(name: str) -> None:
    """Create an organization and print its id on stdout."""
    named = checked_name(name, "NAME")
    with open_database(read_settings()) as database:
        made = database.write(lambda tx: create_organization(tx, named))
    click.echo(
        f"Created organization {made.id} ({name}). Create a token for it: kalends token create --org {made.id}",
        err=True,
    )
    click.echo(str(made.id))


@command.command(name="list", epilog="Example:  kalends org list")
@json_option
def show(*, as_json: bool) -> None:
    """List all organizations, one on each line; the first line names the columns, which tabs separate."""
    with existing_database(read_settings()) as database:
        organizations = database.read(list_organizations)
    rows = ((str(one.id), moment(one.created_at), one.name) for one in organizations)
    print_list(("id", "created_at", "name"), rows, as_json=as_json)
