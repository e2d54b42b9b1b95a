"""Measurements: every server in turn, round after round, so that a slow machine slows down all of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rich.progress import Progress

from bench.load import Load, Seen
from bench.processes import cpu_seconds, family, reaped_seconds
from bench.requests import RequestSource
from bench.servers import Contestant

COUNTS = {
    "list": 400,
    "list_participants": 250,
    "one": 600,
    "create": 200,
    "answer": 250,
    "free_busy": 200,
    "find_time": 60,
    "pool": 150,
}
"""Requests of a round, so many that a round takes some tenths of a second on one connection."""

CONNECTIONS = 32
CROWD = 16
"""Connections on which the five requests are measured besides one."""

MOST_A_SECOND = 4_000
"""The most requests that are prepared for the mixed load."""


class Effort(NamedTuple):
    """How much to measure."""

    rounds: int
    share: float
    """Of the requests in COUNTS."""
    mixed_seconds: float


QUICK = Effort(3, 0.35, 4)
THOROUGH = Effort(7, 1, 20)

Figures = dict[str, Any]


class Bench:
    """Servers that answer the same requests, and the database server that they may share."""

    def __init__(self, contestants: list[Contestant], source: RequestSource, database_root: int | None) -> None:
        self.contestants = contestants
        self._source = source
        self._database_root = database_root
        self._load = Load()

    def close(self) -> None:
        """End the load."""
        self._load.close()

    def rounds(self, effort: Effort, kinds: tuple[str, ...], progress: Progress) -> list[Figures]:
        """Measure each kind of request on one connection; return a row for each server and kind."""
        found: dict[tuple[str, str], Figures] = {
            (one.name, kind): fresh(one.name, kind) for kind in kinds for one in self.contestants if kind in one.kinds
        }
        bar = progress.add_task("Rounds", total=(effort.rounds + 1) * len(found))
        for number in range(effort.rounds + 1):
            for kind in kinds:
                batch = self._source.several(kind, max(10, round(COUNTS[kind] * effort.share)))
                for one in self._in_turn(number):
                    if kind in one.kinds:
                        progress.update(bar, description=f"{kind}: {one.name}")
                        figures = found[one.name, kind]
                        self._batch(one, one.written(batch), figures, warm_up=number == 0)
                        progress.advance(bar)
        progress.remove_task(bar)
        return [finished(figures) for figures in found.values()]

    def crowded(self, effort: Effort, kinds: tuple[str, ...], progress: Progress) -> list[Figures]:
        """Measure some kinds of request on CROWD connections; return a row for each server and kind."""
        found: dict[tuple[str, str], Figures] = {}
        bar = progress.add_task("Crowd", total=effort.rounds * len(kinds) * len(self.contestants))
        for number in range(effort.rounds):
            for kind in kinds:
                batch = self._source.several(kind, max(CROWD, round(COUNTS[kind] * effort.share)))
                for one in self._in_turn(number):
                    progress.update(bar, description=f"{kind}, {CROWD} connections: {one.name}")
                    figures = found.setdefault((one.name, kind), fresh(one.name, kind))
                    self._timed(one, figures, one.written(batch), CROWD)
                    progress.advance(bar)
        progress.remove_task(bar)
        return [finished(figures) for figures in found.values()]

    def mixed(self, effort: Effort, progress: Progress) -> list[Figures]:
        """Measure each server with the mixed load; return a row for each."""
        found: list[Figures] = []
        bar = progress.add_task("Mixed load", total=len(self.contestants))
        for one in self.contestants:
            progress.update(bar, description=f"mixed load: {one.name}")
            batch = self._source.mixed(round(MOST_A_SECOND * effort.mixed_seconds))
            requests = one.written(batch)
            before, database_before = one.cpu_seconds(), self._database_cpu()
            seen = self._load.at_once(one.port, requests, CONNECTIONS, effort.mixed_seconds)
            spent, database = one.cpu_seconds() - before, self._database_cpu() - database_before
            figures = fresh(one.name, "mixed")
            noted(figures, seen, spent, database)
            memory = one.memory()
            found.append(finished(figures) | {"memory_mb": memory._asdict()})
            progress.advance(bar)
        progress.remove_task(bar)
        return found

    def _batch(self, one: Contestant, requests: list[bytes], figures: Figures, *, warm_up: bool) -> None:
        place = one.log.stat().st_size
        if not warm_up:
            self._timed(one, figures, requests, 1)
            return
        self._load.crowd(one.port, requests, 1)
        if one.name == "kalends":
            figures["statements"] = statements_logged(one, place)

    def _timed(self, one: Contestant, figures: Figures, requests: list[bytes], connections: int) -> None:
        before, database_before = one.cpu_seconds(), self._database_cpu()
        seen = self._load.crowd(one.port, requests, connections)
        noted(figures, seen, one.cpu_seconds() - before, self._database_cpu() - database_before)

    def _in_turn(self, number: int) -> Iterator[Contestant]:
        """Yield all servers, in each round starting with another one."""
        for place in range(len(self.contestants)):
            yield self.contestants[(place + number) % len(self.contestants)]

    def _database_cpu(self) -> float:
        """Return the CPU time of the database server, including sessions that have ended."""
        root = self._database_root
        return cpu_seconds(family(root)) + reaped_seconds(root) if root else 0.0


def fresh(name: str, kind: str) -> Figures:
    """Return an empty row for figures."""
    lists: Figures = {key: [] for key in ("cpu_ms", "database_cpu_ms", "per_second", "waits")}
    return {"server": name, "kind": kind, "requests": 0, "failed": 0, "refused": 0, "bytes": 0, **lists}


def noted(figures: Figures, seen: Seen, spent: float, database: float) -> None:
    """Add the results of a round to a row."""
    number = len(seen.waits)
    figures["requests"] += number
    figures["failed"] += seen.failed()
    figures["refused"] += seen.refused()
    figures["bytes"] = seen.body_bytes // number
    figures["cpu_ms"].append(round(spent * 1_000 / number, 4))
    figures["database_cpu_ms"].append(round(database * 1_000 / number, 4))
    figures["per_second"].append(round(seen.per_second, 1))
    figures["waits"] += seen.waits


def finished(figures: Figures) -> Figures:
    """Add the percentiles of all waits to a row."""
    all_seen = Seen(figures.pop("waits"), {}, 1, 0)
    waits: Mapping[str, float] = {f"p{share * 100:.0f}_ms": round(all_seen.at(share), 3) for share in (0.5, 0.99)}
    return figures | waits


def statements_logged(one: Contestant, place: int) -> float | None:
    """Return the statements per request, according to the log lines after a position."""
    with one.log.open("rb") as log:
        log.seek(place)
        lines = [json.loads(line) for line in log if line.startswith(b"{") and line.endswith(b"}\n")]
    counted = [line["statements"] for line in lines if "statements" in line]
    return round(sum(counted) / len(counted), 2) if counted else None
