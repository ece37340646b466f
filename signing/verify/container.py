"""The bytes of a file that its last signature does not cover: /Contents itself, and the parts of the CMS that
the signature value doesn't protect.

Whoever changes these bytes changes nothing that was signed, yet a verifier that doesn't look can't tell an
untouched file from a touched one. So they must be exactly what an honest signer writes: one hexadecimal
string in one letter case, the DER of one CMS, then zeros; a CMS without redundancies that contradict each
other, whose certificates are all intact, and whose unsigned attributes are all understood.
Sources: ISO 32000-2, 12.8.1 (Contents padded with zeros); RFC 5652, 5.1 and 5.3 (version numbers, algorithm
sets).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from certs import der
from certs.der import SEQUENCE, DerError, Node, children, node, whole
from signing.verify.ber import in_der, is_indefinite
from signing.verify.findings import Finding
from signing.verify.known import Known
from signing.verify.limits import MAX_CMS_BYTES
from signing.verify.rawscan import hex_digits
from signing.verify.words import mark

_TIMESTAMP = "signature_time_stamp_token"
_SIGNED_DATA_NUMBER = bytes.fromhex("06092a864886f70d010702")
# Unsigned attributes that hold a CMS in honest files: Microsoft's and CAdES's timestamps, ETSI EN 319 122-1.
_KNOWN_ATTRIBUTES = frozenset(
    {"1.3.6.1.4.1.311.3.3.1", "1.3.6.1.4.1.311.2.4.1"}
    | {f"1.2.840.113549.1.9.16.2.{number}" for number in (14, 25, 26, 27, 48)}
)
_OF_CADES = "0.4.0.1733.2."
SIGNATURE, TIMESTAMP = mark("the signature"), mark("the timestamp")


@dataclass(frozen=True)
class Container:
    """What /Contents holds: the CMS in DER, and what is odd about the way it is written."""

    der: bytes
    raw: bytes  # with the padding
    findings: tuple[Finding, ...]


def read_contents(gap: bytes) -> Container | Finding:
    """Take the CMS out of a signed range's gap (`<hex…>`), noting every byte that an honest signer wouldn't
    write.

    Returns a `cms_unreadable` finding when there is no CMS to take.
    """
    digits = hex_digits(gap)
    if digits is None:
        return Finding("cms_unreadable", "the signature's container is not one hexadecimal string")
    if len(digits) > 2 * MAX_CMS_BYTES:
        return Finding("cms_unreadable", "the signature's container is larger than any signature is")
    raw = bytes.fromhex(digits.decode("ascii"))
    findings = []
    try:
        if is_indefinite(raw):
            der, length = in_der(raw)
            findings.append(Finding("cms_in_ber", "the signature is written as older software did"))
        else:
            length = node(raw).end
            der = raw[:length]
    except DerError as error:
        return Finding("cms_unreadable", "the signature's container holds no readable signature", str(error))
    if digits not in (digits.lower(), digits.upper()):
        findings.append(
            Finding(
                "contents_not_canonical",
                "the signature's container was rewritten after signing",
                "upper- and lower-case hexadecimal digits are mixed",
            )
        )
    if raw[length:].strip(b"\0"):
        findings.append(
            Finding(
                "contents_padding_used",
                "something is hidden behind the signature, where nothing protects it",
                f"{len(raw) - length} bytes of padding behind the CMS are not all zero",
            )
        )
    return Container(der, raw, tuple(findings))


def check_cms(der: bytes, known: Sequence[x509.Certificate], *, what: str = SIGNATURE) -> tuple[Finding, ...]:
    """Findings about the unprotected parts of a CMS, and of the timestamp token inside it.

    `known` are certificates from outside the file (anchors, intermediates) that embedded ones may have been
    issued by. Raises nothing: a CMS that can't be walked is a finding.
    """
    try:
        _walk(der, 0, len(der), depth=0)
        _check_shape(der)
    except DerError as error:
        return (
            Finding(
                "cms_not_der",
                "{what:word} is not written in the canonical form (DER)",
                str(error),
                values={"what": what},
            ),
        )
    try:
        return tuple(_check_parsed(cms.ContentInfo.load(der, strict=True), known, what))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return (
            Finding(
                "cms_inconsistent", _CONTRADICTS, f"{type(error).__name__}: {error}", values={"what": what}
            ),
        )


def _check_parsed(info: cms.ContentInfo, known: Sequence[x509.Certificate], what: str) -> Iterator[Finding]:
    signed = info["content"]
    signers = signed["signer_infos"]
    if len(signers) != 1:
        yield Finding(
            "cms_inconsistent",
            "{what:word} must have exactly one signer, it has {count}",
            values={"what": what, "count": len(signers)},
        )
        return
    signer = signers[0]
    problems = [*_contradictions(signed, signer)]
    if problems:
        yield Finding("cms_inconsistent", _CONTRADICTS, "; ".join(problems), values={"what": what})
    yield from _check_certificates(signed, known, what)
    yield from _check_unsigned(signer, known, what)


_CONTRADICTS = mark("{what:word} contradicts itself")
_MGF1 = der.oid("1.2.840.113549.1.1.8")
_PSS_USUAL_SALT = 20  # bytes; what is usual is left out


def _contradictions(signed: cms.SignedData, signer: cms.SignerInfo) -> Iterator[str]:
    """Redundant fields of a CMS that must agree. Source: RFC 5652, 5.1 and 5.3."""
    content_type = signed["encap_content_info"]["content_type"].native
    by_key_id = signer["sid"].name != "issuer_and_serial_number"
    if signer["version"].native != ("v3" if by_key_id else "v1"):
        yield f"signer version {signer['version'].native}"
    expected = "v1" if content_type == "data" and not by_key_id else "v3"
    if signed["version"].native != expected:
        yield f"version {signed['version'].native}, expected {expected}"
    if [algorithm.dump() for algorithm in signed["digest_algorithms"]] != [signer["digest_algorithm"].dump()]:
        yield "the list of digest algorithms is not the signer's"
    if not by_key_id and signer["sid"].chosen["issuer"].dump() not in _issuer_names(signed):
        yield "the signer is named otherwise than its certificate does"  # names compare loosely, bytes don't
    if signed["crls"].native:
        yield "revocation lists are enclosed where nothing protects them"
    for name in ("digest_algorithm", "signature_algorithm"):
        yield from _algorithm_oddities(signer[name])
    yield from _pss_oddities(signer)


def _pss_oddities(signer: cms.SignerInfo) -> Iterator[str]:
    """Nothing signs what RSASSA-PSS is to be done with: it has to be said in one way, of the one digest.

    Source: RFC 4055, 2.1 and 3.1 (a digest's parameters are NULL, or absent).
    """
    parameters = signer["signature_algorithm"]["parameters"]
    if not isinstance(parameters, algos.RSASSAPSSParams):
        return
    digest = der.oid(signer["digest_algorithm"]["algorithm"].dotted)
    salt = parameters["salt_length"].native
    salted = der.tlv(0xA2, der.integer(salt)) if salt != _PSS_USUAL_SALT else b""
    nulls = (der.tlv(der.NULL), b"")
    hashed = [der.tlv(0xA0, der.sequence(digest, null)) for null in nulls]
    masked = [der.tlv(0xA1, der.sequence(_MGF1, der.sequence(digest, null))) for null in nulls]
    if parameters.dump() not in {der.sequence(one, other, salted) for one in hashed for other in masked}:
        yield "RSASSA-PSS is to be done in another way than its digest's, or that is oddly written"


def _issuer_names(signed: cms.SignedData) -> set[bytes]:
    return {
        _issuer_name(choice.chosen.dump())
        for choice in signed["certificates"]
        if choice.name == "certificate"
    }


@lru_cache(maxsize=512)
def _issuer_name(certificate: bytes) -> bytes:
    name: bytes = asn1_x509.Certificate.load(certificate).issuer.dump()
    return name


def _algorithm_oddities(algorithm: algos.DigestAlgorithm | algos.SignedDigestAlgorithm) -> Iterator[str]:
    name = algorithm["algorithm"].native
    if name[:1].isdigit():
        yield f"unknown algorithm {name}"
    parameters = algorithm["parameters"]
    if name == "shake256_len":  # what Ed448 signs with: 512 bits of it. Source: RFC 8419, 2.3
        if parameters.native != 512:
            yield f"{name} of {parameters.native} bits"
    elif name != "rsassa_pss" and not isinstance(parameters, core.Null | core.Void):
        yield f"{name} has parameters"
    if isinstance(parameters, core.Null) and parameters.contents:
        yield f"{name} has a NULL that isn't empty"


def _check_certificates(
    signed: cms.SignedData, known: Sequence[x509.Certificate], what: str
) -> Iterator[Finding]:
    """Each enclosed certificate is intact: its issuer is at hand and its signature verifies."""
    if isinstance(signed["certificates"], core.Void):
        return
    enclosed = []
    for choice in signed["certificates"]:
        if choice.name != "certificate":
            yield Finding(
                "certificate_unplaced",
                "{what:word} encloses a certificate of an unsupported kind",
                values={"what": what},
            )
            continue
        try:
            enclosed.append(_certificate(choice.chosen.dump()))
        except ValueError as error:
            yield Finding(
                "certificate_unplaced",
                "{what:word} encloses a damaged certificate",
                str(error),
                values={"what": what},
            )
    at_hand = known if isinstance(known, Known) else Known(known)
    for certificate in enclosed:
        issuers = (*enclosed, *at_hand.issuers_of(certificate))
        if certificate not in at_hand and not any(_issued(issuer, certificate) for issuer in issuers):
            yield Finding(
                "certificate_unplaced",
                "{what:word} encloses a certificate that is damaged or that nobody at hand issued",
                certificate_name(certificate),
                values={"what": what},
            )


_certificate = lru_cache(maxsize=512)(x509.load_der_x509_certificate)


@lru_cache(maxsize=4096)
def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def certificate_name(certificate: x509.Certificate) -> str:
    """RFC 4514 name of the subject; a certificate whose name can't be read says so."""
    try:
        return certificate.subject.rfc4514_string()
    except ValueError:
        return "(a certificate whose name can't be read)"


def _check_unsigned(
    signer: cms.SignerInfo, known: Sequence[x509.Certificate], what: str
) -> Iterator[Finding]:
    if isinstance(signer["unsigned_attrs"], core.Void):
        return
    for attribute in signer["unsigned_attrs"]:
        name, number = attribute["type"].native, attribute["type"].dotted
        if name != _TIMESTAMP:
            yield Finding(
                "unsigned_attribute_unknown",
                "something was attached to {what:word} that is not understood here ({number})",
                f"unsigned attribute {name}",
                values={"what": what, "number": number},
            )
            if not _is_known_attribute(number) and any(
                _is_signed_data(value) for value in attribute["values"]
            ):
                yield Finding(
                    "cms_inconsistent",
                    "{what:word} carries another one under a name that nobody gives",
                    number,
                    values={"what": what},
                )
            continue
        if len(attribute["values"]) != 1:
            yield Finding(
                "cms_inconsistent",
                "{what:word} carries several timestamps in one attribute",
                values={"what": what},
            )
        for token in attribute["values"]:
            yield from check_cms(token.dump(), known, what=TIMESTAMP)


def _is_known_attribute(number: str) -> bool:
    return number in _KNOWN_ATTRIBUTES or number.startswith(_OF_CADES)


def _is_signed_data(value: core.Asn1Value) -> bool:
    """Whether the value of an attribute that nobody knows is a CMS, as a timestamp's would be."""
    return _SIGNED_DATA_NUMBER in bytes(value.dump()[:32])


# tags of the members, in order. Source: RFC 5652, 3, 5.1, 5.2 and 5.3
_CONTENT_INFO = re.compile(rb"\x06\xa0", re.DOTALL)
_SIGNED_DATA = re.compile(rb"\x02\x31\x30(\xa0)?(\xa1)?\x31", re.DOTALL)
_CONTENT = re.compile(rb"\x06(\xa0)?", re.DOTALL)
_SIGNER = re.compile(rb"\x02[\x30\x80]\x30(\xa0)?\x30\x04(\xa1)?", re.DOTALL)
_ATTRIBUTE = re.compile(rb"\x06\x31", re.DOTALL)


def _check_shape(der: bytes) -> None:
    """Raise DerError when a structure has members that the standard doesn't give it: parsers skip those."""
    _, explicit = _members(der, node(der), _CONTENT_INFO)
    signed, *others = children(der, explicit)
    if others:
        raise DerError("more than one content")
    members = _members(der, signed, _SIGNED_DATA)
    _members(der, members[2], _CONTENT)
    for signer in children(der, members[-1]):
        parts = _members(der, signer, _SIGNER)
        for part in parts:
            if part.tag in (0xA0, 0xA1):
                for attribute in children(der, part):
                    _members(der, attribute, _ATTRIBUTE)


def _members(der: bytes, parent: Node, expected: re.Pattern[bytes]) -> list[Node]:
    found = children(der, parent)
    tags = bytes(member.tag for member in found)
    if not expected.fullmatch(tags):
        raise DerError(f"unexpected members {tags.hex()} at offset {parent.start}")
    return found


def well_formed(value: bytes) -> None:
    """Raise DerError unless the bytes are one well-formed, minimal DER value."""
    if node(value).end != len(value):
        raise DerError("more than one value")
    _walk(value, 0, len(value), depth=0)


_CONSTRUCTED = 0x20
_ALWAYS_PRIMITIVE = frozenset({1, 2, 3, 4, 5, 6, 9, 10, 12, 13, 18, 19, 20, 22, 23, 24, 26, 27, 28, 30})
_ALWAYS_CONSTRUCTED = frozenset({16, 17})
_MAX_DEPTH = 40
_CERTIFICATES_AT = 4  # depth: in the certificates of a SignedData in a ContentInfo
_CERTIFICATE_FROM, _CERTIFICATE_TO = 256, 8192  # octets


def _walk(data: bytes, start: int, end: int, *, depth: int) -> None:
    """Raise DerError unless `data[start:end]` is a run of well-formed, minimal DER values."""
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    while start < end:
        value = node(data, start, end)
        if value.tag & 0xC0 == 0:
            _check_universal(value.tag, data[value.body : value.end], start)
        if value.tag & _CONSTRUCTED and not _like_a_certificate(data, value, depth):
            _walk(data, value.body, value.end, depth=depth + 1)
        start = value.end


def _like_a_certificate(data: bytes, value: Node, depth: int) -> bool:
    """Whether it is well formed, and of a size that is worth remembering: certificates come again."""
    return (
        value.tag == SEQUENCE
        and depth == _CERTIFICATES_AT
        and _CERTIFICATE_FROM <= value.end - value.start <= _CERTIFICATE_TO
        and _well_formed(whole(data, value))
    )


@lru_cache(maxsize=512)
def _well_formed(der: bytes) -> bool:
    try:
        _walk(der, node(der).body, len(der), depth=_CERTIFICATES_AT + 1)
    except DerError:
        return False  # it is walked in its place, where the offsets are right
    return True


def _check_universal(tag: int, content: bytes, offset: int) -> None:
    number = tag & 0x1F
    constructed = bool(tag & _CONSTRUCTED)
    if number == 0:
        raise DerError(f"padding inside the structure at offset {offset}")
    if (constructed and number in _ALWAYS_PRIMITIVE) or (not constructed and number in _ALWAYS_CONSTRUCTED):
        raise DerError(f"tag {tag:#x} at offset {offset} is of the wrong form")
    if number == 1 and content not in (b"\x00", b"\xff"):
        raise DerError(f"boolean at offset {offset} is neither 00 nor FF")
    if number == 3 and (not content or content[0] > 7 or (len(content) > 8 and content[0])):
        raise DerError(f"bit string at offset {offset} has unused bits")  # keys and signatures have none
    if number == 5 and content:
        raise DerError(f"NULL at offset {offset} is not empty")
    if number == 2 and (
        not content
        or (
            len(content) > 1
            and ((content[0] == 0 and content[1] < 0x80) or (content[0] == 0xFF and content[1] >= 0x80))
        )
    ):
        raise DerError(f"integer at offset {offset} is not minimal")
