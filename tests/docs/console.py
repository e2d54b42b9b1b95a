"""Console blocks of a document: commands after `$ ` and their output, run in order in one shell.

What differs from run to run (ids, tokens, cursors, request ids, the server's address) stands in the document as it
once was: the first output that shows such a value tells what it is this time, and every later command and output has
to agree. Times that a server stamps only have to be times. JSON may be laid out in any way; everything else counts.

`python -m tests.docs.console README.md docs/guide.md` plays documents and writes what they should say where they are
wrong.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.served import KALENDS, PATIENCE_S, serving

FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = r"(?P<id>(?:usr|evt|hld|tok|org|aud)_[0-9a-f]{16})|(?P<token>kal_[a-z2-7]{6,39})|(?P<address>http://127\.0\.0\.1:\d+)|(?P<release>\b20\d\d[a-z]\b)"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"
VARIES_IN_JSON = re.compile(NAMED)
VARIES_IN_TEXT = re.compile(
    rf"{NAMED}|(?P<time>{STAMP})|(?P<date>(?<=date: )[^\r\n]+)|(?P<request>(?<=x-request-id: )[0-9a-f]{{16}})"
    r"|(?P<left>(?<=ratelimit: )[^\r\n]+)"
)
ANY_OTHER_WILL_DO = ("time", "date", "left", "release")
CAPTURED_MEMBERS = ("next_cursor", "request_id")
STAMPED_MEMBERS = ("at", "created_at", "updated_at", "responded_at", "expires_at", "last_used_at")
LINE_WIDTH = 136
DONE = "--done--"
STAND_IN = (sys.executable, "-I", "-S", str(Path(__file__).parent / "curl.py"))
"""A replacement where curl is not installed."""
SERVERS = {"kalends serve": "serve", "make run": "demo"}
LAST_LINE_OF_DEMO = re.compile("Ctrl-C ends it")
AS_INSTALLED = {"KALENDS_RATE_LIMIT": "60000", "KALENDS_ADDRESS_RATE_LIMIT": "120000"}


class Step(NamedTuple):
    """A command of a document and its output, with the position of the output in the text."""

    command: str
    expected: str
    start: int
    end: int


def steps_of(text: str) -> list[Step]:
    """Return the commands of all console blocks in order."""
    found: list[Step] = []
    for block in FENCE.finditer(text):
        place = block.start(1)
        command, start = "", place
        for line in block[1].splitlines(keepends=True):
            continued = start == place and is_open(command)
            if line.startswith("$ ") or continued:
                if command and not continued:
                    found.append(Step(command.rstrip("\n"), text[start:place], start, place))
                    command = ""
                command += line if continued else line[2:]
                start = place + len(line)
            place += len(line)
        found.append(Step(command.rstrip("\n"), text[start:place], start, place))
    return found


def is_open(command: str) -> bool:
    """Return whether a command continues on the next line."""
    try:
        shlex.split(command)
    except ValueError:
        return True  # a quotation is open
    return command.endswith("\\\n")


class Console:
    """A shell in an empty folder, with `kalends` and `curl` on its path."""

    def __init__(self, folder: Path, curl: str | None) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.live: dict[str, str] = {}
        """The documented values, and what they are in this run."""
        programs = folder / "bin"
        programs.mkdir()
        for name, words in (("kalends", " ".join(KALENDS)), ("curl", curl or " ".join(STAND_IN))):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            program.chmod(0o755)
        work = folder / "work"
        work.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KALENDS_")}
        self._shell = subprocess.Popen(
            ["/bin/sh"],
            cwd=work,
            env=environment | {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def close(self) -> None:
        """End the shell and the server."""
        self._shell.communicate(timeout=30)
        self._stack.close()

    def play(self, step: Step) -> str:
        """Run a command and return its output; create files that are shown, and leave a server running."""
        words = step.command.split()
        if words[0] == "cat":
            (self._folder / "work" / words[1]).write_text(step.expected)
        if command := SERVERS.get(" ".join(words[:2])):
            environment = AS_INSTALLED | {"TMPDIR": str(self._folder)}
            server = self._stack.enter_context(serving(self._folder / "work", command, "--port", "0", **environment))
            if command == "demo":
                server.await_line(LAST_LINE_OF_DEMO)
            return "".join(server.said)
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(f"{self._translated(step.command)}\nprintf '\\n{DONE}\\n'\n")
        self._shell.stdin.flush()
        printed = ""
        watchdog = threading.Timer(PATIENCE_S, self._shell.kill)
        watchdog.start()
        while not printed.endswith(f"\n{DONE}\n"):
            line = self._shell.stdout.readline()
            assert line, f"the shell ended at {step.command}: {printed}"
            printed += line
        watchdog.cancel()
        return printed.removesuffix(f"\n{DONE}\n")

    def _translated(self, command: str) -> str:
        for written, actual in self.live.items():
            command = command.replace(written, actual)
        return command

    def agree(self, expected: str, printed: str) -> bool:
        """Return whether documented and printed output agree, and note which values stand for which."""
        before = dict(self.live)
        *head, tail = split_answer(expected)
        *printed_head, printed_tail = split_answer(printed)
        same = self._texts_agree("".join(head), "".join(printed_head)) and self._values_agree(tail, printed_tail)
        if not same:
            self.live = before
        return same

    def _texts_agree(self, expected: str, printed: str, varies: re.Pattern[str] = VARIES_IN_TEXT) -> bool:
        if varies.sub("\0", expected).splitlines() != varies.sub("\0", printed).splitlines():
            return False
        return all(
            one.lastgroup == other.lastgroup and (one.lastgroup in ANY_OTHER_WILL_DO or self._is(one[0], other[0]))
            for one, other in zip(varies.finditer(expected), varies.finditer(printed), strict=True)
        )

    def _is(self, written: str, actual: str) -> bool:
        """Return whether a documented value stands for this value and for no other."""
        if written not in self.live and actual not in self.live.values():
            self.live[written] = actual
        return self.live.get(written) == actual

    def _values_agree(self, expected: Any, printed: Any, name: str = "") -> bool:
        if isinstance(expected, dict) and isinstance(printed, dict):
            return list(expected) == list(printed) and all(
                self._values_agree(value, printed[member], member) for member, value in expected.items()
            )
        if isinstance(expected, list) and isinstance(printed, list):
            return len(expected) == len(printed) and all(map(self._values_agree, expected, printed))
        if not isinstance(expected, str) or not isinstance(printed, str):
            return type(expected) is type(printed) and expected == printed
        if name in CAPTURED_MEMBERS:
            return self._is(expected, printed)
        if name in STAMPED_MEMBERS:
            return bool(re.fullmatch(STAMP, expected) and re.fullmatch(STAMP, printed))
        return self._texts_agree(expected, printed, VARIES_IN_JSON)

    def as_written(self, printed: str) -> str:
        """Return output as a document should show it: known values as documented, JSON formatted."""
        for written, actual in self.live.items():
            printed = printed.replace(actual, written)
        *head, tail = split_answer(printed)
        text = "".join(head) + (tail if isinstance(tail, str) else laid_out(tail))
        return text.replace("\r", "").rstrip("\n") + "\n" if text.strip() else ""


def split_answer(text: str) -> list[Any]:
    """Split an output into its text and the JSON at its end, which may be empty."""
    text = text.replace("\r", "")
    for place in [0, *(found.end() for found in re.finditer(r"\n\n", text))]:
        try:
            return [text[:place], json.loads(text[place:])]
        except ValueError:
            continue
    return [text, ""]


def laid_out(value: Any, before: str = "", indent: int = 0) -> str:
    """Format JSON so that a value that fits is on one line, after the name of its member."""
    short = before + json.dumps(value, ensure_ascii=False)
    if len(short) + indent <= LINE_WIDTH or not isinstance(value, (dict, list)):
        return short
    if isinstance(value, dict):
        opening, closing = "{}"
        parts = [laid_out(part, f"{json.dumps(name)}: ", indent + 2) for name, part in value.items()]
    else:
        opening, closing = "[]"
        parts = [laid_out(part, "", indent + 2) for part in value]
    margin = " " * (indent + 2)
    inside = ",\n".join(margin + part for part in parts)
    return f"{before}{opening}\n{inside}\n{' ' * indent}{closing}"


@contextmanager
def console(folder: Path, curl: str | None) -> Iterator[Console]:
    """Open a console, and end all processes that were started in it."""
    opened = Console(folder, curl)
    try:
        yield opened
    finally:
        opened.close()


def rewrite(document: Path) -> None:
    """Run a document's commands and return the document with their actual output."""
    text = document.read_text()
    pieces, place = [], 0
    with tempfile.TemporaryDirectory() as folder, console(Path(folder), None) as shell:
        for step in steps_of(text):
            printed = shell.play(step)
            output = step.expected if shell.agree(step.expected, printed) else shell.as_written(printed)
            shell.agree(output, printed)
            pieces += [text[place : step.start], output]
            place = step.end
    document.write_text("".join(pieces) + text[place:])


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(Path(name))
