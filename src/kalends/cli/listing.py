"""Lists that commands print: columns separated by tabs under a header, or JSON."""

import json
from collections.abc import Iterable, Sequence

import click

from kalends.model import Instant
from kalends.rules.intervals import SECOND
from kalends.rules.zones import rendered, zone_named

Cell = str | list[str] | None

json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")


def print_list(columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, as_json: bool) -> None:
    """Print rows under the names of their columns. A missing value is `-`, or null in JSON."""
    if as_json:
        items = [dict(zip(columns, row, strict=True)) for row in rows]
        click.echo(json.dumps(items, ensure_ascii=False, indent=2))
        return
    click.echo("\t".join(columns).upper())
    for row in rows:
        click.echo("\t".join(map(cell_text, row)))


def moment(instant: Instant | None) -> str | None:
    """Return an instant in UTC, to the second."""
    return None if instant is None else rendered(Instant(instant // SECOND * SECOND), zone_named("UTC"))


def cell_text(cell: Cell) -> str:
    """Return the text of a cell, on one line."""
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else ",".join(cell)
