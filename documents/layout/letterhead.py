"""What all documents look alike in: the head of the first page, the head of further pages, the foot."""

from dataclasses import dataclass
from datetime import date
from math import hypot

from documents.canvas import A4, Colour, PageCanvas, Style
from documents.lines import broken
from documents.qr import qr_operators
from documents.sheet import (
    ACCENT,
    HAIRLINE,
    INK,
    LEFT,
    MUTED,
    RIGHT,
    SMALL,
    STRONG,
    TITLE,
    WIDTH,
)
from documents.words import Words, mark
from fonts import bold
from fonts.outlines import outlines

SENDER = Style(12, 15.5, INK, strong=True)
SENDER_DETAIL = Style(8.5, 11.5, MUTED)
RUNNING = Style(8, 11, MUTED)
_NOTE_INK: Colour = (0.478, 0.271, 0.0)
_NOTE_TINT: Colour = (1.0, 0.957, 0.867)
NOTE = Style(8, 11, _NOTE_INK, strong=True)
_TOP = A4[1] - 48
PAGE_CODE = "PARAAF"
DRAFT = mark("Draft")
_ACROSS = 0.68  # of the diagonal
PALE = 0.94  # of white: the palest text on it has a contrast of 5.5 : 1
_QR_SIZE = 92.0
_PAGE_CODE_SIZE = 46.0  # a module of 0.5 mm: a scan at 150 dpi has 3 dots for it
_QR_GAP = 20.0
_FOOT = 44.0
_FOOT_GAP = 24.0


@dataclass(frozen=True)
class Cover:
    """What is printed around a document's own content.

    `sender` is the first line of the head, `sender_details` the lines under it, `issued` the day of issue as
    it is printed. `verify_url` is the address where a recipient checks a document; the code goes behind it.
    `note` is a warning on every page.
    """

    title: str
    sender: str
    sender_details: tuple[str, ...]
    number: str
    verification_code: str
    verify_url: str | None
    issued: str
    valid_until: date | None
    note: str | None
    coded_pages: bool = False
    """Whether every page bears its number in a QR code, by which its scan is matched: for paper."""
    draft: bool = False
    """Whether it bears no code, as nobody is to check it, and says across each page what it is."""

    def page_code(self, page: int, pages: int) -> str:
        """What the code of a page (from 0) says: letters that a QR code packs densely."""
        return f"{PAGE_CODE}:{self.number}:{page + 1}/{pages}"

    @property
    def qr_text(self) -> str:
        """What the QR code says: the address with the code behind it, or the code alone."""
        if self.verify_url is None:
            return self.verification_code
        return f"{self.verify_url.rstrip('/')}/{self.verification_code}"


@dataclass(frozen=True)
class Letterhead:
    """Draws the heads and feet of one document's pages in one language."""

    cover: Cover
    words: Words

    def start_page(self, canvas: PageCanvas, page: int) -> float:
        """Draw the head of a page; gives the height where the content begins."""
        if self.cover.draft:
            self._across(canvas)
        return self._first(canvas) if page == 0 else self._further(canvas)

    def _first(self, canvas: PageCanvas) -> float:
        y = _TOP
        y = self._note(canvas, y)
        for line in broken(self.cover.sender, SENDER, WIDTH):
            y -= SENDER.leading
            canvas.text(LEFT, y + 4, line, SENDER)
        for detail in self.cover.sender_details:
            for line in broken(detail, SENDER_DETAIL, WIDTH):
                y -= SENDER_DETAIL.leading
                canvas.text(LEFT, y + 3, line, SENDER_DETAIL)
        y -= 8
        canvas.rule(LEFT, y, WIDTH, ACCENT, 1.4)
        return self._title_block(canvas, y - 14)

    def _across(self, canvas: PageCanvas) -> None:
        """Draw the word that the document is a draft from corner to corner, behind all that follows.

        It is drawn, not written: whoever takes the text out of the page finds the document's alone.
        """
        word, (width, height) = self.words.text(DRAFT), A4
        face, diagonal = bold(), hypot(width, height)
        size = _ACROSS * diagonal / face.width(word, 1)
        cosine, sine = width / diagonal, height / diagonal
        along, up = face.width(word, size) / 2, face.cap_height * size / 2000
        x, y = width / 2 - along * cosine + up * sine, height / 2 - along * sine - up * cosine
        scale = size / 1000
        turned = " ".join(f"{one * scale:.4f}" for one in (cosine, sine, -sine, cosine))
        canvas.operators(f"q {PALE:g} g {turned} {x:.2f} {y:.2f} cm {outlines(face, word)} f Q")

    def _title_block(self, canvas: PageCanvas, top: float) -> float:
        """Title and particulars at the left, the QR code at the right."""
        # the white border of the code may touch the margin
        if not self.cover.draft:
            place = RIGHT - _QR_SIZE + 8, top - _QR_SIZE + 8
            canvas.operators(qr_operators(self.cover.qr_text, *place, _QR_SIZE))
        room = WIDTH - _QR_SIZE - _QR_GAP
        y = top
        for line in broken(self.cover.title, TITLE, room):
            y -= TITLE.leading
            canvas.text(LEFT, y + 6, line, TITLE)
        y -= 8
        y = self._particulars(canvas, y, room)
        if not self.cover.draft:
            y = self._verification(canvas, y, room)
        return min(y, top - _QR_SIZE) - 12

    def _particulars(self, canvas: PageCanvas, y: float, room: float) -> float:
        """Number and dates, each under its label, side by side."""
        cover, words = self.cover, self.words
        pairs = [
            (words.text("Number"), cover.number),
            (words.text("Date of issue"), cover.issued),
        ]
        if cover.valid_until is not None:
            pairs.append((words.text("Valid until"), words.day(cover.valid_until)))
        step = room / 3
        lowest = y
        for index, (label, value) in enumerate(pairs):
            x = LEFT + index * step
            canvas.text(x, y - SMALL.leading, label, SMALL)
            line_y = y - SMALL.leading
            for line in broken(value, STRONG, step - 8):
                line_y -= STRONG.leading
                canvas.text(x, line_y, line, STRONG)
            lowest = min(lowest, line_y)
        return lowest - 6

    def _verification(self, canvas: PageCanvas, y: float, room: float) -> float:
        cover, words = self.cover, self.words
        canvas.text(LEFT, y - SMALL.leading, words.text("Verification code"), SMALL)
        y -= SMALL.leading
        for line in broken(cover.verification_code, STRONG, room):
            y -= STRONG.leading
            canvas.text(LEFT, y, line, STRONG)
        for line in broken(self._what_to_do(), SMALL, room):
            y -= SMALL.leading + 0.6
            canvas.text(LEFT, y - 2, line, SMALL)
        return y - 6

    def _what_to_do(self) -> str:
        """What the recipient can do with the code; without an address, nothing more than ask."""
        if self.cover.verify_url is None:
            return self.words.text(
                "The code identifies this document: give it when you ask the sender about it."
            )
        return self.words.text(
            "Check this document at {address} or by scanning the code.", address=self.cover.verify_url
        )

    def _further(self, canvas: PageCanvas) -> float:
        y = self._note(canvas, _TOP + 10)
        y -= RUNNING.leading
        title = f"{self.cover.title} · {self.cover.number}"
        room = WIDTH - min(RUNNING.width(title), WIDTH * 0.55) - 16
        canvas.text(LEFT, y, _shortened(self.cover.sender, RUNNING, room), RUNNING)
        canvas.text_right(RIGHT, y, _shortened(title, RUNNING, WIDTH * 0.55), RUNNING)
        y -= 7
        canvas.rule(LEFT, y, WIDTH, ACCENT, 0.8)
        return y - 16

    def _note(self, canvas: PageCanvas, y: float) -> float:
        if self.cover.note is None:
            return y
        lines = broken(self.words.text(self.cover.note), NOTE, WIDTH - 20)
        height = len(lines) * NOTE.leading + 8
        y += 14  # into the upper margin, so that real documents and samples break alike
        canvas.panel(LEFT, y - height, WIDTH, height, _NOTE_TINT)
        line_y = y - 4
        for line in lines:
            line_y -= NOTE.leading
            canvas.text(LEFT + 10, line_y + 2.6, line, NOTE)
        return y - height - 8

    def draw_foot(self, canvas: PageCanvas, page: int, pages: int) -> None:
        """Draw the foot: title and number, the whole verification code, page number."""
        cover = self.cover
        if cover.coded_pages:  # in the margin, where nothing else is printed
            code = qr_operators(cover.page_code(page, pages), 12, _FOOT - 14, _PAGE_CODE_SIZE)
            canvas.operators(code)
        canvas.rule(LEFT, _FOOT + 14, WIDTH, HAIRLINE)
        place = self.words.text("Page {page} of {pages}", page=page + 1, pages=pages)
        code = "" if cover.draft else f"{self.words.text('Verification code')} {cover.verification_code}"
        code = _shortened(code, SMALL, WIDTH * 0.6)  # wider than 32 of the widest letters
        code_right = RIGHT - SMALL.width(place) - _FOOT_GAP
        title_room = code_right - SMALL.width(code) - _FOOT_GAP - LEFT
        canvas.text(LEFT, _FOOT, _shortened(f"{cover.title} · {cover.number}", SMALL, title_room), SMALL)
        canvas.text_right(code_right, _FOOT, code, SMALL)
        canvas.text_right(RIGHT, _FOOT, place, SMALL)


def _shortened(text: str, style: Style, width: float) -> str:
    """`text`, cut with an ellipsis where it is too wide; for what stands elsewhere in full."""
    if style.width(text) <= width:
        return text
    return broken(text, style, width - style.width("…"))[0] + "…"
