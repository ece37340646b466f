"""What a report tells of a signature beside its indication: qualified status, QC statements, revocation,
strength.
"""

from dataclasses import replace
from datetime import datetime

from asn1crypto import cms

from signing.verify.evidence import Path
from signing.verify.qualified import UNKNOWN_WITHOUT_LISTS, Lists, Qualified, Status
from signing.verify.report import Indication, Role, SignatureReport
from signing.verify.strength import Means, strength_of
from signing.verify.trust import ValidationData
from signing.verify.validation import Validator
from signing.verify.words import mark


def with_particulars(
    report: SignatureReport,
    signer: cms.SignerInfo,
    chain: Path,
    data: ValidationData,
    validator: Validator,
) -> SignatureReport:
    """The report of a signature with them; `chain` is the signer alone where no trusted one was found."""
    moment = report.proven_at or validator.at
    try:
        return replace(
            report,
            qualified=status_of(report, chain, validator.lists, validator.at),
            revocation=validator.evidence.status(chain, data, moment),
            strength=strength_of(Means.of(signer), chain),
        )
    except Exception:  # noqa: BLE001 (lazily parsed ASN.1 from a stranger; the judgment stands, these are left open)
        return replace(
            report, qualified=Status(Qualified.UNKNOWN, why=mark("its certificate can't be read in full"))
        )


def status_of(report: SignatureReport, chain: Path, lists: Lists | None, at: datetime) -> Status:
    """Only a signature that passes can be anything; one that fails is nothing."""
    if lists is None:
        return UNKNOWN_WITHOUT_LISTS
    if report.indication is Indication.FAILED:
        return Status(Qualified.NONE, why=mark("the signature does not hold"))
    if report.indication is not Indication.PASSED:
        return Status(Qualified.UNKNOWN, why=mark("the signature itself can't be judged for certain"))
    moment = report.proven_at or at
    if report.role is Role.TIMESTAMP:
        return lists.timestamp(chain, moment)
    return lists.status(chain, moment, seal=report.role is Role.SEAL)
