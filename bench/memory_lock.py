"""Data locked in memory while it is measured, if the machine allows: then time is spent in the server, not the disk.

A machine that gives unused file cache back to its host reads the same pages from the disk again and again, and that is
CPU time of whoever asks for them.
"""

import mmap
from collections.abc import Iterable
from pathlib import Path

MAP_LOCKED = 0x2000
"""Of Linux, see mmap(2); this Python's `mmap` has no name for it."""

SHARE = 0.6
"""The largest share of the memory that is available at the start."""


class MemoryLock:
    """Files whose pages stay in memory."""

    def __init__(self) -> None:
        self._most = available_bytes() * SHARE
        self._maps: dict[str, list[mmap.mmap]] = {}

    def hold(self, name: str, paths: Iterable[Path]) -> bool:
        """Lock files in memory under a name; return whether they are. None is locked unless all can be."""
        sizes = {path: size for path in paths if (size := path.stat().st_size)}
        locked = sum(len(one) for maps in self._maps.values() for one in maps)
        if locked + sum(sizes.values()) > self._most:
            return False
        maps = self._maps.setdefault(name, [])
        try:
            for path in sizes:
                with path.open("rb") as file:
                    maps.append(mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED | MAP_LOCKED, prot=mmap.PROT_READ))
        except OSError:  # this account may not lock so much
            self.release(name)
            return False
        return True

    def release(self, name: str) -> None:
        """Unlock the files under a name."""
        for one in self._maps.pop(name, []):
            one.close()


def available_bytes() -> int:
    """Return the available memory in bytes, including reclaimable file cache; 0 if unknown."""
    source = Path("/proc/meminfo")
    lines = source.read_text().splitlines() if source.exists() else []
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)
