"""Files that were made to hurt: each gets a sentence, none ends the run, none takes long.

PARAAF_CAMPAIGN multiplies how many of `tests.hostile_files` are read; all of them, measured, by
`python -m benchmarks.hostile`.
"""

import json
import os
import random
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.trust import TrustStore, load_trust
from signing.verify.bulk import verify_paths
from signing.verify.limits import Limits
from signing.verify.report import Indication, Verdict
from signing.verify.verdict import verify_pdf
from tests.campaign import times
from tests.hostile_files import SEED, VECTORS, hostile_files, made
from tests.vectors.stock import Stock, plain_pdf

QUICK = Limits(cpu_s=3, wall_s=8.0)


def giant_index() -> bytes:
    """A cross-reference stream that claims 2,000,000,000 entries."""
    data = zlib.compress(bytes(40))
    head = b"%PDF-1.7\n"
    stream = (
        b"1 0 obj\n<</Type/XRef/Size 2000000000/W[1 2 1]/Index[0 2000000000]/Root 1 0 R/Filter/FlateDecode"
        b"/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (len(data), data)
    )
    return head + stream + b"startxref\n%d\n%%%%EOF\n" % len(head)


def inflating_index() -> bytes:
    """A cross-reference stream of a few hundred kB that inflates to 400 MB."""
    data = zlib.compress(bytes(400_000_000), 9)
    head = b"%PDF-1.7\n"
    stream = (
        b"1 0 obj\n<</Type/XRef/Size 100000000/W[1 2 1]/Root 1 0 R/Filter/FlateDecode"
        b"/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (len(data), data)
    )
    return head + stream + b"startxref\n%d\n%%%%EOF\n" % len(head)


def nested_arrays() -> bytes:
    return made(b"<</Type/Catalog/Pages " + b"[" * 100_000 + b"]" * 100_000 + b">>")


def field_loop() -> bytes:
    return made(b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>", b"<</T(a)/Kids[2 0 R]>>")


def field_tree() -> bytes:
    """Thirty levels with ten children each, all the same objects: 10^30 paths in 2 kB."""
    levels = [b"<</T(%d)/Kids[%b]>>" % (level, b"%d 0 R " % (level + 3) * 10) for level in range(30)]
    return made(b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>", *levels, b"<</T(z)/FT/Sig>>")


def giant_contents() -> bytes:
    """A signature whose container takes 30 MB."""
    signature = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 9 40000000 9]/Contents<%b>>>" % (
        b"30" * 15_000_000
    )
    return made(b"<</Type/Catalog/AcroForm<</Fields[2 0 R]>>>>", b"<</T(s)/FT/Sig/V 3 0 R>>", signature)


def decoys() -> bytes:
    """Fifty thousand places that look like signed ranges, none of them in the form."""
    pairs = ((first, second) for first in range(400) for second in range(first + 1, 400))
    pad, ranges = b"<30>" * 400, []
    start = made(b"<</Length %07d>>\nstream\n%b" % (0, pad)).index(pad)
    for first, second in pairs:
        ranges.append(b"/ByteRange[0 %d %d 1]" % (start + 4 * first, start + 4 * second))
    data = pad + b"\n" + b"\n".join(ranges[:50_000])
    return made(
        b"<</Length %07d>>\nstream\n%b\nendstream" % (len(data), data),
        b"<</Type/Catalog/Pages 3 0 R>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        trailer=b"/Root 2 0 R",
    )


HOSTILE: list[Callable[[], bytes]] = [
    giant_index,
    inflating_index,
    nested_arrays,
    field_loop,
    field_tree,
    giant_contents,
    decoys,
]


@pytest.mark.slow
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_hostile_file_gets_a_sentence_in_time(hostile: Callable[[], bytes], tmp_path: Path) -> None:
    (tmp_path / "hostile.pdf").write_bytes(hostile())
    started = time.monotonic()
    (report,) = verify_paths([tmp_path / "hostile.pdf"], TrustStore(), now=datetime.now(UTC), limits=QUICK)
    assert time.monotonic() - started < 10
    assert report.indication is not Indication.PASSED
    assert len(report.to_json()) < 100_000
    assert report.sentence.startswith(("Cannot be judged because ", "Not what was signed: "))


SMALL_FAMILIES = ("page_trees", "previous_indexes", "nests", "numbers", "reader_traps", "mutants")


@pytest.mark.slow
def test_each_of_many_hostile_files_gets_a_verdict(tmp_path: Path) -> None:
    files = [each for each in hostile_files(families=SMALL_FAMILIES) if len(each.pdf) < 300_000]
    chance = random.Random(SEED)  # noqa: S311 (the same files each time, no secret)
    some = chance.sample(files, min(len(files), times(60)))
    paths = [tmp_path / f"{each.name}.pdf" for each in some]
    for path, each in zip(paths, some, strict=True):
        path.write_bytes(each.pdf)
    at = datetime.fromisoformat(json.loads((VECTORS / "expected.json").read_text())["at"])
    trust = load_trust([VECTORS / "trust"])
    reports = list(verify_paths(paths, trust, jobs=2, at=at, now=at, limits=QUICK, quick=True))
    assert [Path(report.name).stem for report in reports] == [each.name for each in some]
    assert [report.name for report in reports if report.verdict is Verdict.AUTHENTIC] == []
    assert all(report.sentence for report in reports)


def test_a_giant_index_behind_a_signed_file_is_refused_at_once(authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signed = Stock(authority, now).sign(plain_pdf(), authority.person("h", "Hanna Goed", now=now))
    head = b"/Type/XRef/Size 2000000000/W[1 2 1]/Root 1 0 R"
    grown = signed + b"99 0 obj\n<<%b/Length 4>>\nstream\n1234\nendstream\nendobj\n" % head
    pdf = grown + b"startxref\n%d\n%%%%EOF\n" % len(signed)
    report = verify_pdf(pdf, trust=authority.trust, now=now)
    assert report.verdict is Verdict.NOT_WHAT_WAS_SIGNED
    assert "2000000000 entries" in (report.findings[0].detail or "")


@pytest.mark.slow
def test_one_hostile_file_costs_the_others_nothing(tmp_path: Path, authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signed = Stock(authority, now).sign(plain_pdf(), authority.person("h", "Hanna Goed", now=now))
    for name in ("1.pdf", "3.pdf", "deeper/4.PDF"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(signed)
    (tmp_path / "2.pdf").write_bytes(giant_index())
    os.mkfifo(tmp_path / "5.pdf")  # never gives a byte
    (tmp_path / "ignored.txt").write_bytes(b"not a PDF")
    reports = list(
        verify_paths([tmp_path], authority.trust, jobs=2, now=now, limits=Limits(cpu_s=2, wall_s=3.0))
    )
    told = {Path(report.name).name: report.verdict for report in reports}
    assert list(told) == ["1.pdf", "2.pdf", "3.pdf", "5.pdf", "4.PDF"]
    assert {told[name] for name in ("1.pdf", "3.pdf", "4.PDF")} == {Verdict.SIGNED_BUT}
    assert told["2.pdf"] is told["5.pdf"] is Verdict.CANNOT_BE_JUDGED
    codes = {Path(report.name).name: [finding.code for finding in report.findings] for report in reports}
    assert codes["5.pdf"] == ["file_unreadable"]  # nobody waited for the pipe


def test_paths_that_give_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    paths = [tmp_path / "missing.pdf", tmp_path / "empty", tmp_path / "notes.txt"]
    reports = list(verify_paths(paths, TrustStore(), now=datetime.now(UTC)))
    codes = [report.findings[0].code for report in reports]
    assert codes == ["file_not_found", "folder_without_pdf", "file_not_pdf"]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.pdf").write_bytes(plain_pdf() + b" " * 5000)
    (report,) = verify_paths(
        [tmp_path / "big.pdf"], TrustStore(), now=datetime.now(UTC), limits=Limits(file_bytes=4000)
    )
    assert report.findings[0].code == "file_too_large"


def test_a_worker_that_grew_old_is_replaced(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.pdf").write_bytes(plain_pdf())
    reports = list(
        verify_paths([tmp_path], TrustStore(), now=datetime.now(UTC), limits=Limits(files_per_worker=2))
    )
    assert [report.findings[0].code for report in reports] == ["no_signature"] * 5


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.999])
def test_cut_off_files_never_raise(cut: float, authority: DevelopmentAuthority) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signed = Stock(authority, now).sign(plain_pdf(), authority.person("h", "Hanna Goed", now=now))
    report = verify_pdf(signed[: int(len(signed) * cut)], trust=authority.trust, now=now)
    assert report.verdict is not Verdict.AUTHENTIC


@pytest.mark.parametrize(
    "number", [0, 5]
)  # all of three authorities' certificates; those of six, in the store
def test_authorities_that_certify_each_other_are_given_up(number: int) -> None:
    at = datetime.fromisoformat(json.loads((VECTORS / "expected.json").read_text())["at"])
    made_so = islice(hostile_files(families=("cross_certificates",)), number, None)
    report = verify_pdf(next(made_so).pdf, trust=load_trust([VECTORS / "trust"]), now=at)
    assert [each.sub_indication for each in report.signatures] == ["NO_CERTIFICATE_CHAIN_FOUND"]
