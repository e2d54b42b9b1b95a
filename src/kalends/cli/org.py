"""kalends org: customers that share an installation and see nothing of each other."""

import click

from kalends.actions.organizations import create_organization
from kalends.cli.opening import checked_name, existing_database, open_database, read_settings
from kalends.rules.zones import from_instant
from kalends.store.organizations import list_organizations


@click.group(name="org", epilog="Example:  kalends org list")
def command() -> None:
    """Create and list organizations. A fresh install has one, which every command means unless --org is given."""


@command.command(epilog="Example:  ORG=$(kalends org create 'Riverside School')")
@click.argument("name")
def create(name: str) -> None:
    """Create an organization and print its id, alone, on stdout."""
    named = checked_name(name, "NAME")
    with open_database(read_settings()) as database:
        made = database.write(lambda tx: create_organization(tx, named))
    click.echo(f"Created {made.id} ({name}). Make a token for it: kalends token create --org {made.id}", err=True)
    click.echo(str(made.id))


@command.command(name="list", epilog="Example:  kalends org list")
def show() -> None:
    """List all organizations: id, creation and name, separated by tabs."""
    with existing_database(read_settings()) as database:
        organizations = database.read(list_organizations)
    for one in organizations:
        created = from_instant(one.created_at).isoformat(timespec="seconds")
        click.echo(f"{one.id}\t{created}\t{one.name}")
