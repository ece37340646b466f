"""What is remembered never changes what is said: not by the order of files, not by what was judged before.

PARAAF_CAMPAIGN=16 takes all vectors and shuffles so many times; a normal run takes every sixteenth one.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certs.authority import DevelopmentAuthority
from certs.trust import TrustStore
from signing.verify import container, evidence, survey, trust
from signing.verify.precedents import Recalled, plain_signature
from signing.verify.report import Indication, Report, Verdict
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import verify_pdf
from tests.campaign import times
from tests.vectors.catalogue import Maker, trust_of
from tests.vectors.every import EVERY, make
from tests.vectors.stock import Stock, plain_pdf

Job = tuple[str, bytes, str, datetime]


@pytest.fixture(scope="module")
def maker(authority: DevelopmentAuthority) -> Maker:
    return Maker(authority, datetime.now(UTC).replace(microsecond=0))


def forget() -> None:
    """Forget everything that outlives a `Trust`."""
    evidence._BELIEVED = Recalled(4096)
    caches = (survey._remembered, trust._remembered, trust.certificate_of)
    for cache in (*caches, container._issued, container._certificate, container._issuer_name):
        cache.cache_clear()
    container._well_formed.cache_clear()


def told(report: Report) -> Report:
    return replace(report, duration_us=0)


@pytest.mark.slow
def test_reports_are_the_same_in_any_order_and_with_nothing_remembered(maker: Maker) -> None:
    stores = {"lists": trust_of(maker.authority, maker.now), "bare": maker.authority.trust}
    step = max(1, 16 // times(1))
    files = {name: make(maker, name).pdf for name in list(EVERY)[::step]}
    moments = [maker.now + timedelta(minutes=1), maker.now + timedelta(days=60)]
    jobs: list[Job] = [
        (name, pdf, list(stores)[number % 2], moments[number // 2 % 2])
        for number, (name, pdf) in enumerate(files.items())
    ]
    alone = {}
    for job in jobs:
        forget()
        alone[job] = told(_judged(job, Trust(TrustMaterial.of(stores[job[2]]))))
    chance = random.Random(20261125)  # noqa: S311 (repeatable orders, no secret)
    for _ in range(times(1)):
        chance.shuffle(jobs)
        kept = {name: Trust(TrustMaterial.of(store)) for name, store in stores.items()}
        differing = [job[0] for job in jobs if told(_judged(job, kept[job[2]])) != alone[job]]
        assert differing == []


def _judged(job: Job, known: Trust) -> Report:
    name, pdf, _, at = job
    return verify_pdf(pdf, trust=known, now=at, name=name)


def flipped(pdf: bytes, find: Callable[[bytes], int]) -> bytes:
    at = find(pdf)
    digit = b"%x" % (int(pdf[at : at + 1], 16) ^ 1)
    return pdf[:at] + (digit.upper() if pdf[at : at + 1].isupper() else digit) + pdf[at + 1 :]


def _last_of_value(pdf: bytes) -> int:
    """Offset of the last hexadecimal digit of a B-B signature, which ends with the signature value."""
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    digits = pdf[start : pdf.index(b">", start)]
    length = 4 + int(digits[4:8], 16)  # 30 82 and two octets of length
    return start + 2 * length - 1


def test_a_precedent_helps_no_signature_that_does_not_verify(maker: Maker) -> None:
    """The second file is like the first but for its value, or for what it covers."""
    known = Trust(TrustMaterial.of(trust_of(maker.authority, maker.now)))
    at = maker.now + timedelta(minutes=1)
    good = maker.signed("B-B")
    assert verify_pdf(good, trust=known, now=at).verdict is Verdict.AUTHENTIC
    assert verify_pdf(good, trust=known, now=at).verdict is Verdict.AUTHENTIC
    other_value = verify_pdf(flipped(good, _last_of_value), trust=known, now=at)
    assert other_value.sub_indication == "SIG_CRYPTO_FAILURE", other_value.sentence
    other_content = verify_pdf(good.replace(b"4,000 euro", b"9,000 euro"), trust=known, now=at)
    assert (other_content.indication, other_content.sub_indication) == (Indication.FAILED, "HASH_FAILURE")


def test_a_precedent_counts_for_its_trust_and_time_only(maker: Maker) -> None:
    credential = maker.authority.issue("Tom Later", now=maker.now)
    pdf = Stock(maker.authority, maker.now).sign(plain_pdf(), credential)
    at = maker.now + timedelta(minutes=1)
    before = trust_of(maker.authority, maker.now)
    known = Trust(TrustMaterial.of(before))
    assert verify_pdf(pdf, trust=known, now=at).verdict is Verdict.AUTHENTIC
    years_on = verify_pdf(pdf, trust=known, now=at + timedelta(days=4000))
    assert years_on.indication is Indication.INDETERMINATE
    nobody = verify_pdf(pdf, trust=TrustStore(), now=at)
    assert nobody.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
    maker.authority.revoke(credential.certificate.serial_number, at=maker.now)
    revoked = verify_pdf(pdf, trust=trust_of(maker.authority, maker.now), now=at)
    assert revoked.sub_indication == "REVOKED_NO_POE"


def test_what_a_list_says_of_one_certificate_is_not_said_of_another(maker: Maker) -> None:
    revoked = maker.authority.issue("Ria Ingetrokken", now=maker.now)
    maker.authority.revoke(revoked.certificate.serial_number, at=maker.now)
    known = Trust(TrustMaterial.of(trust_of(maker.authority, maker.now)))
    at = maker.now + timedelta(minutes=1)
    bad = Stock(maker.authority, maker.now).sign(plain_pdf(), revoked)
    said = [verify_pdf(pdf, trust=known, now=at).sub_indication for pdf in (bad, maker.signed("B-B"), bad)]
    assert said == ["REVOKED_NO_POE", None, "REVOKED_NO_POE"]


@pytest.mark.parametrize("fresh", [True, False])
def test_answers_count_as_fresh_to_the_same_second_when_remembered(fresh: bool, maker: Maker) -> None:
    """Two files stamped a day after the same answers: one within the 24 hours, one beyond."""
    signed_at = maker.now + timedelta(hours=23 if fresh else 25)
    answered = Stock(maker.authority, maker.now)
    later = Stock(maker.authority, signed_at)
    lists = trust_of(maker.authority, maker.now)
    known = Trust(TrustMaterial.of(lists))
    at = maker.now + timedelta(days=60)
    early = answered.sign(plain_pdf(), maker.clerk, level="B-T")
    assert verify_pdf(early, trust=known, now=at).passed
    report = verify_pdf(later.sign(plain_pdf(), maker.clerk, level="B-T"), trust=known, now=at)
    assert report.passed is fresh, report.sentence


def test_an_unusual_signature_is_not_plain(maker: Maker) -> None:
    pdf = maker.signed("B-B")
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    digits = pdf[start : pdf.index(b">", start)]
    cms = bytes.fromhex(digits.decode())[: 4 + int(digits[4:8], 16)]
    assert plain_signature(cms, lambda name: b"") is None  # another digest
    assert plain_signature(cms[:-1], lambda name: b"") is None
    assert plain_signature(cms + b"\0", lambda name: b"") is None
