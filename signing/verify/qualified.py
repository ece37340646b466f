"""Is it a qualified signature? What trusted lists say of the signer's issuer, at the time that counts.

Source: ETSI TS 119 615 V1.1.1, 4.4 to 4.6, as far as pyHanko's and DSS's reading of it show; where readings
differ, the stricter one. Both at the certificate's issue and at the time of signing the issuer's service must
have been in good standing, and the certificate qualified; type and device are those of the time of signing.
Whenever the lists leave something open, the answer is that it can't be determined, never "not qualified".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asn1crypto import x509 as asn1_x509

from certs.trusted_lists import TrustedLists
from certs.trusted_services import CA_QC, EIDAS, QTST, Period, Service
from signing.verify.qc_statements import qc_statements
from signing.verify.words import ENGLISH, Words, mark

_QCP, _QCP_PLUS = "0.4.0.1456.1.1", "0.4.0.1456.1.2"  # policies before eIDAS, ETSI TS 101 456
_TYPE_OF = {"esign": "ForeSignatures", "eseal": "ForeSeals", "web": "ForWebSiteAuthentication"}
_AS_TYPE = {"QCForESig": "esign", "QCForESeal": "eseal", "QCForWSA": "web"}
_IN_DEVICE = frozenset({"QCWithQSCD", "QCWithSSCD", "QCQSCDManagedOnBehalf"})
_IN_NO_DEVICE = frozenset({"QCNoQSCD", "QCNoSSCD"})
_COUNTRIES = {"GR": "EL", "GB": "UK"}  # the lists' codes for what certificates call by ISO 3166


class Qualified(StrEnum):
    """What a signature, seal or timestamp is under Regulation (EU) 910/2014; stable values."""

    QES = "QES"
    ADES_QC = "AdES-QC"
    ADES = "AdES"
    QESEAL = "QESeal"
    ADESEAL_QC = "AdESeal-QC"
    ADESEAL = "AdESeal"
    QTST = "QTST"
    TST = "TST"
    NONE = "none"
    UNKNOWN = "not_determinable"


IN_WORDS = {
    Qualified.QES: mark("qualified electronic signature"),
    Qualified.ADES_QC: mark("advanced signature with a qualified certificate"),
    Qualified.ADES: mark("advanced signature"),
    Qualified.QESEAL: mark("qualified electronic seal"),
    Qualified.ADESEAL_QC: mark("advanced seal with a qualified certificate"),
    Qualified.ADESEAL: mark("advanced seal"),
    Qualified.QTST: mark("qualified timestamp"),
    Qualified.TST: mark("timestamp"),
    Qualified.NONE: mark("neither signature nor seal"),
    Qualified.UNKNOWN: mark("not determinable"),
}


@dataclass(frozen=True)
class Status:
    """A qualified status, the service that it comes from, and why it is no more than that: a text, with the
    standing of a service in its place `standing`.
    """

    qualified: Qualified
    service: str | None = None
    why: str | None = None
    standing: str | None = None

    def detail(self, words: Words = ENGLISH) -> str | None:
        """Why, in a language."""
        return None if self.why is None else words.text(self.why, standing=self.standing or "")


UNKNOWN_WITHOUT_LISTS = Status(Qualified.UNKNOWN, why=mark("no trusted lists are at hand"))


class Lists:
    """Trusted lists, indexed by the keys of their services' certificates."""

    def __init__(self, lists: TrustedLists) -> None:
        self.lists = lists
        self._services: dict[tuple[bytes, bytes], list[Service]] = {}
        for service in lists.services:
            for der in service.certificates:
                key = _key(asn1_x509.Certificate.load(der))
                self._services.setdefault(key, []).append(service)

    def services(self, certificates: Iterable[asn1_x509.Certificate], kind: str) -> list[Service]:
        """The services of a kind that one of these certificates belongs to, each once."""
        found = [service for each in certificates for service in self._services.get(_key(each), ())]
        return list(dict.fromkeys(service for service in found if service.kind == kind))

    def standing(self, root: asn1_x509.Certificate, moment: datetime, *, signing: bool) -> bool | None:
        """Whether a service of an anchor was in good standing at a moment; None when no list names it.

        For who signs it must be one that issues certificates: its timestamps vouch for no signer.
        """
        services = self._services.get(_key(root), [])
        if not services:
            return None
        counting = [service for service in services if service.kind == CA_QC or not signing]
        return any(period.in_good_standing_at(moment) for service in counting for period in service.periods)

    def status(self, path: Sequence[asn1_x509.Certificate], moment: datetime, *, seal: bool) -> Status:
        """The status of a signature (or seal) that holds, made with the first certificate of a path."""
        if not path:
            return Status(Qualified.UNKNOWN, why=mark("its chain is not known"))
        certificate = path[0]
        services = self.services(path[1:] or path, CA_QC)
        plain = Qualified.ADESEAL if seal else Qualified.ADES
        if not services:
            return self._unlisted(path, plain)
        answers = {_answer(certificate, service, moment): service for service in reversed(services)}
        applicable = {each: service for each, service in answers.items() if each is None or each.applies}
        if len(applicable) > 1:
            return Status(Qualified.UNKNOWN, why=mark("the trusted lists contradict each other"))
        answer, service = next(iter((applicable or answers).items()))
        if answer is not None and answer.qualified:
            issued = [_answer(certificate, each, certificate.not_valid_before) for each in services]
            answer = _if_issued_as(answer, issued)
        if answer is None:
            return Status(
                Qualified.UNKNOWN, _named(service), mark("what the list says of it isn't understood")
            )
        return Status(_word(answer, plain), _named(service), answer.why, answer.standing)

    def timestamp(self, path: Sequence[asn1_x509.Certificate], moment: datetime) -> Status:
        """The status of a timestamp that holds and states this moment."""
        if not path:
            return Status(Qualified.UNKNOWN, why=mark("its chain is not known"))
        services = self.services(path, QTST)
        if not services:
            return self._unlisted(path, Qualified.TST)
        for service in services:
            period = service.period_at(moment)
            if period is not None and period.in_good_standing_at(moment):
                if not period.readable:
                    return Status(
                        Qualified.UNKNOWN, _named(service), mark("the list's entry isn't understood")
                    )
                return Status(Qualified.QTST, _named(service))
        return Status(Qualified.TST, _named(services[0]), mark("its service was not granted at that time"))

    def _unlisted(self, path: Sequence[asn1_x509.Certificate], plain: Qualified) -> Status:
        """No list names the issuer: that says something only where all lists that could are at hand."""
        if not self.lists.usable:
            return Status(Qualified.UNKNOWN, why=mark("the list of the trusted lists can't be used"))
        countries = {_COUNTRIES.get(country, country) for each in path for country in _countries(each)}
        if self.lists.missing and (not countries or countries & self.lists.missing):
            return Status(Qualified.UNKNOWN, why=mark("the trusted list of its country can't be used"))
        return Status(plain, why=mark("no trusted list names its issuer"))


@dataclass(frozen=True)
class _Answer:
    """What one service's list entry makes of a certificate at one moment."""

    applies: bool
    qualified: bool = False
    kind: str = ""  # esign, eseal, web
    device: bool = False
    why: str | None = None
    standing: str | None = None


def _answer(certificate: asn1_x509.Certificate, service: Service, moment: datetime) -> _Answer | None:
    """None when the entry, or a qualifier that may concern the certificate, isn't understood."""
    period = service.period_at(moment)
    if period is None or not period.in_good_standing_at(moment):
        standing = period.status if period is not None else mark("not listed")
        why = mark("its issuer's service was {standing:word} at that time")
        return _Answer(applies=False, why=why, standing=standing[:60])
    if not period.readable:
        return None
    qualifiers: set[str] = set()
    for qualification in period.qualifications:
        match = qualification.criteria.match(certificate)
        if match is None:
            return None
        if match:
            qualifiers |= qualification.qualifiers
    return _weighed(certificate, period, frozenset(qualifiers), moment)


def _weighed(
    certificate: asn1_x509.Certificate, period: Period, qualifiers: frozenset[str], moment: datetime
) -> _Answer | None:
    """The certificate's own statements, overruled by what the list says of it."""
    stated = qc_statements(certificate)
    policies = _policies(certificate) if certificate.not_valid_before < EIDAS else frozenset()
    types = {_AS_TYPE[each] for each in qualifiers if each in _AS_TYPE} or set(stated.types) or {"esign"}
    if len(types) != 1 or not stated.readable:
        return None
    (kind,) = types
    covered = period.types or frozenset({_TYPE_OF["esign"]})
    if moment >= EIDAS and _TYPE_OF.get(kind) not in covered:
        return _Answer(
            applies=False, why=mark("its issuer's service is not listed for certificates of its type")
        )
    if "NotQualified" in qualifiers or "QCForLegalPerson" in qualifiers:
        return _Answer(applies=True, why=mark("the list says that it is not qualified"))
    if not (stated.compliance or "QCStatement" in qualifiers or policies & {_QCP, _QCP_PLUS}):
        return _Answer(applies=True, why=mark("it does not state that it is qualified"))
    if stated.countries:  # QcCClegislation: qualified under the law that it names, and not the EU's
        return _Answer(applies=True, why=mark("it is qualified under the law of another country"))
    device = stated.sscd or _QCP_PLUS in policies or bool(qualifiers & _IN_DEVICE)
    device = device and not qualifiers & _IN_NO_DEVICE
    why = None if device else mark("nothing says that its key is in a qualified device")
    return _Answer(applies=True, qualified=True, kind=kind, device=device, why=why)


def _if_issued_as(answer: _Answer, issued: Sequence[_Answer | None]) -> _Answer | None:
    """A qualified certificate is one only if it was so when it was issued."""
    if any(each is not None and each.qualified for each in issued):
        return answer
    why = mark("its issuer's service did not issue qualified certificates when it was issued")
    return None if None in issued else _Answer(applies=True, why=why)


def _word(answer: _Answer, plain: Qualified) -> Qualified:
    words = {
        ("esign", True): Qualified.QES,
        ("esign", False): Qualified.ADES_QC,
        ("eseal", True): Qualified.QESEAL,
        ("eseal", False): Qualified.ADESEAL_QC,
    }
    return words.get((answer.kind, answer.device), plain) if answer.qualified else plain


def _policies(certificate: asn1_x509.Certificate) -> frozenset[str]:
    policies = certificate.certificate_policies_value
    return frozenset(policy["policy_identifier"].dotted for policy in policies or ())


def _named(service: Service) -> str:
    return f"{service.country}: {service.provider} / {service.name}"


def _key(certificate: asn1_x509.Certificate) -> tuple[bytes, bytes]:
    """What a service is known by: the name and the key of its certificates, whichever of them is shown."""
    return certificate.subject.dump(), certificate.public_key.dump()


def _countries(certificate: asn1_x509.Certificate) -> Iterable[str]:
    """The countries in the names of a certificate's subject and issuer, in capital letters."""
    for name in (certificate.subject, certificate.issuer):
        country = name.native.get("country_name")
        yield from (
            str(each).upper() for each in (country if isinstance(country, list) else [country]) if each
        )
