"""The lock files, read as an old pip reads them: they pin everything that a locked package requires.

pip before 24.1 does not carry a pin over to an extra: a lock with `coverage==7.1`, in which some package requires
`coverage[toml]`, stops with an error on the day a newer coverage comes out.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["build", "runtime", "dev"]
PYTHONS = ["3.11.2", "3.12.1", "3.13.0"]
THIS_MACHINE = {name: str(value) for name, value in default_environment().items()}
PLATFORMS = {"linux": "Linux", "darwin": "Darwin"}
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")

Environment = dict[str, str]
Requires = Callable[[str], list[str] | None]
"""What a locked package requires, or None for one that is not installed."""


def lines_of(lock: Path) -> Iterator[str]:
    """Return the entries of a lock file, each as one line."""
    text = lock.read_text().replace("\\\n", "")
    return (line.strip() for line in text.splitlines() if not line.lstrip().startswith("#"))


def pinned(lines: Iterable[str], environment: Environment) -> dict[str, Requirement]:
    """Return the packages that a lock file pins in an environment."""
    entries = [Requirement(line.partition(" --hash")[0]) for line in lines]
    return {
        canonicalize_name(entry.name): entry
        for entry in entries
        if entry.marker is None or entry.marker.evaluate(environment)
    }


def left_open(pins: dict[str, Requirement], environment: Environment, requires: Requires) -> set[str]:
    """Return the requirements of locked packages that the lock does not pin, with extras and versions."""
    found: set[str] = set()
    for name, pin in pins.items():
        for line in requires(name) or []:
            wanted = Requirement(line)
            extras = ["", *pin.extras]
            if wanted.marker and not any(wanted.marker.evaluate({**environment, "extra": extra}) for extra in extras):
                continue
            given = pins.get(canonicalize_name(wanted.name))
            (version,) = [one.version for one in given.specifier] if given else [""]
            if (
                not given
                or not wanted.extras <= given.extras
                or not wanted.specifier.contains(version, prereleases=True)
            ):
                found.add(f"{name} requires {line}")
    return found


def environment_of(python: str, platform: str) -> Environment:
    """Return the markers of another Python and platform."""
    return THIS_MACHINE | {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_version": python,
        "sys_platform": platform,
        "platform_system": PLATFORMS[platform],
    }


def installed(name: str) -> list[str] | None:
    """Return the requirements of an installed package."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return None


@pytest.mark.unmeasured
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_requirement_of_every_locked_package_is_locked(lock, python, platform):
    environment = environment_of(python, platform)
    pins = pinned(lines_of(ROOT / f"requirements/{lock}.txt"), environment)
    assert left_open(pins, environment, installed) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_packages_locked_for_this_machine_are_those_installed(lock):
    """This shows that the test above has read the right metadata, and all of it."""
    for name, pin in pinned(lines_of(ROOT / f"requirements/{lock}.txt"), THIS_MACHINE).items():
        assert pin.specifier.contains(metadata.version(name), prereleases=True), pin


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_and_hashed_and_no_index_is_named(lock):
    entries = list(lines_of(ROOT / f"requirements/{lock}.txt"))
    assert len(entries) >= 7
    for entry in entries:
        requirement = Requirement(entry.partition(" --hash")[0])
        assert [one.operator for one in requirement.specifier] == ["=="]
        assert HASH.search(entry), entry
        assert "://" not in entry


def test_two_locks_pin_the_same_versions():
    build, runtime, dev = (pinned(lines_of(ROOT / f"requirements/{lock}.txt"), THIS_MACHINE) for lock in LOCKS)
    for one, other in ((build, runtime), (build, dev), (runtime, dev)):
        assert {name: one[name].specifier for name in one.keys() & other.keys()} == {
            name: other[name].specifier for name in one.keys() & other.keys()
        }
    assert build.keys() | runtime.keys() <= dev.keys()


def test_the_requirements_of_the_project_are_locked():
    project = Requirement(f"kalends=={metadata.version('kalends')}")
    pins = pinned(lines_of(ROOT / "requirements/runtime.txt"), THIS_MACHINE)
    requires = {"kalends": installed("kalends")}
    assert requires["kalends"]
    assert left_open({**pins, "kalends": project}, THIS_MACHINE, requires.get) == set()


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        ("b", None),
        ("b>=2", None),
        ("b[y]", "a requires b[y]"),
        ("b[x]", None),
        ("b>=3", "a requires b>=3"),
        ("c", "a requires c"),
        ("c; python_version < '3.11'", None),
        ("c; python_version >= '3.11'", "a requires c; python_version >= '3.11'"),
        ("c; extra == 'more'", "a requires c; extra == 'more'"),
        ("c; extra == 'other'", None),
        ("c; sys_platform == 'win32'", None),
        ("D_e.f", None),
    ],
)
def test_unpinned_requirements_are_found(requirement, complaint):
    environment = environment_of("3.12.1", "linux")
    lines = ["a[more]==1", "b[x]==2", "d-e-f==1", "c==1 ; python_version < '3.12' --hash=sha256:0"]
    requires = {"a": [requirement]}
    assert left_open(pinned(lines, environment), environment, requires.get) == ({complaint} if complaint else set())


def test_the_fault_that_an_old_pip_stops_at_is_found():
    """The lock is today's without extras, as it was when it could not be installed."""
    environment = environment_of("3.11.2", "linux")
    stripped = [re.sub(r"^([\w.-]+)\[[^]]*\]", r"\1", line) for line in lines_of(ROOT / "requirements/dev.txt")]
    found = left_open(pinned(stripped, environment), environment, installed)
    assert any(line.startswith("pytest-cov requires coverage[toml]") for line in found)


def test_the_pythons_are_those_that_the_project_names():
    named = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text())
    assert [python.rpartition(".")[0] for python in PYTHONS] == named
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in named
