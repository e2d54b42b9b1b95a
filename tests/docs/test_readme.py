"""The examples of the documents are run against a live server and cover every operation."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from kalends.app import reference
from kalends.cli import COMMANDS
from kalends.model import Scope
from kalends.settings import Settings
from tests.docs.console import Console, Step, console, laid_out, steps_of

HOME = Path(__file__).parents[2]
PLAYED = ("README.md", "docs/guide.md", "docs/operating.md")
README, GUIDE, OPERATING = ((HOME / name).read_text() for name in PLAYED)
LONGEST_README = 10_500
CURL = shutil.which("curl")
BESIDES = {("GET", path) for path in ("/health/live", "/health/ready", "/openapi.json", "/docs")}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAYED)
def test_every_example_prints_what_the_document_says(tmp_path, name):
    """Commands run with curl if it is installed, else with its replacement."""
    with console(tmp_path, CURL) as shell:
        for step in steps_of((HOME / name).read_text()):
            printed = shell.play(step)
            assert shell.agree(step.expected, printed), f"$ {step.command}\n{shell.as_written(printed)}"


def calls_in(steps: list[Step]) -> set[tuple[str, str]]:
    """Return method and path of every curl command."""
    found: set[tuple[str, str]] = set()
    for step in steps:
        words = shlex.split(step.command)
        if words[0] == "curl":
            method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
            url = next(word for word in words if word.startswith("$BASE"))
            found.add((method, url.removeprefix("$BASE").partition("?")[0]))
    return found


def described() -> set[tuple[str, str]]:
    """Return method and path of every operation."""
    return {(method.upper(), path) for path, methods in reference()["paths"].items() for method in methods}


def test_every_operation_has_an_example():
    calls = calls_in(steps_of(GUIDE))
    missing = {
        (method, path)
        for method, path in described() | BESIDES
        if not any(method == sent and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), url) for sent, url in calls)
    }
    assert not missing


def test_the_readme_is_short_and_lists_every_operation():
    assert len(README.encode()) <= LONGEST_README
    rows = [line for line in README.splitlines() if line.startswith("| [`/")]
    listed = {
        (method, path)
        for row in rows
        for path in re.findall(r"`(/[^`]+)`", row)
        for method in re.findall(r"`([A-Z]+)`", row)
    }
    assert listed == described()


def test_every_setting_command_target_and_scope_is_explained():
    for field in Settings.__struct_fields__:
        default = Settings.__struct_defaults__[Settings.__struct_fields__.index(field)]
        shown = "none" if default == () else f"`{default}`"
        assert f"| `KALENDS_{field.upper()}` | {shown} |" in OPERATING
    assert "KALENDS_DATABASE_URL_FILE" in OPERATING
    for name in COMMANDS:
        assert f"| `kalends {name}" in OPERATING
    contributing = (HOME / "CONTRIBUTING.md").read_text()
    for target in re.findall(r"^([a-z-]+):.*## ", (HOME / "Makefile").read_text(), re.MULTILINE):
        assert re.search(rf"`make {target}\b", contributing), target
    permissions = (HOME / "docs/permissions.md").read_text()
    for scope in Scope:
        assert f"| `{scope.value}` |" in permissions


# ------------------------------------------------------------------------------------------------ of the console itself


@pytest.fixture
def shell(tmp_path):
    with console(tmp_path, None) as opened:
        yield opened


def test_blocks_are_split_into_commands_and_outputs():
    text = (
        "x\n```console\n$ one \\\n    --more\na\n$ two 'a\nb'\n```\n```sh\n$ no\n```\n```console\n$ three\n\nc\n```\n"
    )
    steps = steps_of(text)
    assert [(step.command, step.expected) for step in steps] == [
        ("one \\\n    --more", "a\n"),
        ("two 'a\nb'", ""),
        ("three", "\nc\n"),
    ]
    assert [text[step.start : step.end] for step in steps] == [step.expected for step in steps]


def test_a_shell_keeps_its_variables(shell: Console):
    assert shell.play(Step("A=1", "", 0, 0)) == ""
    assert shell.play(Step('echo "$A"; echo 2 >&2; printf 3', "", 0, 0)) == "1\n2\n3"


USER = "usr_0ca95d6a3c40f1e2"
OTHER = "usr_0ca95d6a5b2e87d4"
THIRD = "usr_0ca95d6a77d35a19"


@pytest.mark.parametrize(
    ("written", "printed", "same"),
    [
        ("Saved.\n", "Saved.\n", True),
        ("Saved.\n", "Failed.\n", False),
        ("Saved.\n", "", False),
        ("", "Saved.\n", False),
        ('{\n  "a": [1, 2]\n}\n', '{"a":[1,2]}', True),
        ('{"a": 1}', '{"a": 2}', False),
        ('{"a": 1}', '{"a": true}', False),
        ('{"a": null}', '{"a": "x"}', False),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', False),
        ('{"a": [1]}', '{"a": [1, 1]}', False),
        ('{"created_at": "2026-01-01T00:00:00Z"}', '{"created_at": "2027-01-01T00:00:00.5Z"}', True),
        ('{"created_at": "2026-01-01T00:00:00Z"}', '{"created_at": "soon"}', False),
        ('{"start": "2026-01-01T00:00:00+00:00"}', '{"start": "2027-01-01T00:00:00+00:00"}', False),
        ('{"next_cursor": "abc"}', '{"next_cursor": null}', False),
        (f'{{"a": "{USER}", "b": "{USER}"}}', f'{{"a": "{OTHER}", "b": "{OTHER}"}}', True),
        (f'{{"a": "{USER}", "b": "{USER}"}}', f'{{"a": "{OTHER}", "b": "{THIRD}"}}', False),
        (f'{{"a": "{USER}", "b": "{OTHER}"}}', f'{{"a": "{THIRD}", "b": "{THIRD}"}}', False),
        (f"{USER}\tactive\t2026-01-01T00:00:00+00:00\n", f"{OTHER}\tactive\t2027-01-01T00:00:00+00:00\n", True),
        ("HTTP/1.1 200 OK\r\ndate: Mon\r\n\r\n{}", "HTTP/1.1 200 OK\r\ndate: Tue\r\n\r\n{}", True),
        ("HTTP/1.1 200 OK\r\netag: 1\r\n\r\n{}", "HTTP/1.1 200 OK\r\netag: 2\r\n\r\n{}", False),
    ],
)
def test_only_what_varies_may_differ(shell: Console, written, printed, same):
    assert shell.agree(written, printed) is same


def test_what_a_value_stands_for_is_kept_and_used(shell: Console):
    assert shell.agree(f'{{"id": "{USER}"}}', f'{{"id": "{OTHER}"}}')
    assert shell.play(Step(f"echo {USER}", "", 0, 0)) == f"{OTHER}\n"
    assert shell.as_written(f'{{"id":"{OTHER}"}}') == f'{{"id": "{USER}"}}\n'
    assert not shell.agree(f'{{"id": "{USER}"}}', f'{{"id": "{THIRD}"}}')


def test_json_is_laid_out_for_reading():
    assert laid_out({"a": {"b": 1}}) == '{"a": {"b": 1}}'
    long = {"text": "x" * 140, "list": [1, {"y": "z" * 140}]}
    assert laid_out(long) == (
        '{\n  "text": "' + "x" * 140 + '",\n  "list": [\n    1,\n    {\n      "y": "' + "z" * 140 + '"\n    }\n  ]\n}'
    )
