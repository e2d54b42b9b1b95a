"""A Dockerfile run without Docker: its COPY and RUN in a plain folder that stands for the root of every stage."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PLACES = re.compile(r"(?<![\w.$}])/(source|opt|tools|wheels|data)\b")
"""The folders that the Dockerfile creates, at the beginning of a path."""


class Instruction(NamedTuple):
    """A line of a Dockerfile, with its continuation lines."""

    word: str
    rest: str


def instructions(file: Path) -> list[Instruction]:
    """Read a Dockerfile."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


def words_of(rest: str) -> list[str]:
    """Return the arguments of an instruction without options, written as JSON or not."""
    at = rest.find("[")
    return json.loads(rest[at:]) if at >= 0 else [word for word in shlex.split(rest) if not word.startswith("--")]


class Image:
    """An image: its files in a folder, and the command that starts it."""

    def __init__(self, folder: Path, context: Path, environment: dict[str, str]) -> None:
        self.root = folder / "root"
        self.context = context
        self.here = self.root
        self.user = ""
        self.command: dict[str, list[str]] = {}
        (folder / "bin").mkdir()
        (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (folder / "bin" / "python").chmod(0o755)
        self.environment = environment | {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}

    def placed(self, text: str) -> str:
        """Move the paths in a text into the folder."""
        return PLACES.sub(rf"{self.root}/\1", text)

    def play(self, one: Instruction) -> None:
        """Carry out an instruction."""
        match one.word:
            case "COPY":
                self.copy(one.rest)
            case "RUN":
                done = subprocess.run(
                    ["/bin/sh", "-c", self.placed(one.rest)],
                    cwd=self.here,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, (one.rest, done.stdout, done.stderr)
            case "ENV":
                for word in shlex.split(self.placed(one.rest)):
                    name, _, value = word.partition("=")
                    self.environment[name] = value.replace("$PATH", self.environment["PATH"])
            case "WORKDIR":
                self.here = Path(self.placed(one.rest))
                self.here.mkdir(parents=True, exist_ok=True)
            case "USER":
                self.user = one.rest
            case "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                self.command[one.word] = words_of(one.rest)
            case _:
                assert one.word in {"ARG", "FROM", "EXPOSE", "VOLUME"}, one

    def copy(self, rest: str) -> None:
        """Copy files from the context; those of another stage exist already, since all stages share the folder."""
        *sources, target = words_of(rest)
        if "--from=" in rest:
            assert sources == [target], "a virtual environment only works where it was made"
            assert Path(self.placed(target)).exists(), target
            return
        place = self.here / target
        for source in sources:
            if (self.context / source).is_dir():
                shutil.copytree(self.context / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.context / source, place)
