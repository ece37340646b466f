"""Which tokens and seals the auditor's verifier lets count: each is real, and one thing about it is wrong."""

import asyncio
import hashlib
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from audit import verify_log
from audit.verify_log import read_anchor
from certs.authority import DevelopmentAuthority
from certs.authority_timestamps import StampMaker
from certs.keystore import Credential
from signing.cms import template_for
from signing.signers import SoftwareSigner, mechanism_for
from signing.timestamps import timestamp_request, token_of
from workflow.anchors import Anchor, Statement
from workflow.eventlog import Head

STAMPING = {
    "key_usage": frozenset({"digital_signature"}),
    "eku": (ExtendedKeyUsageOID.TIME_STAMPING,),
}
KEY_TYPES = ("RSA-2048", "P-256", "P-384", "Ed25519")


def now() -> datetime:
    return datetime.now(UTC)


def statement(at: datetime | None = None) -> Statement:
    return Statement(Head(7, "0" * 64), "1" * 64, at or now())


def stamped(maker: StampMaker, *, at: datetime | None = None, over: bytes | None = None) -> Anchor:
    said = statement()
    digest = sha256(said.text.encode() if over is None else over).digest()
    token = token_of(maker.respond(timestamp_request(digest, "sha256", 7), at or now()))
    return Anchor("timestamp", said.head, at or now(), said.text, token)


def sealed(
    credential: Credential,
    *,
    at: datetime | None = None,
    over: bytes | None = None,
    key: Credential | None = None,
) -> Anchor:
    said = statement(at)
    chain = (credential.certificate, *credential.chain)
    mechanism = mechanism_for(credential.certificate)
    template = template_for(tuple(one.public_bytes(Encoding.DER) for one in chain), mechanism)
    content = said.text.encode() if over is None else over
    digest = hashlib.new(mechanism.digest_algorithm, content).digest()
    attributes = template.signed_attributes(digest)
    value = asyncio.run(SoftwareSigner(key or credential).sign(attributes, mechanism.digest_algorithm))
    proof = template.content_info(attributes, value, timestamp_token=None)
    return Anchor("seal", said.head, said.at, said.text, proof)


def read(anchor: Anchor, *trusted: DevelopmentAuthority) -> verify_log.Anchor:
    value = json.loads(anchor.line)["anchor"]
    return read_anchor(value, [one.root for one in trusted], now())


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_seals_of_every_kind_of_key_count(authority: DevelopmentAuthority, key_type: str) -> None:
    found = read(
        sealed(authority.seal(key_type=key_type, organisation=f"Org {key_type}", now=now())), authority
    )
    assert (found.kind, found.vouched, f"Org {key_type}" in found.by) == ("seal", True, True)


def test_a_timestamp_counts_and_without_trust_nobody_vouches(authority: DevelopmentAuthority) -> None:
    anchor = stamped(authority.stamp_maker)
    assert read(anchor, authority).vouched
    assert not read(anchor).vouched


Make = Callable[[DevelopmentAuthority], Anchor]
LATER, EARLIER = timedelta(hours=3), timedelta(days=40)


def by(authority: DevelopmentAuthority, **contents: object) -> StampMaker:
    return authority.stamp_maker_for(authority.issue("A stamper", now=now(), **(STAMPING | contents)))  # type: ignore[arg-type]


BAD: dict[str, tuple[Make, str]] = {
    "over something else": (lambda a: stamped(a.stamp_maker, over=b"a file"), "over something else"),
    "no purpose": (lambda a: stamped(by(a, eku=())), "not for timestamps alone"),
    "another purpose": (
        lambda a: stamped(by(a, eku=(ExtendedKeyUsageOID.OCSP_SIGNING,))),
        "not for timestamps alone",
    ),
    "not valid yet": (lambda a: stamped(a.stamp_maker, at=now() - EARLIER), "was not valid"),
    "expired": (
        lambda a: stamped(by(a, not_before=now() - EARLIER, not_after=now() - timedelta(days=1))),
        "was not valid",
    ),
    "a time to come": (lambda a: stamped(a.stamp_maker, at=now() + LATER), "still to come"),
    "a seal over something else": (lambda a: sealed(a.seal(now=now()), over=b"a file"), "something else"),
    "a seal by another key": (
        lambda a: sealed(a.seal(now=now()), key=a.person("P9", "Bram", now=now())),
        "does not verify",
    ),
    "a seal by a person": (lambda a: sealed(a.person("P9", "Bram", now=now())), "by a person"),
    "a seal by a timestamper": (
        lambda a: sealed(a.issue("A stamper", now=now(), **STAMPING)),  # type: ignore[arg-type]
        "by a timestamp authority",
    ),
    "a seal by a key for something else": (
        lambda a: sealed(a.issue("Keys", now=now(), key_usage=frozenset({"key_agreement"}))),
        "not for signing",
    ),
    "a seal of the day after tomorrow": (
        lambda a: sealed(a.seal(now=now()), at=now() + timedelta(days=2)),
        "still to come",
    ),
    "a seal before its certificate": (
        lambda a: sealed(a.seal(now=now()), at=now() - EARLIER),
        "was not valid",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_hold_does_not_count(authority: DevelopmentAuthority, name: str) -> None:
    make, told = BAD[name]
    with pytest.raises(verify_log._Wrong, match=told):
        read(make(authority), authority)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentAuthority:
    return DevelopmentAuthority.open_or_create(tmp_path_factory.mktemp("stranger"), now=now())


@pytest.mark.parametrize("kind", ["timestamp", "seal"])
def test_a_strangers_word_does_not_count(
    authority: DevelopmentAuthority, stranger: DevelopmentAuthority, kind: str
) -> None:
    anchor = stamped(stranger.stamp_maker) if kind == "timestamp" else sealed(stranger.seal(now=now()))
    assert not read(anchor).vouched
    assert read(anchor, authority, stranger).vouched
    with pytest.raises(verify_log._Wrong, match="does not lead to a trusted root"):
        read(anchor, authority)


def test_a_certificate_that_may_not_issue_leads_nowhere(authority: DevelopmentAuthority) -> None:
    person = authority.person("P9", "Bram", now=now())
    assert verify_log.leads_to(person.certificate, person.chain, [authority.root], now())
    assert not verify_log.leads_to(person.certificate, [], [authority.root], now())
    assert not verify_log.leads_to(person.certificate, person.chain, [person.certificate], now())
    assert not verify_log._may_issue(person.certificate, authorities_below=0)


def test_trust_is_read_from_files(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    pem, der, none = tmp_path / "root.pem", tmp_path / "root.der", tmp_path / "leaf.pem"
    pem.write_bytes(authority.root_pem)
    der.write_bytes(authority.root.public_bytes(Encoding.DER))
    none.write_bytes(authority.issuing.public_bytes(Encoding.PEM))
    assert verify_log.read_trust([pem]) == verify_log.read_trust([der]) == [authority.root]
    for file in (none, tmp_path / "nothing"):
        with pytest.raises(verify_log.Unusable):
            verify_log.read_trust([file])


@pytest.mark.witness
@pytest.mark.parametrize("kind", ["timestamp", "seal"])
def test_openssl_agrees(authority: DevelopmentAuthority, tmp_path: Path, kind: str) -> None:
    """A third reader of what the office writes; and it refuses another statement as we do."""
    anchor = stamped(authority.stamp_maker) if kind == "timestamp" else sealed(authority.seal(now=now()))
    root, proof, said = tmp_path / "root.pem", tmp_path / "proof.der", tmp_path / "statement"
    root.write_bytes(authority.root_pem)
    proof.write_bytes(anchor.proof)
    command = {
        "timestamp": ["ts", "-verify", "-token_in", "-in", proof, "-data", said, "-CAfile", root],
        "seal": [
            *("cms", "-verify", "-binary", "-inform", "DER", "-in", proof, "-content", said),
            *("-CAfile", root, "-purpose", "any", "-out", "/dev/null"),
        ],
    }[kind]
    for text, agreed in ((anchor.statement, True), (anchor.statement.replace("7", "8"), False)):
        said.write_text(text)
        done = subprocess.run(["openssl", *command], capture_output=True, check=False)
        assert (done.returncode == 0) == agreed, done.stderr
