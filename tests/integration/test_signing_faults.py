"""When something is wrong: an error that says what and whether to retry, and never a half-signed file."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from certs import der
from certs.authority import DevelopmentAuthority
from certs.evidence import RevocationEvidence
from certs.keystore import Credential
from certs.loopback import free_base_url
from certs.revocation import RevocationSource
from certs.serve_authority import AuthorityServer
from signing.chains import Path
from signing.errors import (
    CertificateRevokedError,
    CertificateUnusableError,
    ChainError,
    ContentsOverflowError,
    FieldError,
    LevelNotReachedError,
    PreparedMismatchError,
    RevocationUnavailableError,
    SignerError,
    SigningError,
    TimestampError,
    TimestamperUnknownError,
)
from signing.longterm import LongTermData
from signing.pades import Finished, SigningDesk
from signing.prepared import Prepared
from signing.profile import Level
from signing.revocation_check import CarriedAnswers
from signing.selfcheck import carried_data, check_finished
from signing.signers import SoftwareSigner
from signing.verify.rawscan import signed_ranges
from signing.verify.report import Verdict
from signing.verify.verdict import verify_pdf
from tests.earlier import prepared_before, row_before
from tests.signing_samples import appearance, form_pdf, now, open_desk, plain_pdf, profile, signed

EKU = ExtensionOID.EXTENDED_KEY_USAGE
Step = Callable[[SigningDesk], Awaitable[object]]


def person(authority: DevelopmentAuthority) -> Credential:
    return authority.person("e-9", "Bram Voorbeeld", now=now())


def on_a_desk(
    authority: DevelopmentAuthority, step: Step, *, tsa_url: str = "", timeout_s: float = 10.0
) -> object:
    async def opened() -> object:
        async with open_desk(authority, tsa_url=tsa_url, timeout_s=timeout_s) as desk:
            return await step(desk)

    return asyncio.run(opened())


TSA_FAULTS = {
    "tsa-down": "HTTP status 503",
    "tsa-hangs": "gave no reply within",
    "tsa-garbage": "unreadable reply",
    "tsa-rejects": "refused the request with status 2",
    "tsa-wrong-imprint": "imprint",
    "tsa-wrong-nonce": "nonce",
    "tsa-no-nonce": "nonce",
    "tsa-no-eku": "extended key usage",
    "tsa-untrusted": "trust anchor",
    "tsa-expired": "not valid at",
    "tsa-wrong-time": "not the time of the request",
    "tsa-bad-signature": "does not verify",
    "tsa-no-certificates": "not embedded",
}


@pytest.mark.parametrize("fault", TSA_FAULTS)
def test_a_bad_timestamp_is_never_kept(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, fault: str
) -> None:
    with (
        AuthorityServer(authority.folder, faults=[fault], base_url=free_base_url()) as faulty,
        pytest.raises(TimestampError, match=TSA_FAULTS[fault]) as failed,
    ):
        on_a_desk(
            authority,
            lambda desk: signed(desk, person(authority), Level.B_T),
            tsa_url=faulty.tsa_url,
            timeout_s=0.5,
        )
    assert failed.value.retryable
    assert failed.value.hint


def test_the_next_authority_is_asked_when_the_first_fails(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    async def sign(desk: SigningDesk) -> Finished:
        return await desk.sign_document(
            form_pdf(),
            field="employer",
            signer=SoftwareSigner(person(authority)),
            profile=profile(Level.B_LTA, f"{free_base_url()}/tsa", "development"),
            appearance=None,
            claimed_at=now(),
        )

    finished = on_a_desk(authority, sign)
    assert isinstance(finished, Finished)
    assert finished.level_reached is Level.B_LTA


@asynccontextmanager
async def two_timestampers(
    authority: DevelopmentAuthority, *, first_answers: int = 99, ahead_s: int = 0
) -> AsyncIterator[tuple[str, str]]:
    """The addresses of the development TSA, which stops after some answers, and of a second one."""
    usage, purpose = frozenset({"digital_signature"}), (ExtendedKeyUsageOID.TIME_STAMPING,)
    other = authority.issue("Second TSA", now=now(), key_usage=usage, eku=purpose)
    makers = {"/a": authority.stamp_maker, "/b": authority.stamp_maker_for(other)}
    asked: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        asked[request.path] += 1
        if request.path == "/a" and asked["/a"] > first_answers:
            return web.Response(status=503)
        told = makers[request.path].respond(await request.read(), now() + timedelta(seconds=ahead_s))
        return web.Response(body=told, content_type="application/timestamp-reply")

    app, url = web.Application(), free_base_url()
    app.router.add_post("/{which}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
    try:
        yield f"{url}/a", f"{url}/b"
    finally:
        await runner.cleanup()


async def signed_by_two(
    desk: SigningDesk, authority: DevelopmentAuthority, level: Level, **more: int
) -> Finished:
    async with two_timestampers(authority, **more) as timestampers:
        return await desk.sign_document(
            form_pdf(),
            field="employer",
            signer=SoftwareSigner(person(authority)),
            profile=profile(level, *timestampers),
            appearance=None,
            claimed_at=now(),
        )


def stamping(pdf: bytes) -> set[str]:
    """The timestamp authorities whose certificates a file carries as validation data."""
    found = map(x509.load_der_x509_certificate, carried_data(pdf).certificates)
    purposes = ((one, [ext.value for ext in one.extensions if ext.oid == EKU]) for one in found)
    stamps = [one for one, values in purposes if values and ExtendedKeyUsageOID.TIME_STAMPING in values[0]]
    return {one.subject.rfc4514_string() for one in stamps}


@pytest.mark.parametrize(
    ("first_answers", "authorities"),
    [(99, 1), (1, 1), (2, 2)],
    ids=["to all", "to the trial alone", "until the archive timestamp"],
)
def test_the_archive_timestamp_comes_from_an_authority_whose_answers_are_embedded(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, first_answers: int, authorities: int
) -> None:
    """Whenever the first authority falls silent, the file holds all that it takes to judge who stamped it."""
    finished = on_a_desk(
        authority, lambda desk: signed_by_two(desk, authority, Level.B_LTA, first_answers=first_answers)
    )
    assert isinstance(finished, Finished)
    report = verify_pdf(finished.pdf, trust=authority.trust, now=now())
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    assert report.signatures[0].level == "B-LTA"
    assert len(stamping(finished.pdf)) == authorities


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT])
def test_a_timestamper_whose_clock_is_off_is_refused_at_every_level_alike(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level
) -> None:
    on_a_desk(authority, lambda desk: signed_by_two(desk, authority, level, ahead_s=30))
    for ahead_s in (-90, 90):
        with pytest.raises(TimestampError, match="not the time of the request") as refused:
            on_a_desk(authority, lambda desk, s=ahead_s: signed_by_two(desk, authority, level, ahead_s=s))  # type: ignore[misc]
        assert refused.value.retryable


def test_a_revoked_timestamp_authority_gives_no_long_term_level(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    async def sign_by(desk: SigningDesk, *timestampers: str) -> Finished:
        return await desk.sign_document(
            form_pdf(),
            field="employer",
            signer=SoftwareSigner(person(authority)),
            profile=profile(Level.B_LT, *timestampers),
            appearance=None,
            claimed_at=now(),
        )

    with AuthorityServer(authority.folder, faults=["tsa-revoked"], base_url=free_base_url()) as faulty:
        with pytest.raises(TimestampError, match="was revoked"):
            on_a_desk(authority, lambda desk: sign_by(desk, faulty.tsa_url))
        finished = on_a_desk(authority, lambda desk: sign_by(desk, faulty.tsa_url, "development"))
    assert isinstance(finished, Finished)
    assert finished.level_reached is Level.B_LT


def test_an_unknown_timestamper_is_named(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    async def prepare(desk: SigningDesk) -> Prepared:
        return await desk.prepare(
            form_pdf(),
            field="employer",
            signer=SoftwareSigner(person(authority)),
            profile=profile(Level.B_T, "elsewhere"),
            appearance=None,
            claimed_at=now(),
        )

    with pytest.raises(TimestamperUnknownError, match="'elsewhere'; configured are: development"):
        on_a_desk(authority, prepare)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
def test_without_revocation_answers_nothing_is_signed(
    tmp_path_factory: pytest.TempPathFactory, level: Level
) -> None:
    silent = DevelopmentAuthority.create(
        tmp_path_factory.mktemp("pki") / "silent", base_url=free_base_url(), now=now() - timedelta(hours=1)
    )
    with (
        AuthorityServer(silent.folder, faults=["ocsp-down", "crl-down"]),
        pytest.raises(RevocationUnavailableError) as failed,
    ):
        on_a_desk(silent, lambda desk: signed(desk, person(silent), level))
    assert failed.value.retryable


def test_a_crl_does_where_ocsp_is_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    half = DevelopmentAuthority.create(
        tmp_path_factory.mktemp("pki") / "half", base_url=free_base_url(), now=now() - timedelta(hours=1)
    )
    with AuthorityServer(half.folder, faults=["ocsp-down"]):
        on_a_desk(half, lambda desk: signed(desk, person(half), Level.B_LTA))


def test_a_revoked_certificate_does_not_sign(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential = authority.issue("Left yesterday", now=now() - timedelta(minutes=5))
    authority.revoke(credential.certificate.serial_number, at=now() - timedelta(minutes=1))
    for level in (Level.B_B, Level.B_LTA):
        with pytest.raises(CertificateRevokedError, match="Left yesterday") as failed:
            on_a_desk(authority, lambda desk, level=level: signed(desk, credential, level))  # type: ignore[misc]
        assert not failed.value.retryable


def test_an_expired_early_or_wrong_purpose_certificate_does_not_sign(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    day = timedelta(days=1)
    cases = {
        "expired": authority.issue("E", now=now(), not_before=now() - 2 * day, not_after=now() - day),
        "valid only from": authority.issue("N", now=now(), not_before=now() + day, not_after=now() + 2 * day),
        "key usage": authority.issue("U", now=now(), key_usage=frozenset({"key_encipherment"})),
    }
    for why, credential in cases.items():
        with pytest.raises(CertificateUnusableError, match=why):
            on_a_desk(
                authority,
                lambda desk, credential=credential: signed(desk, credential, Level.B_B),  # type: ignore[misc]
            )


def test_the_profile_says_which_key_usage_is_enough(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential = authority.issue(
        "Only nonRepudiation", now=now(), key_usage=frozenset({"content_commitment"})
    )

    def prepare(*usages: str) -> Step:
        return lambda desk: desk.prepare(
            form_pdf(),
            field="employer",
            signer=SoftwareSigner(credential),
            profile=profile(Level.B_B, key_usage=frozenset(usages)),
            appearance=None,
            claimed_at=now(),
        )

    on_a_desk(authority, prepare("content_commitment"))
    with pytest.raises(CertificateUnusableError, match="key usage"):
        on_a_desk(authority, prepare("digital_signature"))


def test_a_certificate_of_another_authority_does_not_sign(
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    other = DevelopmentAuthority.create(
        tmp_path_factory.mktemp("pki") / "other", base_url=free_base_url(), now=now() - timedelta(hours=1)
    )
    with pytest.raises(ChainError, match="Bram Voorbeeld"):
        on_a_desk(authority, lambda desk: signed(desk, person(other), Level.B_B))


async def prepared_at(desk: SigningDesk, credential: Credential, source: bytes, level: Level) -> Prepared:
    return await desk.prepare(
        source,
        field="employer",
        signer=SoftwareSigner(credential),
        profile=profile(level),
        appearance=appearance(credential.certificate, level),
        claimed_at=now(),
    )


@pytest.mark.parametrize("key_type", ["RSA-2048", "P-256", "Ed25519"])
@pytest.mark.parametrize("level", list(Level))
def test_after_a_crash_another_process_signs_and_finishes_the_same_bytes(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level, key_type: str
) -> None:
    credential = authority.person("e-9", "Bram Voorbeeld", key_type=key_type, now=now())
    source = form_pdf()
    first = on_a_desk(authority, lambda desk: prepared_at(desk, credential, source, level))
    assert isinstance(first, Prepared)
    columns = first.to_columns()

    async def rest(desk: SigningDesk) -> tuple[bytes, Finished, Finished]:
        prepared = Prepared.from_columns(columns)
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        finished = await desk.finish(source, prepared, value, profile=profile(level))
        again = await desk.finish(source, prepared, value, profile=profile(level))
        return value, finished, again

    outcome = on_a_desk(authority, rest)
    assert isinstance(outcome, tuple)
    _, finished, again = outcome
    assert finished.level_reached is again.level_reached is level
    gap = first.gap
    for each in (finished, again):
        assert each.pdf[: gap.start] == (source + first.revision)[: gap.start]
        assert each.pdf[gap.end : gap.length] == (source + first.revision)[gap.end :]
    assert {"timestamp", "validate"} <= set(finished.durations_us)


def test_what_does_not_belong_together_is_refused(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, other = person(authority), authority.person("e-10", "Someone else", now=now())
    source = form_pdf()

    async def mix(desk: SigningDesk) -> None:
        prepared = await prepared_at(desk, credential, source, Level.B_B)
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        with pytest.raises(PreparedMismatchError, match="another certificate"):
            await desk.sign(source, prepared, SoftwareSigner(other))
        with pytest.raises(PreparedMismatchError, match="not the one that was prepared"):
            await desk.finish(source + b"\n", prepared, value, profile=profile(Level.B_B))
        with pytest.raises(SignerError, match="does not verify"):
            await desk.finish(source, prepared, value[:-1] + b"\0", profile=profile(Level.B_B))

    on_a_desk(authority, mix)


def one_more(attributes: bytes) -> bytes:
    """The attributes with a signing-time that nobody asked for."""
    own = [der.whole(attributes, each) for each in der.children(attributes, der.only(attributes, der.SET))]
    signing_time = der.sequence(der.oid("1.2.840.113549.1.9.5"), der.set_of(der.tlv(0x17, b"260101000000Z")))
    return der.set_of(*own, signing_time)


FORGED: dict[str, Callable[[Prepared, int], dict[str, Any]]] = {
    "attributes of another document": lambda row, _: {"signed_attributes": b"1\x08whatever"},
    "one attribute more": lambda row, _: {"signed_attributes": one_more(row.signed_attributes)},
    "another revision": lambda row, _: {"revision": row.revision.replace(b"/Sig/", b"/Gis/")},
    "a wider gap": lambda row, _: {"gap": replace(row.gap, start=row.gap.start - 8)},
    "a gap in the source": lambda row, _: {"gap": replace(row.gap, start=100, end=row.gap.end)},
    "a shorter file": lambda row, _: {"gap": replace(row.gap, length=row.gap.length - 1)},
    "something in the gap": lambda row, base: {
        "revision": row.revision[: row.gap.start - base + 1]
        + b"FF"
        + row.revision[row.gap.start - base + 3 :]
    },
    "another digest algorithm": lambda row, _: {"digest_algorithm": "sha1"},
}


class Watched(SoftwareSigner):
    """Counts how often its key is used."""

    used = 0

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        self.used += 1
        return await super().sign(signed_attributes, digest_algorithm)


@pytest.mark.parametrize("forgery", FORGED)
def test_the_key_is_not_used_over_what_a_row_says_but_the_document_does_not(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, forgery: str
) -> None:
    signer, source = Watched(person(authority)), form_pdf()

    async def be_tempted(desk: SigningDesk) -> None:
        prepared = await prepared_at(desk, person(authority), source, Level.B_B)
        row = replace(prepared, **FORGED[forgery](prepared, len(source)))
        assert row != prepared
        with pytest.raises(PreparedMismatchError):
            await desk.sign(source, row, signer)
        with pytest.raises(PreparedMismatchError, match="not the one that was prepared"):
            await desk.sign(source + b"\n", prepared, signer)
        assert signer.used == 0
        await desk.sign(source, prepared, signer)
        assert signer.used == 1

    on_a_desk(authority, be_tempted)


def test_a_revision_changed_between_preparing_and_finishing_is_noticed(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, source = person(authority), form_pdf()

    async def tamper(desk: SigningDesk) -> None:
        prepared = await prepared_at(desk, credential, source, Level.B_B)
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        changed = replace(prepared, revision=prepared.revision.replace(b"/Sig/", b"/Gis/"))
        assert changed != prepared
        with pytest.raises(PreparedMismatchError, match="attributes"):
            await desk.finish(source, changed, value, profile=profile(Level.B_B))

    on_a_desk(authority, tamper)


def test_too_little_room_is_an_error_that_says_how_much_is_needed(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential, source = person(authority), form_pdf()

    async def overflow(desk: SigningDesk) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("signing.timestamps.Timestamper.room_bytes", 100)
            prepared = await prepared_at(desk, credential, source, Level.B_T)
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        with pytest.raises(ContentsOverflowError) as failed:
            await desk.finish(source, prepared, value, profile=profile(Level.B_T))
        assert failed.value.needed_bytes > prepared.gap.capacity_bytes
        larger = await desk.prepare(
            source,
            field="employer",
            signer=SoftwareSigner(credential),
            profile=profile(Level.B_T),
            appearance=None,
            claimed_at=now(),
            reserve_bytes=failed.value.needed_bytes,
        )
        assert larger.gap.capacity_bytes >= failed.value.needed_bytes

    on_a_desk(authority, overflow)


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA])
def test_what_an_earlier_release_prepared_is_finished_as_one_good_signature(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level
) -> None:
    credential, source = person(authority), form_pdf()

    async def upgraded(desk: SigningDesk) -> tuple[bytes, Finished]:
        prepared = Prepared.from_columns(row_before(await prepared_before(desk, source, credential, level)))
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        return prepared.revision, await desk.finish(source, prepared, value, profile=profile(level))

    revision, finished = on_a_desk(authority, upgraded)  # type: ignore[misc]  # a pair
    assert b"/DSS" in revision
    assert finished.level_reached is level
    assert finished.pdf.count(b"/ETSI.CAdES.detached") == 1
    report = verify_pdf(finished.pdf, trust=authority.trust, now=now())
    assert (report.verdict, report.signatures[0].level) == (Verdict.AUTHENTIC, str(level)), report.sentence


@pytest.mark.parametrize("level", [Level.B_LT, Level.B_LTA])
def test_no_validation_data_stand_under_the_signature_and_all_of_them_in_one_revision_behind(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, level: Level
) -> None:
    credential, source = person(authority), form_pdf()
    pdf = on_a_desk(authority, lambda desk: signed(desk, credential, level))
    assert isinstance(pdf, bytes)
    end = min(found.end for found in signed_ranges(pdf))
    assert carried_data(pdf[:end]) == LongTermData()
    assert carried_data(pdf) != LongTermData()
    assert pdf.count(b"%%EOF") == source.count(b"%%EOF") + 2


def test_answers_are_asked_for_once_for_both_steps(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[int] = Counter()
    real = RevocationSource._ask

    async def counted(
        source: RevocationSource, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationEvidence:
        asked[certificate.serial_number] += 1
        return await real(source, certificate, issuer)

    monkeypatch.setattr(RevocationSource, "_ask", counted)
    on_a_desk(authority, lambda desk: signed(desk, person(authority), Level.B_LTA))
    assert set(asked.values()) == {1}
    assert len(asked) == 3  # the signer's, the timestamp authority's, and that of who issued both


def test_every_changed_bit_of_a_finished_file_is_noticed(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, source = person(authority), form_pdf()

    async def flip(desk: SigningDesk) -> None:
        prepared = await prepared_at(desk, credential, source, Level.B_B)
        value = await desk.sign(source, prepared, SoftwareSigner(credential))
        pdf = (await desk.finish(source, prepared, value, profile=profile(Level.B_B))).pdf
        for position in [*range(0, len(pdf), len(pdf) // 60), len(pdf) - 1]:
            if prepared.gap.start <= position < prepared.gap.end:
                continue
            changed = bytearray(pdf)
            changed[position] ^= 1 << (position % 8)
            with pytest.raises(SigningError):
                check_finished(
                    bytes(changed),
                    signature=prepared.gap,
                    archive=None,
                    asked=Level.B_B,
                    chains=desk.chains,
                    answers=CarriedAnswers(),
                    now=now(),
                )

    on_a_desk(authority, flip)


def test_a_field_is_signed_once_and_a_second_field_after_it(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, manager = person(authority), authority.person("e-11", "The manager", now=now())

    async def twice(desk: SigningDesk) -> bytes:
        once = await signed(desk, credential, Level.B_LTA)
        with pytest.raises(FieldError, match="signed already"):
            await signed(desk, credential, Level.B_LTA, pdf=once)
        return await signed(desk, manager, Level.B_LTA, pdf=once, field="manager")

    pdf = on_a_desk(authority, twice)
    assert isinstance(pdf, bytes)
    assert pdf.count(b"/ETSI.CAdES.detached") == 2
    assert pdf.count(b"/ETSI.RFC3161") == 2
    carried = carried_data(pdf)
    for each in (carried.certificates, carried.ocsps, carried.crls):
        assert len(set(each)) == len(each), "the second signature added again what was there"


def test_a_pdf_without_fields_has_none_to_sign(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    with pytest.raises(FieldError, match="has: none"):
        on_a_desk(authority, lambda desk: signed(desk, person(authority), Level.B_B, pdf=plain_pdf()))


def check(desk: SigningDesk, pdf: bytes, prepared: Prepared, asked: Level) -> Level:
    return check_finished(
        pdf,
        signature=prepared.gap,
        archive=None,
        asked=asked,
        chains=desk.chains,
        answers=CarriedAnswers(),
        now=now(),
    )


def test_the_level_is_what_the_file_holds_and_not_what_was_asked(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, source = person(authority), form_pdf()

    async def look(desk: SigningDesk) -> None:
        for level, asked, reached in [
            (Level.B_B, Level.B_LTA, Level.B_B),
            (Level.B_T, Level.B_LTA, Level.B_T),
            (Level.B_LT, Level.B_LTA, Level.B_LT),
            (Level.B_LT, Level.B_B, Level.B_B),
        ]:
            prepared = await prepared_at(desk, credential, source, level)
            value = await desk.sign(source, prepared, SoftwareSigner(credential))
            pdf = (await desk.finish(source, prepared, value, profile=profile(level))).pdf
            assert check(desk, pdf, prepared, asked) is reached

    on_a_desk(authority, look)


def test_less_than_was_asked_is_an_error(
    authority: DevelopmentAuthority, authority_server: AuthorityServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = person(authority)

    async def fall_short(desk: SigningDesk) -> None:
        # what a bug would look like
        monkeypatch.setattr("signing.pades.with_validation_data", lambda pdf, _data: pdf)
        with pytest.raises(LevelNotReachedError, match="reached B-T where B-LT was asked"):
            await signed(desk, credential, Level.B_LT)

    on_a_desk(authority, fall_short)


def test_an_answer_proves_something_only_for_its_certificate_and_its_time(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    credential, other = person(authority), authority.person("e-14", "Another", now=now())

    async def look(desk: SigningDesk) -> None:
        def path_of(who: Credential) -> Path:
            return desk.chains.path(who.cert_der, extra=(), at=now(), whose="them")

        pdf = await signed(desk, credential, Level.B_LT)
        carried, path, moment = carried_data(pdf), path_of(credential), now()
        assert CarriedAnswers().missing(path, carried, moment) is None
        assert CarriedAnswers().missing(path_of(other), carried, moment) == other.cert_der
        kept = CarriedAnswers()
        assert kept.missing(path, carried, moment) is None
        for answers in (kept, CarriedAnswers()):
            assert answers.missing(path, carried, moment + timedelta(days=400)) == credential.cert_der
            assert answers.missing(path, carried, moment - timedelta(days=1)) == credential.cert_der
        spoilt = replace(carried, ocsps=tuple(each[:-1] + bytes((each[-1] ^ 1,)) for each in carried.ocsps))
        assert CarriedAnswers().missing(path, spoilt, moment) == credential.cert_der

    on_a_desk(authority, look)
