"""What a verification says: values with stable keys, for a program (JSON, CSV) and for a person (one
sentence).
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from signing.verify.findings import Finding, Weight
from signing.verify.limits import FINDINGS_TOLD
from signing.verify.qc_statements import QcStatements
from signing.verify.qualified import UNKNOWN_WITHOUT_LISTS, Status
from signing.verify.register import RegisterWord, Traces
from signing.verify.strength import Strength
from signing.verify.words import ENGLISH, Words


class Indication(StrEnum):
    """Main status indication. Source: ETSI EN 319 102-1."""

    PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "TOTAL-FAILED"


class Verdict(StrEnum):
    """The four sentences for people, as stable words."""

    AUTHENTIC = "authentic"
    SIGNED_BUT = "signed_but"
    NOT_WHAT_WAS_SIGNED = "not_what_was_signed"
    CANNOT_BE_JUDGED = "cannot_be_judged"


class Role(StrEnum):
    """What a signature is for."""

    APPROVAL = "approval"
    CERTIFICATION = "certification"
    SEAL = "seal"
    TIMESTAMP = "timestamp"


def iso(moment: datetime | None) -> str | None:
    """UTC, ISO 8601, to the second; None stays None."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class RevocationStatus:
    """Whether the signer's certificate is revoked, and how old the answer is that says so.

    `age_s` is counted from the answer's issue to the proven time of the signature, or to the validation time
    where none is proven; negative when the answer was issued later than that.
    """

    status: str  # good, revoked, unknown
    revoked_at: datetime | None = None
    kind: str | None = None  # ocsp, crl
    source: str | None = None  # file, trust, online
    issued_at: datetime | None = None
    next_update: datetime | None = None
    age_s: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON; times in UTC."""
        moments = {name: iso(getattr(self, name)) for name in ("revoked_at", "issued_at", "next_update")}
        return {**asdict(self), **moments}


@dataclass(frozen=True)
class SignatureReport:
    """One signature or document timestamp and everything found about it."""

    field: str | None
    role: Role
    indication: Indication
    sub_indication: str | None
    findings: tuple[Finding, ...]
    format: str | None  # the SubFilter, as written in the file
    level: str | None = None  # "B-B" … "B-LTA"; None when no PAdES baseline level was reached
    signer: str | None = None
    organisation: str | None = None
    development: bool = False
    claimed_at: datetime | None = None
    proven_at: datetime | None = None
    digest_algorithm: str | None = None
    signature_algorithm: str | None = None
    certificate_sha256: str | None = None
    chain: tuple[str, ...] = ()  # signer first, trust anchor last; empty when no trusted chain was found
    revocation_checked_at: datetime | None = None  # issue time of the signer's revocation answer in the file
    reason: str | None = None
    location: str | None = None
    revision: int | None = None
    signed_bytes_end: int | None = None  # offset behind the last signed byte
    qualified: Status = UNKNOWN_WITHOUT_LISTS
    qc: QcStatements | None = None
    revocation: RevocationStatus | None = None  # of the signer's certificate
    strength: Strength | None = None

    def as_dict(self, words: Words = ENGLISH) -> dict[str, Any]:
        """Stable keys for JSON; what was found in a language."""
        return {
            "field": self.field,
            "role": self.role.value,
            "indication": self.indication.value,
            "sub_indication": self.sub_indication,
            "level": self.level,
            "format": self.format,
            "signer": self.signer,
            "organisation": self.organisation,
            "development_certificate": self.development,
            "claimed_at": iso(self.claimed_at),
            "proven_at": iso(self.proven_at),
            "digest_algorithm": self.digest_algorithm,
            "signature_algorithm": self.signature_algorithm,
            "certificate_sha256": self.certificate_sha256,
            "chain": list(self.chain),
            "revocation_checked_at": iso(self.revocation_checked_at),
            "reason": self.reason,
            "location": self.location,
            "revision": self.revision,
            "signed_bytes_end": self.signed_bytes_end,
            "qualified": self.qualified.qualified.value,
            "qualified_by": self.qualified.service,
            "qualified_detail": self.qualified.detail(),
            "qc_statements": self.qc.as_dict() if self.qc else None,
            "revocation": self.revocation.as_dict() if self.revocation else None,
            "strength": self.strength.as_dict() if self.strength else None,
            "findings": [finding.as_dict(words) for finding in self.findings],
        }


@dataclass(frozen=True)
class Report:
    """The verdict on one file. `duration_us` is the verifier's own time, without waiting for a worker."""

    name: str
    indication: Indication
    sub_indication: str | None
    verdict: Verdict
    sentence: str
    signatures: tuple[SignatureReport, ...]
    findings: tuple[Finding, ...]
    validation_time: datetime
    sha256_hex: str | None = None
    size: int | None = None
    revisions: int | None = None
    duration_us: int = 0
    pages_compared: int | None = None  # drawn as signed and as they are; None: nothing was added that shows
    whole: bool = True  # False: cleared by the quick look, see quick
    register: RegisterWord | None = None  # None: nobody asked the office's register
    traces: Traces | None = None  # only until the register has been asked

    @property
    def passed(self) -> bool:
        """TOTAL-PASSED."""
        return self.indication is Indication.PASSED

    @property
    def validation(self) -> str:
        """Which was done: "whole" or "quick"."""
        return "whole" if self.whole else "quick"

    def as_dict(self, words: Words = ENGLISH) -> dict[str, Any]:
        """Stable keys for JSON; times in UTC; what was found in a language, the sentence in English."""
        return {
            "file": self.name,
            "indication": self.indication.value,
            "sub_indication": self.sub_indication,
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "sha256": self.sha256_hex,
            "size": self.size,
            "revisions": self.revisions,
            "validation_time": iso(self.validation_time),
            "duration_us": self.duration_us,
            "validation": self.validation,
            "pages_compared": self.pages_compared,
            "register": self.register.as_dict() if self.register else None,
            "findings": [finding.as_dict(words) for finding in self.findings],
            "signatures": [signature.as_dict(words) for signature in self.signatures],
        }

    def to_json(self) -> str:
        """`as_dict` as one JSON object; characters that nobody sees are written as escapes."""
        return to_json(self.as_dict())


def to_json(values: dict[str, Any]) -> str:
    """Values as one JSON object; characters that nobody sees are written as escapes."""
    return _NOT_ASCII.sub(_escaped_if_hidden, json.dumps(values, ensure_ascii=False, indent=2))


# control, format (bidirectional ones among them), lone surrogates, private use, unassigned, separators
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOT_ASCII = re.compile(r"[^\x00-\x7e]")


def hidden(character: str) -> bool:
    """Whether a character moves or hides others rather than being seen itself."""
    return unicodedata.category(character) in _HIDDEN


def json_escaped(character: str) -> str:
    """A character as a JSON escape: one UTF-16 unit or two."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _escaped_if_hidden(found: re.Match[str]) -> str:
    character = found.group()
    return json_escaped(character) if hidden(character) else character


def json_in_ascii(text: str) -> str:
    """JSON with everything beyond ASCII escaped, for an output that can't take it."""
    return _NOT_ASCII.sub(lambda found: json_escaped(found.group()), text)


def exit_status(indications: Iterable[Indication]) -> int:
    """0 all passed · 1 at least one failed · 2 none failed, but at least one (or everything) is unjudged."""
    seen = set(indications)
    if Indication.FAILED in seen:
        return 1
    return 0 if seen == {Indication.PASSED} else 2


def told(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """As many findings as a report has room for, the heaviest of them, in their order."""
    if len(findings) <= FINDINGS_TOLD:
        return tuple(findings)
    order = list(Weight)
    heaviest = sorted(range(len(findings)), key=lambda place: order.index(findings[place].weight))
    kept = [findings[place] for place in sorted(heaviest[:FINDINGS_TOLD])]
    left = len(findings) - FINDINGS_TOLD
    return (*kept, Finding("findings_left_out", "{left} more findings are not listed", values={"left": left}))
