"""How long algorithms and key lengths are good for.

The dates are those of the catalogue of ETSI TS 119 312 V1.5.1 (2024-12), read not in the standard itself
but in the machine-readable form in which the European Commission's DSS carries it (its suite "ETSI ESI
Cryptographic Suites", 1.5.1, issued 2024-10-13). The standard builds on the SOG-IS agreed mechanisms. An end
is the first moment at which the algorithm proves nothing by itself; what a timestamp shows to have existed
before is not touched. No end is named for SHA-2 from 256 bits, SHA-3, RSA-PSS from 3,000 bits and elliptic
curves from 256 bits. Ed25519 and Ed448 are not in that catalogue: they are kept without an end, and the
report says so by naming none.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509

NEVER: Final = datetime.max.replace(tzinfo=UTC)
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


def _day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


DIGEST_ENDS: Final = {
    "md2": _day(2004, 8),  # not in the catalogue: as MD5
    "md5": _day(2004, 8),
    "sha1": _day(2012, 8),
    "ripemd160": _day(2014, 8),
    "whirlpool": _day(2020, 12),
    "sha224": _day(2029),
    "sha512_224": _day(2029),  # as SHA-224
    "sha3_224": _day(2029),  # as SHA-224
}
# No end is named; the last two are not in the catalogue and kept with Ed448, which is made with them.
KEPT_DIGESTS: Final = frozenset(
    {
        "sha256",
        "sha384",
        "sha512",
        "sha3_256",
        "sha3_384",
        "sha3_512",
        "sha512_256",
        "shake256",
        "shake256_len",
    }
)
_CURVE: Final = re.compile(r"(?:secp|sect|prime|brainpoolp)(\d{3})")
# (from so many bits on, good until): the last line that fits holds
RSA_ENDS: Final = ((0, ALWAYS), (786, _day(2010, 8)), (1024, _day(2019, 10)), (1900, _day(2029)))
RSA_PSS_ENDS: Final = (*RSA_ENDS, (3000, NEVER))
DSA_ENDS: Final = ((0, ALWAYS), (1024, _day(2015, 12)), (1900, _day(2029)), (3000, NEVER))
EC_ENDS: Final = ((0, ALWAYS), (160, _day(2012, 8)), (224, _day(2021, 10)), (256, NEVER))


@dataclass(frozen=True)
class Strength:
    """What a signature rests on. `good_until` is the last year of the weakest part.

    None: no end is named; 0: it never was good, or nobody knows how long its key is.
    """

    digest: str
    key: str  # such as RSA-2048, EC-256, Ed25519
    good_until: int | None
    weakest: str | None  # the part that ends first, in words

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Part:
    name: str
    ends: datetime


@dataclass(frozen=True)
class Means:
    """What a signature was made with: the digest's name, and the signature algorithm."""

    digest: str
    algorithm: algos.SignedDigestAlgorithm

    @classmethod
    def of(cls, signer: cms.SignerInfo) -> "Means":
        """As a CMS states them."""
        return cls(signer["digest_algorithm"]["algorithm"].native, signer["signature_algorithm"])


def strength_of(means: Means, path: Sequence[asn1_x509.Certificate]) -> Strength:
    """The strength of a signature and of the certificates (signer first) that vouch for its key."""
    end, weakest = _first_end(means, path)
    return Strength(
        digest=means.digest,
        key=_key(path[0])[0] if path else "unknown",
        good_until=0 if end == ALWAYS else (end - timedelta(days=1)).year if end < NEVER else None,
        weakest=weakest if end < NEVER else None,
    )


def ends_at(means: Means, path: Sequence[asn1_x509.Certificate]) -> datetime:
    """The moment from which a signature proves nothing by itself; the anchor's own one is no part of it."""
    return _first_end(means, path)[0]


def _first_end(means: Means, path: Sequence[asn1_x509.Certificate]) -> tuple[datetime, str]:
    parts = list(_parts(means, path))
    first = min(parts, key=lambda part: part.ends)
    return first.ends, first.name


def _parts(means: Means, path: Sequence[asn1_x509.Certificate]) -> Iterable[_Part]:
    yield _digest(means.digest)
    if path:
        yield from _signature(means.algorithm, path[0])
    for certificate, issuer in pairwise(path):
        yield from _signature(certificate["signature_algorithm"], issuer)


def _signature(algorithm: Any, by: asn1_x509.Certificate) -> Iterable[_Part]:
    """The digest that a signature algorithm names, if it names one, and the key that signs."""
    pss = algorithm["algorithm"].native == "rsassa_pss"
    with suppress(ValueError):  # Ed25519, or RSA with the digest named elsewhere
        yield _digest(algorithm.hash_algo)
    name, kind, bits = _key(by)
    ends = {
        "rsa": RSA_PSS_ENDS if pss else RSA_ENDS,
        "rsassa_pss": RSA_PSS_ENDS,
        "dsa": DSA_ENDS,
        "ec": EC_ENDS,
    }
    if kind in ends:
        padding = " with PKCS#1 v1.5 padding" if ends[kind] is RSA_ENDS and bits >= 1900 else ""
        yield _Part(f"{name}{padding}", _last_that_fits(ends[kind], bits))


def _digest(name: str) -> _Part:
    return _Part(
        name.upper().replace("SHA", "SHA-").replace("SHA-3_", "SHA3-"),
        DIGEST_ENDS.get(name, NEVER if name in KEPT_DIGESTS else ALWAYS),
    )


def _last_that_fits(table: Sequence[tuple[int, datetime]], bits: int) -> datetime:
    return [end for least, end in table if bits >= least][-1]


def _key(certificate: asn1_x509.Certificate) -> tuple[str, str, int]:
    """A key in words, its kind and its length in bits."""
    key = certificate.public_key
    kind = key.algorithm
    try:
        return _measured(key, kind)
    except Exception:  # noqa: BLE001 (a stranger's key in a form that nobody knows: it proves nothing)
        return f"{kind} of unknown length", kind, 0


def _measured(key: Any, kind: str) -> tuple[str, str, int]:
    if kind in ("rsa", "rsassa_pss", "dsa"):
        return f"{'DSA' if kind == 'dsa' else 'RSA'}-{key.bit_size}", kind, key.bit_size
    if kind == "ec":
        named = _CURVE.match(key.curve[1])  # by its name: a point takes whole octets, 528 bits for 521
        bits = int(named.group(1)) if named else 0
        return f"EC-{bits}", kind, bits
    return str(kind).capitalize(), str(kind), 0
