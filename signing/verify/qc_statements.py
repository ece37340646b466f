"""What a certificate states of itself: its QC statements. A claim of its issuer, until a trusted list bears
it out. Source: ETSI EN 319 412-5 (the statements), RFC 3739, 3.2.6 (the extension).
"""

from dataclasses import asdict, dataclass
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.sign.ades.qualified_asn1 import QcStatements as AsnStatements
from pyhanko.sign.ades.qualified_asn1 import get_qc_statements

_TYPES = {"qct_esign": "esign", "qct_eseal": "eseal", "qct_web": "web"}
_MOST = 20  # places and countries told of one certificate


@dataclass(frozen=True)
class QcStatements:
    """The statements, in words. `readable` is False when the extension is there but can't be read."""

    compliance: bool = False  # it says that it is an EU qualified certificate
    sscd: bool = False  # it says that its key is in a qualified signature creation device
    types: tuple[str, ...] = ()  # esign, eseal, web, or a number in dots
    limit_value: str | None = None  # such as "5000 EUR"
    disclosures: tuple[str, ...] = ()  # addresses of the issuer's disclosure statements, never followed
    countries: tuple[str, ...] = ()  # whose law it says it is qualified under; none: the EU's
    readable: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        return asdict(self)

    @property
    def said(self) -> bool:
        """Whether the certificate makes any statement."""
        return self != QcStatements()


def qc_statements(certificate: asn1_x509.Certificate) -> QcStatements:
    """Read the statements of a certificate; never raises for what is in it."""
    try:
        return _read(get_qc_statements(certificate))
    except Exception:  # noqa: BLE001 (lazily parsed ASN.1 from a stranger; the report says that it can't be read)
        return QcStatements(readable=False)


def _read(statements: AsnStatements) -> QcStatements:
    told: dict[str, Any] = {}
    for statement in statements:
        name, value = statement["statement_id"].native, statement["statement_info"]
        if name == "qc_compliance":
            told["compliance"] = True
        elif name == "qc_sscd":
            told["sscd"] = True
        elif name == "qc_type":
            told["types"] = tuple(_TYPES.get(each, each) for each in value.native[:_MOST])
        elif name == "qc_limit_value":
            told["limit_value"] = _limit(value)
        elif name == "qc_pki_disclosure_statements":
            told["disclosures"] = tuple(str(each["url"])[:200] for each in value.native[:_MOST])
        elif name == "qc_cc_legislation":
            told["countries"] = tuple(str(each)[:10] for each in value.native[:_MOST])
    return QcStatements(**told)


def _limit(value: Any) -> str:
    amount, exponent = value["amount"].native, value["exponent"].native
    currency = str(value["currency"].native)[:10]
    if abs(exponent) > 30 or abs(amount) > 10**30:
        return f"{str(amount)[:30]}e{str(exponent)[:30]} {currency}"
    return f"{amount * 10**exponent if exponent >= 0 else amount / 10**-exponent:g} {currency}"
