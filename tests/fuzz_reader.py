"""Feed the reader changed files for a time: no exception may come past it, and none of them be authentic.

    python -m tests.fuzz_reader --seconds 1800 --seed 1 --out found/

Begins with the vectors and changes them as `mutations` does. Where Atheris is installed (it is no dependency:
`pip install atheris`), changes that reach new code are kept and changed further; without it each file is a
vector changed. Every input goes through the quick look, the whole validation, and all that writes a report.
What is found is written to the folder: a traceback's name and the file, one each; slow/ has the files that
took more processor time than the fence gives, authentic/ those that were called authentic though no vector
begins with them. The last line says how many inputs there were. A file that ends the process is kept as
`running.pdf`, and the next process goes on. Exit status 1 when anything was found.
"""

import argparse
import contextlib
import hashlib
import importlib
import importlib.util
import json
import logging
import random
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from signing.fence import bound_memory
from tests.mutations import mutated

FOLDER = (
    Path(__file__).parent / "vectors" / "files"
)  # not from vectors.build, which imports what Atheris shall instrument
CPU_S = 10  # what the fence gives a file
MEMORY = 3 << 30  # octets: the fuzzer keeps its corpus in it
LONGEST = 400_000  # octets of an input
TOLD_EVERY = 200  # inputs
_HEX = re.compile(rb"<[0-9A-Fa-f]{200,}>")


class TooSlow(BaseException):
    """The input took more processor time than the fence gives; nothing below may catch it."""


class Target:
    """Looks at inputs one after the other; writes down what comes past the reader."""

    def __init__(self, out: Path) -> None:
        from certs.trust import load_trust
        from signing.verify.quick import Quick
        from signing.verify.trust import Trust, TrustMaterial

        logging.disable(logging.CRITICAL)
        self.out = out
        self.at = datetime.fromisoformat(json.loads((FOLDER / "expected.json").read_text())["at"])
        material = TrustMaterial.of(load_trust([FOLDER / "trust"]))
        self.trust, self.quick = Trust(material), Quick(material, self.at)
        self.seeds = [path.read_bytes() for path in sorted(FOLDER.glob("*.pdf"))]
        self.known = {_end_cut(pdf) for pdf in self.seeds}
        self.counts = {"inputs": 0, "found": 0, "slow": 0, "authentic": 0}
        self.stumbles: dict[str, int] = {}  # kinds of exception that only the last net caught
        signal.signal(signal.SIGPROF, _too_slow)

    def look(self, pdf: bytes) -> None:
        """Look at one input; whatever it does is noted, never raised."""
        (self.out / "running.pdf").write_bytes(pdf)
        self.counts["inputs"] += 1
        try:
            with _at_most(CPU_S):
                self._look(pdf)
        except TooSlow:
            self._keep("slow", "slow", pdf)
        except Exception as error:  # noqa: BLE001 (this is what is looked for)
            where = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__}-{Path(where.filename).stem}-{where.lineno}"
            if self._keep("found", name, pdf):
                (self.out / f"{name}.txt").write_text(traceback.format_exc())
        if self.counts["inputs"] % TOLD_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        """Write down how far it has come."""
        told = json.dumps({**self.counts, "stumbles": self.stumbles})
        (self.out / "counts.json").write_text(told, encoding="utf-8")

    def _look(self, pdf: bytes) -> None:
        from signing.verify.etsi import etsi_report
        from signing.verify.output import csv_line, csv_row, text_of_report
        from signing.verify.register import traces_of
        from signing.verify.report import Verdict
        from signing.verify.transport import packed, unpacked
        from signing.verify.verdict import verify_pdf

        report = self.quick.clear(pdf, "")
        if report is None:
            report = verify_pdf(pdf, trust=self.trust, now=self.at)
            self.quick.learn(pdf, report)
        assert unpacked(packed(report)) == report
        assert report.sentence
        for write in (report.to_json, lambda: etsi_report(report), lambda: text_of_report(report)):
            write()
        for row in csv_row(report):
            csv_line(row)
        traces_of(pdf)
        for finding in report.findings:
            if finding.message == "the file makes its reader stumble":
                kind = (finding.detail or "").partition(":")[0]
                self.stumbles[kind] = self.stumbles.get(kind, 0) + 1
                self._keep("stumbles", f"stumbles-{kind}", pdf)
        if report.verdict is Verdict.AUTHENTIC and _end_cut(pdf) not in self.known:
            self._keep("authentic", "authentic", pdf)

    def _keep(self, what: str, name: str, pdf: bytes) -> bool:
        """Keep an input; once a name, but for those that have no other name than their kind."""
        self.counts[what] = self.counts.get(what, 0) + 1
        if name == what:
            name = f"{what}/{hashlib.sha256(pdf).hexdigest()[:16]}"
        place = self.out / f"{name}.pdf"
        place.parent.mkdir(exist_ok=True, parents=True)
        new = not place.exists()
        if new:
            place.write_bytes(pdf)
        return new


def _end_cut(pdf: bytes) -> bytes:
    """What tells a file from others: not white space behind its end, nor the case of its digits."""
    alike = _HEX.sub(lambda found: found.group().lower(), pdf)
    return hashlib.sha256(alike.rstrip(b"\0\t\n\x0c\r ")).digest()


def _too_slow(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlow


@contextmanager
def _at_most(cpu_s: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _plainly(target: Target, seed: int, until: float) -> None:
    chance = random.Random(seed)  # noqa: S311 (repeatable, no secret)
    while time.monotonic() < until:
        target.look(mutated(chance.choice(target.seeds), chance, target.seeds))
    target.tell()


def _guided(atheris: Any, out: Path, seed: int, until: float) -> None:
    """By Atheris: what reaches new code is kept in out/corpus. Ends the process."""
    with atheris.instrument_imports(include=["signing", "certs.der", "pyhanko", "asn1crypto"]):
        for name in ("etsi", "output", "register", "transport", "quick", "verdict", "drawing"):
            importlib.import_module(f"signing.verify.{name}")
        target = Target(out)
    (out / "corpus").mkdir(exist_ok=True)
    for number, pdf in enumerate(target.seeds):
        (out / "corpus" / f"seed-{number:03}").write_bytes(pdf)

    def change(data: bytes, most: int, its_seed: int) -> bytes:
        chance = random.Random(its_seed)  # noqa: S311 (as above)
        return mutated(data or target.seeds[0], chance, target.seeds)[:most]

    def cross(data: bytes, other: bytes, most: int, its_seed: int) -> bytes:
        return mutated(data, random.Random(its_seed), [other])[:most]  # noqa: S311 (as above)

    left = max(1, int(until - time.monotonic()))
    flags = [
        f"-max_total_time={left}",
        f"-max_len={LONGEST}",
        f"-seed={seed}",
        "-timeout=120",
        "-print_final_stats=1",
    ]
    flags += ["-rss_limit_mb=0", "-len_control=0", f"-artifact_prefix={out}/"]
    arguments = ["fuzz", *flags, str(out / "corpus")]
    atheris.Setup(arguments, target.look, custom_mutator=change, custom_crossover=cross)
    atheris.Fuzz()


def _inside(out: Path, seed: int, seconds: float) -> None:
    bound_memory(MEMORY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    until = time.monotonic() + seconds
    if importlib.util.find_spec("atheris") is not None:
        _guided(importlib.import_module("atheris"), out, seed, until)
    else:
        _plainly(Target(out), seed, until)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--out", type=Path, required=True)
    asked.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = asked.parse_args()
    args.out.mkdir(exist_ok=True, parents=True)
    if args.inside:
        _inside(args.out, args.seed, args.seconds)
        return 0
    total: dict[str, Any] = {"processes": 0, "died": 0}
    until = time.monotonic() + args.seconds
    while (left := until - time.monotonic()) > 1:
        command = [sys.executable, "-m", __spec__.name, "--inside", "--out", str(args.out)]
        command += ["--seconds", str(left), "--seed", str(args.seed + total["processes"])]
        ended = subprocess.run(command, check=False, timeout=left + 300)
        total["processes"] += 1
        if ended.returncode:
            total["died"] += 1
            with contextlib.suppress(FileNotFoundError):
                (args.out / "running.pdf").rename(args.out / f"died-{total['died']}.pdf")
        with contextlib.suppress(FileNotFoundError):
            for what, count in json.loads((args.out / "counts.json").read_text()).items():
                total[what] = (
                    {**total.get(what, {}), **count}
                    if isinstance(count, dict)
                    else total.get(what, 0) + count
                )
            (args.out / "counts.json").unlink()
    print(json.dumps(total))
    return 1 if total["died"] or any(total.get(what) for what in ("found", "authentic")) else 0


if __name__ == "__main__":
    sys.exit(main())
