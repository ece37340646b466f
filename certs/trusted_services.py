"""The services of trusted lists: whose certificates they are, and what status they had when.

Source: ETSI TS 119 612 V2.x, clause 5.5 (service information, history, Qualifications extension), as read
from pyHanko's reading of it.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import x509 as asn1_x509
from cryptography import x509

from certs.errors import UNREADABLE
from certs.signed_xml import Unusable

TSL: Final = "{http://uri.etsi.org/02231/v2#}"
_SIE: Final = "{http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#}"
_ADDITIONAL: Final = "{http://uri.etsi.org/02231/v2/additionaltypes#}"
_XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
_BASE: Final = "http://uri.etsi.org/TrstSvc/"
CA_QC: Final = "CA/QC"
QTST: Final = "TSA/QTST"
_KINDS: Final = {f"{_BASE}Svctype/CA/QC": CA_QC, f"{_BASE}Svctype/TSA/QTST": QTST}
_STATUS: Final = f"{_BASE}TrustedList/Svcstatus/"
_EXTENSION: Final = f"{_BASE}TrustedList/SvcInfoExt/"
_TYPES: Final = frozenset({"ForeSignatures", "ForeSeals", "ForWebSiteAuthentication"})
EIDAS: Final = datetime(2016, 6, 30, 22, 0, tzinfo=UTC)  # 1 July 2016 in Brussels, Regulation (EU) 910/2014
# Good standing. Before 1 July 2016 supervision and accreditation were what "granted" has been since.
_GRANTED: Final = frozenset({"granted"})
_SUPERVISED: Final = frozenset({"granted", "undersupervision", "supervisionincessation", "accredited"})
_DEEPEST: Final = 8  # lists of criteria within each other


@dataclass(frozen=True)
class Criteria:
    """Which certificates a qualification applies to.

    Each member of a tuple is one criterion. `unknown`: there is one that isn't understood here.
    """

    combine: str  # all, atLeastOne, none
    policies: tuple[frozenset[str], ...] = ()
    key_usages: tuple[tuple[tuple[str, bool], ...], ...] = ()
    purposes: tuple[frozenset[str], ...] = ()
    subject_attributes: tuple[frozenset[str], ...] = ()
    nested: tuple["Criteria", ...] = ()
    unknown: bool = False

    def match(self, certificate: asn1_x509.Certificate) -> bool | None:
        """Whether a certificate meets them; None when that can't be told."""
        answers = [
            *(_policies(certificate) >= wanted for wanted in self.policies),
            *(_has_usages(certificate, wanted) for wanted in self.key_usages),
            *(_purposes(certificate) >= wanted for wanted in self.purposes),
            *(_attributes(certificate) >= wanted for wanted in self.subject_attributes),
            *(nested.match(certificate) for nested in self.nested),
            *([None] if self.unknown else []),
        ]
        if not answers:
            return None
        if self.combine == "all":
            return _every(answers)
        any_met = _inverse(_every([_inverse(answer) for answer in answers]))
        return any_met if self.combine == "atLeastOne" else _inverse(any_met)


def _every(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _inverse(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _policies(certificate: asn1_x509.Certificate) -> frozenset[str]:
    policies = certificate.certificate_policies_value
    return frozenset(policy["policy_identifier"].dotted for policy in policies or ())


def _purposes(certificate: asn1_x509.Certificate) -> frozenset[str]:
    return frozenset(purpose.dotted for purpose in certificate.extended_key_usage_value or ())


def _attributes(certificate: asn1_x509.Certificate) -> frozenset[str]:
    return frozenset(pair["type"].dotted for part in certificate.subject.chosen for pair in part)


def _has_usages(certificate: asn1_x509.Certificate, wanted: tuple[tuple[str, bool], ...]) -> bool:
    value = certificate.key_usage_value
    present = value.native if value is not None else set()
    return all((_USAGES.get(name, name) in present) is needed for name, needed in wanted)


_USAGES: Final = {  # TS 119 612's words for the bits of RFC 5280, as asn1crypto names them
    "digitalSignature": "digital_signature",
    "nonRepudiation": "non_repudiation",
    "keyEncipherment": "key_encipherment",
    "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement",
    "keyCertSign": "key_cert_sign",
    "crlSign": "crl_sign",
    "encipherOnly": "encipher_only",
    "decipherOnly": "decipher_only",
}


@dataclass(frozen=True)
class Qualification:
    """What the list says of certain certificates over their own statements: names like `QCWithQSCD`."""

    qualifiers: frozenset[str]
    criteria: Criteria


@dataclass(frozen=True)
class Period:
    """One status of a service and the time for which it holds. `readable`: all of it that is critical is."""

    begins: datetime
    ends: datetime | None  # the next one's beginning
    status: str  # the end of its URI: granted, withdrawn …
    types: frozenset[str] = frozenset()  # ForeSignatures, ForeSeals, ForWebSiteAuthentication
    qualifications: tuple[Qualification, ...] = ()
    readable: bool = True

    def holds_at(self, moment: datetime) -> bool:
        """Whether this is the status of a moment."""
        return self.begins <= moment and (self.ends is None or moment < self.ends)

    def in_good_standing_at(self, moment: datetime) -> bool:
        """Whether the service was granted, or before 1 July 2016 supervised or accredited, at a moment."""
        return self.holds_at(moment) and self.status in (_SUPERVISED if moment < EIDAS else _GRANTED)


@dataclass(frozen=True)
class Service:
    """One service of one provider, with its certificates as they are listed now."""

    country: str
    provider: str
    name: str
    kind: str  # CA/QC or TSA/QTST
    certificates: tuple[bytes, ...]  # DER
    periods: tuple[Period, ...]

    def period_at(self, moment: datetime) -> Period | None:
        """The status at a moment; None before the first one."""
        return next((period for period in self.periods if period.holds_at(moment)), None)


def services_of(root: Any, country: str) -> Iterator[Service]:
    """The CA/QC and QTST services of a list. Raises Unusable when a part that every list has is missing."""
    for provider in root.findall(f"{TSL}TrustServiceProviderList/{TSL}TrustServiceProvider"):
        provided_by = text_in_english(provider.find(f"{TSL}TSPInformation/{TSL}TSPName"))
        for service in provider.findall(f"{TSL}TSPServices/{TSL}TSPService"):
            information = service.find(f"{TSL}ServiceInformation")
            if information is None:
                raise Unusable("a service in it has no information")
            history = service.findall(f"{TSL}ServiceHistory/{TSL}ServiceHistoryInstance")
            yield from _services(information, history, country, provided_by)


def _services(information: Any, history: list[Any], country: str, provider: str) -> Iterator[Service]:
    """One service a kind that it has had: a history may lead from one kind to another."""
    instances = [information, *history]
    begun = [moment_of(_text(each, "StatusStartingTime")) for each in instances]
    periods: dict[str, list[Period]] = {}
    for place in sorted(range(len(instances)), key=lambda place: begun[place], reverse=True):
        kind = _KINDS.get(_text(instances[place], "ServiceTypeIdentifier"))
        later = [moment for moment in begun if moment > begun[place]]
        if kind is not None:
            period = _period(instances[place], begun[place], min(later, default=None))
            periods.setdefault(kind, []).append(period)
    certificates = tuple(dict.fromkeys(_certificates(information)))
    name = text_in_english(information.find(f"{TSL}ServiceName"))
    for kind, each in periods.items():
        yield Service(country, provider, name, kind, certificates, tuple(each))


def _period(instance: Any, begins: datetime, ends: datetime | None) -> Period:
    types: set[str] = set()
    qualifications: list[Qualification] = []
    readable = True
    for extension in instance.findall(f"{TSL}ServiceInformationExtensions/{TSL}Extension"):
        for content in extension:
            if content.tag == f"{_SIE}Qualifications":
                qualifications += map(_qualification, content.findall(f"{_SIE}QualificationElement"))
            elif content.tag == f"{TSL}AdditionalServiceInformation":
                types.add(_text(content, "URI").removeprefix(_EXTENSION))
            elif content.tag != f"{TSL}ExpiredCertsRevocationInfo" and extension.get("Critical") != "false":
                readable = False
    status = _text(instance, "ServiceStatus").removeprefix(_STATUS)
    return Period(begins, ends, status, frozenset(types) & _TYPES, tuple(qualifications), readable)


def _qualification(element: Any) -> Qualification:
    uris = [
        each.get("uri", "").removeprefix(_EXTENSION)
        for each in element.findall(f"{_SIE}Qualifiers/{_SIE}Qualifier")
    ]
    criteria = element.find(f"{_SIE}CriteriaList")
    return Qualification(frozenset(uris), _criteria(criteria) if criteria is not None else Criteria("all"))


def _criteria(element: Any, depth: int = 0) -> Criteria:
    if depth > _DEEPEST:
        raise Unusable("its criteria are nested too deeply")
    policies, usages, purposes, attributes, nested, unknown = [], [], [], [], [], False
    for child in element.iterchildren("*"):
        if child.tag == f"{_SIE}PolicySet":
            policies.append(_identifiers(child, f"{_SIE}PolicyIdentifier"))
        elif child.tag == f"{_SIE}KeyUsage":
            bits = child.findall(f"{_SIE}KeyUsageBit")
            usages.append(
                tuple((bit.get("name", ""), (bit.text or "").strip() in ("true", "1")) for bit in bits)
            )
        elif child.tag == f"{_SIE}CriteriaList":
            nested.append(_criteria(child, depth + 1))
        elif child.tag == f"{_SIE}otherCriteriaList":
            for other in child.iterchildren("*"):
                if other.tag == f"{_ADDITIONAL}CertSubjectDNAttribute":
                    attributes.append(_identifiers(other, f"{_ADDITIONAL}AttributeOID"))
                elif other.tag == f"{_ADDITIONAL}ExtendedKeyUsage":
                    purposes.append(_identifiers(other, f"{_ADDITIONAL}KeyPurposeId"))
                else:
                    unknown = True
        elif child.tag != f"{_SIE}Description":
            unknown = True
    combine = element.get("assert", "")
    if combine not in ("all", "atLeastOne", "none"):
        unknown = True
    return Criteria(
        combine,
        tuple(policies),
        tuple(usages),
        tuple(purposes),
        tuple(attributes),
        tuple(nested),
        unknown,
    )


def _identifiers(element: Any, tag: str) -> frozenset[str]:
    found = [(each.findtext(f"{_XADES}Identifier") or "").strip() for each in element.findall(tag)]
    return frozenset(identifier.removeprefix("urn:oid:") for identifier in found)


def _certificates(information: Any) -> Iterator[bytes]:
    """The certificates of a service; one that can't be read stands for nobody."""
    path = f"{TSL}ServiceDigitalIdentity/{TSL}DigitalId/{TSL}X509Certificate"
    yield from certificates_below(information, path)


def certificates_below(element: Any, path: str) -> Iterator[bytes]:
    """Certificates in base64 at a path, as DER; those that can't be read are left out."""
    for found in element.findall(path):
        try:
            der = base64.b64decode("".join((found.text or "").split()), validate=True)
            x509.load_der_x509_certificate(der)
        except (*UNREADABLE, binascii.Error):
            continue
        yield der


def text_in_english(element: Any) -> str:
    """A name in English, else the first one; at most 200 characters."""
    if element is None:
        return ""
    names = element.findall(f"{TSL}Name")
    english = [
        name for name in names if name.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    ] or names
    return " ".join((english[0].text or "").split())[:200] if english else ""


def _text(element: Any, tag: str) -> str:
    text = (element.findtext(f"{TSL}{tag}") or "").strip()
    if not text:
        raise Unusable(f"a service in it has no {tag}")
    return text


def moment_of(text: str) -> datetime:
    """An XML dateTime; without an offset it is UTC. Raises Unusable."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Unusable(f"“{text[:40]}” in it is no time") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
