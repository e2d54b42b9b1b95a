"""The figures as tables with their targets: for a terminal and for a document."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.table import Table

from bench.measure import CROWD
from bench.servers import FLOORS

Run = dict[str, Any]
Figures = dict[str, Any]

FLOOR_TARGETS = {
    "sqlite": {"list": 1.3, "list_participants": 1.3, "one": 2.0, "create": 1.7, "answer": 2.0},
    "postgresql": {},
}
"""The maximum ratio of Kalends' CPU time to the floor's."""

LISTS = ("list", "list_participants")
PEER_TARGETS: dict[str, dict[str, dict[str, float]]] = {
    "sqlite": {
        "fastify": dict.fromkeys(LISTS, 0.9) | {"create": 1.3},
        "express": dict.fromkeys(LISTS, 0.4),
        "fastapi_orm": dict.fromkeys(LISTS, 0.15),
    },
    "postgresql": {"fastify": dict.fromkeys(LISTS, 0.9)},
}
"""The maximum ratio of Kalends' CPU time to a peer's."""

MIXED_P99_MS = {"sqlite": 50}
MEMORY_MB = 120
READY_S = 1.0
MEANINGS = {
    "list": "agenda of 50",
    "list_participants": "agenda of 50 with participants",
    "one": "one event with participants",
    "create": "create with 5 participants",
    "answer": "answer",
    "free_busy": "free/busy, 20 people, a week",
    "find_time": "find-time, 8 people, a week",
    "pool": "pool: 50 free in an hour",
}


class Sheet(NamedTuple):
    """One table: a title, the names of its columns, and rows of text."""

    title: str
    columns: Sequence[str]
    rows: list[list[str]]


def sheets_of(run: Run) -> list[Sheet]:
    """Return all tables of one engine."""
    size = f"{run['engine']}, {run['events']:,} events, {run['people']:,} people"
    size += ", all in memory" if run["in_memory"] else ", partly from the disk"
    sheets = [against_floor(run, size), in_a_crowd(run, size)]
    if peers_of(run):
        sheets.append(against_peers(run, size))
    return [*sheets, at_once(run, size)]


def against_floor(run: Run, size: str) -> Sheet:
    """Return a table of the cost of each request, compared with the floor."""
    columns = ["request", "CPU ms", "database CPU ms", "floor CPU ms", "of the floor", "target"]
    columns += ["of the floor by sqlite3"] if run["engine"] == "sqlite" else []
    columns += ["requests/s", "p50 ms", "p99 ms", "statements", "answer kB"]
    rows: list[list[str]] = []
    for kind, meaning in MEANINGS.items():
        own, floor = figures_of(run, "kalends", kind), figures_of(run, "floor", kind)
        if own is None:
            continue
        shares = ratios(own, floor)
        rows.append(
            [
                meaning,
                spread(own["cpu_ms"], 3),
                spread(own["database_cpu_ms"], 3) if run["engine"] == "postgresql" else "-",
                spread(floor["cpu_ms"], 3) if floor else "-",
                spread(shares, 2),
                verdict(shares, FLOOR_TARGETS[run["engine"]].get(kind)),
                *(
                    [spread(ratios(own, figures_of(run, "floor_sqlite3", kind)), 2)]
                    if run["engine"] == "sqlite"
                    else []
                ),
                f"{statistics.median(own['per_second']):,.0f}",
                f"{own['p50_ms']:.2f}",
                f"{own['p99_ms']:.2f}",
                "-" if own.get("statements") is None else f"{own['statements']:g}",
                f"{own['bytes'] / 1_000:.1f}",
            ]
        )
    return Sheet(f"One connection: {size}", columns, rows)


def in_a_crowd(run: Run, size: str) -> Sheet:
    """Return a table of the cost of requests on several connections, compared with one connection."""
    rows: list[list[str]] = []
    for kind, meaning in MEANINGS.items():
        own, floor = (figures_of(run, name, kind, "crowded") for name in ("kalends", "floor"))
        if own is not None:
            alone = figures_of(run, "kalends", kind)
            times = [median(figures["cpu_ms"], 3) for figures in (alone, own, floor)]
            rows.append(
                [meaning, *times, spread(ratios(own, floor), 2), f"{statistics.median(own['per_second']):,.0f}"]
            )
    columns = ["request", "CPU ms on one", f"on {CROWD}", f"floor on {CROWD}", "of the floor", "requests/s"]
    return Sheet(f"On {CROWD} connections: {size}", columns, rows)


def against_peers(run: Run, size: str) -> Sheet:
    """Return a table of the CPU time of the same requests in peers, and Kalends' share of it."""
    peers = peers_of(run)
    rows: list[list[str]] = []
    for kind, meaning in MEANINGS.items():
        own = figures_of(run, "kalends", kind)
        if own is None or figures_of(run, peers[0], kind) is None:
            continue
        row = [meaning, median(own["cpu_ms"], 3)]
        for name in peers:
            other = figures_of(run, name, kind)
            shares = ratios(own, other)
            target = PEER_TARGETS[run["engine"]].get(name, {}).get(kind)
            row.append(f"{median(other['cpu_ms'], 3)} → {spread(shares, 2)}" if other else "-")
            row[-1] += f" {verdict(shares, target)}" if target else ""
        rows.append(row)
    return Sheet(f"Others, CPU ms → Kalends' share of it: {size}", ["request", "kalends", *peers], rows)


def at_once(run: Run, size: str) -> Sheet:
    """Return a table of the mixed load, memory and start of every server."""
    columns = ["server", "requests/s", "p50 ms", "p99 ms", "server errors", "refused", "CPU ms", "database CPU ms"]
    columns += ["memory MB", "own MB", "peak MB", "ready s", "targets"]
    rows: list[list[str]] = []
    for figures in run["mixed"]:
        memory = figures["memory_mb"]
        ready = run["seconds_to_ready"][figures["server"]]
        longest = MIXED_P99_MS.get(run["engine"], math.inf)
        met = {
            "no error": figures["failed"] == 0,
            f"p99 < {longest}": figures["p99_ms"] < longest,
            f"memory < {MEMORY_MB}": memory["resident"] < MEMORY_MB,
            f"ready < {READY_S:g}": ready < READY_S,
        }
        missed = [name for name, good in met.items() if not good]
        rows.append(
            [
                figures["server"],
                f"{median(figures['per_second'], 0)}",
                *(f"{figures[name]:.1f}" for name in ("p50_ms", "p99_ms")),
                *(str(figures[name]) for name in ("failed", "refused")),
                *(median(figures[name], 3) for name in ("cpu_ms", "database_cpu_ms")),
                *(f"{memory[name]:.0f}" for name in ("resident", "own", "peak")),
                f"{ready:.2f}",
                ("" if figures["server"] != "kalends" else "missed: " + ", ".join(missed) if missed else "met"),
            ]
        )
    return Sheet(f"Mixed load, {run['connections']} connections: {size}", columns, rows)


def peers_of(run: Run) -> list[str]:
    """Return the names of the peers that were measured."""
    return list(dict.fromkeys(f["server"] for f in run["figures"] if f["server"] not in ("kalends", *FLOORS)))


def figures_of(run: Run, server: str, kind: str, measured: str = "figures") -> Any:
    """Return the row of a server and a kind of request, or None."""
    return next((row for row in run[measured] if (row["server"], row["kind"]) == (server, kind)), None)


def ratios(own: Figures, other: Figures | None) -> list[float]:
    """Return the ratio of CPU times, round by round."""
    return [mine / theirs for mine, theirs in zip(own["cpu_ms"], other["cpu_ms"], strict=True)] if other else []


def median(values: list[float], digits: int) -> str:
    """Format the median."""
    return f"{statistics.median(values):,.{digits}f}" if values else "-"


def spread(values: list[float], digits: int) -> str:
    """Format the median with minimum and maximum."""
    if not values:
        return "-"
    return f"{median(values, digits)} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def verdict(shares: list[float], target: float | None) -> str:
    """Describe whether the median meets the target."""
    if target is None or not shares:
        return ""
    return f"≤ {target:g} {'met' if statistics.median(shares) <= target else 'MISSED'}"


def in_terminal(sheet: Sheet) -> Table:
    """Format a table for a terminal."""
    table = Table(title=sheet.title)
    for place, name in enumerate(sheet.columns):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    return table


def in_markdown(sheet: Sheet) -> str:
    """Format a table for a document."""
    lines = [f"**{sheet.title}**", "", row_of(sheet.columns), "|---|" + "---:|" * (len(sheet.columns) - 1)]
    return "\n".join([*lines, *map(row_of, sheet.rows)])


def row_of(cells: Sequence[str]) -> str:
    """Format a row."""
    return f"| {' | '.join(cells)} |"
