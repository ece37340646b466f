"""What reports look like outside: no formula runs, no control character gets through, keys stay."""

import csv
import io
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from pypdfium2 import PdfDocument

from certs.trust import TrustStore, load_trust
from signing.verify.details import about_file, about_signature
from signing.verify.findings import Finding
from signing.verify.limits import FINDINGS_TOLD
from signing.verify.output import CSV_COLUMNS, csv_line, csv_row, text_of_report
from signing.verify.report import (
    Indication,
    Report,
    RevocationStatus,
    Role,
    SignatureReport,
    Verdict,
    exit_status,
    json_in_ascii,
    told,
)
from signing.verify.summary import MOST_IN_DETAIL, summary_pdf
from signing.verify.verdict import unjudged

TRUST = Path(__file__).parent.parent / "vectors" / "layouts" / "trust"
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


def report(name: str = "a.pdf", signer: str = "Anna", **more: Any) -> Report:
    signature = SignatureReport(
        field="employer",
        role=Role.APPROVAL,
        indication=Indication.PASSED,
        sub_indication=None,
        findings=(),
        format="ETSI.CAdES.detached",
        signer=signer,
        claimed_at=NOW,
    )
    return Report(
        name=name,
        indication=Indication.PASSED,
        sub_indication=None,
        verdict=Verdict.AUTHENTIC,
        sentence="Authentic as issued.",
        signatures=(signature,),
        findings=(),
        validation_time=NOW,
        **more,
    )


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_formula_in_a_name_does_not_run_in_a_spreadsheet(name: str) -> None:
    for row in csv_row(report(name=name, signer=name)):
        for cell in next(csv.reader(io.StringIO(csv_line(row)))):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("name", ["x;=1", "x; @SUM(A1)", 'x;"=1"', "x;+1;-1", " =1", "\uff1d1"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_nor_where_semicolons_part_cells(name: str, delimiter: str) -> None:
    """As spreadsheets read it in countries that write a comma in numbers."""
    for row in csv_row(report(name=name, signer=name)):
        for cell in next(csv.reader(io.StringIO(csv_line(row)), delimiter=delimiter)):
            assert not cell.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d"))


HIDDEN = "a\x1b[2J\x9b\u202eb\u2066c\udcffd\U000e0041\x00"


def test_hidden_characters_reach_neither_csv_nor_json() -> None:
    for row in csv_row(report(name=HIDDEN, signer=HIDDEN)):
        line = csv_line(row).rstrip("\r\n")
        assert line.isprintable()
        assert "\\u202e" in line
    text = report(name=HIDDEN, signer="Zoë 漢").to_json()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert json.loads(text)["file"] == HIDDEN
    assert "Zoë 漢" in text
    assert json_in_ascii(text).isascii()
    assert json.loads(json_in_ascii(text)) == json.loads(text)


def test_a_report_has_room_for_so_many_findings() -> None:
    many = [Finding("not_pades", str(number)) for number in range(500)]
    kept = told([*many, Finding("digest_differs", "it differs"), *many])
    assert len(kept) == FINDINGS_TOLD + 1
    assert kept[-2].code == "digest_differs"
    assert (kept[-1].code, kept[-1].message) == ("findings_left_out", "951 more findings are not listed")
    assert told(many[:FINDINGS_TOLD]) == tuple(many[:FINDINGS_TOLD])


def test_csv_rows_fit_their_columns() -> None:
    unread = unjudged("b.pdf", Finding("file_empty", "the file is empty"), NOW)
    assert {len(row) for each in (report(), unread) for row in csv_row(each)} == {len(CSV_COLUMNS)}


def test_control_characters_do_not_reach_the_terminal() -> None:
    text = text_of_report(report(name="a\x1b[2Jb.pdf", signer="Anna\r\u202eanna"))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert text.count("\n") == 3


def test_json_keys_are_the_contract() -> None:
    assert list(report().as_dict()) == [
        *("file", "indication", "sub_indication", "verdict", "sentence", "sha256", "size", "revisions"),
        *(
            "validation_time",
            "duration_us",
            "validation",
            "pages_compared",
            "register",
            "findings",
            "signatures",
        ),
    ]
    assert report().as_dict()["signatures"][0]["claimed_at"] == "2026-11-20T14:00:00Z"


@pytest.mark.parametrize(
    ("seen", "status"),
    [("P", 0), ("PI", 2), ("PF", 1), ("IF", 1), ("I", 2), ("", 2)],
)
def test_exit_status(seen: str, status: int) -> None:
    words = {"P": Indication.PASSED, "I": Indication.INDETERMINATE, "F": Indication.FAILED}
    assert exit_status(words[letter] for letter in seen) == status


def test_summary_takes_any_name_and_any_number_of_files() -> None:
    names = ["漢字.pdf", "x" * 500 + ".pdf", *(f"{number}.pdf" for number in range(100))]
    pdf = summary_pdf(lambda: [report(name=name, sha256_hex="0" * 64) for name in names], made_at=NOW)
    assert pdf.startswith(b"%PDF-")
    assert pdf == summary_pdf(lambda: [report(name=name, sha256_hex="0" * 64) for name in names], made_at=NOW)


def words_of(pdf: bytes) -> str:
    with closing(PdfDocument(pdf)) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def test_the_summary_names_who_was_trusted() -> None:
    """Whoever reads it without the command line must not guess by whose word a file passed, or did not."""
    trust = load_trust([TRUST])
    words = words_of(summary_pdf(lambda: [report()], made_at=NOW, trust=trust))
    assert trust.anchors
    for anchor in trust.anchors:
        assert anchor.subject.rfc4514_string() in words
        assert anchor.fingerprint(SHA256()).hex() in words.replace("\r\n", "")
    assert "Nobody was trusted" in words_of(summary_pdf(lambda: [report()], made_at=NOW, trust=TrustStore()))


def test_of_few_files_the_summary_tells_each_signature() -> None:
    one = report(size=1_000, revisions=2)
    signature = replace(
        one.signatures[0],
        level="B-LT",
        organisation="Office",
        signed_bytes_end=900,
        revision=1,
        proven_at=NOW,
        signature_algorithm="sha256_ecdsa",
        chain=("Anna's certificate", "Root"),
        certificate_sha256="ab" * 32,
        revocation=RevocationStatus("revoked", revoked_at=NOW, kind="crl", source="file", issued_at=NOW),
        reason="I agree",
        findings=(Finding("imprint_wrong", "the imprint is another", detail="sha1"),),
    )
    moment = "2026-11-20 14:00:00 UTC"
    told = [*about_file(one), *about_signature(signature, one)]
    assert told == [
        ("File", "1,000 bytes, 2 revisions"),
        ("Validation", "whole"),
        ("Made by", "Anna, Office"),
        ("Level", "B-LT (ETSI.CAdES.detached)"),
        ("Proven time", moment),
        ("Claimed time", moment),
        ("Covers", "all bytes but its own up to 900 of 1,000; revision 1 of 2"),
        ("Algorithms", "sha256_ecdsa"),
        ("Certificate", f"SHA-256 {'ab' * 32}"),
        ("Trusted by way of", "Anna's certificate"),
        ("", "Root"),
        ("Revocation", f"revoked since {moment}; a revocation list in the file, of {moment}"),
        ("Qualified", "not determinable (no trusted lists are at hand)"),
        ("Reason given", "“I agree”"),
        ("Found", "the imprint is another (sha1) [imprint_wrong]"),
    ]
    files = [replace(one, signatures=(signature,))]
    assert "the imprint is another (sha1) [imprint_wrong]" in words_of(
        summary_pdf(lambda: files, made_at=NOW)
    )


def test_of_many_files_the_summary_tells_those_that_are_not_authentic_in_detail() -> None:
    bad = replace(report(name="bad.pdf"), verdict=Verdict.SIGNED_BUT)
    words = words_of(summary_pdf(lambda: [*[report()] * (MOST_IN_DETAIL), bad], made_at=NOW))
    assert words.count("Claimed time") == 1
    assert words.index("bad.pdf") < words.index("Claimed time") < words.index("a.pdf")
