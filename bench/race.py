"""A race for the same slots: clients in separate processes request one user's time from a real server, all at once.

Every client requests each slot once, as a new event with the same required user; one may get it, the others have to
be answered 409. A decision is one of those answers.
"""

import argparse
import contextlib
import json
import multiprocessing
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from kalends.actions.users import create_user
from kalends.drafts import UserCreate
from kalends.model import Email
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from tests.caller import OPERATOR, Caller, new_token
from tests.postgres import start_postgres
from tests.served import serving

FIRST_SLOT = datetime(2040, 1, 1, tzinfo=UTC)
MINUTES = 30
WARM_UP_S = 2.0
TARGET_DECISIONS = 500
TARGET_P99_MS = 100

Run = dict[str, Any]


def main() -> None:
    options = arguments()
    console = Console(stderr=True)
    runs: list[Run] = []
    for engine in options.engines:
        for _ in range(options.repeat):
            with (
                tempfile.TemporaryDirectory(prefix="kalends-race-") as folder,
                database_of(engine, Path(folder)) as url,
            ):
                runs.append(race(engine, url, Path(folder), options, console))
    Console(width=None if sys.stdout.isatty() else 100).print(table_of(runs))
    if options.json:
        Path(options.json).write_text(json.dumps(runs, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/race.py", description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--clients", type=int, default=8, help="client processes (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of measuring, an engine (default %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each engine (default %(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="processes of the server (default %(default)s)")
    parser.add_argument("--threads", type=int, default=4, help="threads of each of them (default %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to a file")
    return parser.parse_args()


@contextlib.contextmanager
def database_of(engine: str, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database; PostgreSQL commits to the disk here, as in production."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'race.db'}"
        return
    url, stop = start_postgres(durable=True)
    try:
        yield url
    finally:
        stop()


def race(engine: str, url: str, folder: Path, options: argparse.Namespace, console: Console) -> Run:
    """Run the race of the clients against a new server, and return the figures."""
    database = Database(Settings(database_url=url))
    migrate(database)
    people = [person(database, number) for number in range(options.clients + 1)]
    token = new_token(database)
    context = multiprocessing.get_context("spawn")
    ticket = context.Value("q", 0)
    words = ("serve", "--port", "0", "--processes", str(options.processes), "--threads", str(options.threads))
    with serving(folder, *words, KALENDS_DATABASE_URL=url) as server:
        queue, ready = context.Queue(), context.Barrier(options.clients + 1)
        clients = [
            context.Process(
                target=client,
                args=(server.port, token, people[0], people[number + 1], ticket, ready, options.seconds, queue),
                daemon=True,
            )
            for number in range(options.clients)
        ]
        for process in clients:
            process.start()
        ready.wait(60)
        watch(engine, options.seconds + WARM_UP_S, console)
        answers = [queue.get(timeout=60) for _ in clients]
        for process in clients:
            process.join()
    database.close()
    return figures(engine, options, answers)


def person(database: Database, number: int) -> str:
    """Create a user."""
    draft = UserCreate(name=f"Person {number}", email=Email(f"person{number}@example.org"))
    return str(database.write(lambda tx: create_user(tx, OPERATOR, draft)).id)


def client(
    port: int,
    token: str,
    wanted: str,
    host: str,
    ticket: "Synchronized[int]",
    ready: Barrier,
    seconds: float,
    answers: Any,
) -> None:
    """Request slot after slot; the first moments are not counted."""
    caller = Caller(SimpleNamespace(port=port), token)
    counts: Counter[int] = Counter()
    waits = array("d")
    ready.wait(60)
    began = time.time() + WARM_UP_S
    ends = began + seconds
    while time.time() < ends:
        with ticket.get_lock():
            slot = ticket.value // (ready.parties - 1)
            ticket.value += 1
        start = FIRST_SLOT + timedelta(minutes=MINUTES * slot)
        body = {
            "host_id": host,
            "title": f"Slot {slot}",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=MINUTES)).isoformat(),
            "time_zone": "UTC",
            "host_attends": False,
            "participants": [{"user_id": wanted}],
        }
        before = time.perf_counter()
        status, _ = caller.call("POST", "/v1/events", body)
        waited = time.perf_counter() - before
        if time.time() >= began:
            counts[status] += 1
            waits.append(waited * 1_000)
    answers.put((began, time.time(), dict(counts), waits.tobytes()))
    caller.close()


def watch(engine: str, seconds: float, console: Console) -> None:
    """Show the progress of the race."""
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(f"Racing on {engine}", total=seconds)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))
            progress.update(bar, completed=seconds - left)


def figures(engine: str, options: argparse.Namespace, answers: list[tuple[float, float, dict[int, int], bytes]]) -> Run:
    """Summarize the results of the clients."""
    counts: Counter[int] = Counter()
    waits = array("d")
    for _, _, seen, raw in answers:
        counts.update(seen)
        waits.frombytes(raw)
    span = max(end for _, end, _, _ in answers) - min(began for began, _, _, _ in answers)
    ordered = sorted(waits)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)

    return {
        "engine": engine,
        "clients": options.clients,
        "processes": options.processes,
        "threads": options.threads,
        "seconds": round(span, 2),
        "decisions": len(ordered),
        "decisions_per_second": round(len(ordered) / span, 1),
        "p50_ms": at(0.5),
        "p99_ms": at(0.99),
        "max_ms": round(ordered[-1], 2),
        "created": counts.pop(201, 0),
        "refused": counts.pop(409, 0),
        "other": {str(status): count for status, count in counts.items()},
    }


def table_of(runs: list[Run]) -> Table:
    """Return a table of the figures with their target."""
    title = f"Race for the same slots (target: {TARGET_DECISIONS} decisions/s, p99 under {TARGET_P99_MS} ms)"
    table = Table(title=title)
    for name in ("engine", "server", "decisions/s", "p50 ms", "p99 ms", "max ms", "201", "409", "other", "target"):
        table.add_column(name, justify="left" if name in ("engine", "server", "target") else "right")
    for run in runs:
        met = run["decisions_per_second"] >= TARGET_DECISIONS and run["p99_ms"] < TARGET_P99_MS
        table.add_row(
            run["engine"],
            f"{run['processes']} x {run['threads']}",
            f"{run['decisions_per_second']:.0f}",
            *(f"{run[name]:.1f}" for name in ("p50_ms", "p99_ms", "max_ms")),
            *(str(run[name]) for name in ("created", "refused")),
            str(sum(run["other"].values())),
            "met" if met else "missed",
        )
    return table


if __name__ == "__main__":
    main()
