"""More than five hundred hostile files (tests/hostile_files.py), each read in a process of its own.

    python -m benchmarks.hostile [--seed N] [--family NAME]… [--kept FOLDER]

prints for each family how many there were, what was said of them, and the longest time and the most memory
that one took: processor time and resident memory of the process that reads and of its drawing copy, added
up; and wall time, which a busy machine prolongs. It fails when one took more than 10 s of processor time or
1 GiB, was called authentic, or got no verdict. `--kept` writes those down that took more than half of either.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from json import loads
from multiprocessing.connection import wait
from pathlib import Path

from certs.trust import load_trust
from signing.verify.fence import Assignment, Worker, verifying_context
from signing.verify.limits import DEFAULT_LIMITS
from signing.verify.report import Report, Verdict
from signing.verify.sources import Source
from signing.verify.trust import TrustMaterial
from tests.hostile_files import SEED, VECTORS, HostileFile, hostile_files

MOST_S, MOST_MIB = 10.0, 1024
LOOK_EVERY_S = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What one file cost, and what was said of it."""

    name: str
    report: Report
    seconds: float  # on the wall
    cpu_s: float  # of the process that read it, and of what it started
    mib: float

    @property
    def stopped(self) -> bool:
        return any(finding.code == "reading_stopped" for finding in self.report.findings)

    @property
    def wrong(self) -> bool:
        return self.report.verdict is Verdict.AUTHENTIC or self.cpu_s > MOST_S or self.mib > MOST_MIB


def measured(files: Iterator[HostileFile], folder: Path) -> Iterator[tuple[HostileFile, Measured]]:
    """Read each file in a process of its own."""
    at = datetime.fromisoformat(loads((VECTORS / "expected.json").read_text())["at"])
    material = TrustMaterial.of(load_trust([VECTORS / "trust"]))
    assignment, context = (
        Assignment(material, at, DEFAULT_LIMITS, quick=True, traces=True),
        verifying_context(),
    )
    for file in files:
        path = folder / f"{file.name}.pdf"
        path.write_bytes(file.pdf)
        worker = Worker(context, assignment)
        try:
            yield file, _read(worker, path)
        finally:
            if not worker.connection.closed:
                worker.close()
            path.unlink()


@dataclass
class _Cost:
    """The most memory that a process had (MiB), and the processor time that it took (s)."""

    mib: float = 0.0
    cpu_s: float = 0.0


def _read(worker: Worker, path: Path) -> Measured:
    process, costs = worker._process.pid, dict[int, _Cost]()  # noqa: SLF001 (only the system is asked about it)
    _look(process, costs)
    before, begun = sum(cost.cpu_s for cost in costs.values()), time.monotonic()
    worker.begin([Source(path.name, path, None)])
    reports: list[Report] = []
    while not reports:
        wait([worker.connection], timeout=min(LOOK_EVERY_S, worker.remaining_s()))
        _look(process, costs)
        reports = worker.collect()
    seconds = time.monotonic() - begun
    cpu_s = sum(cost.cpu_s for cost in costs.values()) - before
    return Measured(path.stem, reports[0], seconds, cpu_s, sum(cost.mib for cost in costs.values()))


def _look(process: int | None, costs: dict[int, _Cost]) -> None:
    """Note what a process and its children have cost; they may be gone."""
    if process is None:
        return
    with suppress(OSError, ValueError, IndexError):
        cost = costs.setdefault(process, _Cost())
        status = Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0]
        cost.mib = max(cost.mib, int(status) / 1024)
        ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
        cost.cpu_s = max(cost.cpu_s, sum(map(int, ticks)) / TICKS)
    with suppress(OSError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            _look(int(child), costs)


def table(
    seed: int = SEED,
    families: tuple[str, ...] = (),
    *,
    kept: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> str:
    """A line a family; raises AssertionError when a file took too much, or was called authentic."""
    found: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for file, one in measured(hostile_files(seed, families), Path(folder)):
            found.setdefault(file.family, []).append(one)
            cost = f"{one.cpu_s:.2f} s {one.mib:.0f} MiB {one.seconds:.2f} s wall"
            tell(f"{one.name} {cost} {one.report.verdict.value} {_why(one.report)}")
            if kept is not None and (one.cpu_s > MOST_S / 2 or one.mib > MOST_MIB / 2 or one.wrong):
                (kept / f"{file.name}.pdf").write_bytes(file.pdf)
    lines = [
        "| family | files | not what was signed | signed, but | cannot be judged | of these stopped"
        " | longest, s CPU | s wall | most, MiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    everything = [one for family in found.values() for one in family]
    lines += [_line(name, several) for name, several in found.items()]
    lines.append(_line("all", everything))
    wrong = [one for one in everything if one.wrong]
    assert not wrong, [(one.name, one.report.verdict, one.cpu_s, one.mib) for one in wrong]
    return (
        "\n".join(lines) + f"\n\nSeed {seed}; a fenced process a file, with the limits of `paraaf verify`.\n"
    )


def _why(report: Report) -> str:
    return report.sentence[:150].replace("\n", " ")


def _line(name: str, several: list[Measured]) -> str:
    told = Counter(one.report.verdict for one in several)
    counts = " | ".join(
        str(told[each])
        for each in (Verdict.NOT_WHAT_WAS_SIGNED, Verdict.SIGNED_BUT, Verdict.CANNOT_BE_JUDGED)
    )
    stopped = sum(one.stopped for one in several)
    longest, most = max(one.cpu_s for one in several), max(one.mib for one in several)
    wall = max(one.seconds for one in several)
    return f"| {name} | {len(several)} | {counts} | {stopped} | {longest:.1f} | {wall:.1f} | {most:.0f} |"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument("--family", action="append", default=[])
    asked.add_argument("--kept", type=Path)
    args = asked.parse_args()
    print(
        table(
            args.seed,
            tuple(args.family),
            kept=args.kept,
            tell=lambda line: print(line, file=sys.stderr, flush=True),
        )
    )
