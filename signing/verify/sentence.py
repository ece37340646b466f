"""One sentence for people, in their language: what became of a file, who signed it, and what to know of it.

It is made from the report alone, whenever it is asked for: from one that came through JSON, too.
"""

from collections.abc import Iterator, Sequence

from signing.verify.findings import Finding, Subject, Weight
from signing.verify.limits import SIGNERS_TOLD
from signing.verify.qualified import IN_WORDS, Qualified
from signing.verify.register import register_sentence
from signing.verify.report import Report, Role, SignatureReport, Verdict, iso
from signing.verify.words import Words, mark

EMPTY = "signature_field_empty"
UNSIGNED = "no_signature"
UNASKED = "register_unasked"
_MOST_REASONS = 4
_OPENINGS = {
    Verdict.AUTHENTIC: mark("Authentic as issued."),
    Verdict.SIGNED_BUT: mark("Signed, but {reasons}."),
    Verdict.NOT_WHAT_WAS_SIGNED: mark("Not what was signed: {reasons}."),
    Verdict.CANNOT_BE_JUDGED: mark("Cannot be judged because {reasons}."),
}
_ORDER = list(Weight)


def sentence_in(report: Report, words: Words) -> str:
    """What is said of a file in a language; the word of the register, where it was asked, comes after
    the verdict."""
    known = register_sentence(report.register, words) if report.register else ""
    if _vouched_for(report):
        alone = words.text("The file has no signature: the register alone vouches for it.")
        return f"{known} {alone}"
    reasons = list(dict.fromkeys(finding.told(words) for finding in _deciding(report)))
    opening = words.text(_OPENINGS[report.verdict], reasons="; ".join(reasons[:_MOST_REASONS]))
    said = (opening, known, *_signers(report, words), *_unsigned(report, words), *_development(report, words))
    return " ".join(part for part in said if part)


def _vouched_for(report: Report) -> bool:
    """Whether nobody had to sign it, and nothing but that nobody did is to be said of it."""
    if report.register is None or not report.register.vouches:
        return False
    return [found.code for found in report.findings if found.weight is not Weight.NOTE] == [UNSIGNED]


def _unsigned(report: Report, words: Words) -> Iterator[str]:
    codes = {finding.code for finding in _everything(report)}
    if EMPTY in codes:
        yield words.text("A place for a signature in it is empty.")
    if UNSIGNED in codes and not any(code.startswith("register_") for code in codes - {UNASKED}):
        yield words.text("Nothing in it proves where it comes from.")


def _development(report: Report, words: Words) -> Iterator[str]:
    if any(signature.development for signature in report.signatures):
        yield words.text("Development certificate: proves nothing outside a test.")


def finding_sentence(finding: Finding, words: Words) -> str:
    """What was found, as a sentence of its own."""
    told = finding.told(words)
    return f"{told[:1].upper()}{told[1:]}."


def _everything(report: Report) -> Iterator[Finding]:
    yield from report.findings
    for signature in report.signatures:
        yield from signature.findings


def _deciding(report: Report) -> Sequence[Finding]:
    """The findings that the sentence names, heaviest first."""
    found = [finding for finding in _everything(report) if _decides(report.verdict, finding)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.weight))


def _decides(verdict: Verdict, finding: Finding) -> bool:
    if verdict is Verdict.NOT_WHAT_WAS_SIGNED:
        return finding.weight is Weight.FAILS and finding.kind.subject is Subject.CONTENT
    if verdict is Verdict.CANNOT_BE_JUDGED:
        return finding.weight is not Weight.NOTE and finding.kind.subject is Subject.READING
    return finding.weight is not Weight.NOTE


def _signers(report: Report, words: Words) -> Iterator[str]:
    """Who signed, as far as that is known: an untrusted name is only what the file says."""
    named = [each for each in report.signatures if each.role is not Role.TIMESTAMP and each.signer]
    for signature in named[:SIGNERS_TOLD]:
        who = words.text(_by(report.verdict, signature), signer=signature.signer or "")
        level = f", {signature.level}" if signature.level else ""
        yield f"{who}{_when(signature, words)}{level}{_status(signature, words)}."
    left = len(named) - SIGNERS_TOLD
    if left > 0:
        yield words.counted("{count} more signature is in it.", "{count} more signatures are in it.", left)


def _by(verdict: Verdict, signature: SignatureReport) -> str:
    if not signature.chain:
        return mark("It says it was signed by {signer}")
    if verdict is Verdict.NOT_WHAT_WAS_SIGNED:
        return mark("It carries a signature of {signer}")
    if signature.role is Role.SEAL:
        return mark("Sealed by {signer}")
    if signature.role is Role.CERTIFICATION:
        return mark("Certified by {signer}")
    return mark("Signed by {signer}")


def _when(signature: SignatureReport, words: Words) -> str:
    if signature.proven_at is not None:
        return " " + words.text("on {at:moment} (proven)", at=iso(signature.proven_at) or "")
    if signature.claimed_at is not None:
        return " " + words.text("on {at:moment} (claimed)", at=iso(signature.claimed_at) or "")
    return ""


def _status(signature: SignatureReport, words: Words) -> str:
    """The qualified status in words, where trusted lists say one."""
    known = signature.qualified.qualified
    if known in (Qualified.UNKNOWN, Qualified.NONE):
        return ""
    return f", {words.text(IN_WORDS[known])}"
