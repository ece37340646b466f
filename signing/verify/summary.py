"""The readable summary of a run: one PDF, what needs attention first.

It is drawn from the reports in several passes, so that it takes no more memory for many files than for few.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib.resources import as_file, files
from itertools import islice

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase.pdfmetrics import getFont, registerFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from fonts import regular
from signing.verify.output import printable
from signing.verify.report import Report, Verdict

_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, A4[0] - 56.0, A4[1] - 64.0, 56.0
_REGULAR, _BOLD = "ParaafSummary", "ParaafSummary-Bold"
MOST_TOLD = 2_000  # files with more to say than that they are authentic
MOST_AUTHENTIC = 200
_HEADINGS = {
    Verdict.NOT_WHAT_WAS_SIGNED: "Not what was signed",
    Verdict.CANNOT_BE_JUDGED: "Cannot be judged",
    Verdict.SIGNED_BUT: "Signed, but …",
    Verdict.AUTHENTIC: "Authentic as issued",
}
"""The four verdicts, in the order in which they are told."""


def summary_pdf(reports: Callable[[], Iterable[Report]], *, made_at: datetime) -> bytes:
    """The summary as PDF: counts, then the files under a heading for each verdict, the worst first.

    `reports` gives the reports from the first on, as often as it is called.
    """
    out = io.BytesIO()
    page = _Page(Canvas(out, pagesize=A4, invariant=True), made_at)
    counts, quick, validated = _counted(reports())
    page.line("Verification of signed documents", _BOLD, 16, 26)
    times = ", ".join(sorted(validated)) or "none"
    page.line(f"{counts.total():,} files; validation time {times}", _REGULAR, 10, 15)
    for verdict, heading in _HEADINGS.items():
        page.line(f"{heading}: {counts[verdict]:,}", _BOLD if counts[verdict] else _REGULAR, 10, 15)
    if quick:
        page.line(f"{quick:,} of these were cleared by the quick look.", _REGULAR, 9, 15)
    for verdict, heading in _HEADINGS.items():
        if counts[verdict]:
            page.gap(14)
            page.line(f"{heading} ({counts[verdict]:,})", _BOLD, 12, 20)
            told = _told(page, verdict, reports())
            if counts[verdict] > told:
                page.line(f"… and {counts[verdict] - told:,} more.", _REGULAR, 9.5, 13)
    page.close()
    return out.getvalue()


def _counted(reports: Iterable[Report]) -> tuple[Counter[Verdict], int, set[str]]:
    counts: Counter[Verdict] = Counter()
    quick, validated = 0, set()
    for report in reports:
        counts[report.verdict] += 1
        quick += not report.whole
        validated.add(f"{report.validation_time:%Y-%m-%d %H:%M} UTC")
    return counts, quick, validated


def _told(page: "_Page", verdict: Verdict, reports: Iterable[Report]) -> int:
    most = MOST_AUTHENTIC if verdict is Verdict.AUTHENTIC else MOST_TOLD
    told = 0
    for report in islice((one for one in reports if one.verdict is verdict), most):
        page.file(report)
        told += 1
    return told


class _Page:
    """A pen that starts a new page when the old one is full."""

    def __init__(self, canvas: Canvas, made_at: datetime) -> None:
        _fonts()
        self._canvas = canvas
        self._made_at = made_at
        self._number = 1
        self._y = _TOP
        canvas.setTitle("Verification of signed documents")

    def file(self, report: Report) -> None:
        """One file: name, indication, sentence, digest."""
        self._room(60)
        self.wrapped(report.name, _BOLD, 9.5, 13)
        word = report.indication.value + (f" · {report.sub_indication}" if report.sub_indication else "")
        self.wrapped(f"{word} — {report.sentence}", _REGULAR, 9.5, 13)
        if report.sha256_hex:
            self.line(f"SHA-256 {report.sha256_hex}", _REGULAR, 7, 10)
        self._y -= 8

    def gap(self, height: float) -> None:
        """Leave room above what follows, which begins on this page only with some lines of its own."""
        self._room(height + 60)
        self._y -= height

    def wrapped(self, text: str, font: str, size: float, leading: float) -> None:
        """Text over as many lines as it takes; a word longer than a line is broken."""
        for piece in simpleSplit(_drawable(text), font, size, _RIGHT - _LEFT):
            left = piece
            while left:
                fits = len(left)
                while getFont(font).stringWidth(left[:fits], size) > _RIGHT - _LEFT:
                    fits -= 1
                self.line(left[:fits], font, size, leading)
                left = left[fits:]

    def line(self, text: str, font: str, size: float, leading: float) -> None:
        """One line; starts a new page when there is no room."""
        self._room(leading)
        self._canvas.setFont(font, size)
        self._canvas.drawString(_LEFT, self._y - size, _drawable(text))
        self._y -= leading

    def _room(self, height: float) -> None:
        if self._y - height < _BOTTOM:
            self._foot()
            self._canvas.showPage()
            self._number += 1
            self._y = _TOP

    def _foot(self) -> None:
        self._canvas.setFont(_REGULAR, 8)
        self._canvas.drawString(_LEFT, 36, f"Made {self._made_at:%Y-%m-%d %H:%M} UTC by paraaf verify")
        self._canvas.drawRightString(_RIGHT, 36, f"page {self._number}")

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
