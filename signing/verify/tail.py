"""Validation data behind the last signature, which nothing covers: whether every byte is accounted for.

They are when (1) the update is, byte for byte, the one that would be written for these data over this file,
with a digest of its objects in its identifier, so that not a bit of it can be another; (2) every certificate
is on the path of somebody who signed or stamped the file, or speaks for an answer; (3) every answer says
"good" about one of those paths' certificates, by a signature that holds. So nothing is in it but what
anybody could have fetched and added: it takes nobody's protection to be believed.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ocsp

from certs.evidence import UnusableAnswer
from signing.composition import validation_data_update
from signing.longterm import LongTermData, ocsp_certificates
from signing.opened import OpenedPdf
from signing.selfcheck import carried_by, carried_data
from signing.signed_data import load_certificate
from signing.verify.evidence import said_when_issued
from signing.verify.precedents import Recalled

_MOST_KEPT = 4096
_LONGEST_PATH = 8
# What was asked of an answer before, by digests: the same answers are in file after file, and lists are long.
_GOOD: Recalled[bool] = Recalled(_MOST_KEPT)
Paths = Sequence[tuple[bytes, ...]]


def accounted_for(pdf: bytes, end: int, paths: Paths) -> bool:
    """Whether what lies behind byte `end` of a file is validation data about these paths and nothing else.

    `paths` are those of all signatures and timestamps, as DER, leaf first and anchor last.
    """
    try:
        before = OpenedPdf(pdf[:end])
        added = _added(carried_by(before), carried_data(pdf))
        if added is None or validation_data_update(before, added) != pdf[end:]:  # (1)
            return False
        whole = [_up_to_its_root(path, added.certificates) for path in paths]
        return _placed(added, whole) and _heard(added, whole)
    except Exception:  # noqa: BLE001 (whatever it stumbles over is not accounted for)
        return False


def _added(before: LongTermData, now: LongTermData) -> LongTermData | None:
    """What the store holds more than before; None when it is not the same and more."""
    pairs = (
        (before.certificates, now.certificates),
        (before.ocsps, now.ocsps),
        (before.crls, now.crls),
    )
    if any(there != here[: len(there)] for there, here in pairs):
        return None
    return LongTermData(*(here[len(there) :] for there, here in pairs))


def _up_to_its_root(path: tuple[bytes, ...], stored: Sequence[bytes]) -> tuple[bytes, ...]:
    """A path, and what is above it where its anchor is an issuing authority that is trusted by itself.

    Only where that ends in a root; nobody relies on it.
    """
    whole = list(path)
    while whole and len(whole) <= _LONGEST_PATH and not _issued_by(whole[-1], whole[-1]):
        above = [each for each in stored if each not in whole and _issued_by(whole[-1], each)]
        if not above:
            return path
        whole.append(above[0])
    return tuple(whole) if len(whole) <= _LONGEST_PATH else path


def _placed(added: LongTermData, paths: Paths) -> bool:
    """(2)"""
    known = {certificate for path in paths for certificate in path}
    known.update(each for answer in added.ocsps for each in ocsp_certificates(answer))
    return all(each in known for each in added.certificates)


@lru_cache(maxsize=_MOST_KEPT)
def _issued_by(certificate: bytes, issuer: bytes) -> bool:
    return _issued(certificate, load_certificate(issuer))


def _heard(added: LongTermData, paths: Paths) -> bool:
    """(3)"""
    links = list(dict.fromkeys(link for path in paths for link in pairwise(path)))
    answers = [*((each, False) for each in added.ocsps), *((each, True) for each in added.crls)]
    return all(any(_is_good(answer, *link, is_list) for link in links) for answer, is_list in answers)


def _is_good(answer: bytes, subject: bytes, issuer: bytes, is_list: bool) -> bool:
    """Whether an answer, at the time when it was issued, calls a certificate good."""
    key = (is_list, *(sha256(each).digest() for each in (answer, subject, issuer)))
    good = _GOOD.get(key)
    if good is None:
        good = _calls_good(answer, subject, issuer, is_list)
        _GOOD.put(key, good)
    return good


def _calls_good(answer: bytes, subject: bytes, issuer: bytes, is_list: bool) -> bool:
    certificate, issuing = load_certificate(subject), load_certificate(issuer)
    try:
        if not is_list and certificate.serial_number not in _serials(answer):
            return False
        evidence = said_when_issued(answer, certificate, issuing, is_list=is_list)
    except (UnusableAnswer, ValueError):
        return False
    return evidence.status == "good" and (
        is_list or all(each == issuer or _issued_by(each, issuer) for each in ocsp_certificates(answer))
    )


def _issued(certificate: bytes, issuer: x509.Certificate) -> bool:
    try:
        load_certificate(certificate).verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _serials(answer: bytes) -> Iterator[int]:
    return (single.serial_number for single in ocsp.load_der_ocsp_response(answer).responses)
