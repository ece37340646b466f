"""The table of findings is closed, used, and explained."""

import re
from pathlib import Path

import pytest

from signing.verify.findings import KINDS, Finding, Subject, Weight
from signing.verify.report import Indication, Verdict
from signing.verify.verdict import unjudged, verify_pdf
from tests.unit.test_verify_output import NOW

ROOT = Path(__file__).parent.parent.parent
SOURCES = {path.name: path.read_text() for path in (ROOT / "signing" / "verify").glob("*.py")}
USED = "\n".join(text for name, text in SOURCES.items() if name != "findings.py")


@pytest.mark.parametrize("code", KINDS)
def test_every_code_is_used_and_documented(code: str) -> None:
    assert f'"{code}"' in USED
    assert f"`{code}`" in (ROOT / "docs" / "verification.md").read_text()


def test_every_code_used_is_in_the_table() -> None:
    used = set(re.findall(r'(?:Finding|\.add)\(\s*"([a-z_]+)"', USED))
    assert used <= set(KINDS)
    assert len(used) > 30


def test_a_report_needs_nothing_but_a_finding() -> None:
    report = unjudged("x.pdf", Finding("file_encrypted", "the file is encrypted"), NOW)
    assert (report.indication, report.verdict) == (Indication.INDETERMINATE, Verdict.CANNOT_BE_JUDGED)
    assert report.sentence == "Cannot be judged because the file is encrypted."


def test_content_that_failed_outranks_what_could_not_be_read() -> None:
    weights = {kind.weight for kind in KINDS.values() if kind.subject is Subject.CONTENT}
    assert weights == {Weight.FAILS}


@pytest.mark.parametrize(
    "pdf", [b"", b" \n", b"%PDF-", b"%PDF-1.7\n%%EOF", b"\0" * 100, b"%PDF-1.7\nstartxref\n9\n%%EOF"]
)
def test_anything_at_all_gets_a_report(pdf: bytes) -> None:
    from certs.trust import TrustStore

    report = verify_pdf(pdf, trust=TrustStore(), now=NOW)
    assert report.verdict is Verdict.CANNOT_BE_JUDGED
    assert report.sentence.endswith(".")
