"""Look at a finished file with other eyes before it is handed out, and say which level it really has.

A strict check on the bytes: byte ranges, digests, CMS signatures, ESS certificates, pinned chains, timestamp
tokens, carried revocation answers. It forgives nothing; the full validation of any file, including what
changed between its revisions, is signing.verify's.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from certs import der
from certs.der import DerError
from signing.chains import PinnedChains
from signing.cms import OID_DATA, OID_SIGNATURE_TIMESTAMP
from signing.errors import ChainError, SelfCheckError, TimestampError
from signing.longterm import LongTermData
from signing.opened import UNREADABLE, OpenedPdf, malformed
from signing.placeholder import Gap
from signing.profile import Level
from signing.revocation_check import CarriedAnswers
from signing.signed_data import SignedData, parse_signed_data, verify_signed_data
from signing.tokens import Token, check_token

_HEX = re.compile(rb"<[0-9A-Fa-f]*>")


def check_finished(
    pdf: bytes,
    *,
    signature: Gap,
    archive: Gap | None,
    asked: Level,
    chains: PinnedChains,
    answers: CarriedAnswers,
    now: datetime,
) -> Level:
    """Check one new signature in a finished file, as far up as the level asked; returns the level reached.

    `signature` and `archive` are where /Contents stand and how long the file was. Raises SelfCheckError when
    something is wrong; something that is just not there gives a lower level.
    """
    try:
        signed = _check_signature(pdf, signature)
        token = _signature_token(signed, chains)
        cert_der = signed.signer_certificate()
        signed_at = token.gen_time if token else now
        path = chains.path(cert_der, extra=signed.certificates, at=signed_at, whose="the signer")
        if token is None or asked is Level.B_B:
            return Level.B_B
        level = Level.B_T
        if asked.reaches(Level.B_LT):
            carried = carried_data(pdf)
            gaps = [answers.missing(each, carried, signed_at) for each in (path, token.path)]
            level = Level.B_T if any(gaps) else Level.B_LT
        if asked is Level.B_LTA and level is Level.B_LT and archive is not None:
            stamp = check_document_timestamp(pdf, archive, chains)
            if not answers.missing(stamp.path, carried_data(pdf), stamp.gen_time):
                level = Level.B_LTA
    except (DerError, ChainError, TimestampError) as error:
        raise SelfCheckError(
            f"The finished file did not pass the check before it is handed out: {error}",
            hint="Nothing has been recorded. Sign again; if it stays, report it.",
        ) from error
    return level


def check_document_timestamp(pdf: bytes, archive: Gap, chains: PinnedChains) -> Token:
    """Check a document timestamp that must cover the whole file; raises DerError, TimestampError."""
    if archive.length != len(pdf):
        raise DerError("the archive timestamp does not cover the whole file")
    return check_token(contents(pdf, archive), digest_of=_digest_outside(pdf, archive), chains=chains)


def carried_data(pdf: bytes) -> LongTermData:
    """Read a file's document security store; raises DocumentRefusedError when the file is malformed."""
    return carried_by(OpenedPdf(pdf))


def carried_by(opened: OpenedPdf) -> LongTermData:
    """As `carried_data`, of a file that is open."""
    store = opened.entry(opened.catalog, "/DSS", {})
    try:
        certificates, ocsps, crls = (
            tuple(opened.follow(ref).data for ref in opened.entry(store, key, []))
            for key in ("/Certs", "/OCSPs", "/CRLs")
        )
    except UNREADABLE as error:
        raise malformed(error) from error
    return LongTermData(certificates, ocsps, crls)


def contents(pdf: bytes, gap: Gap) -> bytes:
    """Return the DER object in a signature's /Contents, followed by zeros only; raises DerError."""
    if not 0 < gap.start < gap.end <= gap.length <= len(pdf):
        raise DerError("the byte range is not inside the file")
    if b"%d %d %d" % gap.byte_range[1:] not in pdf[max(0, gap.start - 256) : gap.start]:
        raise DerError("the byte range in the file is another one")
    text = pdf[gap.start : gap.end]
    if not _HEX.fullmatch(text) or not pdf[gap.start - 256 : gap.start].rstrip().endswith(b"/Contents"):
        raise DerError("the byte range does not leave out exactly /Contents")
    data = bytes.fromhex(text[1:-1].decode())
    found = der.node(data)
    if data[found.end :].strip(b"\0"):
        raise DerError("something follows the signature in /Contents")
    return data[: found.end]


def _digest_outside(pdf: bytes, gap: Gap) -> Callable[[str], bytes]:
    def digest(algorithm: str) -> bytes:
        view = memoryview(pdf)
        state = hashlib.new(algorithm, view[: gap.start])
        state.update(view[gap.end : gap.length])
        return state.digest()

    return digest


def _check_signature(pdf: bytes, gap: Gap) -> SignedData:
    if not pdf[max(0, gap.length - 32) : gap.length].rstrip().endswith(b"%%EOF"):
        raise DerError("the signature does not cover a whole revision")
    signed = parse_signed_data(contents(pdf, gap))
    if signed.content_type != der.oid(OID_DATA) or signed.content is not None:
        raise DerError("the signature is not a detached one over data")
    verify_signed_data(signed, signed.signer_certificate(), _digest_outside(pdf, gap)(signed.digest_name))
    return signed


def _signature_token(signed: SignedData, chains: PinnedChains) -> Token | None:
    token_der = signed.unsigned.get(der.oid(OID_SIGNATURE_TIMESTAMP))
    if token_der is None:
        return None
    return check_token(
        token_der, digest_of=lambda name: hashlib.new(name, signed.value).digest(), chains=chains
    )
