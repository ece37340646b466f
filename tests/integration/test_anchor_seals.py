"""Whose seal counts, for the office as for an auditor; and copies of anchors that wait for no authority."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from audit import verify_log
from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from certs.serve_authority import AuthorityServer
from documents.register import SAMPLE
from signing.chains import PinnedChains
from signing.cms import template_for
from signing.errors import TimestampError
from signing.signers import SoftwareSigner, mechanism_for
from tests.anchored_log import append_notes
from workflow.anchorcheck import fault_of
from workflow.anchors import Anchor, Statement
from workflow.errors import AnchorNotKept
from workflow.eventlog import Head
from workflow.office import REGISTER_FILE, Office
from workflow.store import Store

SIGNING = frozenset({"digital_signature", "content_commitment"})
FIRST = "1" * 64


def sealed(credential: Credential) -> Anchor:
    said = Statement(Head(7, "0" * 64), FIRST, datetime.now(UTC))
    chain = (credential.certificate, *credential.chain)
    template = template_for(
        tuple(one.public_bytes(Encoding.DER) for one in chain), mechanism_for(credential.certificate)
    )
    attributes = template.signed_attributes(sha256(said.text.encode()).digest())
    value = asyncio.run(SoftwareSigner(credential).sign(attributes, "sha256"))
    proof = template.content_info(attributes, value, timestamp_token=None)
    return Anchor("seal", said.head, said.at, said.text, proof)


def issued(
    *purposes: str, key_usage: frozenset[str] = SIGNING
) -> Callable[[DevelopmentAuthority], Credential]:
    eku = tuple(map(ObjectIdentifier, purposes))
    return lambda authority: authority.issue("Somebody", now=datetime.now(UTC), key_usage=key_usage, eku=eku)


OCSP, STAMPS, CLIENT, SERVER, CODE, MAIL = (
    oid.dotted_string
    for oid in (
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
    )
)
DOCUMENTS, ADOBE = "1.3.6.1.5.5.7.3.36", "1.2.840.113583.1.1.5"
GOOD: dict[str, Callable[[DevelopmentAuthority], Credential]] = {
    "the organisation's": lambda authority: authority.seal(now=datetime.now(UTC)),
    "no purpose": issued(),
    "documents": issued(DOCUMENTS),
    "documents of another maker": issued(ADOBE, MAIL),
    "mail and a client": issued(MAIL, CLIENT),
}
BAD: dict[str, Callable[[DevelopmentAuthority], Credential]] = {
    "a person's": lambda authority: authority.person("P9", "Bram", now=datetime.now(UTC)),
    "a timestamp authority's": issued(STAMPS),
    "a responder's": issued(OCSP),
    "a responder's that may sign documents": issued(DOCUMENTS, OCSP),
    "a client's": issued(CLIENT),
    "a server's": issued(SERVER),
    "of programs": issued(CODE),
    "for agreeing on keys": issued(key_usage=frozenset({"key_agreement"})),
}


def judged(anchor: Anchor, authority: DevelopmentAuthority) -> tuple[bool, bool]:
    """Whether it counts for the office, and for an auditor."""
    ours = fault_of(anchor, first=FIRST, chains=PinnedChains(authority.trust)) is None
    try:
        verify_log.read_anchor(json.loads(anchor.line)["anchor"], [authority.root], datetime.now(UTC))
    except verify_log._Wrong:
        return ours, False
    return ours, True


@pytest.mark.parametrize("whose", GOOD)
def test_a_seal_counts_for_both(authority: DevelopmentAuthority, whose: str) -> None:
    assert judged(sealed(GOOD[whose](authority)), authority) == (True, True)


@pytest.mark.parametrize("whose", BAD)
def test_a_seal_that_is_none_counts_for_neither(authority: DevelopmentAuthority, whose: str) -> None:
    assert judged(sealed(BAD[whose](authority)), authority) == (False, False)


# Copies


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def office(tmp_path: Path, outside: Path) -> Iterator[Office]:
    """An office that stands still; its authority's server does not run."""
    (tmp_path / "data").mkdir()
    copyfile(SAMPLE, tmp_path / "data" / REGISTER_FILE)
    store = Store.open(tmp_path / "data", environ={})
    append_notes(store, 5, at=datetime.now(UTC) - timedelta(days=3))
    store.close()
    office = Office.open(tmp_path / "data", environ={"PARAAF_ANCHORS": str(outside)})
    yield office
    office.close()


def test_copies_are_made_up_for_while_the_authority_is_silent(office: Office, outside: Path) -> None:
    with AuthorityServer(office.authority.folder):
        asyncio.run(office.anchor())
    [file] = outside.iterdir()
    file.unlink()
    append_notes(office.store, 1, at=datetime.now(UTC) - timedelta(days=2))
    with pytest.raises(TimestampError):
        asyncio.run(office.anchor())
    assert [one.name for one in outside.iterdir()] == [file.name]


def test_a_copy_that_fails_does_not_hide_that_there_is_an_anchor(office: Office, outside: Path) -> None:
    outside.rmdir()
    with AuthorityServer(office.authority.folder), pytest.raises(AnchorNotKept) as caught:
        asyncio.run(office.anchor("seal"))
    assert str(caught.value).startswith("The anchor over the head 5:")
    assert "was made, and is in the database. An anchor could not be written into" in str(caught.value)
