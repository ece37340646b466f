"""A0: printed, signed by hand, scanned; the copy is sealed, and nowhere called electronically signed."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unittest.mock import Mock

import pytest
from pypdfium2 import PdfDocument

from certs.serve_authority import AuthorityServer
from cli.sample_exchange import scanned_in
from signing.outside_errors import ScanRefusedError
from signing.scans import SEALED_COPY, Scan, matched, read_scan
from signing.verify.bulk import verify_paths, verify_sources
from signing.verify.register import Standing
from signing.verify.report import Role
from signing.verify.sources import sources
from signing.verify.verdict import with_register
from tests.command_line import DOCS, Terminal, keys_of
from tests.databases import KINDS, fresh
from tests.steps_office import CLERK, SIGNER, Sample
from throughput.spans import cases_of
from workflow import outside_given, outside_scans
from workflow.errors import KeyReused, NotFound, Refused
from workflow.evidence import NothingToShow, gather
from workflow.issued import IssuedRegister
from workflow.kept_files import kept_file
from workflow.key_limits import DailyLimit, KeyLimitReached, make_row, take
from workflow.keys import OfficeKeys
from workflow.logcheck import verify
from workflow.outside import By, NothingOutside
from workflow.references import referred_to
from workflow.tables import Event, ScanRow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(KINDS[0], folder, request) as database:
        made = Sample.open(folder, database.environ)
        with AuthorityServer(made.office.authority.folder):
            yield made
        made.office.close()


def printed(sample: Sample, language: str = "en") -> tuple[int, bytes]:
    number = sample.submit("A0", language=language)
    asyncio.run(sample.run_until("printing", number))
    return number, outside_given.give(sample.office, number, By(CLERK)).pdf


def signed_by_hand(sample: Sample, number: int) -> None:
    name = sample.register.person(SIGNER).name
    sample.do("signed", SIGNER, number, facts={"signed_by": name, "signed_on": sample.today.isoformat()})
    sample.do("stamped", CLERK, number)


def scan_of(pdf: bytes) -> Scan:
    [scan], wrong = matched(read_scan(scanned_in(pdf)))
    assert not wrong
    return scan


def used_up(sample: Sample) -> DailyLimit:
    limit = DailyLimit("seal", 1, "ab" * 32)
    make_row(sample.office.store, limit, sample.today)
    with sample.office.store.write() as session:
        take(session, limit, sample.today, 1)
    return limit


def test_a_scan_is_kept_as_a_sealed_copy_and_is_no_signature(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = sample.office
    number, pdf = printed(sample)
    scan = scan_of(pdf)
    [document] = sample.documents(number)
    assert scan.number == document.number
    with pytest.raises(NothingOutside):  # it is to be signed first
        outside_scans.take_scan(office, scan, By(CLERK))
    signed_by_hand(sample, number)
    with pytest.raises(Refused):
        outside_scans.take_scan(office, scan, By(SIGNER))
    with pytest.raises(Refused, match="exchange scan"):
        sample.do("scanned", CLERK, number)
    with monkeypatch.context() as limited:
        limited.setattr(OfficeKeys, "limit_of", lambda _self, _signer: used_up(sample))
        with pytest.raises(KeyLimitReached) as reached:
            outside_scans.take_scan(office, scan, By(CLERK))
    assert reached.value.hint.startswith("Do it again tomorrow"), "no worker takes a scan in by itself"
    answer = outside_scans.take_scan(office, scan, By(CLERK))
    again = outside_scans.take_scan(office, scan, By(CLERK))
    assert (answer.state, again.event_seq, again.repeated) == ("posting", answer.event_seq, True)
    [told] = sample.records(number, "document_scanned")
    [row] = sample.rows(ScanRow, ScanRow.document_id == document.id)
    assert (told["sha256"], told["pages"], told["text"]) == (row.sha256, len(scan.pages), SEALED_COPY)
    [document] = sample.documents(number)
    assert (document.level_reached, document.current_sha256) == (None, document.rendered_sha256)
    assert not sample.signatures(number)
    records = [json.loads(each.record) for each in sample.rows(Event)]
    [case] = [case for case in cases_of(records) if case.request == number]
    assert case.documents_signed == 0
    assert set(case.system_us) == {"render", "export", "scan", "seal", "store"}
    assert min(case.system_us["scan"]) > 0
    copy = tmp_path / "copy.pdf"
    copy.write_bytes(office.blobs.get(row.sha256))
    [report] = verify_paths([copy], office.trust, now=office.clock())
    [seal] = [each for each in report.signatures if each.role is not Role.TIMESTAMP]
    assert report.passed
    assert (seal.role, seal.reason) == (Role.SEAL, SEALED_COPY)
    assert sample.register.person(SIGNER).name not in report.sentence
    require_told_as_a_copy(sample, number, copy)
    with office.store.read() as session:
        assert row.sha256 in referred_to(session)
        assert verify(session).ok
        with pytest.raises(NothingToShow):
            gather(session, office.blobs, number)


def require_told_as_a_copy(sample: Sample, number: int, copy: Path) -> None:
    """Whoever gets the copy learns from the register what it is; and that something stands behind it."""
    office = sample.office
    register, [document] = IssuedRegister(office.store, office.clock), sample.documents(number)
    reports = verify_sources(sources([copy]), office.trust, now=office.clock(), traces=True)
    [judged] = [with_register(report, register.word(report)) for report in reports]
    assert judged.passed
    assert judged.register is not None
    assert (judged.register.standing, judged.register.request) == (Standing.COPY, number)
    assert (judged.register.missing, judged.register.unexpected) == ((), ())
    assert "register_copy" in {finding.code for finding in judged.findings}
    assert (
        f"In the register: the kept scan, under the office's seal, of document {document.number}"
        f" (declaration) of request {number}, which was signed on paper;" in judged.sentence
    )
    assert "no electronic signature of the signer" in judged.sentence
    assert "Authentic as issued" not in judged.sentence
    copy.write_bytes(copy.read_bytes() + b"\n")
    [more] = verify_sources(sources([copy]), office.trust, now=office.clock(), traces=True)
    word = register.word(more)
    assert (word.standing, word.of, word.added_bytes) == (Standing.EXTENDED, "copy", 1)


def test_the_scan_of_another_document_and_of_nobodys(sample: Sample) -> None:
    number, pdf = printed(sample)
    scan = scan_of(pdf)
    signed_by_hand(sample, number)
    before = sample.request(number).version
    with pytest.raises(ScanRefusedError, match="No document here"):
        outside_scans.take_scan(sample.office, Scan("2019-000001", scan.pages), By(CLERK))
    short = Scan(scan.number, scan.pages[1:])  # the codes say of how many pages they are, and were forged
    with pytest.raises(ScanRefusedError, match=f"the document has {len(scan.pages)}"):
        outside_scans.take_scan(sample.office, short, By(CLERK))
    other, _ = printed(sample)
    with pytest.raises(NothingOutside, match=f"Request {other}"):
        outside_scans.take_scan(sample.office, Scan(sample.documents(other)[0].number, scan.pages), By(CLERK))
    assert sample.request(number).version == before
    assert not sample.records(number, "document_scanned")


def test_the_scan_of_a_document_that_was_made_anew_since(sample: Sample) -> None:
    number, pdf = printed(sample)
    scan = scan_of(pdf)
    sample.do("return", SIGNER, number, remark="The place is wrong.")
    asyncio.run(sample.run_until("printing", number))
    outside_given.give(sample.office, number, By(CLERK))
    signed_by_hand(sample, number)
    with pytest.raises(ScanRefusedError, match=f"document {scan.number}.*made since"):
        outside_scans.take_scan(sample.office, scan, By(CLERK))
    assert not sample.records(number, "document_scanned")


def test_a_key_is_good_for_one_scan_of_one_document_whose_copy_speaks_its_language(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, by = sample.office, By(CLERK, key="ours")
    (number, pdf), (other, another) = printed(sample, "nl"), printed(sample)
    scan = scan_of(pdf)
    signed_by_hand(sample, number)
    answer = outside_scans.take_scan(office, scan, by)
    assert replace(answer, repeated=True) == outside_scans.take_scan(office, scan, by)
    scanned_anew = replace(scan.pages[0], jpeg=scan.pages[0].jpeg + b" ")
    with pytest.raises(KeyReused) as reused:
        outside_scans.take_scan(office, Scan(scan.number, (scanned_anew, *scan.pages[1:])), by)
    assert "--key" in reused.value.hint
    monkeypatch.setattr(OfficeKeys, "signer", Mock(side_effect=AssertionError))  # nothing is sealed for it
    signed_by_hand(sample, other)
    with pytest.raises(KeyReused):
        outside_scans.take_scan(office, scan_of(another), by)
    [row] = sample.rows(ScanRow, ScanRow.document_id == sample.documents(number)[0].id)
    with PdfDocument(office.blobs.get(row.sha256)) as copy:
        cover = " ".join(copy[0].get_textpage().get_text_bounded().split())
    for said in (f"Kopie van document {scan.number}", "verzegelde kopie", "Ingenomen op"):
        assert said in cover


def have_copies(sample: Sample, terminal: Terminal, number: int, folder: Path) -> None:
    """Who may see the request may have its files; nothing is overwritten, and nothing recorded."""
    target, version = folder / "copy.pdf", sample.request(number).version
    said = terminal.json("exchange", "copy", number, "-o", target, "--as", SIGNER)
    assert (said["file"], said["what"]) == ("scan", SEALED_COPY)
    [row] = sample.rows(ScanRow, ScanRow.document_id == sample.documents(number)[0].id)
    assert sha256(target.read_bytes()).hexdigest() == said["sha256"] == row.sha256
    again = terminal.office("exchange", "copy", number, "-o", target, "--as", SIGNER, "--what", "given")
    assert (again.status, "is there already" in again.err) == (1, True)
    given = folder / "given.pdf"
    told = terminal.office("exchange", "copy", number, "-o", given, "--as", CLERK, "--what", "given")
    assert "the file that was given out" in told.out
    assert given.read_bytes() == (folder / "out.pdf").read_bytes()
    other = folder / "other.pdf"
    none = terminal.office("exchange", "copy", number, "-o", other, "--as", CLERK, "--what", "signed")
    assert (none.status, "no file that came back signed" in none.err) == (1, True)
    with pytest.raises(NotFound):
        kept_file(sample.office, number, stranger_to(sample, number))
    assert not other.exists()
    assert sample.request(number).version == version


def stranger_to(sample: Sample, number: int) -> str:
    """Somebody of another unit without duties."""
    own = sample.request(number)
    return next(
        one.person_id
        for one in sample.register.people()
        if not one.duties and one.unit != own.unit and one.person_id != own.requester_id
    )


def test_typed(sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given out, scanned from a folder in which something else lies too."""
    terminal = Terminal(sample.office.folder, capsys)
    number = sample.submit("A0")
    asyncio.run(sample.run_until("printing", number))
    out, scans = tmp_path / "out.pdf", tmp_path / "scans"
    given = terminal.json("exchange", "give", number, "-o", out, "--as", CLERK)
    assert given["sha256"] == sha256(out.read_bytes()).hexdigest()
    assert "is there already" in terminal.office("exchange", "give", number, "-o", out, "--as", CLERK).err
    signed_by_hand(sample, number)
    scans.mkdir()
    (scans / "a.tiff").write_bytes(scanned_in(out.read_bytes()))
    (scans / "b.txt").write_text("no scan")
    said = terminal.office("exchange", "scan", scans, "--as", CLERK, "--json")
    assert said.status == 1
    assert [one["number"] for one in said.json["scans"]] == [given["number"]]
    assert [one["code"] for one in said.json["problems"]] == ["signing-scan-refused"]
    assert not [key for key in keys_of({**given, **said.json}) if f"`{key}`" not in DOCS]
    have_copies(sample, terminal, number, tmp_path)
    refused = terminal.office("exchange", "take", number, out, "--as", SIGNER)
    assert (refused.status, "does not wait for a signed file" in refused.err) == (1, True)
