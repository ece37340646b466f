"""Hold the anchors that the office keeps against their own proofs; logcheck holds them against the log."""

import hashlib
import json
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from certs import der
from certs.der import DerError
from signing.chains import PinnedChains
from signing.cms import OID_DATA
from signing.errors import ChainError, TimestampError
from signing.signed_data import load_certificate, parse_signed_data, verify_signed_data
from signing.tokens import check_token
from workflow.anchors import Anchor, Statement
from workflow.errors import LogUnwritable

# What a seal's certificate may be for, when it says so; as audit/verify_log.py has it, which shares no code.
FOR_SEALS = frozenset(
    (
        ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # documents: RFC 9336
        ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # documents: Microsoft
        ObjectIdentifier("1.2.840.113583.1.1.5"),  # documents: Adobe
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    )
)
BESIDE_SEALS = frozenset((ExtendedKeyUsageOID.CLIENT_AUTH,))
OF_PEOPLE = (NameOID.USER_ID, NameOID.GIVEN_NAME, NameOID.SURNAME)


def require_form(anchor: Anchor) -> None:
    """Refuse an anchor whose columns have other types than ours; raises TypeError."""
    texts = (anchor.sha256_hex, anchor.head.hash, anchor.statement)
    if type(anchor.head.seq) is not int or not all(isinstance(text, str) for text in texts):
        raise TypeError("no anchor")
    if anchor.kind not in {"timestamp", "seal"}:
        raise TypeError("no anchor")
    if not isinstance(anchor.proof, bytes) or anchor.made_at.tzinfo is None:
        raise TypeError("no anchor")


def fault_of(anchor: Anchor, *, first: str, chains: PinnedChains | None) -> str | None:
    """What is wrong with an anchor, as a sentence; None when nothing is.

    `first` is the hash of the log's first event. Without `chains` the proof is not looked at, as there is
    nothing to trust.
    """
    if not _is_about(anchor, first):
        return "Its anchor does not say what its row says, or is of another log."
    if chains is None:
        return None
    try:
        _check_proof(anchor, chains)
    except (DerError, ChainError, TimestampError, UnsupportedAlgorithm, ValueError) as error:
        return f"The proof of its anchor does not hold: {str(error).removesuffix('.')}."
    return None


def _is_about(anchor: Anchor, first: str) -> bool:
    """Whether the statement is the one about this head, at some time; a seal's time is its row's."""
    try:
        said_at = datetime.fromisoformat(json.loads(anchor.statement)["at"])
        return anchor.statement == Statement(anchor.head, first, said_at).text and (
            anchor.kind == "timestamp" or said_at == anchor.made_at
        )
    except (ValueError, TypeError, KeyError, LogUnwritable):
        return False


def _check_proof(anchor: Anchor, chains: PinnedChains) -> None:
    statement = anchor.statement.encode()
    if anchor.kind == "timestamp":
        token = check_token(
            anchor.proof, digest_of=lambda name: hashlib.new(name, statement).digest(), chains=chains
        )
        if token.gen_time != anchor.made_at:
            raise DerError("its time is not the one in its row")
        return
    signed = parse_signed_data(anchor.proof)
    if signed.content is not None or signed.content_type != der.oid(OID_DATA):
        raise DerError("it is no detached signature")
    certificate = signed.signer_certificate()
    _require_seal(load_certificate(certificate))
    verify_signed_data(signed, certificate, hashlib.new(signed.digest_name, statement).digest())
    chains.path(certificate, extra=signed.certificates, at=anchor.made_at, whose="the seal")


def _require_seal(certificate: x509.Certificate) -> None:
    """Refuse a certificate that is not an organisation's for signing documents; raises DerError."""
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise DerError("it is by a certificate that is not for signing")
    try:
        purposes = frozenset(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        purposes = FOR_SEALS
    if purposes.isdisjoint(FOR_SEALS) or not purposes <= FOR_SEALS | BESIDE_SEALS:
        raise DerError("it is by a timestamp authority, or another that does not sign documents")
    if any(certificate.subject.get_attributes_for_oid(oid) for oid in OF_PEOPLE):
        raise DerError("it is by a person, not by an organisation")
