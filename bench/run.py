"""The cost of requests: Kalends, the floor and, if requested, its peers, with the same data at the same time.

Linux only: CPU time and memory are read where Linux keeps them. What it all means stands in docs/performance.md.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.measure import CONNECTIONS, QUICK, THOROUGH, Bench, Effort
from bench.peers.agreement import differences
from bench.peers.recipes import installed
from bench.plan import Plan
from bench.postgres_store import PostgresStore
from bench.requests import FIVE, RequestSource
from bench.rows import KALENDS as OWN_DATA
from bench.rows import PEERS as PEER_DATA
from bench.servers import ALL, FLOORS, KALENDS, Contestant, Recipe, checkout, floor_of, new_token
from bench.sqlite_store import SqliteStore
from bench.stores import FOLDER, Store
from bench.tables import in_terminal, sheets_of

SAMPLED = 8
ENGINES = ("sqlite", "postgresql")


def main() -> None:
    options = arguments()
    effort = QUICK if options.quick else THOROUGH
    plan = Plan(options.people, options.events or (100_000 if options.quick else 1_000_000))
    result: dict[str, Any] = {"machine": machine(), "quick": options.quick, "rounds": effort.rounds, "runs": []}
    with shown() as progress:
        recipes = peers_ready(options.peers, progress)
        others = [checkout(name, Path(folder)) for name, _, folder in (one.partition("=") for one in options.beside)]
        for engine in chosen(options.engine):
            with opened(engine, FOLDER) as store:
                result["runs"].append(measured(store, plan, effort, (others, recipes), progress))
    path = Path(options.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    console = Console(width=None if sys.stdout.isatty() else 190)
    for run in result["runs"]:
        for sheet in sheets_of(run):
            console.print(in_terminal(sheet))
    console.print(f"Written to {path}.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both", help="(default: both)")
    parser.add_argument("--events", type=int, help="how many events (default: 1,000,000; quick: 100,000)")
    parser.add_argument("--people", type=int, default=20_000, help="how many people (default: 20,000)")
    parser.add_argument("--quick", action="store_true", help="in under 3 minutes, less exactly, with less data")
    parser.add_argument("--peers", action="store_true", help="measure the peers, too, which are installed if need be")
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="measure Kalends in another checkout, too, such as one of an earlier commit (may be repeated)",
    )
    parser.add_argument(
        "--json", default=str(FOLDER / "result.json"), help="file for the figures (default: %(default)s)"
    )
    return parser.parse_args()


def shown() -> Progress:
    """Return a progress bar for terminals."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def chosen(engine: str) -> tuple[str, ...]:
    """Return the engines of a choice."""
    return ENGINES if engine == "both" else (engine,)


@contextlib.contextmanager
def opened(engine: str, folder: Path) -> Iterator[Store]:
    """Open the data of an engine."""
    store: Store = SqliteStore(folder / "sqlite") if engine == "sqlite" else PostgresStore(folder / "postgresql")
    try:
        yield store
    finally:
        store.close()


def machine() -> dict[str, Any]:
    """Describe the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "libpq": psycopg.pq.version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def peers_ready(wanted: bool, progress: Progress) -> list[Recipe]:
    """Return the peers that can be measured here."""
    if not wanted:
        return []
    return installed(FOLDER / "peers", progress.console.print)


def measured(
    store: Store, plan: Plan, effort: Effort, beside: tuple[list[Recipe], list[Recipe]], progress: Progress
) -> dict[str, Any]:
    """Measure everything on one engine: Kalends, the floor, other checkouts of Kalends, and peers."""
    checkouts, recipes = beside
    folder = FOLDER / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:

        def started(recipe: Recipe, url: str, token: str) -> Contestant:
            one = Contestant(recipe, url, token, folder / f"{store.engine}-{recipe.name}.log")
            stack.callback(one.stop)
            return one

        in_memory: list[bool] = []

        def copied(url: str, name: str) -> str:
            copy = store.copied(url, name)
            stack.callback(store.discard, copy)
            in_memory.append(store.lock_in_memory(copy))
            return copy

        own, source = store.data(OWN_DATA, plan, progress), RequestSource(plan)
        url = copied(own, "kalends")
        kalends = started(KALENDS, url, new_token(url))
        sizes = sizes_of(kalends, source)
        floors = FLOORS if store.engine == "sqlite" else ["floor"]
        others = [started(floor_of(sizes, name), copied(own, name), "") for name in floors]
        others += [started(recipe, copy := copied(own, recipe.name), new_token(copy)) for recipe in checkouts]
        peers = peers_started(store, plan, recipes, progress, copied, started)
        refused = agreed(kalends, peers, source, progress.console.print)
        others += [one for one in peers if one.name not in refused]
        bench = Bench([kalends, *others], source, store.root)
        stack.callback(bench.close)
        return {
            "engine": store.engine,
            "events": plan.events,
            "people": plan.people,
            "bytes": store.size(own),
            "in_memory": all(in_memory),
            "connections": CONNECTIONS,
            "different": refused,
            "figures": bench.rounds(effort, ALL, progress),
            "crowded": bench.crowded(effort, FIVE, progress),
            "mixed": bench.mixed(effort, progress),
            "seconds_to_ready": {one.name: round(one.seconds_to_ready, 3) for one in bench.contestants},
        }


def sizes_of(kalends: Contestant, source: RequestSource, kinds: tuple[str, ...] = ALL) -> dict[str, int]:
    """Return the sizes of the answers to each kind of request."""
    sizes: dict[str, int] = {}
    for kind in kinds:
        answers = [kalends.call(request) for request in source.several(kind, SAMPLED)]
        wrong = [content for status, content, _ in answers if status >= 300]
        if wrong:
            raise RuntimeError(f"Kalends refuses {kind}: {wrong[0]}")
        sizes[kind] = sum(size for _, _, size in answers) // SAMPLED
    return sizes


def peers_started(
    store: Store,
    plan: Plan,
    recipes: list[Recipe],
    progress: Progress,
    copied: Callable[[str, str], str],
    started: Callable[[Recipe, str, str], Contestant],
) -> list[Contestant]:
    """Start every peer with its own copy of the data."""
    if not recipes:
        return []
    data = store.data(PEER_DATA, plan, progress)
    return [started(recipe, copied(data, recipe.name), "the-token-of-the-bench") for recipe in recipes]


def agreed(
    kalends: Contestant, peers: list[Contestant], source: RequestSource, say: Callable[[str], None]
) -> dict[str, str]:
    """Compare the answers of all servers; return the differences of those that are therefore not measured."""
    if not peers:
        return {}
    found = differences(kalends, peers, source)
    for one in peers:
        say(f"{one.name}: {found.get(one.name) or 'answers the same as Kalends'}")
    return found


if __name__ == "__main__":
    main()
