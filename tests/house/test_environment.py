"""Which Python `.venv` gets, and what is installed there: tested with fake interpreters that report a version."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INTERPRETER = """#!/bin/sh
# A Python as far as environment.sh can tell.
echo "{name} $*" >> "{log}"
case "$*" in
  *version_info*) exit {too_old} ;;
  *base_prefix*) echo "{name}" ;;
  --version) echo "Python {name}" ;;
  "-m venv .venv") {venv} ;;
  "-m venv --without-pip .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip --version" | "-m pip --python .venv/bin/python install"*) ;;
  *) exit 1 ;;
esac
"""
MAKES_IT = 'mkdir -p .venv/bin && cp "$0" .venv/bin/python'
LACKS_ENSUREPIP = "mkdir -p .venv/bin && exit 1"


class Machine:
    """A folder with fake interpreters on its path, in which the script runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        (folder / "path").mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements"):
            (folder / name).symlink_to(ROOT / name)
        self.variables = {"PATH": f"{folder / 'path'}:/usr/bin:/bin"}

    def has(self, name: str, *, venv: str = MAKES_IT, too_old: int = 0, at: str = "path") -> None:
        file = self.folder / at / name.rpartition(" ")[2]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(INTERPRETER.format(name=file.name, log=self.log, venv=venv, too_old=too_old))
        file.chmod(0o755)

    def has_environment(self, name: str) -> None:
        self.has(name, at=".venv/bin")
        (self.folder / ".venv/bin" / name).rename(self.folder / ".venv/bin/python")

    def make(self, *named: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", str(ROOT / "requirements/environment.sh"), *named],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def environment(self) -> str:
        return subprocess.check_output([".venv/bin/python", "--version"], cwd=self.folder, text=True).strip()

    def would_do(self, *goals: str) -> str:
        """Return the commands that make would run here."""
        return subprocess.check_output(["make", "--dry-run", *goals], cwd=self.folder, env=self.variables, text=True)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_first_suitable_python_is_used(machine):
    machine.has("python3.11", too_old=1)
    machine.has("python3.12")
    made = machine.make()
    assert (made.returncode, made.stdout) == (0, "Creating .venv with Python python3.12\n")
    assert machine.environment == "Python python3.12"


def test_an_existing_environment_is_kept_unless_another_python_is_named(machine):
    machine.has("python3.11")
    machine.has("python3.13")
    machine.has_environment("python3.13")
    for named in ((), ("",), ("python3.13",)):
        kept = machine.make(*named)
        assert (kept.returncode, kept.stdout) == (0, "")
    assert machine.environment == "Python python3.13"
    replaced = machine.make("python3.11")
    assert replaced.stdout == "Replacing .venv (its Python: Python python3.13) by one with Python python3.11\n"
    assert machine.environment == "Python python3.11"


@pytest.mark.parametrize("named", ["python3.10", "no-such-python"])
def test_an_unsuitable_python_is_refused_and_no_other_is_used(machine, named):
    machine.has("python3.10", too_old=1)
    machine.has("python3.12")
    machine.has_environment("python3.12")
    refused = machine.make(named)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"{named} does not run here, or is older than Python 3.11.")
    assert machine.environment == "Python python3.12"


def test_an_environment_that_does_not_run_is_replaced(machine):
    machine.has("python3.12")
    (machine.folder / ".venv").mkdir()
    made = machine.make("python3.12")
    assert made.stdout == "Replacing .venv (its Python: none that runs) by one with Python python3.12\n"
    assert machine.environment == "Python python3.12"


def test_without_ensurepip_the_pip_outside_installs_the_locked_one(machine):
    machine.has("python3.12", venv=LACKS_ENSUREPIP)
    assert machine.make("python3.12").returncode == 0
    last = machine.log.read_text().splitlines()[-1]
    assert last == (
        "python3.12 -m pip --python .venv/bin/python"
        " install --quiet --require-hashes --requirement requirements/build.txt"
    )


def test_it_says_what_is_missing_if_no_environment_can_be_made(machine):
    machine.has("python3.12", venv=LACKS_ENSUREPIP)
    machine.has("uv", venv=LACKS_ENSUREPIP)  # one that fails, in place of one that this machine may have
    text = (machine.folder / "path/python3.12").read_text()
    (machine.folder / "path/python3.12").write_text(text.replace("--without-pip", "--no-such-option"))
    failed = machine.make("python3.12")
    assert failed.returncode == 1
    assert "apt-get install python3-venv" in failed.stderr
    assert not (machine.folder / ".venv").exists()


@pytest.mark.slow
def test_it_makes_an_environment_with_this_python(machine):
    """The one case with a real interpreter, and the pip that it bundles."""
    made = machine.make(sys.executable)
    assert made.returncode == 0, made.stderr
    assert machine.environment == f"Python {sys.version.split()[0]}"
    assert machine.make(sys.executable).stdout == ""


def test_only_what_is_needed_is_installed(machine):
    for goal in ("run", "install"):
        assert "runtime.txt" in machine.would_do(goal)
        assert "dev.txt" not in machine.would_do(goal)
    for goal in ("setup", "check", "test"):
        planned = machine.would_do(goal)
        places = [planned.index(step) for step in ("environment.sh", "build.txt", "runtime.txt", "dev.txt")]
        assert places == sorted(places)


def test_installed_packages_are_kept_unless_another_python_is_named(machine):
    machine.has("python3.11")
    machine.has("python3.13")
    machine.has_environment("python3.13")
    for mark in (".environment", ".runtime"):
        (machine.folder / ".venv" / mark).touch()
    for kept in ([], ["PYTHON=python3.13"]):
        assert "requirements" not in machine.would_do("run", *kept)
    for anew in ("python3.11", "no-such-python"):
        planned = machine.would_do("run", f"PYTHON={anew}")
        assert f'environment.sh "{anew}"' in planned
        assert "runtime.txt" in planned


def test_the_port_of_the_demo_can_be_chosen(machine):
    assert machine.would_do("run").endswith("kalends demo \n")
    assert machine.would_do("run", "PORT=8123").endswith("kalends demo --port 8123\n")
