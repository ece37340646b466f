"""The verdict on a file: all its signatures together."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from certs.trust import TrustStore
from signing.verify.behind import check_behind
from signing.verify.changes import Step, steps_after
from signing.verify.findings import Finding, Subject, Weight
from signing.verify.inspection import (
    Inspection,
    begin,
    check_coverage,
    check_order,
    conclude,
    judge_signature,
    judge_timestamp,
    weigh,
    weigh_looks,
)
from signing.verify.limits import DEFAULT_LIMITS, DETAIL_TOLD, Limits, Until
from signing.verify.online import Fetched, Online
from signing.verify.pictures import compare_pages
from signing.verify.qualified import Lists
from signing.verify.rawscan import MOST_WHITE_SPACE, only_white_space
from signing.verify.reader import Opened, open_pdf
from signing.verify.register import RegisterWord, with_signers
from signing.verify.report import Indication, Report, Role, SignatureReport, Verdict, told
from signing.verify.sentence import EMPTY, UNASKED, UNSIGNED, sentence_in
from signing.verify.tail import accounted_for
from signing.verify.trust import Trust, TrustMaterial, ValidationData, read_dss
from signing.verify.validation import Token, Validator
from signing.verify.words import ENGLISH, mark

Told = TypeVar("Told")
UNCOVERED = "validation_data_uncovered"
_OF_ITS_TIME = 0.9  # that drawing may last until, and take: what was found before must still be told


def verify_pdf(
    pdf: bytes,
    *,
    trust: TrustStore | Trust,
    at: datetime | None = None,
    now: datetime,
    name: str = "",
    limits: Limits = DEFAULT_LIMITS,
    online: Online | None = None,
) -> Report:
    """Judge a PDF and everything in it that claims to be signed, in this process; offline but for `online`.

    `at` is the validation time (default: `now`, or when the last of `online`'s answers was had). Never raises
    for what the file holds: whatever goes wrong is a finding. For files of unknown origin prefer
    `bulk.verify_paths`, which reads them in a fenced process. Must not be called from within a running event
    loop.
    """
    started = time.perf_counter_ns()
    until = Until(
        wall=time.monotonic() + _OF_ITS_TIME * limits.wall_s,
        processor=time.process_time() + _OF_ITS_TIME * limits.cpu_s,
    )
    known = trust if isinstance(trust, Trust) else Trust(TrustMaterial.of(trust))
    moment = at or now
    try:
        report = _judge(
            pdf, known, moment, name, limits=limits, until=until, online=online, fixed=at is not None
        )
    except Exception as error:  # noqa: BLE001 (an auditor's batch goes on; the file gets a sentence)
        told = f"{type(error).__name__}: {str(error)[:300]}"
        finding = Finding("file_unreadable", "the file makes its reader stumble", told)
        report = unjudged(name, finding, moment)
    return replace(
        report,
        sha256_hex=hashlib.sha256(pdf).hexdigest(),
        size=len(pdf),
        duration_us=(time.perf_counter_ns() - started) // 1000,
    )


def unjudged(name: str, finding: Finding, at: datetime) -> Report:
    """The report on a file that could not be judged at all."""
    return report_on(name, at, (), [finding], None)


def _judge(
    pdf: bytes,
    trust: Trust,
    at: datetime,
    name: str,
    *,
    limits: Limits,
    until: Until,
    online: Online | None,
    fixed: bool,
) -> Report:
    opened = open_pdf(pdf, limits=limits)
    if isinstance(opened, Finding):
        return unjudged(name, opened, at)
    findings = [*opened.findings, *_left_empty(opened), *unused_lists(trust.lists)]
    inspections = [begin(opened, entry, trust) for entry in opened.filled]
    steps = _steps(opened, inspections)
    findings += _unreachable(opened)
    findings += check_behind(opened)
    for inspection in inspections:
        _guarded_coverage(inspection, steps)
    findings += _whole_file(opened, inspections, steps)
    compared = compare_pages(opened, inspections, steps, limits=limits, until=until)
    findings += compared.findings
    for inspection in inspections:
        weigh_looks(inspection, steps)
    data = read_dss(opened.reader.root)
    fetched = _fetched(inspections, trust, data, at, online)
    if fetched.until is not None and not fixed:
        at = max(at, fetched.until)
    findings += [
        Finding("online_unanswered", "a revocation answer could not be had", why[:DETAIL_TOLD])
        for why in fetched.unanswered
    ]
    signatures = _finished(_signatures(inspections, Validator(trust, data, at, fetched.data)))
    findings = [each for each in findings if each.code != UNCOVERED or not _accounted(opened, inspections)]
    if not opened.filled and not opened.unreachable:
        findings.append(Finding(UNSIGNED, "the file has no signature"))
    elif opened.filled and all(signature.role is Role.TIMESTAMP for signature in signatures):
        findings.append(Finding("only_timestamps", "nobody signed it: it carries timestamps only"))
    report = report_on(name, at, signatures, findings, opened.revisions)
    return replace(report, pages_compared=compared.pages)


def _steps(opened: Opened, inspections: Sequence[Inspection]) -> tuple[Step, ...]:
    revisions = [inspection.revision for inspection in inspections if inspection.revision is not None]
    return steps_after(opened.reader, min(revisions), opened.revisions) if revisions else ()


def unused_lists(known: Lists | None) -> list[Finding]:
    """What is said, with every file, of trusted lists that can't be used."""
    unused = known.lists.unused if known is not None else ()
    if not unused:
        return []
    told = "; ".join(f"{each.name}: {each.why}" for each in unused)
    return [Finding("trusted_lists_unused", "a trusted list can't be used", told[:DETAIL_TOLD])]


def _left_empty(opened: Opened) -> list[Finding]:
    """Of a document that another one should have signed too, or whose last signature was cut off."""
    if not opened.empty:
        return []
    told = f"fields {', '.join(opened.empty)}"[:DETAIL_TOLD]
    return [Finding(EMPTY, "a place for a signature is empty", told)]


def _unreachable(opened: Opened) -> list[Finding]:
    return [
        Finding(
            "signature_unreachable",
            "a signature is in the file that its form no longer leads to",
            f"signed bytes 0 to {found.gap_start} and {found.gap_end} to {found.end}",
        )
        for found in opened.unreachable
    ]


def _whole_file(opened: Opened, inspections: Sequence[Inspection], steps: Sequence[Step]) -> list[Finding]:
    """The last signature covers the file up to its end, but for white space."""
    last = _last_covering(inspections)
    if last is None:
        return []
    end, revision = last.entry.covered.end if last.entry.covered else 0, last.revision or 0
    if only_white_space(opened.pdf[end:]):
        return _long_tail(len(opened.pdf) - end, end)
    later = [step for step in steps if step.revision > revision]
    behind = opened.pdf[opened.pdf.rfind(b"%%EOF") + len(b"%%EOF") :]
    if not later or not only_white_space(behind):
        return [
            Finding(
                "bytes_after_end", "there is something behind the end of what was signed", f"from byte {end}"
            )
        ]
    if len(behind) > MOST_WHITE_SPACE:
        return _long_tail(len(behind), len(opened.pdf) - len(behind))
    if any(finding.weight is Weight.FAILS for finding in last.findings):
        return []  # said already, with what was changed
    code, told = "end_uncovered", mark("what was added behind the last signature is protected by nothing")
    if all(step.validation_data_only for step in later):
        code, told = (
            UNCOVERED,
            mark("validation data was added behind the last signature, where nothing protects it"),
        )
    return [Finding(code, told, f"from byte {end}")]


def _last_covering(inspections: Sequence[Inspection]) -> Inspection | None:
    covering = [inspection for inspection in inspections if inspection.entry.covered and inspection.embedded]
    return covering[-1] if covering else None


def _accounted(opened: Opened, inspections: Sequence[Inspection]) -> bool:
    """Whether validation data behind the last signature need nobody's protection; all have been judged."""
    last = _last_covering(inspections)
    judged = [each for one in inspections for each in (one.judged, *(token.judged for token in one.tokens))]
    paths = [tuple(certificate.dump() for certificate in each.path) for each in judged if each is not None]
    end = last.entry.covered.end if last is not None and last.entry.covered else 0
    return accounted_for(opened.pdf, end, paths)


def _long_tail(length: int, end: int) -> list[Finding]:
    """Viewers look for a file's end in its last 1024 bytes; where they don't find it, they guess."""
    if length <= MOST_WHITE_SPACE:
        return []
    told = f"{length} bytes of white space from byte {end}"
    return [Finding("bytes_after_end", "there is something behind the end of what was signed", told)]


def _fetched(
    inspections: Sequence[Inspection], trust: Trust, data: ValidationData, at: datetime, online: Online | None
) -> Fetched:
    if online is None:
        return Fetched(ValidationData())
    enclosed = [each.embedded.signed_data for each in inspections if each.embedded is not None]
    return asyncio.run(online.fetch(enclosed, trust, data, at=at))


def _finished(coroutine: Coroutine[Any, Any, Told]) -> Told:
    """What a coroutine gives that waits for nobody: the validator asks pyHanko in a loop of its own."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        told: Told = done.value
        return told
    coroutine.close()
    raise RuntimeError("judging waited for something")


async def _signatures(inspections: Sequence[Inspection], validator: Validator) -> tuple[SignatureReport, ...]:
    validator.meet([each.embedded.signed_data for each in inspections if each.embedded is not None])
    await _guarded_each([entry for entry in inspections if entry.is_timestamp], judge_timestamp, validator)
    await _past_timestamps(inspections, validator)
    for inspection in inspections:
        inspection.archives = _archives_behind(inspection, inspections)
    await _guarded_each(
        [entry for entry in inspections if not entry.is_timestamp], judge_signature, validator
    )
    check_order(inspections)
    return tuple(conclude(inspection, validator) for inspection in inspections)


async def _guarded_each(
    inspections: Sequence[Inspection],
    judge: Callable[[Inspection, Validator], Awaitable[None]],
    validator: Validator,
) -> None:
    for inspection in inspections:
        try:
            await judge(inspection, validator)
        except Exception as error:  # noqa: BLE001 (one odd signature must not silence the others)
            _stumbled(inspection, error)


def _stumbled(inspection: Inspection, error: Exception) -> None:
    word = getattr(error, "ades_subindication", None)
    told = f"{type(error).__name__}: {str(error)[:300]}"
    inspection.findings.append(
        Finding(
            "signature_unreadable", "a signature makes its reader stumble", f"{told} {word or ''}".strip()
        )
    )


def _guarded_coverage(inspection: Inspection, steps: Sequence[Step]) -> None:
    try:
        check_coverage(inspection, steps)
    except Exception as error:  # noqa: BLE001 (as above)
        _stumbled(inspection, error)


async def _past_timestamps(inspections: Sequence[Inspection], validator: Validator) -> None:
    """From the newest back: a timestamp that time has run out for may be proven by the good one behind it."""
    newer: tuple[Inspection, Token] | None = None
    for inspection in reversed([entry for entry in inspections if entry.is_timestamp and entry.embedded]):
        token = inspection.time
        if token is None or inspection.embedded is None:
            continue
        if not token.judged.ok and newer is not None and newer[0].embedded is not None:
            judged = await validator.past_token(
                inspection.embedded, token.judged, newer[0].embedded, newer[1].stated_at
            )
            token = replace(token, judged=judged)
            inspection.tokens, inspection.judged = (token,), judged
        if token.judged.ok:
            newer = (inspection, token)


def _archives_behind(inspection: Inspection, inspections: Sequence[Inspection]) -> tuple[Inspection, ...]:
    """The good document timestamps that cover this signature, the oldest first."""
    if inspection.is_timestamp or inspection.entry.covered is None:
        return ()
    end = inspection.entry.covered.end
    return tuple(
        other
        for other in inspections
        if other.time is not None
        and other.time.judged.ok
        and other.entry.covered
        and other.entry.covered.end > end
    )


def report_on(
    name: str,
    at: datetime,
    signatures: tuple[SignatureReport, ...],
    findings: list[Finding],
    revisions: int | None,
) -> Report:
    """The report that signatures and the findings about the file amount to."""
    everything = [*findings, *(finding for signature in signatures for finding in signature.findings)]
    indication, sub_indication = weigh(everything)
    verdict = _verdict(indication, everything)
    report = Report(
        name=name,
        indication=indication,
        sub_indication=sub_indication,
        verdict=verdict,
        sentence="",
        signatures=signatures,
        findings=told(findings),
        validation_time=at,
        revisions=revisions,
    )
    return replace(report, sentence=sentence_in(report, ENGLISH))


def with_register(report: Report, word: RegisterWord) -> Report:
    """The report with the word of the office's register: it comes first, and decides with the rest."""
    if report.revisions is not None:  # else its signatures could not be read, and none is missing for that
        word = with_signers(word, report.signatures)
    said = report_on(
        report.name,
        report.validation_time,
        report.signatures,
        [*report.findings, *word.findings],
        report.revisions,
    )
    known = replace(
        report,
        indication=said.indication,
        sub_indication=said.sub_indication,
        verdict=said.verdict,
        findings=said.findings,
        register=word,
        traces=None,
    )
    return replace(known, sentence=sentence_in(known, ENGLISH))


def without_register(report: Report, folder: str, why: str) -> Report:
    """The report with a note that the register of the office in a folder was not asked: it decides nothing.

    Of what has no digest, such as an archive that can't be read, no register knows anything.
    """
    if report.sha256_hex is None:
        return report
    text = mark("the register of the office in the folder {folder} could not be asked")
    note = Finding(UNASKED, text, why, values={"folder": folder})
    return replace(report, findings=told((*report.findings, note)))


def _verdict(indication: Indication, findings: Sequence[Finding]) -> Verdict:
    """What was signed comes first, then whether it could be read, then whom to believe."""
    deciding = [finding for finding in findings if finding.weight is not Weight.NOTE]
    if not deciding:
        return Verdict.AUTHENTIC
    if any(f.weight is Weight.FAILS and f.kind.subject is Subject.CONTENT for f in deciding):
        return Verdict.NOT_WHAT_WAS_SIGNED
    if indication is not Indication.PASSED and any(f.kind.subject is Subject.READING for f in deciding):
        return Verdict.CANNOT_BE_JUDGED
    return Verdict.SIGNED_BUT
