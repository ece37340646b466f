"""A timestamp token, and everything that must hold before it counts.

Source: RFC 3161 (2.3: the authority's certificate has one, critical, extended key usage; 2.4.2: the token).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import der
from certs.der import DerError
from signing.chains import Path, PinnedChains
from signing.errors import ChainError, TimestampError
from signing.signed_data import SignedData, load_certificate, parse_signed_data, verify_signed_data
from signing.signers import DIGEST_OIDS

OID_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_DIGEST_NAMES = {der.oid(dotted): name for name, dotted in DIGEST_OIDS.items()}


@dataclass(frozen=True)
class Token:
    """A token that stood all checks: its DER, its time, and its authority's path (leaf first)."""

    token_der: bytes
    gen_time: datetime
    path: Path


@dataclass(frozen=True)
class _TstInfo:
    algorithm: bytes
    imprint: bytes
    gen_time: datetime
    nonce: int | None


def check_token(
    token_der: bytes,
    *,
    digest_of: Callable[[str], bytes],
    chains: PinnedChains,
    nonce: int | None = None,
    earliest: datetime | None = None,
    latest: datetime | None = None,
) -> Token:
    """Check imprint, nonce, time, signature, extended key usage and chain; raises TimestampError.

    `digest_of` gives the digest of the stamped data under the token's algorithm (sha256, sha384 or sha512).
    `nonce` None leaves the nonce alone (it means nothing once the request is gone); so do `earliest` and
    `latest` for the time window.
    """
    try:
        signed = parse_signed_data(token_der)
        info = _tst_info(signed)
        _check_imprint(info, digest_of)
        if nonce is not None and info.nonce != nonce:
            raise DerError("the nonce is not the one that was sent")
        if (earliest and info.gen_time < earliest) or (latest and info.gen_time > latest):
            raise DerError(f"the time {info.gen_time.isoformat()} is not the time of the request")
        cert_der = signed.signer_certificate()
        verify_signed_data(signed, cert_der, hashlib.new(signed.digest_name, signed.content or b"").digest())
        _check_purpose(load_certificate(cert_der))
        path = chains.path(
            cert_der, extra=signed.certificates, at=info.gen_time, whose="the timestamp authority"
        )
    except (DerError, ChainError) as error:
        raise TimestampError(
            f"The timestamp token is not acceptable: {str(error).removesuffix('.')}.",
            hint="Ask the timestamp authority, or put another one into the profile.",
        ) from error
    return Token(token_der=token_der, gen_time=info.gen_time, path=path)


def _check_imprint(info: _TstInfo, digest_of: Callable[[str], bytes]) -> None:
    name = _DIGEST_NAMES.get(info.algorithm)
    if name is None or info.imprint != digest_of(name):
        raise DerError("the imprint is not that of the data")


def _check_purpose(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise DerError("its certificate has no extended key usage") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise DerError("its certificate's extended key usage is not critical timeStamping alone")


def _tst_info(signed: SignedData) -> _TstInfo:
    if signed.content_type != der.oid(OID_TST_INFO) or signed.content is None:
        raise DerError("there is no TSTInfo inside")
    data = signed.content
    parts = der.children(data, der.only(data))
    imprint = der.children(data, der.expect(parts, 2, der.SEQUENCE))
    algorithm = der.children(data, der.expect(imprint, 0, der.SEQUENCE))
    nonces = [part for part in parts[5:] if part.tag == der.INTEGER]
    return _TstInfo(
        algorithm=der.whole(data, der.expect(algorithm, 0, der.OID)),
        imprint=der.content(data, der.expect(imprint, 1, der.OCTET_STRING)),
        gen_time=generalized_time(der.content(data, der.expect(parts, 4, der.GENERALIZED_TIME))),
        nonce=der.number(data, nonces[0]) if nonces else None,
    )


def generalized_time(text: bytes) -> datetime:
    """Read YYYYMMDDhhmmss[.f…]Z; raises DerError. Source: RFC 3161, 2.4.2."""
    whole, _, fraction = text.removesuffix(b"Z").partition(b".")
    if (
        not text.endswith(b"Z")
        or len(whole) != 14
        or not whole.isdigit()
        or (fraction and not fraction.isdigit())
    ):
        raise DerError("genTime is not a UTC GeneralizedTime")
    try:
        parts = (whole[:4], whole[4:6], whole[6:8], whole[8:10], whole[10:12], whole[12:])
        moment = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type,misc]  # six of them
    except ValueError as error:
        raise DerError("genTime is not a time") from error
    return moment + timedelta(microseconds=int((fraction + b"000000")[:6]))
