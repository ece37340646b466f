"""How long judging takes beside a plain pyHanko loop over the same files: `python -m benchmarks.verifying`.

The plain loop is what an office would write from pyHanko's documentation: one process, one validation context
for all files (B-B), the context of each file's own store (B-LT), the archival validation (B-LTA); revocation
required everywhere. All sides take turns over the same files, each made by another signing; the files that
the memories are warmed with aren't among those that are timed. In a turn a side goes through all files in a
row, as a run does: a quick look between two whole validations finds the processor's caches full of them, and
takes half as long again. "First" is a file in a process that has judged none.

The quick look of a run is all that a file costs there, in the parent and in the fenced process: it is found,
handed over, read, looked at, and the report made ready for its reader. The plain loop reads its files too.
"""

import asyncio
import io
import logging
import os
import re
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import DocumentSecurityStore, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from documents.kinds import KINDS
from documents.render import SignatureSlot, render
from signing.authorities import TimestampAuthority
from signing.composition import NewField
from signing.pades import SigningDesk
from signing.profile import Level, Profile
from signing.signers import SoftwareSigner
from signing.stamp import Appearance
from signing.verify.bulk import verify_paths
from signing.verify.quick import Quick
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import verify_pdf

LEVELS = (Level.B_B, Level.B_LT, Level.B_LTA)
SIGNERS = (1, 2, 5)
COPIES, WARMING, ROUNDS = 8, 5, 2
FENCED, RUN = 60, 240
MANY = (1_000, 20_000)
CLIFF_SIGNATURES, CLIFF_PAGES = (40, 80), 100_000
Signed = dict[tuple[Level, int], list[bytes]]


def table() -> str:
    """Milliseconds a file beside the plain loop, files a second through the fence, memory, and the cliffs."""
    logging.disable(logging.CRITICAL)  # pyHanko tells its worries about each file
    folder = Path(tempfile.mkdtemp())
    try:
        authority = DevelopmentAuthority.open_or_create(folder / "pki", now=datetime.now(UTC))
        with AuthorityServer(authority.folder):
            signed = asyncio.run(_signed(authority, LEVELS, SIGNERS, COPIES))
            _write(folder / "run", asyncio.run(_signed(authority, (Level.B_B,), (1,), RUN)))
            cliffs = asyncio.run(_cliffs(authority))
        now = datetime.now(UTC)
        lists = (authority.crl("issuing", now), authority.crl("root", now))
        trust = TrustStore(authority.trust.anchors, authority.trust.intermediates, lists)
        parts = [
            _beside(signed, trust),
            _in_a_run(folder / "run", trust),
            _fenced(signed, trust, folder),
            _memory(folder),
        ]
        return "\n".join([*parts, _over_the_cliffs(cliffs, trust)])
    finally:
        logging.disable(logging.NOTSET)
        shutil.rmtree(folder)


def _write(folder: Path, signed: Signed) -> None:
    folder.mkdir()
    for number, pdf in enumerate(pdf for pdfs in signed.values() for pdf in pdfs):
        (folder / f"{number:04}.pdf").write_bytes(pdf)


async def _signed(
    authority: DevelopmentAuthority, levels: Sequence[Level], signers: Sequence[int], copies: int
) -> Signed:
    """Files of each level and number of signers; which five people sign in which order differs."""
    now, found = datetime.now(UTC), Signed()
    people = [
        SoftwareSigner(authority.person(f"bench-{number}", f"B. Sample {number}", now=now))
        for number in range(5)
    ]
    async with _desk(authority) as desk:
        for level in levels:
            profile = Profile("bench", "Bench", "person", level, timestampers=("development",))
            for count in signers:
                found[level, count] = []
                for copy in range(copies):
                    pdf = _declaration(count, copy + 1)
                    for number in range(count):
                        finished = await desk.sign_document(
                            pdf,
                            field=f"signer-{number}",
                            signer=people[(copy + number) % len(people)],
                            profile=profile,
                            appearance=Appearance(("B. Sample", f"Level: {level}")),
                            claimed_at=now,
                        )
                        pdf = finished.pdf
                    found[level, count].append(pdf)
    return found


def _desk(authority: DevelopmentAuthority):  # type: ignore[no-untyped-def]
    return SigningDesk.open(
        trust=authority.trust,
        clock=lambda: datetime.now(UTC),
        timestamp_authorities=[TimestampAuthority("development", authority.tsa_url)],
    )


def _declaration(signers: int, number: int = 1) -> bytes:
    kind, today = KINDS["employer_declaration"], date(2024, 11, 20)
    return render(
        kind.name,
        kind.example(),
        number=f"2024-{number:06}",
        verification_code="AAAA-BBBB",
        issued_on=today,
        valid_until=None,
        slots=[SignatureSlot(f"signer-{number}", "Signed") for number in range(signers)],
        archive_timestamp=True,
        verify_url=None,
        note=None,
    )


def _beside(signed: Signed, trust: TrustStore) -> str:
    now = datetime.now(UTC) + timedelta(seconds=5)
    plain, known = _Plain(trust, now), Trust(TrustMaterial.of(trust))
    lines = [
        "| level | signatures | whole, ms CPU | plain pyHanko, ms CPU | times as fast | first, ms CPU"
        " | quick look, ms CPU | times as fast |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ratios, quick_ratios = [], []
    for (level, count), pdfs in signed.items():
        loop, quick = plain.loop(level), Quick(TrustMaterial.of(trust), now)
        for pdf in pdfs[:WARMING]:
            report = verify_pdf(pdf, trust=known, now=now)
            assert report.passed
            quick.learn(pdf, report)
            loop(pdf)
        assert all(quick.clear(pdf, "") for pdf in pdfs[WARMING:])
        calls = (lambda pdf: verify_pdf(pdf, trust=known, now=now), loop, partial(_looked_at, quick))
        ours, theirs, looked = _in_turn(pdfs[WARMING:], calls, ROUNDS)
        first = _alone(pdfs[0], trust, now)
        ratios.append(theirs / ours)
        quick_ratios.append(theirs / looked)
        lines.append(
            f"| {level} | {count} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} | {first:.0f}"
            f" | {looked:.2f} | {theirs / looked:.0f} |"
        )
    least = (
        f"At least {min(ratios):.1f} times as fast as the plain loop; a quick look {min(quick_ratios):.0f}."
    )
    return "\n".join(lines) + f"\n\n{least}\n"


def _looked_at(quick: Quick, pdf: bytes) -> bool:
    return quick.clear(pdf, "") is not None


def _in_turn(
    pdfs: Sequence[bytes], calls: tuple[Callable[[bytes], object], ...], rounds: int
) -> tuple[float, ...]:
    """Milliseconds of processor time a file for each call: the best of the rounds, the calls taking turns."""
    spent = [[0.0] * rounds for _ in calls]
    for round_ in range(rounds):
        for which, call in enumerate(calls):
            begun = _spent_s()
            for pdf in pdfs:
                call(pdf)
            spent[which][round_] = _spent_s() - begun
    return tuple(min(each) / len(pdfs) * 1000 for each in spent)


def _spent_s() -> float:
    """Processor time of this process and of those that drew pages for it."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _alone(pdf: bytes, trust: TrustStore, now: datetime) -> float:
    """The same for a process that has judged nothing before, once."""
    with _own_process() as process:
        return process.submit(_first, pdf, TrustMaterial.of(trust), now).result()


def _own_process() -> ProcessPoolExecutor:
    """A fresh process; unlike a pool's, it may have children."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _first(pdf: bytes, material: TrustMaterial, now: datetime) -> float:
    logging.disable(logging.CRITICAL)
    known, begun = Trust(material), time.process_time()
    assert verify_pdf(pdf, trust=known, now=now).passed
    return (time.process_time() - begun) * 1000


class _Plain:
    """What a script written from pyHanko's documentation does; raises when a file doesn't hold."""

    def __init__(self, trust: TrustStore, now: datetime) -> None:
        roots = [_asn1(anchor) for anchor in trust.anchors]
        others = [_asn1(certificate) for certificate in trust.intermediates]
        self._arguments: dict[str, Any] = {
            "trust_roots": roots,
            "other_certs": others,
            "crls": [CertificateList.load(crl) for crl in trust.crls],
            "moment": now,
            "allow_fetching": False,
            "revocation_mode": "require",
        }
        self._context = ValidationContext(**self._arguments)
        policy = CertValidationPolicySpec(
            SimpleTrustManager.build(roots), revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO)
        )
        offline = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
        self._specification = PdfSignatureValidationSpec(
            SignatureValidationSpec(
                cert_validation_policy=policy,
                revinfo_gathering_policy=offline,
                local_knowledge=LocalKnowledge(known_certs=others),
            )
        )
        self._timing = ValidationTimingInfo(
            validation_time=now, best_signature_time=now, point_in_time_validation=True
        )

    def loop(self, level: Level) -> Callable[[bytes], None]:
        """How files of a level are validated."""
        return {Level.B_B: self.basic, Level.B_LT: self.with_store}.get(level, self.archival)

    def basic(self, pdf: bytes) -> None:
        """Each signature by the one context."""
        self._each(PdfFileReader(io.BytesIO(pdf)), self._context)

    def with_store(self, pdf: bytes) -> None:
        """Each signature by a context made from the file's own store."""
        reader = PdfFileReader(io.BytesIO(pdf))
        store = DocumentSecurityStore.read_dss(reader)
        self._each(reader, store.as_validation_context(self._arguments))

    def archival(self, pdf: bytes) -> None:
        """Each signature by the archival validation, its document timestamps included."""
        for signature in PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures:
            result = asyncio.run(
                ades_lta_validation(signature, self._specification, timing_info=self._timing)
            )
            assert result.ades_subindic.standard_name == "OK", result.ades_subindic

    @staticmethod
    def _each(reader: PdfFileReader, context: ValidationContext) -> None:
        for signature in reader.embedded_signatures:
            if signature.sig_object_type == "/DocTimeStamp":
                validate_pdf_timestamp(signature, context)
            else:
                status = validate_pdf_signature(signature, context)
                assert status.bottom_line, status.summary()


def _asn1(certificate) -> asn1_x509.Certificate:  # type: ignore[no-untyped-def]
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _in_a_run(folder: Path, trust: TrustStore) -> str:
    """Milliseconds of processor time a file of B-B with one signature, beside the plain loop in turn."""
    files, warming = sorted(folder.iterdir()), RUN // 3
    now = datetime.now(UTC) + timedelta(seconds=5)
    loop = _Plain(trust, now).loop(Level.B_B)
    found = []
    for _ in range(ROUNDS):
        parent, fenced = _run(files, warming, trust, now)
        begun = time.process_time()
        for path in files[warming:]:
            loop(path.read_bytes())
        found.append((parent, fenced, (time.process_time() - begun) / (RUN - warming) * 1000))
    parent, fenced, theirs = (min(each) for each in zip(*found, strict=True))
    return (
        "| a run of quick looks, B-B, 1 signature | parent, ms CPU | fenced process, ms CPU"
        " | plain pyHanko, ms CPU | times as fast |\n|---|---|---|---|---|\n"
        f"| a file | {parent:.2f} | {fenced:.2f} | {theirs:.1f} | {theirs / (parent + fenced):.0f} |\n"
    )


def _run(files: Sequence[Path], warming: int, trust: TrustStore, now: datetime) -> tuple[float, float]:
    """Milliseconds a file behind the first ones, of this process and of those it started."""
    spent = []
    for number, report in enumerate(verify_paths(files, trust, now=now, quick=True), 1):
        assert report.passed
        assert number <= warming or not report.whole
        if number in (warming, len(files)):  # the fenced process is still there
            spent.append((time.process_time(), _below_s()))
    parent, fenced = (
        (there - here) / (len(files) - warming) * 1000 for here, there in zip(*spent, strict=True)
    )
    return parent, fenced


def _below_s() -> float:
    """Processor time of all living processes that this one and its children started."""
    started: dict[int, list[Path]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
            started.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(process)
    waiting, spent_ns = list(started.get(os.getpid(), ())), 0
    while waiting:
        process = waiting.pop()
        waiting += started.get(int(process.name), ())
        spent_ns += int((process / "schedstat").read_text(encoding="ascii").split()[0])
    return spent_ns / 1e9


def _fenced(signed: Signed, trust: TrustStore, folder: Path) -> str:
    lines = ["| fenced, B-LT | one process, files/s | two processes, files/s | ratio |", "|---|---|---|---|"]
    for count in SIGNERS:
        files = folder / f"fenced-{count}"
        files.mkdir()
        for number in range(FENCED):
            (files / f"{number}.pdf").write_bytes(signed[Level.B_LT, count][number % COPIES])
        one, two = (_rate(files, trust, jobs) for jobs in (1, 2))
        lines.append(f"| {count} signed | {one:.0f} | {two:.0f} | {two / one:.2f} |")
    return "\n".join(lines) + "\n"


def _rate(files: Path, trust: TrustStore, jobs: int) -> float:
    begun = time.monotonic()
    passed = sum(r.passed for r in verify_paths([files], trust, jobs=jobs, now=datetime.now(UTC)))
    assert passed == FENCED
    return FENCED / (time.monotonic() - begun)


def _memory(folder: Path) -> str:
    """The most that a run's parent held at any time, by the number of files (unsigned: they take least)."""
    (folder / "unsigned.pdf").write_bytes(_pages(1))
    peaks = []
    for many in MANY:
        with _own_process() as process:
            peaks.append(process.submit(_peak_mib, folder / "unsigned.pdf", many).result())
    told = ", ".join(f"{peak:.0f} MiB with {many} files" for peak, many in zip(peaks, MANY, strict=True))
    return f"The parent's memory at its highest: {told}.\n"


def _peak_mib(path: Path, many: int) -> float:
    """Run over one file, many times."""
    reports = verify_paths(_repeated(path, many), TrustStore(), jobs=2, now=datetime.now(UTC))
    assert sum(1 for _ in reports) == many
    # not getrusage: a process that was spawned inherits the peak of the one that spawned it
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]  # Linux has it


def _repeated(path: Path, many: int) -> Iterator[Path]:
    return (path for _ in range(many))


async def _cliffs(authority: DevelopmentAuthority) -> dict[str, bytes]:
    """Files with many signatures, and one with many pages."""
    signer = SoftwareSigner(authority.person("cliff", "C. Sample", now=datetime.now(UTC)))
    profile = Profile("bench", "Bench", "person", Level.B_B, visible=False)
    found: dict[str, bytes] = {}
    async with _desk(authority) as desk:

        async def signed(pdf: bytes, many: int, kept: Sequence[int], what: str) -> None:
            fields = tuple(NewField(f"f{number}", label=f"f{number}") for number in range(many))
            for number in range(many):
                finished = await desk.sign_document(
                    pdf,
                    field=f"f{number}",
                    signer=signer,
                    profile=profile,
                    appearance=None,
                    claimed_at=datetime.now(UTC),
                    new_fields=fields if number == 0 else (),
                )
                pdf = finished.pdf
                if number + 1 in kept:
                    found[what.format(number + 1)] = pdf

        await signed(_pages(1), max(CLIFF_SIGNATURES), CLIFF_SIGNATURES, "{} signatures")
        await signed(_pages(CLIFF_PAGES), 2, (2,), f"{CLIFF_PAGES} pages, {{}} signatures")
    return found


def _pages(count: int) -> bytes:
    """A PDF of so many pages, a hundred to a node."""
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Length 10>>\nstream\nq 0 0 m Q\n\nendstream"]
    nodes = []
    for first in range(0, count, 100):
        inside = min(100, count - first)
        node = len(bodies) + 1
        nodes.append(node)
        kids = b" ".join(b"%d 0 R" % (node + 1 + place) for place in range(inside))
        bodies.append(b"<</Type/Pages/Parent 2 0 R/Count %d/Kids[%b]>>" % (inside, kids))
        page = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Contents 3 0 R/Resources<<>>>>" % node
        bodies += [page] * inside
    kids = b" ".join(b"%d 0 R" % node for node in nodes)
    bodies[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (count, kids)
    out, entries = bytearray(b"%PDF-1.7\n"), [b"0000000000 65535 f \n"]
    for number, body in enumerate(bodies, 1):
        entries.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start, size = len(out), len(bodies) + 1
    out += b"xref\n0 %d\n%b" % (size, b"".join(entries))
    out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


def _over_the_cliffs(cliffs: dict[str, bytes], trust: TrustStore) -> str:
    now = datetime.now(UTC) + timedelta(seconds=5)
    plain = _Plain(trust, now)
    lines = ["| one file | Paraaf, s CPU | plain pyHanko loop, s CPU | times as fast |", "|---|---|---|---|"]
    for what, pdf in cliffs.items():
        known = Trust(TrustMaterial.of(trust))
        calls = (lambda pdf, known=known: verify_pdf(pdf, trust=known, now=now), plain.basic)
        ours, theirs = (milliseconds / 1000 for milliseconds in _in_turn([pdf], calls, 1))
        lines.append(f"| {what} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table())
