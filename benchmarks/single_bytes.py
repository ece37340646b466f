"""Every single byte of twenty signed files changed, one at a time, and each file so made judged.

The files are vectors (tests/vectors) of all levels, of ten kinds of key and of one to five signatures; the
larger ones, among them one that Paraaf issued, have one byte in eight changed. Each changed file goes the way
of `paraaf verify`: through the fence, its quick look and its caches. Between them the file itself comes back
again and again, so that every process has its form learned, and is called authentic each time. Every byte
gets one other value; in a few places (the last byte, the edges of the signature, one at random) a byte gets
all 255.

    python -m benchmarks.single_bytes [--every N] [--jobs N] [FILE …]

changes every byte, or one in N. A change may leave a file "authentic" in one way only: white space behind
everything that is signed became other white space, which means the same by the format. Those are counted
apart, and anything else stops the benchmark with what it was.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from pathlib import Path

from certs.trust import TrustStore, load_trust
from signing.verify.bulk import verify_paths
from signing.verify.rawscan import WHITE_SPACE, only_white_space, signed_ranges
from signing.verify.report import Report, Verdict

VECTORS = Path(__file__).parent.parent / "tests" / "vectors"
SEED = 20261126
FILES = (
    *("b_b", "signed_with_rsa_2048", "signed_with_rsa_2048_pss", "signed_with_rsa_3072_pss"),
    *("signed_with_rsa_4096", "signed_with_p_384", "signed_with_p_521", "signed_with_brainpoolp256r1"),
    *("signed_with_ed25519", "signed_with_ed448", "seal_of_an_organisation", "older_format", "hybrid"),
    *("object_stream", "linearised", "certified_p1", "b_t", "two_in_made_fields", "certified_then_signed"),
    "b_lta",
)
LARGER = ("renewed", "signed_by_5", "now_b_lt")  # one byte in eight of these
LARGER_EVERY = 8
ITSELF_EVERY = 100  # changed files
ALL_VALUES = 1  # place in a file, besides the three that are always among them


@dataclass(frozen=True)
class Change:
    """A byte that gets another value; None in `place`: the file itself."""

    place: int | None
    value: int = 0

    def made(self, pdf: bytes) -> bytes:
        """The file with this change."""
        if self.place is None:
            return pdf
        return pdf[: self.place] + bytes([self.value]) + pdf[self.place + 1 :]

    def is_harmless(self, pdf: bytes) -> bool:
        """Whether white space behind everything signed becomes other white space."""
        if self.place is None or self.value not in WHITE_SPACE:
            return False
        end = max(found.end for found in signed_ranges(pdf))
        tail = max(end, pdf.rfind(b"%%EOF") + len(b"%%EOF"))
        return self.place >= tail and only_white_space(pdf[tail:])


@dataclass
class Outcome:
    """What the changes of one file came to."""

    name: str
    size: int
    seconds: float
    counts: Counter[str]
    missed: list[Change]  # called authentic, and not harmless

    @property
    def changes(self) -> int:
        return sum(self.counts.values())


def changes(pdf: bytes, name: str, every: int = 1) -> Iterator[Change]:
    """One other value for each byte (or one in `every`), then all of them in a few places."""
    chance = random.Random(f"{SEED} {name}")  # noqa: S311 (repeatable values, no secret)
    for place in range(chance.randrange(every), len(pdf), every):
        yield Change(place, pdf[place] ^ chance.randrange(1, 256))
    last = max(signed_ranges(pdf), key=lambda found: found.end)
    edges = (len(pdf) - 1, last.gap_start + 1, last.gap_end - 2)
    for place in (*edges, *(chance.randrange(len(pdf)) for _ in range(ALL_VALUES))):
        for value in range(256):
            if value != pdf[place]:
                yield Change(place, value)


def changed(
    pdf: bytes, name: str, wanted: Iterator[Change], trust: TrustStore, at: datetime, *, jobs: int
) -> Outcome:
    """Judge the file after each change; raises AssertionError when the file itself is not authentic."""
    outcome, begun = Outcome(name, len(pdf), 0.0, Counter(), []), time.monotonic()
    waiting: deque[tuple[Change, Path]] = deque()
    with tempfile.TemporaryDirectory(dir=_fast()) as folder:
        paths = _written(pdf, wanted, Path(folder), waiting)
        for report in verify_paths(paths, trust, jobs=jobs, at=at, now=at, quick=True):
            change, path = waiting.popleft()
            path.unlink()
            _count(outcome, pdf, change, report)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _fast() -> str | None:
    """A folder in memory, where there is one: a file a change is written."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 (a folder of its own is made in it)


def _written(
    pdf: bytes, wanted: Iterator[Change], folder: Path, waiting: deque[tuple[Change, Path]]
) -> Iterator[Path]:
    """Write a file for each change when it is asked for, the file itself among them."""
    for number in count():
        some = list(islice(wanted, ITSELF_EVERY))
        for place, change in enumerate([Change(None), *some]):
            path = folder / f"{number}-{place}.pdf"
            path.write_bytes(change.made(pdf))
            waiting.append((change, path))
            yield path
        if not some:
            return


def _count(outcome: Outcome, pdf: bytes, change: Change, report: Report) -> None:
    authentic = report.verdict is Verdict.AUTHENTIC
    if change.place is None:
        assert authentic, f"{outcome.name} itself: {report.sentence}"
        return
    if authentic and not change.is_harmless(pdf):
        outcome.missed.append(change)
    told = "harmless" if authentic else report.verdict.value
    if any(finding.code == "reading_stopped" for finding in report.findings):
        told = "stopped"
    elif report.passed and not authentic:
        told = "remarked"
    outcome.counts[told] += 1


def known() -> dict[str, tuple[bytes, TrustStore, datetime]]:
    """The files, each with the trust and the time that it is judged with."""
    at = datetime.fromisoformat(json.loads((VECTORS / "files" / "expected.json").read_text())["at"])
    trust = load_trust([VECTORS / "files" / "trust"])
    found = {
        name: ((VECTORS / "files" / f"{name}.pdf").read_bytes(), trust, at)
        for name in (*FILES, *LARGER)
        if not name.startswith("now_")
    }
    ours = VECTORS / "layouts"
    then = datetime.fromisoformat((ours / "at").read_text().strip())
    found["now_b_lt"] = ((ours / "now_b_lt.pdf").read_bytes(), load_trust([ours / "trust"]), then)
    return found


_COLUMNS = {
    "not_what_was_signed": "not what was signed",
    "signed_but": "signed, but",
    "cannot_be_judged": "cannot be judged",
    "remarked": "passed with a remark",
    "harmless": "authentic, harmless",
    "stopped": "reading stopped",
}


def table(
    every: int = 1,
    names: Sequence[str] = (*FILES, *LARGER),
    *,
    jobs: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> str:
    """A line a file: how many changes, what was said of them, how long it took; each is told at once, too."""
    jobs, files = jobs or os.cpu_count() or 1, known()
    lines = [
        f"| file | bytes | changes | {' | '.join(_COLUMNS.values())} | authentic | s |",
        f"|---|{'--:|' * (len(_COLUMNS) + 4)}",
    ]
    total, size, seconds, missed = Counter[str](), 0, 0.0, []
    for name in names:
        pdf, trust, at = files[name]
        wanted = changes(pdf, name, every * (LARGER_EVERY if name in LARGER else 1))
        one = changed(pdf, name, wanted, trust, at, jobs=jobs)
        lines.append(_line(name, one.size, one.counts, len(one.missed), one.seconds))
        tell(lines[-1])
        total, size, seconds = total + one.counts, size + one.size, seconds + one.seconds
        missed += [(name, change) for change in one.missed]
    lines.append(_line("all", size, total, len(missed), seconds))
    assert not missed, missed[:20]
    rate = sum(total.values()) / seconds
    how = "Every byte" if every == 1 else f"One byte in {every}"
    return "\n".join(lines) + (
        f"\n\n{how} changed (one in {every * LARGER_EVERY} of {', '.join(LARGER)}), seed {SEED};"
        f" {rate:.0f} changed files a second in {jobs} processes. None is"
        " authentic but where white space behind the end became other white space."
    )


def _line(name: str, size: int, counts: Counter[str], missed: int, seconds: float) -> str:
    cells = [counts[column] - (missed if column == "harmless" else 0) for column in _COLUMNS]
    changes = sum(counts.values())
    return f"| {name} | {size} | {changes} | {' | '.join(map(str, cells))} | {missed} | {seconds:.0f} |"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--every", type=int, default=1, help="change one byte in so many")
    asked.add_argument("--jobs", type=int, help="processes; as many as cores")
    asked.add_argument("names", nargs="*", default=(*FILES, *LARGER), metavar="FILE")
    args = asked.parse_args()
    print(
        table(
            args.every, args.names, jobs=args.jobs, tell=lambda line: print(line, file=sys.stderr, flush=True)
        )
    )
