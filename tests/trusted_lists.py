"""Trusted lists of countries that do not exist, signed with keys made on the spot: plainly sample data.

`Lists` makes a list of the lists (territory EU) and national lists (XA, XB: codes that ISO 3166 gives to
nobody) in the form of ETSI TS 119 612, and writes them into a folder as an administrator's copy would be.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from pyhanko.sign.ades import qualified_asn1
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.xades import XAdESSigner

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential

BASE = "http://uri.etsi.org/TrstSvc/"
GRANTED, WITHDRAWN, SUPERVISED = "granted", "withdrawn", "undersupervision"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_HEAD = (
    '<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#" xmlns:tslx="http://uri.etsi.org/02231/v2/'
    'additionaltypes#" xmlns:ecc="http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"'
    ' xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Id="list" TSLTag="http://uri.etsi.org/19612/TSLTag">'
)


class TwoReferences(XAdESSigner):
    """Signs as most national lists are signed: over the list and the signed properties, and nothing more."""

    with_key_info = False

    def check_deprecated_methods(self) -> None:
        """Lists that nobody should sign like this have to be made too."""

    def _add_reference_to_signed_info(self, sig_root: Any, node: Any, **attributes: Any) -> None:
        if not attributes and not self.with_key_info:
            return
        canonical = etree.tostring(node, method="c14n", exclusive=True, with_comments=False)
        digest = base64.b64encode(sha256(canonical).digest()).decode()
        reference = etree.SubElement(
            sig_root.find(f"{_DS}SignedInfo"), f"{_DS}Reference", URI=f"#{node.get('Id')}", **attributes
        )
        transforms = etree.SubElement(reference, f"{_DS}Transforms")
        etree.SubElement(transforms, f"{_DS}Transform", Algorithm=_EXCLUSIVE)
        etree.SubElement(reference, f"{_DS}DigestMethod", Algorithm=DigestAlgorithm.SHA256.value)
        etree.SubElement(reference, f"{_DS}DigestValue").text = digest


class ThreeReferences(TwoReferences):
    """Signs over the certificates in the signature, too."""

    with_key_info = True


@dataclass(frozen=True)
class ListSigner:
    """Who signs a list: a self-signed certificate and its key."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, name: str, now: datetime, *, days: int = 365) -> "ListSigner":
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COUNTRY_NAME, "XA"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=days))
            .sign(key, hashes.SHA256())
        )
        return cls(name, key, certificate)

    def sign(self, xml: str, *, signer: type[XAdESSigner] = TwoReferences, **more: Any) -> bytes:
        """The list with this signer's signature at its end."""
        made = signer(
            signature_algorithm=more.get("method", SignatureMethod.ECDSA_SHA256),
            digest_algorithm=more.get("digest", DigestAlgorithm.SHA256),
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        root = made.sign(
            etree.fromstring(xml.encode()),
            key=self.key,
            cert=[self.certificate],
            reference_uri=more.get("uri", "#list") or None,
            always_add_key_value=False,
        )
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


@dataclass(frozen=True)
class Entry:
    """One status of a service: since when, what, for which types, with which qualifications (XML)."""

    since: datetime
    status: str = GRANTED
    types: tuple[str, ...] = ("ForeSignatures", "ForeSeals")
    extensions: str = ""


@dataclass(frozen=True)
class Sample:
    """One service of a sample provider; the newest entry comes first."""

    certificate: x509.Certificate
    entries: tuple[Entry, ...]
    kind: str = "CA/QC"
    name: str = "Sample service"


def qualification(*qualifiers: str, criteria: str) -> str:
    """A Qualifications extension with one element."""
    uris = "".join(
        f'<ecc:Qualifier uri="{BASE}TrustedList/SvcInfoExt/{each}"></ecc:Qualifier>' for each in qualifiers
    )
    return (
        '<Extension Critical="true"><ecc:Qualifications><ecc:QualificationElement><ecc:Qualifiers>'
        f"{uris}</ecc:Qualifiers>{criteria}</ecc:QualificationElement></ecc:Qualifications></Extension>"
    )


def criteria(inside: str, combine: str = "all") -> str:
    return f'<ecc:CriteriaList assert="{combine}">{inside}</ecc:CriteriaList>'


def usage(name: str, value: str = "true") -> str:
    return f'<ecc:KeyUsage><ecc:KeyUsageBit name="{name}">{value}</ecc:KeyUsageBit></ecc:KeyUsage>'


def policy(oid: str) -> str:
    identifier = f'<xades:Identifier Qualifier="OIDAsURN">urn:oid:{oid}</xades:Identifier>'
    return f"<ecc:PolicySet><ecc:PolicyIdentifier>{identifier}</ecc:PolicyIdentifier></ecc:PolicySet>"


EVERYBODY = criteria(usage("nonRepudiation"))


def _stated(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _identity(certificate: x509.Certificate) -> str:
    text = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return f"<DigitalId><X509Certificate>{text}</X509Certificate></DigitalId>"


def _scheme(kind: str, country: str, issued: datetime, until: datetime | None, number: int, more: str) -> str:
    update = f"<dateTime>{_stated(until)}</dateTime>" if until else ""
    return (
        "<SchemeInformation><TSLVersionIdentifier>5</TSLVersionIdentifier>"
        f"<TSLSequenceNumber>{number}</TSLSequenceNumber><TSLType>{BASE}TrustedList/TSLType/{kind}</TSLType>"
        '<SchemeOperatorName><Name xml:lang="en">Sample scheme, no real authority</Name></SchemeOperatorName>'
        f"<SchemeTerritory>{country}</SchemeTerritory>{more}"
        f"<ListIssueDateTime>{_stated(issued)}</ListIssueDateTime><NextUpdate>{update}</NextUpdate>"
        "</SchemeInformation>"
    )


def _service(sample: Sample) -> str:
    def entry(each: Entry) -> str:
        types = "".join(
            '<Extension Critical="true"><AdditionalServiceInformation>'
            f'<URI xml:lang="en">{BASE}TrustedList/SvcInfoExt/{kind}</URI>'
            "</AdditionalServiceInformation></Extension>"
            for kind in each.types
        )
        return (
            f"<ServiceTypeIdentifier>{BASE}Svctype/{sample.kind}</ServiceTypeIdentifier>"
            f'<ServiceName><Name xml:lang="en">{sample.name}</Name></ServiceName>'
            f"<ServiceDigitalIdentity>{_identity(sample.certificate)}</ServiceDigitalIdentity>"
            f"<ServiceStatus>{BASE}TrustedList/Svcstatus/{each.status}</ServiceStatus>"
            f"<StatusStartingTime>{_stated(each.since)}</StatusStartingTime>"
            f"<ServiceInformationExtensions>{types}{each.extensions}</ServiceInformationExtensions>"
        )

    current, *past = sample.entries
    history = "".join(f"<ServiceHistoryInstance>{entry(each)}</ServiceHistoryInstance>" for each in past)
    return (
        f"<TSPService><ServiceInformation>{entry(current)}</ServiceInformation>"
        f"<ServiceHistory>{history}</ServiceHistory></TSPService>"
    )


def national_list(
    country: str,
    services: Sequence[Sample],
    *,
    issued: datetime,
    until: datetime | None,
    number: int = 1,
    version: str = "5",
) -> str:
    """A national list, unsigned."""
    provider = (
        '<TrustServiceProvider><TSPInformation><TSPName><Name xml:lang="xx">Aanbieder</Name>'
        '<Name xml:lang="en">Sample provider</Name></TSPName></TSPInformation>'
        f"<TSPServices>{''.join(map(_service, services))}</TSPServices></TrustServiceProvider>"
    )
    text = (
        f"{_HEAD}{_scheme('EUgeneric', country, issued, until, number, '')}"
        f"<TrustServiceProviderList>{provider}</TrustServiceProviderList></TrustServiceStatusList>"
    )
    return text.replace(">5</TSLVersionIdentifier>", f">{version}</TSLVersionIdentifier>")


def list_of_lists(signers: dict[str, x509.Certificate], *, issued: datetime, until: datetime | None) -> str:
    """A list of the lists, unsigned, that points to national lists and names who signs each."""
    pointers = "".join(
        f"<OtherTSLPointer><ServiceDigitalIdentities><ServiceDigitalIdentity>{_identity(certificate)}"
        "</ServiceDigitalIdentity></ServiceDigitalIdentities>"
        f"<TSLLocation>https://lists.example/{country}.xml</TSLLocation><AdditionalInformation>"
        f"<OtherInformation><TSLType>{BASE}TrustedList/TSLType/EUgeneric</TSLType></OtherInformation>"
        f"<OtherInformation><SchemeTerritory>{country}</SchemeTerritory></OtherInformation>"
        "<OtherInformation><tslx:MimeType>application/vnd.etsi.tsl+xml</tslx:MimeType></OtherInformation>"
        "</AdditionalInformation></OtherTSLPointer>"
        for country, certificate in signers.items()
    )
    more = f"<PointersToOtherTSL>{pointers}</PointersToOtherTSL>"
    return f"{_HEAD}{_scheme('EUlistofthelists', 'EU', issued, until, 1, more)}</TrustServiceStatusList>"


@dataclass(frozen=True)
class Lists:
    """A folder's worth of lists, current at `now`; change what a test is about."""

    now: datetime
    top: ListSigner
    signers: dict[str, ListSigner]
    services: dict[str, tuple[Sample, ...]] = field(default_factory=dict)

    @classmethod
    def make(cls, now: datetime, *countries: str) -> "Lists":
        return cls(
            now,
            ListSigner.make("Sample signer of the list of the lists", now),
            {each: ListSigner.make(f"Sample signer of {each}", now) for each in countries or ("XA", "XB")},
        )

    def of(self, country: str, *services: Sample) -> "Lists":
        """The same with these services in a country's list."""
        return replace(self, services={**self.services, country: services})

    def national(self, country: str, **more: Any) -> str:
        given = {"issued": self.now - timedelta(days=10), "until": self.now + timedelta(days=100), **more}
        return national_list(country, self.services.get(country, ()), **given)

    def top_list(self, **more: Any) -> str:
        given = {"issued": self.now - timedelta(days=10), "until": self.now + timedelta(days=100), **more}
        return list_of_lists({name: each.certificate for name, each in self.signers.items()}, **given)

    def write(self, folder: Path, change: Callable[[dict[str, bytes]], None] | None = None) -> Path:
        """Write the folder: lists, and the certificate of who signs the list of the lists."""
        files = {"eu-lotl.xml": self.top.sign(self.top_list())}
        for country, signer in self.signers.items():
            files[f"{country.lower()}.xml"] = signer.sign(self.national(country))
        files["signer.pem"] = self.top.certificate.public_bytes(Encoding.PEM)
        if change is not None:
            change(files)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return folder


def statements(
    *,
    compliance: bool = True,
    device: bool = True,
    types: tuple[str, ...] = ("qct_esign",),
    countries: tuple[str, ...] = (),
    limit: int | None = None,
) -> bytes:
    """A QC statements extension, in DER."""
    said: list[dict[str, Any]] = []
    if compliance:
        said.append({"statement_id": "qc_compliance"})
    if device:
        said.append({"statement_id": "qc_sscd"})
    if types:
        said.append(
            {"statement_id": "qc_type", "statement_info": qualified_asn1.QcCertificateType(list(types))}
        )
    if limit is not None:
        value = {"currency": {"alphabetic": "EUR"}, "amount": limit, "exponent": 3}
        value["currency"] = qualified_asn1.Iso4217CurrencyCode("alphabetic", core.PrintableString("EUR"))
        said.append({"statement_id": "qc_limit_value", "statement_info": qualified_asn1.MonetaryValue(value)})
        told = [{"url": "https://disclosure.example/en.pdf", "language": "en"}]
        said.append(
            {
                "statement_id": "qc_pki_disclosure_statements",
                "statement_info": qualified_asn1.PKIDisclosureStatements(told),
            }
        )
    if countries:
        codes = qualified_asn1.QcCCLegislationCountryCodes(list(countries))
        said.append({"statement_id": "qc_cc_legislation", "statement_info": codes})
    return bytes(qualified_asn1.QcStatements(said).dump())


def issued_with(
    authority: DevelopmentAuthority,
    common_name: str,
    *,
    now: datetime,
    qc: bytes | None = None,
    policies: tuple[str, ...] = (),
    organisation: bool = False,
) -> Credential:
    """A certificate of the development authority that makes QC statements, and its key."""
    plain = authority.issue(common_name, now=now)
    issuer = authority._issuer.issuing
    subject = list(plain.certificate.subject)
    if organisation:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, "VATXA-000000"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(plain.certificate.issuer)
        .public_key(plain.certificate.public_key())
        .serial_number(plain.certificate.serial_number)
        .not_valid_before(plain.certificate.not_valid_before_utc)
        .not_valid_after(plain.certificate.not_valid_after_utc)
    )
    for extension in plain.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    if qc is not None:
        identifier = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
        builder = builder.add_extension(x509.UnrecognizedExtension(identifier, qc), critical=False)
    if policies:
        named = [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in policies]
        builder = builder.add_extension(x509.CertificatePolicies(named), critical=False)
    certificate = builder.sign(issuer.private_key, hashes.SHA256())
    return replace(plain, certificate=certificate)
