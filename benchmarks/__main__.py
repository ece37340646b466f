"""Run every benchmark and keep the tables: `make bench` writes benchmarks/latest.md."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

LATEST = Path(__file__).parent / "latest.md"
TABLES = {
    "Rendering": "rendering",
    "Signing": "signing",
    "Verifying": "verifying",
    "Every byte changed": "single_bytes",
    "Hostile files": "hostile",
    "The engine": "engine",
    "The log, away from the office": "auditing",
    "A whole batch": "batch",
    "Several workers": "workers",
    "Backup and restore": "backing_up",
}


def main() -> None:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    about = "Ratios carry over; times do not."
    parts = [f"# The last table\n\nMade by `make bench` on a shared machine: {machine}. {about}\n"]
    for title, name in TABLES.items():
        print(f"## {title}\n", flush=True)
        text = import_module(f"benchmarks.{name}").table().strip()
        print(text + "\n", flush=True)
        parts.append(f"## {title}\n\n`python -m benchmarks.{name}`\n\n{text}\n")
    LATEST.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
