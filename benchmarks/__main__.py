"""Run every benchmark, keep the tables: `make bench` writes benchmarks/latest.md, `make attacks` attacks.md.

The attacks are no measurement of speed, and take an hour or more: each changed or hostile file has to be seen
through.
"""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
TABLES = {
    "Rendering": "rendering",
    "Signing": "signing",
    "Verifying": "verifying",
    "The engine": "engine",
    "The log, away from the office": "auditing",
    "A whole batch": "batch",
    "Many at once, at a provider and by one release": "many_at_once",
    "Several workers": "workers",
    "Backup and restore": "backing_up",
}
ATTACKS = {"Bytes changed": "single_bytes", "Hostile files": "hostile"}


def main(asked: str = "bench") -> None:
    file, tables = ("attacks.md", ATTACKS) if asked == "attacks" else ("latest.md", TABLES)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    about = "Ratios carry over; times do not."
    parts = [f"# The last table\n\nMade by `make {asked}` on a shared machine: {machine}. {about}\n"]
    for title, name in tables.items():
        print(f"## {title}\n", flush=True)
        text = import_module(f"benchmarks.{name}").table().strip()
        print(text + "\n", flush=True)
        parts.append(f"## {title}\n\n`python -m benchmarks.{name}`\n\n{text}\n")
    (FOLDER / file).write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
