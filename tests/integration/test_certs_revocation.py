"""Which answers count as evidence: every way in which an OCSP answer or a CRL can be wrong."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.authority import DevelopmentAuthority
from certs.authority_http import authority_app
from certs.errors import CertificateRevoked, RevocationUnavailable
from certs.faulty_authority import FAULTS, UnsafeFaultyAnswers
from certs.loopback import free_base_url
from certs.revocation import RevocationEvidence, RevocationSource

NOW = datetime.now(UTC).replace(microsecond=0)
T = TypeVar("T")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(hours=1)

    def __call__(self) -> datetime:
        return self.now


class Answers(UnsafeFaultyAnswers):
    """Counts how often it was asked."""

    ocsp_asked = 0
    crl_asked = 0

    async def ocsp(self, body: bytes) -> web.Response:
        self.ocsp_asked += 1
        return await super().ocsp(body)

    async def crl(self, issuer):  # type: ignore[no-untyped-def]
        self.crl_asked += 1
        return await super().crl(issuer)


@pytest.fixture
def own(tmp_path: Path) -> DevelopmentAuthority:
    return DevelopmentAuthority.create(tmp_path / "pki", base_url=free_base_url(), now=NOW)


@asynccontextmanager
async def serving(
    authority: DevelopmentAuthority, clock: Clock, faults: Iterable[str]
) -> AsyncIterator[Answers]:
    answers = Answers(authority, clock=clock, faults=faults)
    runner = web.AppRunner(authority_app(answers), shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", int(authority.base_url.rpartition(":")[2])).start()
        yield answers
    finally:
        await runner.cleanup()


def with_source(
    authority: DevelopmentAuthority,
    action: Callable[[RevocationSource, Answers, Clock], Awaitable[T]],
    *,
    faults: Iterable[str] = (),
    timeout_s: float = 10.0,
) -> T:
    async def run() -> T:
        clock = Clock()
        async with serving(authority, clock, faults) as answers, aiohttp.ClientSession() as http:
            return await action(RevocationSource(http, clock=clock, timeout_s=timeout_s), answers, clock)

    return asyncio.run(run())


def ask(
    authority: DevelopmentAuthority,
    *,
    faults: Iterable[str] = (),
    certificate: x509.Certificate | None = None,
    timeout_s: float = 10.0,
) -> RevocationEvidence:
    asked = certificate or authority.tsa

    def action(source: RevocationSource, _answers: Answers, _clock: Clock) -> Awaitable[RevocationEvidence]:
        return source.evidence(asked, authority.root if asked == authority.issuing else authority.issuing)

    return with_source(authority, action, faults=faults, timeout_s=timeout_s)


def test_ocsp_is_preferred_and_its_answer_is_kept_whole(own: DevelopmentAuthority) -> None:
    evidence = ask(own)
    assert evidence.status == "good"
    assert evidence.crl_der is None
    assert evidence.ocsp_der is not None
    response = ocsp.load_der_ocsp_response(evidence.ocsp_der)
    assert response.serial_number == own.tsa.serial_number
    assert (evidence.this_update, evidence.next_update) == (
        response.this_update_utc,
        response.next_update_utc,
    )


def test_an_authoritys_certificate_has_its_evidence_from_the_roots_list(own: DevelopmentAuthority) -> None:
    evidence = ask(own, certificate=own.issuing)
    assert evidence.ocsp_der is None
    assert evidence.crl_der is not None
    assert x509.load_der_x509_crl(evidence.crl_der).issuer == own.root.subject


REASONS = {
    "ocsp-down": "HTTP status 503",
    "ocsp-hangs": "took too long",
    "ocsp-garbage": "cannot be read",
    "ocsp-busy": "HTTP status 429",
    "ocsp-drips": "took too long",
    "ocsp-html": "cannot be read",
    "ocsp-truncated": "cannot be read",
    "ocsp-resets": "cannot be reached",
    "ocsp-loses": "cannot be reached",
    "ocsp-redirects": "HTTP status 302",
    "ocsp-huge": "larger than 2097152 bytes",
    "ocsp-try-later": "answered try_later",
    "ocsp-unknown": "does not know the certificate",
    "ocsp-stale": "out of date",
    "ocsp-future": "from the future",
    "ocsp-wrong-nonce": "another nonce",
    "ocsp-other-certificate": "about another certificate",
    "ocsp-expired": "responder's certificate is not valid now",
    "ocsp-no-eku": "not made for signing OCSP answers",
    "ocsp-untrusted": "does not come from the certificate's issuer",
    "ocsp-bad-signature": "signature is wrong",
    "crl-down": "HTTP status 503",
    "crl-hangs": "took too long",
    "crl-garbage": "cannot be read",
    "crl-busy": "HTTP status 429",
    "crl-drips": "took too long",
    "crl-html": "cannot be read",
    "crl-truncated": "cannot be read",
    "crl-resets": "cannot be reached",
    "crl-loses": "cannot be reached",
    "crl-stale": "out of date",
    "crl-future": "from the future",
    "crl-bad-signature": "signature is wrong",
    "crl-other-issuer": "does not come from the certificate's issuer",
}


def test_every_fault_has_its_reason() -> None:
    assert set(REASONS) == {fault for fault in FAULTS if not fault.startswith("tsa-")}


@pytest.mark.parametrize("fault", [fault for fault in REASONS if fault.startswith("ocsp-")])
def test_a_wrong_ocsp_answer_counts_for_nothing(own: DevelopmentAuthority, fault: str) -> None:
    timeout_s = 0.2 if fault.endswith(("hangs", "drips")) else 10.0
    evidence = ask(own, faults=[fault], timeout_s=timeout_s)
    assert evidence.ocsp_der is None
    assert evidence.crl_der is not None
    with pytest.raises(RevocationUnavailable, match=f"/ocsp: [^;]*{re.escape(REASONS[fault])}"):
        ask(own, faults=[fault, "crl-down"], timeout_s=timeout_s)


@pytest.mark.parametrize("fault", [fault for fault in REASONS if fault.startswith("crl-")])
def test_a_wrong_list_counts_for_nothing(own: DevelopmentAuthority, fault: str) -> None:
    timeout_s = 0.2 if fault.endswith(("hangs", "drips")) else 10.0
    with pytest.raises(RevocationUnavailable, match=rf"/issuing\.crl: [^;]*{re.escape(REASONS[fault])}"):
        ask(own, faults=["ocsp-down", fault], timeout_s=timeout_s)


def test_nobody_listening_is_unavailable_and_says_where(own: DevelopmentAuthority) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as http:
            await RevocationSource(http, clock=Clock()).evidence(own.tsa, own.issuing)

    with pytest.raises(RevocationUnavailable, match=f"{own.ocsp_url}: it cannot be reached"):
        asyncio.run(run())


@pytest.mark.parametrize("faults", [[], ["ocsp-down"]])
def test_a_revoked_certificate_is_an_error_with_its_evidence(
    own: DevelopmentAuthority, faults: list[str]
) -> None:
    revoked = own.issue("Anna", now=NOW).certificate
    own.revoke(revoked.serial_number, at=NOW)
    with pytest.raises(CertificateRevoked, match=r"Anna \(development\) was revoked at") as caught:
        ask(own, certificate=revoked, faults=faults)
    assert caught.value.revoked_at == NOW
    assert caught.value.evidence.status == "revoked"
    assert bool(caught.value.evidence.crl_der) == bool(faults)


def test_a_certificate_without_addresses_has_no_evidence(own: DevelopmentAuthority) -> None:
    bare = own.issue("Bare", now=NOW, with_revocation_urls=False).certificate
    with pytest.raises(RevocationUnavailable, match="names neither OCSP nor a CRL") as caught:
        ask(own, certificate=bare)
    assert caught.value.hint.startswith("Trying again won't help")


def given_list(own: DevelopmentAuthority, *revoked: int, at: datetime = NOW) -> bytes:
    """A list as a small authority makes it: complete, and for no distribution point."""
    credential = own._issuer.issuing
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(credential.certificate.subject)
        .last_update(at)
        .next_update(at + timedelta(days=7))
    )
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    crl = builder.sign(credential.private_key, hashes.SHA256())  # type: ignore[arg-type]
    return crl.public_bytes(Encoding.DER)


def test_a_list_that_was_given_is_evidence(own: DevelopmentAuthority) -> None:
    bare = own.issue("Bare", now=NOW, with_revocation_urls=False).certificate

    def asked(crl_der: bytes) -> RevocationEvidence:
        async def run() -> RevocationEvidence:
            async with aiohttp.ClientSession() as http:
                source = RevocationSource(http, clock=Clock(), crls=[b"no list", crl_der])
                return await source.evidence(bare, own.issuing)

        return asyncio.run(run())

    good = given_list(own)
    assert (asked(good).status, asked(good).crl_der) == ("good", good)
    with pytest.raises(CertificateRevoked):
        asked(given_list(own, bare.serial_number))
    with pytest.raises(
        RevocationUnavailable, match="neither OCSP nor a CRL; a revocation list that was given"
    ):
        asked(given_list(own, at=NOW - timedelta(days=30)))


def test_the_issuer_must_have_issued_the_certificate(own: DevelopmentAuthority) -> None:
    with pytest.raises(RevocationUnavailable, match="did not issue"):
        with_source(own, lambda source, _answers, _clock: source.evidence(own.tsa, own.root))


def test_answers_are_kept_for_a_while_and_not_longer(own: DevelopmentAuthority) -> None:
    async def action(source: RevocationSource, answers: Answers, clock: Clock) -> None:
        first = await source.evidence(own.tsa, own.issuing)
        clock.now += timedelta(seconds=299)
        assert await source.evidence(own.tsa, own.issuing) is first
        assert answers.ocsp_asked == 1
        clock.now += timedelta(seconds=2)
        assert await source.evidence(own.tsa, own.issuing) != first
        assert answers.ocsp_asked == 2

    with_source(own, action)


def test_no_answer_is_kept_past_its_next_update(own: DevelopmentAuthority) -> None:
    async def run() -> None:
        clock = Clock()
        async with serving(own, clock, ["crl-down"]) as answers, aiohttp.ClientSession() as http:
            source = RevocationSource(http, clock=clock, max_age_s=1e9)
            evidence = await source.evidence(own.tsa, own.issuing)
            assert evidence.next_update is not None
            clock.now = evidence.next_update
            assert await source.evidence(own.tsa, own.issuing) is evidence
            clock.now += timedelta(seconds=1)
            assert await source.evidence(own.tsa, own.issuing) is not evidence
            assert answers.ocsp_asked == 2

    asyncio.run(run())


def test_those_who_ask_at_once_share_one_request(own: DevelopmentAuthority) -> None:
    async def action(source: RevocationSource, answers: Answers, _clock: Clock) -> None:
        impatient = asyncio.create_task(source.evidence(own.tsa, own.issuing))
        others = [asyncio.create_task(source.evidence(own.tsa, own.issuing)) for _ in range(20)]
        await asyncio.sleep(0)
        impatient.cancel()
        assert len({id(evidence) for evidence in await asyncio.gather(*others)}) == 1
        assert answers.ocsp_asked == 1

    with_source(own, action)


def test_a_failure_is_not_kept(own: DevelopmentAuthority) -> None:
    async def run() -> None:
        clock = Clock()
        async with aiohttp.ClientSession() as http:
            source = RevocationSource(http, clock=clock)
            with pytest.raises(RevocationUnavailable):
                await source.evidence(own.tsa, own.issuing)
            async with serving(own, clock, []):
                assert (await source.evidence(own.tsa, own.issuing)).status == "good"

    asyncio.run(run())
