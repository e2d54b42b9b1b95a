"""Which release of the time zone database a process uses."""

import shutil
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import kalends
from kalends.rules.zones import known_zones, release_order, zone_named
from kalends.store.zone_data import PACKAGE_FOLDER, load_zone_data, system_zone_data
from tests.zone_data import compiled, using, write_release

SUMMER = datetime(2031, 7, 1, 12, tzinfo=UTC)
BERLIN = {"Europe/Berlin": compiled(1, ("2030-01-01", 3.5))}
SAID = """
from kalends.app import reference
from kalends.rules.zones import zone_named
from kalends.store.zone_data import load_zone_data
from datetime import datetime
data = load_zone_data()
print(data.release, datetime(2031, 7, 1, tzinfo=zone_named("Europe/Berlin")).utcoffset())
"""


def hours(name: str) -> float:
    """Return how many hours a zone is ahead of UTC in the summer of 2031."""
    offset = SUMMER.astimezone(zone_named(name)).utcoffset()
    assert offset is not None
    return offset / timedelta(hours=1)


def test_the_newer_of_the_package_and_the_system_is_used(tmp_path: Path) -> None:
    newer = write_release(tmp_path / "newer", "2099b", BERLIN)
    for release, package, found, ahead in (
        ("2099b", "2026f", "2099b", 3.5),
        ("2099b", "2099a", "2099b", 3.5),
        ("2099b", "2099b", "2099b", 2),
        ("2099b", "2099z", "2099z", 2),
        ("2099b", "2099za", "2099za", 2),
    ):
        (newer / "tzdata.zi").write_text(f"# version {release}\n")
        with using(PACKAGE_FOLDER, package, [newer]) as data:
            assert (data.release, hours("Europe/Berlin"), data.incomplete) == (found, ahead, None)
            assert data.folder == (newer if ahead == 3.5 else PACKAGE_FOLDER)
    assert hours("Europe/Berlin") == 2


def test_the_release_of_a_system_is_in_one_of_two_files_and_unknown_is_older(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "system", "2099b", {})
    found = system_zone_data([str(tmp_path / "missing"), str(folder)])
    assert found is not None
    assert (found.release, found.folder) == ("2099b", folder)
    (folder / "tzdata.zi").rename(folder / "+VERSION")
    (folder / "+VERSION").write_text("2099c\n")
    found = system_zone_data([str(folder)])
    assert found is not None
    assert found.release == "2099c"
    (folder / "+VERSION").unlink()
    (folder / "tzdata.zi").write_bytes(b"\xff\xfe")
    assert system_zone_data([str(folder)]) is None
    assert system_zone_data([str(tmp_path / "missing")]) is None
    assert system_zone_data([]) is None
    with using(PACKAGE_FOLDER, "2020a", [folder]) as data:
        assert data.release == "2020a"


def test_releases_are_in_order() -> None:
    releases = [None, "2024a", "2024b-rearguard", "2025b", "2026a", "2026f", "2026z", "2026za", "2100a"]
    assert sorted(releases, key=release_order) == releases
    assert release_order("unknown") == release_order("") == release_order(None)


def test_a_newer_release_that_lacks_zones_is_not_used_and_not_mixed_in(tmp_path: Path) -> None:
    newer = write_release(tmp_path / "newer", "2099b", BERLIN, without=["US/Pacific"])
    with using(PACKAGE_FOLDER, "2026f", [newer]) as data:
        assert (data.release, data.incomplete) == ("2026f", "2099b")
        assert hours("Europe/Berlin") == 2
        assert hours("US/Pacific") == -7


def test_an_upgrade_under_a_running_process_changes_nothing_and_zones_of_a_newer_one_are_known(tmp_path: Path) -> None:
    newer = write_release(tmp_path / "newer", "2099b", {"Europe/Atlantis": compiled(0), **BERLIN})
    with using(PACKAGE_FOLDER, "2026f", [newer]):
        shutil.rmtree(newer)
        write_release(newer, "2099c", {"Europe/Paris": compiled(9)})
        assert (hours("Europe/Berlin"), hours("Europe/Paris"), hours("Europe/Atlantis")) == (3.5, 2, 0)
        assert "Europe/Atlantis" in known_zones()
    assert "Europe/Atlantis" not in known_zones()


def test_every_zone_can_be_read_and_is_what_the_standard_library_finds() -> None:
    assert len(known_zones()) > 590
    assert not known_zones() & {"localtime", "posixrules", "Factory"}
    assert (str(load_zone_data().folder),) == zoneinfo.TZPATH
    for name in known_zones():
        ours, theirs = zone_named(name), zoneinfo.ZoneInfo(name)
        assert ours.key == name
        assert SUMMER.astimezone(ours).utcoffset() == SUMMER.astimezone(theirs).utcoffset()


@pytest.mark.parametrize("release", ["2099b", "2020a"])
def test_a_process_of_its_own_finds_the_newer_release_by_itself(tmp_path: Path, release: str) -> None:
    folder = write_release(tmp_path / "system", release, BERLIN)
    command = [sys.executable, "-c", SAID]
    said = subprocess.run(command, env={"PYTHONTZPATH": str(folder)}, capture_output=True, text=True, check=True).stdout
    usual = load_zone_data().release
    assert said == ("2099b 3:30:00\n" if release == "2099b" else f"{usual} 2:00:00\n")


def test_no_other_code_creates_zones() -> None:
    """The standard library reads a zone's file on first use: by then another release may be installed."""
    source = Path(kalends.__file__).parent
    makers = {path.relative_to(source).as_posix() for path in source.rglob("*.py") if "ZoneInfo(" in path.read_text()}
    assert makers == set()
