"""Run benchmarks, keep their tables: `make bench` in benchmarks/latest.md, `make attacks` in attacks.md.

`python -m benchmarks NAME…` runs those named alone and leaves the other tables as they are: each says of
which day and commit it is. The attacks are no measurement of speed, and take an hour or more: each changed or
hostile file has to be seen through.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
TABLES = {
    "rendering": "Rendering",
    "signing": "Signing",
    "verifying": "Verifying",
    "engine": "The engine",
    "auditing": "The log, away from the office",
    "batch": "A whole batch",
    "many_at_once": "Many at once, at a provider and by one release",
    "workers": "Several workers",
    "queue_at_a_million": "The queue at a million requests",
    "backing_up": "Backup and restore",
    "timings": "Times, reports and exports",
}
LONG = frozenset({"queue_at_a_million"})
"""Run by name alone: it fills some 14 GB first."""
ATTACKS = {"single_bytes": "Bytes changed", "hostile": "Hostile files"}
HEAD = "# The last tables\n\nMade by `make {}` on a shared machine. Ratios carry over; times do not.\n"


def main(asked: list[str]) -> None:
    """Run `attacks`, or the benchmarks of these names, or all but the long ones."""
    attacks = asked == ["attacks"]
    titles, file = (ATTACKS, "attacks.md") if attacks else (TABLES, "latest.md")
    named = [name for name in titles if name not in LONG] if attacks or not asked else asked
    if unknown := [name for name in named if name not in titles]:
        sys.exit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(titles)}.")
    circumstances = _circumstances()
    for name in named:
        print(f"## {titles[name]}\n", flush=True)
        text = import_module(f"benchmarks.{name}").table().strip()
        print(text + "\n", flush=True)
        kept = _kept(FOLDER / file, titles)
        kept[name] = f"## {titles[name]}\n\n`python -m benchmarks.{name}` {circumstances}\n\n{text}\n"
        tables = [kept[one] for one in titles if one in kept]
        head = HEAD.format("attacks" if attacks else "bench")
        (FOLDER / file).write_text("\n".join([head, *tables]), encoding="utf-8")


def _kept(file: Path, titles: Mapping[str, str]) -> dict[str, str]:
    """The tables of earlier runs, by name."""
    if not file.exists():
        return {}
    names = {title: name for name, title in titles.items()}
    parts = file.read_text(encoding="utf-8").split("\n## ")[1:]
    by_title = {part.split("\n", 1)[0]: part.rstrip("\n") for part in parts}
    return {names[title]: f"## {part}\n" for title, part in by_title.items() if title in names}


def _circumstances() -> str:
    """Day, commit and machine of a table."""
    asked = ["git", "-C", str(FOLDER), "describe", "--always", "--dirty"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    commit = said.stdout.strip() or "no commit"
    day, python = f"{datetime.now(UTC):%Y-%m-%d}", platform.python_version()
    return f"({day}, {commit}, Python {python}, {os.cpu_count()} cores)"


if __name__ == "__main__":
    main(sys.argv[1:])
