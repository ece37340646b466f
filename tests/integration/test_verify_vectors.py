"""Every vector gets the report it must get: made afresh, and as committed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.trust import load_trust
from signing.verify.bulk import verify_paths
from signing.verify.report import Report
from signing.verify.verdict import verify_pdf
from tests.vectors.catalogue import NAMES, Maker, make, trust_of

FILES = Path(__file__).parent.parent / "vectors" / "files"
ALWAYS = {"development_certificate"}  # noted about every signer of the development PKI
EXPECTED = json.loads((FILES / "expected.json").read_text())


@pytest.fixture(scope="module")
def maker(authority: DevelopmentAuthority) -> Maker:
    return Maker(authority, datetime.now(UTC).replace(microsecond=0))


def codes_of(report: Report) -> set[str]:
    findings = [
        *report.findings,
        *(finding for signature in report.signatures for finding in signature.findings),
    ]
    return {finding.code for finding in findings}


@pytest.mark.parametrize("name", NAMES)
def test_vector_made_afresh_gets_its_report(name: str, maker: Maker) -> None:
    vector = make(maker, name)
    trust = trust_of(maker.authority, maker.now)
    report = verify_pdf(vector.pdf, trust=trust, now=maker.now + timedelta(minutes=1), name=name)
    assert (report.indication, report.verdict) == (vector.indication, vector.verdict), report.sentence
    assert codes_of(report) - ALWAYS == set(vector.codes)


@pytest.mark.slow
def test_committed_vectors_get_their_reports_in_the_fence() -> None:
    paths = [FILES / f"{name}.pdf" for name in EXPECTED["files"]]
    at = datetime.fromisoformat(EXPECTED["at"])
    reports = list(verify_paths(paths, load_trust([FILES / "trust"]), jobs=2, at=at, now=datetime.now(UTC)))
    assert [Path(report.name).stem for report in reports] == list(EXPECTED["files"])
    told = {
        Path(report.name).stem: {
            "indication": report.indication,
            "verdict": report.verdict,
            "codes": sorted(codes_of(report) - ALWAYS),
        }
        for report in reports
    }
    assert told == {
        name: {**wanted, "codes": sorted(wanted["codes"])} for name, wanted in EXPECTED["files"].items()
    }
