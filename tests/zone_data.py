"""Releases of zone data for tests: the installed one with some zones changed, under another name."""

import shutil
import struct
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import tzdata

from kalends.store import zone_data
from kalends.store.zone_data import PACKAGE_FOLDER, ZoneData, load_zone_data

HOUR = 3_600
HEADER = struct.Struct(">4sc15x6l")

Change = tuple[str, float]
"""When clocks change (ISO 8601, UTC), and how many hours ahead of UTC they are from then on."""


def compiled(hours: float, *changes: Change) -> bytes:
    """Write a zone in the TZif format (RFC 9636): its first offset, and every change of it."""
    moments = [int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) for moment, _ in changes]
    offsets = [round(ahead * HOUR) for ahead in (hours, *(ahead for _, ahead in changes))]
    count = len(moments)
    empty = HEADER.pack(b"TZif", b"2", 0, 0, 0, 0, 1, 4) + struct.pack(">lBB", offsets[0], 0, 0) + b"XXX\0"
    whole = HEADER.pack(b"TZif", b"2", 0, 0, 0, count, count + 1, 4) + struct.pack(f">{count}q", *moments)
    whole += bytes(range(1, count + 1)) + b"".join(struct.pack(">lBB", offset, 0, 0) for offset in offsets)
    west, east = divmod(abs(offsets[-1]) // 60, 60)
    rule = f"<XXX>{'-' if offsets[-1] >= 0 else ''}{west}:{east:02}"
    return empty + whole + b"XXX\0" + f"\n{rule}\n".encode()


def write_release(folder: Path, release: str, zones: Mapping[str, bytes], without: Sequence[str] = ()) -> Path:
    """Write the installed zone data into a folder as another release, with some zones changed or missing."""
    shutil.copytree(PACKAGE_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name, content in zones.items():
        (folder / name).write_bytes(content)
    for name in without:
        (folder / name).unlink()
    (folder / "tzdata.zi").write_text(f"# version {release}\n")
    return folder


@contextmanager
def using(folder: Path, release: str, system: Sequence[Path] = ()) -> Iterator[ZoneData]:
    """Reset the zone data of this process, with a folder in place of the package, and with the system's."""
    usual = zoneinfo.TZPATH
    with mock.patch.object(tzdata, "IANA_VERSION", release), mock.patch.object(zone_data, "PACKAGE_FOLDER", folder):
        load_zone_data.cache_clear()
        zoneinfo.reset_tzpath(to=tuple(map(str, system)))
        try:
            yield load_zone_data()
        finally:
            load_zone_data.cache_clear()
            zoneinfo.reset_tzpath(to=usual)
    load_zone_data()
