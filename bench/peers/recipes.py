"""How each peer is installed and started: one process each, with any number of database connections."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.servers import Recipe, peer

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
PACKAGE = HERE / "package.json"
THREADS = 4
"""Threads of the peer that has threads, as many as the floor has."""


def installed(folder: Path, say: Callable[[str], None]) -> list[Recipe]:
    """Return the peers that can run here; install their dependencies beside the data, once."""
    return [*python_peers(folder.resolve() / "python", say), *node_peers(folder.resolve() / "node", say)]


def python_peers(home: Path, say: Callable[[str], None]) -> Iterator[Recipe]:
    """Yield the peers written in Python."""
    python = home / "bin" / "python"
    if not up_to_date(home, REQUIREMENTS):
        say("Installing the peers in Python")
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, home)
    yield peer(
        "fastapi_orm",
        lambda _, port: [
            *(str(python), "-m", "uvicorn", "fastapi_orm:app", "--port", str(port)),
            *("--log-level", "warning", "--no-access-log"),
        ],
        HERE,
    )
    yield peer(
        "flask_orm",
        lambda _, port: [
            *(str(python), "-m", "gunicorn", "flask_orm:app", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "1", "--threads", str(THREADS), "--keep-alive", "60", "--log-level", "warning"),
        ],
        HERE,
    )


def node_peers(home: Path, say: Callable[[str], None]) -> Iterator[Recipe]:
    """Yield the peers written for Node, if it is installed."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        say("Node.js is not here: fastify and express are left out.")
        return
    if not up_to_date(home, PACKAGE):
        say("Installing the peers for Node.js (better-sqlite3 may have to be compiled: some minutes)")
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGE, home / "wanted.json")
        (home / "wanted.json").rename(home / "package.json")
        quiet = ("--no-package-lock", "--no-audit", "--no-fund", "--silent")
        done = subprocess.run([npm, "install", *quiet], cwd=home, check=False)
        if done.returncode:
            (home / "package.json").unlink()
            say("npm could not install what fastify and express need: they are left out.")
            return
    for name in ("fastify", "express"):
        yield node_peer(name, node, home)


def node_peer(name: str, node: str, home: Path) -> Recipe:
    """Return a peer for Node; its modules are beside the copy that is run."""
    for source in HERE.glob("*.js"):
        shutil.copy(source, home)
    recipe = peer(name, lambda _url, _port: [node, str(home / f"{name}.js")], home)
    return recipe._replace(
        environment=lambda url, port, token: recipe.environment(url, port, token) | {"NODE_ENV": "production"}
    )


def up_to_date(home: Path, wanted: Path) -> bool:
    """Return whether the installed packages are those that are required."""
    there = home / wanted.name
    return there.exists() and there.read_bytes() == wanted.read_bytes()
