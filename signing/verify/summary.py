"""The readable summary of a run: one PDF, what needs attention first; every signature, where files are few.

It is drawn from the reports in several passes, so that it takes no more memory for many files than for few.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.resources import as_file, files
from itertools import islice

from cryptography.hazmat.primitives.hashes import SHA256
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from certs.trust import TrustStore
from fonts import regular
from signing.verify.details import about_file, about_signature, heading
from signing.verify.output import printable, sentence_of
from signing.verify.report import Report, Verdict
from signing.verify.words import ENGLISH, Words, mark

_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, A4[0] - 56.0, A4[1] - 64.0, 56.0
_REGULAR, _BOLD = "ParaafSummary", "ParaafSummary-Bold"
MOST_TOLD = 2_000  # files with more to say than that they are authentic
MOST_AUTHENTIC = 200
MOST_ANCHORS = 20
MOST_IN_DETAIL = 20  # files in a run that is told of signature by signature, authentic or not
MOST_TROUBLES_IN_DETAIL = 200  # files of one verdict, else
_INDENT, _VALUE = 12.0, 92.0  # points from the left edge
_GREY = 0.35
_TITLE = mark("Verification of signed documents")
_AND_MORE = mark("… and {count} more.")
HEADINGS = {
    Verdict.NOT_WHAT_WAS_SIGNED: mark("Not what was signed"),
    Verdict.CANNOT_BE_JUDGED: mark("Cannot be judged"),
    Verdict.SIGNED_BUT: mark("Signed, but …"),
    Verdict.AUTHENTIC: mark("Authentic as issued"),
}
"""The four verdicts, in the order in which they are told."""


def summary_pdf(
    reports: Callable[[], Iterable[Report]],
    *,
    made_at: datetime,
    trust: TrustStore | None = None,
    words: Words = ENGLISH,
) -> bytes:
    """The summary as PDF: counts, then the files under a heading for each verdict, the worst first.

    `reports` gives the reports from the first on, as often as it is called. Of `trust`, by which they were
    judged, the anchors are named: who trusts others comes to another verdict. It is told in `words`.
    """
    out = io.BytesIO()
    page = _Page(Canvas(out, pagesize=A4, invariant=True, lang=words.language), made_at, words)
    counts, quick, validated = _counted(reports())
    page.line(words.text(_TITLE), _BOLD, 16, 26)
    times = ", ".join(words.moment(each) for each in sorted(validated)) or words.text("none")
    total = counts.total()
    files_told = words.counted("{count} file", "{count} files", total)
    validated_at = words.text("validation time {times}", times=times)
    page.line(f"{files_told}; {validated_at}", _REGULAR, 10, 15)
    for verdict, title in HEADINGS.items():
        page.line(
            f"{words.text(title)}: {words.number(counts[verdict])}",
            _BOLD if counts[verdict] else _REGULAR,
            10,
            15,
        )
    if quick:
        page.line(words.text("Cleared by the quick look, of these: {count}", count=quick), _REGULAR, 9, 15)
    for text in () if trust is None else _trusted(trust, words):
        page.wrapped(text, _REGULAR, 8, 11)
    for verdict, title in HEADINGS.items():
        if counts[verdict]:
            page.gap(14)
            page.line(f"{words.text(title)} ({words.number(counts[verdict])})", _BOLD, 12, 20)
            told = _told(page, verdict, reports(), few=total <= MOST_IN_DETAIL)
            if counts[verdict] > told:
                page.line(words.text(_AND_MORE, count=counts[verdict] - told), _REGULAR, 9.5, 13)
    page.close()
    return out.getvalue()


def _trusted(trust: TrustStore, words: Words) -> Iterator[str]:
    """The anchors by name and SHA-256, and how many trusted lists named others."""
    for anchor in trust.anchors[:MOST_ANCHORS]:
        name, sha256 = anchor.subject.rfc4514_string(), anchor.fingerprint(SHA256()).hex()
        yield words.text("Trusted: {name}, SHA-256 {sha256}", name=name, sha256=sha256)
    if len(trust.anchors) > MOST_ANCHORS:
        yield words.text(_AND_MORE, count=len(trust.anchors) - MOST_ANCHORS)
    if trust.lists is not None:
        services = words.counted("{count} service", "{count} services", len(trust.lists.services))
        unused = words.counted("{count} list", "{count} lists", len(trust.lists.unused))
        yield words.text("Trusted lists: {services}; not used: {unused}", services=services, unused=unused)
    elif not trust.anchors:
        yield words.text("Nobody was trusted: no certificate was named.")


def _counted(reports: Iterable[Report]) -> tuple[Counter[Verdict], int, set[datetime]]:
    counts: Counter[Verdict] = Counter()
    quick, validated = 0, set[datetime]()
    for report in reports:
        counts[report.verdict] += 1
        quick += not report.whole
        validated.add(report.validation_time.replace(second=0, microsecond=0))
    return counts, quick, validated


def _told(page: "_Page", verdict: Verdict, reports: Iterable[Report], *, few: bool) -> int:
    authentic = verdict is Verdict.AUTHENTIC
    most = MOST_AUTHENTIC if authentic else MOST_TOLD
    in_detail = MOST_IN_DETAIL if few else 0 if authentic else MOST_TROUBLES_IN_DETAIL
    told = 0
    for report in islice((one for one in reports if one.verdict is verdict), most):
        page.file(report, in_detail=told < in_detail)
        told += 1
    return told


class _Page:
    """A pen that starts a new page when the old one is full."""

    def __init__(self, canvas: Canvas, made_at: datetime, words: Words) -> None:
        _fonts()
        self._canvas = canvas
        self._made_at = made_at
        self._words = words
        self._number = 1
        self._y = _TOP
        canvas.setTitle(words.text(_TITLE))

    def file(self, report: Report, *, in_detail: bool) -> None:
        """One file: name, indication, sentence, digest, and each signature in detail."""
        self._room(60)
        self.wrapped(report.name, _BOLD, 9.5, 13)
        word = report.indication.value + (f" · {report.sub_indication}" if report.sub_indication else "")
        self.wrapped(f"{word} — {sentence_of(report, self._words)}", _REGULAR, 9.5, 13)
        if report.sha256_hex:
            self.line(f"SHA-256 {report.sha256_hex}", _REGULAR, 7, 10)
        if in_detail:
            self._y -= 4
            self._table(about_file(report, self._words))
            for signature in report.signatures:
                self._room(50)
                self._y -= 4
                self.wrapped(heading(signature, self._words), _BOLD, 8.5, 12, indent=_INDENT)
                self._table(about_signature(signature, report, self._words))
        self._y -= 8

    def _table(self, lines: Iterable[tuple[str, str]]) -> None:
        for label, value in lines:
            self._room(11)
            self._canvas.setFont(_REGULAR, 8)
            self._canvas.setFillGray(_GREY)
            self._canvas.drawString(_LEFT + _INDENT, self._y - 8, label)
            self._canvas.setFillGray(0)
            self.wrapped(value, _REGULAR, 8, 11, indent=_VALUE)

    def gap(self, height: float) -> None:
        """Leave room above what follows, which begins on this page only with some lines of its own."""
        self._room(height + 60)
        self._y -= height

    def wrapped(self, text: str, font: str, size: float, leading: float, *, indent: float = 0) -> None:
        """Text over as many lines as it takes; a word longer than a line is broken."""
        width = _RIGHT - _LEFT - indent
        for piece in simpleSplit(_drawable(text), font, size, width):
            left = piece
            while left:
                fits = len(left)
                while getFont(font).stringWidth(left[:fits], size) > width:
                    fits -= 1
                self.line(left[:fits], font, size, leading, indent=indent)
                left = left[fits:]

    def line(self, text: str, font: str, size: float, leading: float, *, indent: float = 0) -> None:
        """One line; starts a new page when there is no room."""
        self._room(leading)
        self._canvas.setFont(font, size)
        self._canvas.drawString(_LEFT + indent, self._y - size, _drawable(text))
        self._y -= leading

    def _room(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._foot()
            self._canvas.showPage()
            self._number += 1
            self._y = _TOP

    def _foot(self) -> None:
        self._canvas.setFont(_REGULAR, 8)
        made = self._words.text("Made {at} by paraaf verify", at=self._words.moment(self._made_at))
        self._canvas.drawString(_LEFT, 36, made)
        number = self._words.text("page {number}", number=str(self._number))
        self._canvas.drawRightString(_RIGHT, 36, number)

    def close(self) -> None:
        """Finish the document."""
        self._foot()
        self._canvas.showPage()
        self._canvas.save()


def _drawable(text: str) -> str:
    shown = printable(text)
    missing = set(regular().missing(shown))
    return "".join("?" if character in missing else character for character in shown)


def _fonts() -> None:
    for name, file in ((_REGULAR, "noto-sans-regular.ttf"), (_BOLD, "noto-sans-bold.ttf")):
        try:
            getFont(name)
        except (KeyError, TTFError):
            with as_file(files("fonts") / file) as path:
                registerFont(TTFont(name, str(path)))
