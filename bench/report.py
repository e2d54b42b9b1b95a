"""Writes results into docs/performance.md, between its marks, so that no number is copied by hand."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from bench.growth import PICTURE, curves_of, growth_sheets
from bench.picture import drawn
from bench.stores import FOLDER
from bench.tables import in_markdown, sheets_of

DOCUMENT = Path("docs/performance.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/report.py", description=__doc__)
    parser.add_argument(
        "--result",
        nargs="*",
        default=[str(FOLDER / "result.json")],
        help="figures of run.py, one run after another (default: %(default)s)",
    )
    parser.add_argument("--growth", default=str(FOLDER / "growth.json"), help="of growth.py (default: %(default)s)")
    options = parser.parse_args()
    text = DOCUMENT.read_text()
    if results := [result for path in options.result if (result := read(path))]:
        text = between(text, "result", "\n\n".join(part for result in results for part in parts_of(result)))
    if growth := read(options.growth):
        PICTURE.write_text(drawn(curves_of(growth["runs"])))
        tables = [in_markdown(sheet) for sheet in growth_sheets(growth["runs"])]
        picture = f"![The cost of reads over the number of events]({PICTURE.name})"
        text = between(text, "growth", "\n\n".join([measured_on(growth), picture, *tables]))
    DOCUMENT.write_text(text)
    print(f"Written to {DOCUMENT}.")


def read(path: str) -> Any:
    """Return figures, or None if there are none."""
    return json.loads(Path(path).read_text()) if Path(path).exists() else None


def parts_of(result: dict[str, Any]) -> list[str]:
    """Return the parts of the document for the results of run.py."""
    tables = [in_markdown(sheet) for run in result["runs"] for sheet in sheets_of(run)]
    return [measured_on(result), *tables, *left_out(result)]


def measured_on(result: dict[str, Any]) -> str:
    """Describe the machine of the measurement, and how thorough it was."""
    machine = result["machine"]
    parts = [f"{machine['processor']}, {machine['cores']} cores", f"Python {machine['python']}"]
    parts += [f"SQLite {machine['sqlite']}", f"{result['rounds']} rounds", f"load before: {machine['load_before']}"]
    text = f"Measured on {', '.join(parts)}."
    return f"{text} **With `--quick`: not to be quoted.**" if result["quick"] else text


def left_out(result: dict[str, Any]) -> list[str]:
    """Describe which peers gave other answers and were not measured."""
    return [
        f"{name} ({run['engine']}) answered something else and was not timed: {what}."
        for run in result["runs"]
        for name, what in run["different"].items()
    ]


def between(text: str, mark: str, content: str) -> str:
    """Put content between two marks."""
    pattern = re.compile(rf"(<!-- {mark}: .*?-->\n).*?(<!-- end of {mark} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{DOCUMENT} has no marks for {mark}")
    return pattern.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)


if __name__ == "__main__":
    main()
