"""Fails when a file is covered less than its floor: `python tests/coverage_floor.py coverage.json`."""

import json
import sys
from pathlib import Path
from typing import Any

WHOLE = 100.0
ELSEWHERE = 95.0
IN_SERVER_PROCESSES = {"src/kalends/cli/ending.py": 85.0, "src/kalends/cli/serving.py": 85.0}
"""Half of these files run in forked server processes, which end without saving their coverage."""
WHOLE_FOLDERS = tuple(f"src/kalends/{name}/" for name in ("rules", "actions", "reads", "store"))


def floor_of(path: str) -> float:
    """Return the percentage of lines and branches that tests must run in the file."""
    if path in IN_SERVER_PROCESSES:
        return IN_SERVER_PROCESSES[path]
    return WHOLE if path.startswith(WHOLE_FOLDERS) else ELSEWHERE


def complaint(path: str, measured: dict[str, Any]) -> str | None:
    """Return what the file lacks, or None if it is covered well enough."""
    covered: float = measured["summary"]["percent_covered"]
    floor = floor_of(path)
    if covered >= floor:
        return None
    lines = [str(line) for line in measured["missing_lines"]]
    branches = [f"{start}->{'exit' if end < 0 else end}" for start, end in measured["missing_branches"]]
    return f"{path}: {covered:.2f} % of at least {floor:.0f} %; not run: {', '.join(lines + branches)}"


def main(report: Path) -> int:
    """Print every file below its floor and return the exit status."""
    files: dict[str, dict[str, Any]] = json.loads(report.read_text())["files"]
    if not files:
        print(f"{report}: no file was measured")
        return 1
    complaints = [line for path, measured in sorted(files.items()) if (line := complaint(path, measured))]
    print("\n".join(complaints) or f"coverage: all {len(files)} files reach their floor")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
