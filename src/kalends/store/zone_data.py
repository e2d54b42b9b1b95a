"""The IANA time zone database: one release for the whole process, chosen and read completely at its start.

Zone data that are installed, upgraded or removed later do not affect this process.
"""

import re
import zoneinfo
from collections.abc import Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import tzdata
from msgspec import Struct, structs

from kalends.rules.zones import release_order, use_zones

PACKAGE_FOLDER = Path(tzdata.__file__).parent / "zoneinfo"
NOT_ZONES = {"localtime", "posixrules", "Factory"}
"""Files in the folders of zones that are no zones but have their format."""

RELEASE_FILES = (("tzdata.zi", re.compile(r"# version (\S+)")), ("+VERSION", re.compile(r"(\S+)")))
"""The files whose first line names the release of the zone data in a folder, on Linux and on BSD and macOS."""


class ZoneData(Struct, frozen=True):
    """A release of the time zone database and its folder."""

    release: str
    folder: Path
    incomplete: str | None = None
    """A newer release that is not used, because it lacks zones."""


@cache
def load_zone_data() -> ZoneData:
    """Load the newer of the package tzdata and the system's zone data into this process.

    The system's release is not used if it lacks zones of the package: taking those from the package would mix two
    releases, and without them stored events in these zones could not be read.
    """
    package = ZoneData(tzdata.IANA_VERSION, PACKAGE_FOLDER)
    system = system_zone_data(zoneinfo.TZPATH)
    if system is not None and release_order(system.release) > release_order(package.release):
        try:
            return use_zone_data(system)
        except OSError:
            package = structs.replace(package, incomplete=system.release)
    return use_zone_data(package)


def system_zone_data(folders: Sequence[str]) -> ZoneData | None:
    """Return the zone data in the first folder that exists; None without any, or if its release is unknown."""
    folder = next((path for path in map(Path, folders) if path.is_dir()), None)
    if folder is None:
        return None
    for name, pattern in RELEASE_FILES:
        path = folder / name
        if path.is_file() and (found := pattern.match(path.read_text(encoding="utf-8", errors="replace"))):
            return ZoneData(found[1], folder)
    return None


def use_zone_data(data: ZoneData) -> ZoneData:
    """Read the file of every zone, and use these zones in this process. Raise OSError if a zone is missing."""
    zoneinfo.reset_tzpath(to=(str(data.folder),))  # for code that uses the standard library directly
    zoneinfo.ZoneInfo.clear_cache()
    names = zoneinfo.available_timezones() - NOT_ZONES
    files = {name: (data.folder / name).read_bytes() for name in names}
    use_zones({name: partial(parse_zone, name, content) for name, content in files.items()})
    return data


def parse_zone(name: str, content: bytes) -> zoneinfo.ZoneInfo:
    """Return the zone that a file in the TZif format describes (RFC 9636)."""
    return zoneinfo.ZoneInfo.from_file(BytesIO(content), key=name)
