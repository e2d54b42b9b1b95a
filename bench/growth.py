"""How the cost of reading grows with the number of events, on both engines: a table, and a picture."""

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench.measure import QUICK, THOROUGH, Bench, Effort
from bench.picture import Curve, drawn
from bench.plan import Plan
from bench.requests import READS, SameReads
from bench.rows import KALENDS as OWN_DATA
from bench.run import chosen, machine, opened, shown, sizes_of
from bench.servers import KALENDS, Contestant, floor_of, new_token
from bench.stores import FOLDER, Store
from bench.tables import MEANINGS, Sheet, in_terminal, median, spread

SIZES = (100_000, 1_000_000, 10_000_000)
AGENDA_TARGET = 1.3
"""The maximum growth of an agenda's cost with ten times as many events."""

PICTURE = Path("docs/growth.svg")


def main() -> None:
    options = arguments()
    sizes = [int(size) for size in options.sizes.split(",")]
    effort = (QUICK if options.quick else THOROUGH)._replace(mixed_seconds=0)
    result: dict[str, Any] = {"machine": machine(), "quick": options.quick, "rounds": effort.rounds, "runs": []}
    with shown() as progress:
        for engine in chosen(options.engine):
            with opened(engine, FOLDER) as store:
                for size in sizes:
                    result["runs"].append(measured(store, Plan(options.people, size), effort, progress))
    path = Path(options.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    console = Console()
    for sheet in growth_sheets(result["runs"]):
        console.print(in_terminal(sheet))
    if options.picture:
        Path(options.picture).write_text(drawn(curves_of(result["runs"])))
    console.print(f"Written to {path}{' and ' + options.picture if options.picture else ''}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/growth.py", description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both", help="(default: both)")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of events (default: %(default)s)")
    parser.add_argument("--people", type=int, default=20_000, help="how many people (default: 20,000)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--json", default=str(FOLDER / "growth.json"), help="file for the figures (default: %(default)s)"
    )
    parser.add_argument(
        "--picture", default=str(PICTURE), help="file for the picture, empty for none (default: %(default)s)"
    )
    return parser.parse_args()


def measured(store: Store, plan: Plan, effort: Effort, progress: Progress) -> dict[str, Any]:
    """Measure all reads at one size; nothing is written, so the data is used without a copy."""
    logs = FOLDER / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        url, source = store.data(OWN_DATA, plan, progress, only_read=True), SameReads(plan)
        kalends = Contestant(KALENDS, url, new_token(url), logs / f"growth-{store.engine}-kalends.log")
        stack.callback(kalends.stop)
        recipe = floor_of(sizes_of(kalends, source, READS))
        floor = Contestant(recipe, url, "", logs / f"growth-{store.engine}-floor.log")
        stack.callback(floor.stop)
        bench = Bench([kalends, floor], source, store.root)
        stack.callback(bench.close)
        figures = bench.rounds(effort, READS, progress)
        size = store.size(url)
    return {"engine": store.engine, "events": plan.events, "people": plan.people, "bytes": size, "figures": figures}


def growth_sheets(runs: list[dict[str, Any]]) -> list[Sheet]:
    """Return a table for each engine: a row for each read, a column for each size."""
    sheets: list[Sheet] = []
    for engine in dict.fromkeys(run["engine"] for run in runs):
        own = [run for run in runs if run["engine"] == engine]
        columns = ["CPU ms", *(f"{run['events']:,} events ({run['bytes'] / 1e9:.2g} GB)" for run in own)]
        columns += ["last to the one before"]
        rows: list[list[str]] = []
        for kind in READS:
            cells = [figures_in(run, kind) for run in own]
            row = [MEANINGS[kind], *(cell_of(cell, engine) for cell in cells)]
            row.append(growth_of(kind, [total(cell) for cell in cells]))
            rows.append(row)
        sheets.append(Sheet(f"Growth: {engine}", columns, rows))
    return sheets


def figures_in(run: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the row of Kalends for a kind of read."""
    return next(row for row in run["figures"] if (row["server"], row["kind"]) == ("kalends", kind))


def cell_of(figures: dict[str, Any], engine: str) -> str:
    """Format the cost of a read."""
    database = f" + {median(figures['database_cpu_ms'], 2)}" if engine == "postgresql" else ""
    return spread(figures["cpu_ms"], 2) + database


def total(figures: dict[str, Any]) -> float:
    """Return the CPU time of the server and the database together: the median round."""
    rounds = sorted(own + other for own, other in zip(figures["cpu_ms"], figures["database_cpu_ms"], strict=True))
    return rounds[len(rounds) // 2]


def growth_of(kind: str, totals: list[float]) -> str:
    """Format how much more reads of the largest data cost than those of the size below it."""
    if len(totals) < 2:
        return "-"
    share = totals[-1] / totals[-2]
    if kind != "list":
        return f"{share:.2f}"
    return f"{share:.2f} ≤ {AGENDA_TARGET:g} {'met' if share <= AGENDA_TARGET else 'MISSED'}"


def curves_of(runs: list[dict[str, Any]]) -> dict[str, list[Curve]]:
    """Return a line for each read, in a panel for each engine."""
    panels: dict[str, list[Curve]] = {}
    names = {"sqlite": "SQLite: CPU ms of the server", "postgresql": "PostgreSQL: CPU ms of server and database"}
    for engine in dict.fromkeys(run["engine"] for run in runs):
        own = [run for run in runs if run["engine"] == engine]
        panels[names[engine]] = [
            Curve(MEANINGS[kind], [(run["events"], total(figures_in(run, kind))) for run in own]) for kind in READS
        ]
    return panels


if __name__ == "__main__":
    main()
