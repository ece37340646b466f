"""Reports as text for people, JSON for programs, and CSV that a spreadsheet can open without running it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from signing.verify.qualified import Qualified
from signing.verify.report import Report, Role, SignatureReport, hidden, iso, json_escaped, to_json
from signing.verify.sentence import sentence_in
from signing.verify.words import ENGLISH, Words, mark

CSV_COLUMNS = (
    "file",
    "indication",
    "sub_indication",
    "verdict",
    "sentence",
    "signature_field",
    "signature_role",
    "signature_indication",
    "signature_sub_indication",
    "level",
    "signer",
    "organisation",
    "claimed_at",
    "proven_at",
    "certificate_sha256",
    "findings",
    "sha256",
    "validation",
    "qualified",
    "qualified_by",
    "revocation",
    "revoked_at",
    "revocation_issued_at",
    "good_until",
    "register",
    "request",
)
_FORMULA = re.compile(r"(?:\A|(?<=;))(?=[\s\"]*[=+\-@＝＋－＠]|[\t\r\n])")
"""Where a spreadsheet would begin to read a formula: in a cell, and in what it takes for one, where a
semicolon parts cells, as in countries that write a comma in numbers."""
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.: -]*", re.ASCII)
"""What is no formula, and hides nothing: most cells of a long list."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def as_dict(report: Report, words: Words = ENGLISH) -> dict[str, Any]:
    """The report with stable keys for JSON; its sentence and what was found in a language."""
    values = report.as_dict(words)
    return {**values, "sentence": sentence_of(report, words)}


def sentence_of(report: Report, words: Words) -> str:
    """The report's sentence in a language."""
    return report.sentence if words is ENGLISH else sentence_in(report, words)


def csv_row(report: Report, words: Words = ENGLISH) -> Iterator[tuple[str, ...]]:
    """One row a signature; a file without any has one row with those columns empty. The sentence is in a
    language, all else is not.
    """
    for signature in report.signatures or (None,):
        yield (
            report.name,
            report.indication.value,
            report.sub_indication or "",
            report.verdict.value,
            sentence_of(report, words),
            *_signature_cells(signature),
            " ".join(
                finding.code for finding in (*report.findings, *(signature.findings if signature else ()))
            ),
            report.sha256_hex or "",
            report.validation,
            *_particular_cells(signature),
            *_register_cells(report),
        )


def _signature_cells(signature: SignatureReport | None) -> tuple[str, ...]:
    if signature is None:
        return ("",) * 10
    return (
        signature.field or "",
        signature.role.value,
        signature.indication.value,
        signature.sub_indication or "",
        signature.level or "",
        signature.signer or "",
        signature.organisation or "",
        iso(signature.claimed_at) or "",
        iso(signature.proven_at) or "",
        signature.certificate_sha256 or "",
    )


def _particular_cells(signature: SignatureReport | None) -> tuple[str, ...]:
    if signature is None:
        return ("",) * 6
    revocation, strength = signature.revocation, signature.strength
    return (
        signature.qualified.qualified.value,
        signature.qualified.service or "",
        revocation.status if revocation else "",
        (iso(revocation.revoked_at) or "") if revocation else "",
        (iso(revocation.issued_at) or "") if revocation else "",
        str(strength.good_until) if strength and strength.good_until is not None else "",
    )


def _register_cells(report: Report) -> tuple[str, ...]:
    word = report.register
    if word is None:
        return ("", "")
    return (word.standing.value, "" if word.request is None else str(word.request))


def csv_line(cells: Sequence[str], *, numbers: bool = False) -> str:
    """One CSV line; a cell that a spreadsheet would take for a formula gets an apostrophe in front.

    Whoever names a file or a certificate `=HYPERLINK(…)` must not have it run on the auditor's machine.
    `numbers`: of a list that has some, so that they stay what they are below zero.
    """
    return csv_lines([cells], numbers=numbers)


def csv_lines(rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    """The same of many lines."""
    out = io.StringIO()
    told = _told if numbers else harmless
    csv.writer(out, lineterminator="\r\n").writerows([told(cell) for cell in cells] for cells in rows)
    return out.getvalue()


def _told(cell: str) -> str:
    return cell if _NUMBER.fullmatch(cell) else harmless(cell)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs, on one line."""
    return cell if _PLAIN.fullmatch(cell) else _visible(_FORMULA.sub("'", cell))


def _visible(cell: str) -> str:
    """The cell on one line, with characters that nobody sees written as escapes."""
    line = cell.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    if line.isprintable():  # which hides nothing
        return line
    return "".join(json_escaped(character) if hidden(character) else character for character in line)


def json_array(reports: Iterable[Report], words: Words = ENGLISH) -> Iterator[str]:
    """One JSON document, `{"files": […]}`, written as the reports come in."""
    yield '{"files": ['
    separator = "\n"
    for report in reports:
        yield separator + to_json(as_dict(report, words))
        separator = ",\n"
    yield "\n]}\n"


def printable(text: str) -> str:
    """Text without control characters: a name in a certificate must not move the reader's cursor."""
    return "".join(character if character.isprintable() else "�" for character in text)


_ROLES = {
    Role.APPROVAL: mark("approval"),
    Role.CERTIFICATION: mark("certification"),
    Role.SEAL: mark("seal"),
    Role.TIMESTAMP: mark("timestamp"),
}


def text_of_report(report: Report, words: Words = ENGLISH) -> str:
    """A few lines for a person: the sentence first, then every signature and what was found."""
    looked = "" if report.whole else "  " + words.text("(quick look)")
    lines = [f"{report.name}{looked}", f"  {report.indication.value}  {sentence_of(report, words)}"]
    lines += [
        f"    - {finding.code}: {finding.told(words)}{_detail(finding.detail)}" for finding in report.findings
    ]
    for signature in report.signatures:
        lines.append(
            "    "
            + ", ".join(
                part
                for part in (
                    f"{words.text(_ROLES[signature.role])} “{signature.field}”",
                    signature.signer,
                    signature.level,
                    _known_status(signature),
                    signature.indication.value,
                    signature.sub_indication,
                )
                if part
            )
        )
        lines += [
            f"      - {finding.code}: {finding.told(words)}{_detail(finding.detail)}"
            for finding in signature.findings
        ]
    return "\n".join(printable(line) for line in lines) + "\n"


def _known_status(signature: SignatureReport) -> str | None:
    known = signature.qualified.qualified
    return None if known is Qualified.UNKNOWN else known.value


def _detail(detail: str) -> str:
    return f" ({detail})" if detail else ""
