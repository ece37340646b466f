"""Answers about a certificate that names no responder: read by this verifier alone, as strictly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from signing.verify.report import Report
from signing.verify.verdict import verify_pdf
from tests.vectors.build import BEGAN, codes_of
from tests.vectors.catalogue import Maker
from tests.vectors.stock import plain_pdf, remembered

Answer = Callable[[Maker, x509.Certificate], bytes]
DAY = timedelta(days=1)
UNCOVERED = "validation_data_uncovered"


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    now = datetime.now(UTC).replace(microsecond=0)
    folder = tmp_path_factory.mktemp("answers") / "pki"
    return Maker(DevelopmentAuthority.create(folder, base_url=free_base_url(), now=now - BEGAN), now)


def judged(maker: Maker, answer: Answer, *, later: timedelta = timedelta(0)) -> Report:
    """A B-T file by somebody whose certificate names no responder, with an answer about it."""
    signer = maker.quiet.issue("Quinten Stil", names_responder=False)
    pdf = maker.stock.sign(plain_pdf(), signer, level="B-T")
    pdf = remembered(pdf, answers=[answer(maker, signer.certificate)])
    now = maker.now + later + timedelta(minutes=1)
    return verify_pdf(pdf, trust=maker.trust(), now=now)


def _broken(maker: Maker, certificate: x509.Certificate) -> bytes:
    der = maker.quiet.answer(certificate, maker.now)
    value = ocsp.load_der_ocsp_response(der).signature
    return der.replace(value, value[:-1] + bytes([value[-1] ^ 1]))


def test_a_good_answer_is_heard(maker: Maker) -> None:
    report = judged(maker, lambda made, about: made.quiet.answer(about, made.now))
    assert (report.indication.value, codes_of(report)) == ("TOTAL-PASSED", {UNCOVERED})
    assert report.signatures[0].revocation.kind == "ocsp"


def test_an_answer_that_says_revoked_is_heard_too(maker: Maker) -> None:
    report = judged(maker, lambda made, about: made.quiet.answer(about, made.now, revoked_at=made.now - DAY))
    assert codes_of(report) == {"signer_revoked", UNCOVERED}


BAD: dict[str, Answer] = {
    "stale": lambda made, about: made.quiet.answer(about, made.now - 30 * DAY),
    "of tomorrow": lambda made, about: made.quiet.answer(about, made.now + DAY),
    "unknown": lambda made, about: made.quiet.answer(about, made.now, unknown=True),
    "broken": _broken,
    "by another authority's responder": lambda made, about: made.quiet.answer(
        about, made.now, responder=made.main.responder()
    ),
    "by a responder that needs an answer itself": lambda made, about: made.quiet.answer(
        about, made.now, responder=made.quiet.responder(no_check=False)
    ),
    "by a certificate that may not": lambda made, about: made.quiet.answer(
        about, made.now, responder=made.quiet.issue("Not a responder")
    ),
    "about somebody else": lambda made, _: made.quiet.answer(
        made.quiet.issue("Somebody else").certificate, made.now
    ),
}


@pytest.mark.parametrize("why", BAD)
def test_an_answer_that_proves_nothing_is_none(why: str, maker: Maker) -> None:
    report = judged(maker, BAD[why])
    assert (report.indication.value, codes_of(report)) == ("INDETERMINATE", {"revocation_unknown", UNCOVERED})


def test_the_answer_of_the_day_of_signing_still_counts_later(maker: Maker) -> None:
    later = timedelta(days=8)  # its next update is past
    good = judged(maker, lambda made, about: made.quiet.answer(about, made.now), later=later)
    assert (good.indication.value, codes_of(good)) == ("TOTAL-PASSED", {UNCOVERED, "revocation_aged"})
    old = judged(maker, lambda made, about: made.quiet.answer(about, made.now - later), later=later)
    assert "revocation_unknown" in codes_of(old)
