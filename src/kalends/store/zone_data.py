"""The IANA time zone database: one release for the whole process, chosen at its start and read then as a whole.

What is installed, upgraded or removed afterwards changes nothing of what this process knows about zones.
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
"""Files beside the zones that look like them."""

RELEASE_FILES = (("tzdata.zi", re.compile(r"# version (\S+)")), ("+VERSION", re.compile(r"(\S+)")))
"""What says in its first line of which release the zone data in a folder are, on Linux and on BSD and macOS."""


class ZoneData(Struct, frozen=True):
    """A release of the time zone database and where it lies."""

    release: str
    folder: Path
    incomplete: str | None = None
    """A newer release that is not used, because zones are missing in it."""


@cache
def load_zone_data() -> ZoneData:
    """Let this process use the newer of the package tzdata and the system's zone data, whatever happens to either.

    A system's release in which zones of the package are missing is not used: to take those from the package would mix
    two releases, and to know them no more would break what is stored.
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
    """Return what the first of some folders holds, None if there is none or it does not say its release."""
    folder = next((path for path in map(Path, folders) if path.is_dir()), None)
    if folder is None:
        return None
    for name, pattern in RELEASE_FILES:
        path = folder / name
        if path.is_file() and (found := pattern.match(path.read_text(encoding="utf-8", errors="replace"))):
            return ZoneData(found[1], folder)
    return None


def use_zone_data(data: ZoneData) -> ZoneData:
    """Read the file of every zone and let all of this process use them. Raise OSError if a zone is missing."""
    zoneinfo.reset_tzpath(to=(str(data.folder),))  # for the standard library, should anybody ask it
    zoneinfo.ZoneInfo.clear_cache()
    names = zoneinfo.available_timezones() - NOT_ZONES
    files = {name: (data.folder / name).read_bytes() for name in names}
    use_zones({name: partial(parse_zone, name, content) for name, content in files.items()})
    return data


def parse_zone(name: str, content: bytes) -> zoneinfo.ZoneInfo:
    """Return the zone that a file in the TZif format describes (RFC 9636)."""
    return zoneinfo.ZoneInfo.from_file(BytesIO(content), key=name)
