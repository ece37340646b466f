"""`--online`: current answers for chains that are trusted, from hosts that were named, and nothing else."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from certs.authority import DevelopmentAuthority
from certs.fenced_fetch import FencedFetcher
from certs.hosts import AllowedHosts
from certs.keystore import Credential
from certs.serve_authority import AuthorityServer
from certs.trust import TrustStore
from cli import verify
from signing.verify.online import Online
from signing.verify.report import Indication, Report
from signing.verify.verdict import verify_pdf
from tests.unit.test_certs_fenced_fetch import BEHIND_A_NAME, HOSTILE, PUBLIC, Canary
from tests.vectors.stock import Stock, plain_pdf

NOW = datetime.now(UTC).replace(microsecond=0)


def place_of(authority: DevelopmentAuthority) -> str:
    return urlsplit(authority.base_url).netloc


def online_with(*entries: str, canary: Canary | None = None, addresses: Sequence[str] = (PUBLIC,)) -> Online:
    allowed = AllowedHosts.parse(entries)
    fetcher = FencedFetcher(
        allowed, transport=canary, resolve=(lambda *_: addresses) if canary is not None else None
    )
    return Online(fetcher, clock=lambda: datetime.now(UTC))


def judged(
    authority: DevelopmentAuthority, pdf: bytes, online: Online | None, trust: TrustStore | None = None
) -> Report:
    now = datetime.now(UTC)
    return verify_pdf(pdf, trust=authority.trust if trust is None else trust, now=now, online=online)


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_answers_are_had_from_a_host_that_was_named(
    level: str, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.issue("Olga Online", now=NOW)
    pdf = Stock(authority, NOW).sign(plain_pdf(), signer, level=level)
    assert judged(authority, pdf, None).sub_indication == "TRY_LATER"
    report = judged(authority, pdf, online_with(place_of(authority)))
    assert report.passed, report.sentence
    (signature,) = report.signatures
    assert signature.level == level  # what the file holds; what was fetched raises no level
    assert signature.revocation is not None
    assert (signature.revocation.status, signature.revocation.source) == ("good", "online")


def test_a_current_answer_outweighs_the_old_one_in_the_file(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.issue("Onno Ingetrokken", now=NOW)
    stock = Stock(authority, NOW)
    pdf = stock.remember(stock.sign(plain_pdf(), signer), signer.certificate)
    pdf = stock.remember_lists(pdf)
    authority.revoke(signer.certificate.serial_number, at=NOW - timedelta(seconds=5))
    assert judged(authority, pdf, None).passed
    report = judged(authority, pdf, online_with(place_of(authority)))
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")
    revocation = report.signatures[0].revocation
    assert revocation is not None
    assert (revocation.status, revocation.source) == ("revoked", "online")


def test_a_file_is_judged_as_of_the_last_answer_unless_a_time_was_given(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    """A run that began long ago must not take today's answers for those of the future."""
    started = NOW - timedelta(minutes=20)
    pdf = Stock(authority, started).sign(plain_pdf(), authority.issue("Oda Laat", now=started))
    online = online_with(place_of(authority))
    late = verify_pdf(pdf, trust=authority.trust, now=started, online=online)
    assert late.passed, late.sentence
    assert late.validation_time > started
    fixed = verify_pdf(pdf, trust=authority.trust, at=started, now=started, online=online)
    assert (fixed.sub_indication, fixed.validation_time) == ("TRY_LATER", started)


def test_another_host_is_not_asked_and_the_report_says_so(authority: DevelopmentAuthority) -> None:
    canary = Canary()
    pdf = Stock(authority, NOW).sign(plain_pdf(), authority.issue("Otto Ander", now=NOW))
    report = judged(authority, pdf, online_with("ocsp.example", canary=canary))
    assert canary.asked == []
    assert report.sub_indication == "TRY_LATER"
    told = [finding.detail for finding in report.findings if finding.code == "online_unanswered"]
    assert told
    assert all("is not among the hosts that may be asked" in each for each in told)


def test_nobody_is_asked_for_a_chain_that_is_not_trusted(authority: DevelopmentAuthority) -> None:
    canary = Canary()
    pdf = Stock(authority, NOW).sign(plain_pdf(), authority.issue("Oscar Vreemd", now=NOW), level="B-T")
    online = online_with(place_of(authority), canary=canary, addresses=["127.0.0.1"])
    stranger = judged(authority, pdf, online, TrustStore())
    assert (stranger.sub_indication, canary.asked) == ("NO_CERTIFICATE_CHAIN_FOUND", [])
    judged(authority, pdf, online)
    assert canary.asked  # the canary does sing


def certificate_with(
    authority: DevelopmentAuthority,
    *,
    ocsp: Sequence[str] = (),
    issuers: Sequence[str] = (),
    lists: Sequence[str] = (),
) -> Credential:
    """A certificate under the trusted authority, by an issuer that lets anything be written into it."""
    plain = authority.issue("Opgedrongen Adres", now=NOW, with_revocation_urls=False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(plain.certificate.subject)
        .issuer_name(plain.certificate.issuer)
        .public_key(plain.certificate.public_key())
        .serial_number(plain.certificate.serial_number)
        .not_valid_before(plain.certificate.not_valid_before_utc)
        .not_valid_after(plain.certificate.not_valid_after_utc)
    )
    for extension in plain.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, urls in ((Access.OCSP, ocsp), (Access.CA_ISSUERS, issuers))
        for url in urls
    ]
    if access:
        builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None) for url in lists
    ]
    if points:
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
    key = authority._issuer.issuing.private_key
    return replace(plain, certificate=builder.sign(key, hashes.SHA256()))


@pytest.mark.parametrize("where", ["ocsp", "issuers", "lists"])
def test_hostile_addresses_in_a_trusted_certificate_are_asked_nothing(
    where: str, authority: DevelopmentAuthority
) -> None:
    urls = [url for url in HOSTILE if url.isascii()]
    assert len(urls) > 60
    signer = certificate_with(authority, **{where: urls})  # type: ignore[arg-type]
    pdf = Stock(authority, NOW).sign(plain_pdf(), signer)
    canary = Canary()
    online = online_with("ocsp.example", "crl.example:8080", PUBLIC, "127.0.0.1:20333", canary=canary)
    report = judged(authority, pdf, online)
    assert canary.asked == []
    assert report.sub_indication == "TRY_LATER"


@pytest.mark.parametrize("where", ["ocsp", "lists"])
def test_an_allowed_name_that_leads_elsewhere_is_asked_nothing(
    where: str, authority: DevelopmentAuthority
) -> None:
    signer = certificate_with(authority, **{where: ["http://ocsp.example/"]})  # type: ignore[arg-type]
    pdf = Stock(authority, NOW).sign(plain_pdf(), signer)
    for address in BEHIND_A_NAME[::6]:
        canary = Canary()
        judged(authority, pdf, online_with("ocsp.example", canary=canary, addresses=[address]))
        assert canary.asked == []


def test_issuers_certificates_are_never_fetched(authority: DevelopmentAuthority) -> None:
    canary = Canary()
    allowed = ["http://ocsp.example/ca.crt"]
    pdf = Stock(authority, NOW).sign(plain_pdf(), certificate_with(authority, issuers=allowed))
    judged(authority, pdf, online_with("ocsp.example", canary=canary))
    assert canary.asked == []
    bare = TrustStore(anchors=authority.trust.anchors)  # the issuing certificate is in the file
    judged(authority, pdf, online_with("ocsp.example", canary=canary), bare)
    assert canary.asked == []


def test_many_files_of_one_signer_are_asked_for_once(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    signer = authority.issue("Orla Vaak", now=NOW)
    pdf = Stock(authority, NOW).sign(plain_pdf(), signer)
    online = online_with(place_of(authority))
    assert judged(authority, pdf, online).passed
    fetcher = online._fetcher
    fetcher._allowed = AllowedHosts.parse([])
    assert judged(authority, pdf, online).passed


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verify.add_parser(parser.add_subparsers())
    return verify.run(parser.parse_args(["verify", *words]))


def test_the_command_asks_when_told_to(
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "signed.pdf").write_bytes(
        Stock(authority, NOW).sign(plain_pdf(), authority.issue("Odette Opdracht", now=NOW))
    )
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    words = [str(tmp_path / "signed.pdf"), "--trust", str(tmp_path / "root.pem"), "--json"]
    assert run(*words) == 2
    capsys.readouterr()
    assert run(*words, "--online", place_of(authority)) == 0
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert told["signatures"][0]["revocation"]["source"] == "online"
    monkeypatch.setenv("PARAAF_VERIFY_ONLINE", f"ocsp.example, {place_of(authority)}")
    assert run(*words) == 0
    assert run(*words, "--online", "ocsp.example") == 2  # comes before the office's
    capsys.readouterr()
    assert run(*words, "--online", "http://ocsp.example/") == 2
    refused = capsys.readouterr()
    assert refused.out == ""
    assert "names no host that may be asked" in refused.err
