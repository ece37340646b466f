"""Trust and validation data in the form that pyHanko's validation takes, and the policy it is held to."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from asn1crypto import cms, ocsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.authority import AuthorityWithCert, TrustAnchor
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.errors import PathBuildingError
from pyhanko_certvalidator.fetchers import FetcherBackend, Fetchers
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from certs.trust import TrustStore
from certs.trusted_lists import TrustedLists
from signing.verify.known import Known
from signing.verify.pdfvalues import items_of, value_of
from signing.verify.precedents import Recalled, fingerprint
from signing.verify.qualified import Lists

# an answer up to this much older than what it speaks for is good
REVOCATION_MAY_PRECEDE_BY = timedelta(hours=24)


_MOST_STEPS = 1000  # of a search for paths; a path has five certificates or so, each with an issuer or two
_PRECEDENTS = 1024


class NetworkRefused(FetcherBackend):
    """Fetches nothing: a file to be judged must not make its judge call anybody."""

    def get_fetchers(self) -> Fetchers:
        """Raises RuntimeError: nothing may be fetched."""
        raise RuntimeError("verification is offline")


@dataclass(frozen=True)
class TrustMaterial:
    """A trust store as DER, so that it can travel to a worker process."""

    anchors: tuple[bytes, ...] = ()
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    lists: TrustedLists | None = None

    @property
    def sha256_hex(self) -> str:
        """A digest of the certificates and revocation lists, in their order; trusted lists are left out."""
        digest = hashlib.sha256()
        for each in (*self.anchors, b"", *self.intermediates, b"", *self.crls):
            digest.update(hashlib.sha256(each).digest())
        return digest.hexdigest()

    @classmethod
    def of(cls, store: TrustStore) -> "TrustMaterial":
        """Take the material out of a loaded trust store."""
        return cls(
            anchors=tuple(certificate.public_bytes(Encoding.DER) for certificate in store.anchors),
            intermediates=tuple(
                certificate.public_bytes(Encoding.DER) for certificate in store.intermediates
            ),
            crls=store.crls,
            lists=store.lists,
        )


class Trust:
    """Trust material, parsed once and used for many files."""

    def __init__(self, material: TrustMaterial) -> None:
        listed = material.lists or TrustedLists()
        signers, stampers = listed.signer_anchors, listed.timestamp_anchors
        known = dict.fromkeys((*material.anchors, *material.intermediates, *signers, *stampers))
        self.known = Known([x509.load_der_x509_certificate(der) for der in known])
        self.serials = frozenset(each.serial_number for each in self.known)
        self._manager = _Anchors(material.anchors, signers)
        # who is listed for timestamps alone vouches for no signer
        self._stampers = _Anchors(material.anchors, (*signers, *stampers)) if stampers else self._manager
        self._named = frozenset(material.anchors)
        self.lists = Lists(material.lists) if material.lists is not None else None
        self._intermediates = [asn1_x509.Certificate.load(der) for der in material.intermediates]
        self.crls = [CRLContainer(CertificateList.load(der)) for der in material.crls]
        digests = tuple(hashlib.sha256(der).digest() for der in material.crls)
        self.answers = ValidationData(crls=tuple(self.crls), octets=((), digests, ()))
        # judgments of signatures by `signing.verify.validation`, for as long as this trust is used
        self.precedents: Recalled[Any] = Recalled(_PRECEDENTS)

    def issuers_of(self, certificates: Iterable[asn1_x509.Certificate]) -> tuple[asn1_x509.Certificate, ...]:
        """The listed anchors that may have issued these certificates.

        Who signs a revocation list is looked for among the known certificates alone; all that are listed
        would be thousands, and each of a file's validations takes note of all that are known.
        """
        if not self._stampers.listed:
            return ()
        names = {certificate.issuer.dump() for certificate in certificates}
        return tuple(anchor for name in names for anchor in self._stampers.listed.get(name, ()))

    def knowledge(self, data: "ValidationData") -> LocalKnowledge:
        """What is known beside the signature itself: the file's validation data and what came with the
        anchors.
        """
        return LocalKnowledge(
            known_ocsps=list(data.ocsps),
            known_crls=[*data.crls, *self.crls],
            known_certs=[*data.certificates, *self._intermediates],
        )

    def spec(self, data: "ValidationData", revocation: CertRevTrustPolicy) -> SignatureValidationSpec:
        """The policy for one file: revocation answers required, nothing fetched, signing key usages only."""
        return SignatureValidationSpec(
            cert_validation_policy=CertValidationPolicySpec(
                self._manager.with_steps(), revinfo_policy=revocation
            ),
            ts_cert_validation_policy=None
            if self._stampers is self._manager
            else CertValidationPolicySpec(self._stampers.with_steps(), revinfo_policy=revocation),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(
                online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
                fetcher_backend=NetworkRefused(),
                certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
            ),
            local_knowledge=self.knowledge(data),
            key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}),
        )

    def withdrawn_at(self, path: Sequence[asn1_x509.Certificate], moment: datetime, *, signing: bool) -> bool:
        """Whether a path's anchor is one by trusted lists alone, and was not in good standing."""
        if self.lists is None or (path and path[-1].dump() in self._named):
            return False
        return not path or self.lists.standing(path[-1], moment, signing=signing) is False


class _AnchorCertificate(asn1_x509.Certificate):  # type: ignore[misc]
    """A certificate that is an anchor although somebody else signed it: a listed issuing authority, say.

    pyHanko 0.38 takes an anchor for the issuer of its own revocation list only where it is self-signed.
    """

    @property
    def self_signed(self) -> str:
        """As of a root: whether it vouches for itself is of no interest."""
        return "maybe"


class _AnchorAuthority(AuthorityWithCert):
    """An anchor, which is the authority to ask about itself, too."""

    def is_potential_issuer_of(self, cert: asn1_x509.Certificate) -> bool:
        """Whether it may have issued a certificate, its own being counted."""
        return cert.dump() == self.certificate.dump() or bool(super().is_potential_issuer_of(cert))


class _Anchors(SimpleTrustManager):
    """Anchors that were named, and those that trusted lists name; `listed` has the latter by subject, DER."""

    def __init__(self, named: Iterable[bytes], listed: Iterable[bytes]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps = 0
        self._certificates = [self._add(der) for der in dict.fromkeys(named)]
        self.listed: dict[bytes, list[asn1_x509.Certificate]] = {}
        for der in dict.fromkeys(listed):
            certificate = self._add(der)
            self.listed.setdefault(certificate.subject.dump(), []).append(certificate)

    def _add(self, der: bytes) -> asn1_x509.Certificate:
        certificate = asn1_x509.Certificate.load(der)
        if certificate.self_issued:
            self._register_root(certificate)
            return certificate
        anchor = _AnchorCertificate.load(der)
        self._register_root(TrustAnchor(_AnchorAuthority(anchor)))
        return anchor

    def with_steps(self) -> "_Anchors":
        """The same anchors, to look for paths to for one judgment."""
        taken = copy(self)
        taken.steps = 0
        return taken

    def find_potential_issuers(self, cert: asn1_x509.Certificate) -> Iterator[TrustAnchor]:
        """The anchors that may have issued a certificate; asked at each step of the search for a path.

        Raises PathBuildingError after `_MOST_STEPS`: of authorities that certify each other a few dozen make
        more paths than anybody can try.
        """
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise PathBuildingError(f"no path was found among the first {_MOST_STEPS} certificates tried")
        found: Iterator[TrustAnchor] = super().find_potential_issuers(cert)
        return found

    def iter_certs(self) -> Iterator[asn1_x509.Certificate]:
        """Those that were named: listed ones are met as a file needs them."""
        return iter(self._certificates)


FRESH_NOW = CertRevTrustPolicy(REQUIRE_REVINFO)
UNCHECKED = CertRevTrustPolicy(NO_REVOCATION)  # only to tell a missing answer from a missing chain
_ISSUERS_ALONE = RevocationCheckingPolicy(
    ee_certificate_rule=RevocationCheckingRule.NO_CHECK,
    intermediate_ca_cert_rule=RevocationCheckingRule.CRL_OR_OCSP_REQUIRED,
)


def for_issuers_alone(policy: CertRevTrustPolicy) -> CertRevTrustPolicy:
    """The policy for issuers' certificates, where somebody else asks about the signer's."""
    return replace(policy, revocation_checking_policy=_ISSUERS_ALONE)


def fresh_at(moment: datetime, now: datetime) -> CertRevTrustPolicy:
    """Accept revocation answers that were issued about when the signature was made, or later.

    A B-LT or B-LTA file carries the answers of its own day; that they have since passed their next update
    does not unsay them. Source: the freshness constraint of ETSI EN 319 102-1, 5.2.5.4, as pyHanko
    implements it.
    """
    return CertRevTrustPolicy(
        REQUIRE_REVINFO,
        freshness=max(now - moment, timedelta(0)) + REVOCATION_MAY_PRECEDE_BY,
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
    )


@dataclass(frozen=True)
class ValidationData:
    """Certificates and revocation answers that a file carries (its DSS, and Adobe's attribute in a
    signature).
    """

    certificates: tuple[asn1_x509.Certificate, ...] = ()
    crls: tuple[CRLContainer, ...] = ()
    ocsps: tuple[OCSPContainer, ...] = ()
    # SHA-256 of the DER that each of them was read from, in the same order, when that is known
    octets: tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...]] | None = None

    def __add__(self, other: "ValidationData") -> "ValidationData":
        if not other.items:
            return self
        if not self.items:
            return other
        octets = None
        if self.octets is not None and other.octets is not None:
            mine, others = self.octets, other.octets
            octets = (mine[0] + others[0], mine[1] + others[1], mine[2] + others[2])
        return ValidationData(
            self.certificates + other.certificates,
            self.crls + other.crls,
            self.ocsps + other.ocsps,
            octets,
        )

    @property
    def items(self) -> tuple[Any, ...]:
        """All of it."""
        return (*self.certificates, *self.crls, *self.ocsps)

    @property
    def likeness(self) -> bytes | None:
        """What two sets of validation data must have alike to say the same; None when that isn't known."""
        if not self.items:
            return b""
        return None if self.octets is None else fingerprint(fingerprint(kind) for kind in self.octets)

    def concerning(self, serials: Iterable[int]) -> "ValidationData":
        """What can help to judge certificates with these serial numbers, and those who issued them.

        Left out are certificates of neither authorities nor responders, and answers about certificates that
        are neither asked about nor kept. Fewer answers never make a judgment milder, and all of them are
        heard besides (`evidence`).
        """
        if self.octets is None:
            return self
        kept = [place for place, each in enumerate(self.certificates) if _helps(each)]
        wanted = {*serials, *(self.certificates[place].serial_number for place in kept)}
        answers: set[int] = set()
        while True:
            more = {
                place
                for place, each in enumerate(self.ocsps)
                if place not in answers and serial_answered(each) in wanted
            }
            if not more:
                break
            answers |= more
            wanted |= {serial for place in more for serial in _enclosed_serials(self.ocsps[place])}
        certificates, crls, ocsps = self.octets
        return ValidationData(
            tuple(self.certificates[place] for place in kept),
            self.crls,
            tuple(self.ocsps[place] for place in sorted(answers)),
            (
                tuple(certificates[place] for place in kept),
                crls,
                tuple(ocsps[place] for place in sorted(answers)),
            ),
        )


@lru_cache(maxsize=512)
def certificate_of(der: bytes) -> asn1_x509.Certificate:
    """A certificate as asn1crypto has it; the last few hundred are kept, with what was read from them."""
    return asn1_x509.Certificate.load(der)


def _helps(certificate: asn1_x509.Certificate) -> bool:
    """Whether a certificate may be an authority's or a responder's; in doubt it may."""
    constraints, usages = certificate.basic_constraints_value, certificate.extended_key_usage_value
    ends = constraints is not None and constraints["ca"].native is False
    responds = usages is not None and "ocsp_signing" in usages.native
    return not ends or responds


def serial_answered(answer: OCSPContainer) -> int | None:
    """The serial number that an answer is about."""
    single = answer.extract_single_response()
    return None if single is None else single["cert_id"]["serial_number"].native


def _enclosed_serials(answer: OCSPContainer) -> list[int]:
    response = answer.extract_basic_ocsp_response()
    enclosed = response["certs"] if response is not None else None
    return [each.serial_number for each in enclosed] if enclosed else []


def read_dss(root: Any) -> ValidationData:
    """The document security store below a catalog; entries that can't be read are left out."""
    store = value_of(root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return ValidationData()
    certificates, certificates_octets = _loaded(store, "/Certs", _certificate)
    crls, crls_octets = _loaded(store, "/CRLs", _list)
    ocsps, ocsps_octets = _loaded(store, "/OCSPs", _answers)
    return ValidationData(certificates, crls, ocsps, (certificates_octets, crls_octets, ocsps_octets))


def _certificate(der: bytes) -> tuple[asn1_x509.Certificate, ...]:
    certificate = asn1_x509.Certificate.load(der)
    x509.load_der_x509_certificate(der)  # the stricter parser has the say
    return (certificate,)


def _list(der: bytes) -> tuple[CRLContainer, ...]:
    return (CRLContainer(_forced(CertificateList.load(der))),)


def _answers(der: bytes) -> tuple[OCSPContainer, ...]:
    return tuple(OCSPContainer.load_multi(_forced(ocsp.OCSPResponse.load(der))))


def _forced(value: Any) -> Any:
    """Parse lazily loaded ASN.1 to the bottom now, so that what is broken breaks here."""
    _ = value.native
    return value


_Load = Callable[[bytes], tuple[Any, ...]]
_LARGEST_REMEMBERED = 16 * 1024  # octets: a long revocation list takes as long to keep as to read
_remembered = lru_cache(maxsize=512)(lambda load, der: load(der))


def _loaded(store: Any, key: str, load: _Load) -> tuple[tuple[Any, ...], tuple[bytes, ...]]:
    """The entries of one list of the store that can be read, and the SHA-256 of each."""
    items: list[Any] = []
    octets: list[bytes] = []
    for entry in items_of(store, key):
        with suppress(Exception):  # validation data is untrusted input; what can't be read can't help
            data = entry.data
            found = _remembered(load, data) if len(data) <= _LARGEST_REMEMBERED else load(data)
            items += found
            octets += [hashlib.sha256(data).digest()] * len(found)
    return tuple(items), tuple(octets)


def adobe_revocation_data(signer: cms.SignerInfo) -> ValidationData:
    """Revocation answers in the signed attribute that Adobe's programs use instead of a DSS."""
    crls: list[CRLContainer] = []
    ocsps: list[OCSPContainer] = []
    for value in find_cms_attribute_iter(signer["signed_attrs"], "adobe_revocation_info_archival"):
        crls += [CRLContainer(crl) for crl in _items(value["crl"])]
        ocsps += [
            container for answer in _items(value["ocsp"]) for container in OCSPContainer.load_multi(answer)
        ]
    return ValidationData(crls=tuple(crls), ocsps=tuple(ocsps))


def _items(values: Any) -> Iterable[Any]:
    return values if values.native else ()
