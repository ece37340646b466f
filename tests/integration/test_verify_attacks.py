"""Forgeries that once passed get what they deserve."""

from datetime import UTC, datetime, timedelta

import pytest

from certs.authority import DevelopmentAuthority
from signing.verify.verdict import verify_pdf
from tests.vectors.attacks import ATTACKS
from tests.vectors.catalogue import FAILED, Maker, trust_of


@pytest.fixture(scope="module")
def maker(authority: DevelopmentAuthority) -> Maker:
    return Maker(authority, datetime.now(UTC).replace(microsecond=0))


@pytest.mark.parametrize("name", ATTACKS)
def test_forgery_does_not_pass(name: str, maker: Maker) -> None:
    vector = ATTACKS[name](maker)
    trust = trust_of(maker.authority, maker.now)
    report = verify_pdf(vector.pdf, trust=trust, now=maker.now + timedelta(minutes=1), name=name)
    assert (report.indication, report.verdict) == (vector.indication, vector.verdict), report.sentence
    found = [*report.findings, *(finding for each in report.signatures for finding in each.findings)]
    codes = {finding.code for finding in found} - {"development_certificate"}
    # what a forgery brings along besides is not told in its vector
    assert set(vector.codes) <= codes if vector.indication == FAILED else set(vector.codes) == codes
