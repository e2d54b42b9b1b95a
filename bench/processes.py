"""The cost of processes, as measured by Linux: CPU time of process trees, and their memory."""

import os
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
CPU_CLOCK = 2
"""The clock of a process that counts what the scheduler gave it: user and system time in nanoseconds."""


class Memory(NamedTuple):
    """Memory of the largest process, in MB: current, current without mapped files, and peak."""

    resident: float
    own: float
    peak: float


def family(root: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes so far: user and system, as in /proc/<pid>/stat, but finer."""
    spent = 0.0
    for pid in pids:
        try:
            spent += time.clock_gettime((~pid << 3) | CPU_CLOCK)
        except OSError:
            continue
    return spent


def reaped_seconds(root: int) -> float:
    """Return the CPU time of a process's children that have ended."""
    fields = (PROC / str(root) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def memory(pids: list[int]) -> Memory:
    """Return the memory of the largest process."""
    most = Memory(0, 0, 0)
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "status").read_text().splitlines()
        except OSError:
            continue
        sizes = {
            name: int(rest.split()[0]) / 1_024
            for name, _, rest in (line.partition(":") for line in lines)
            if rest.endswith("kB")
        }
        this = Memory(sizes.get("VmRSS", 0), sizes.get("RssAnon", 0), sizes.get("VmHWM", 0))
        most = max(most, this)
    return most
