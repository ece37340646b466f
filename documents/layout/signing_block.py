"""Where signatures go: the last section of a document, with a labelled box for each signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from documents.canvas import Style
from documents.lines import broken
from documents.sheet import (
    BESIDE_MAX,
    BODY,
    GUTTER,
    HAIRLINE,
    HALF,
    HEADING_RULE,
    INK,
    LEFT,
    MUTED,
    NARROW,
    WIDTH,
    Box,
    Rows,
    Sheet,
    fields_height,
)

BOX_WIDTH = HALF
BOX_HEIGHT = 72.0  # five lines of a stamp at 9 points, with a margin
INK_HEIGHT = 86.0  # a hand and a company stamp need more room
CONSENT_HEIGHT = INK_HEIGHT  # nine lines: who consented to what, and how
_COLUMNS = 2
_BOX_LABEL = Style(9, 12, INK, strong=True)
_LABEL_GAP = 4.0
_BOX_SPACE = 6.0
_STATEMENT = Style(8.5, 11.5, INK)
_STATEMENT_MARGIN = 8.0
_PLACEHOLDER = Style(8, 10, MUTED)


@dataclass(frozen=True)
class Place:
    """One signature's place: `field` is the form field's name, None where ink is expected.

    `statement` are paragraphs that stand in it instead, of a document that nobody signs.
    """

    field: str | None
    label: str
    statement: tuple[str, ...] = ()
    consented: bool = False
    """Whether it will tell of a consent, which takes more lines."""

    @property
    def height(self) -> float:
        """The height of the box."""
        if self.statement:
            return len(self.statement_lines) * _STATEMENT.leading + 2 * _STATEMENT_MARGIN
        if self.field is None:
            return INK_HEIGHT
        return CONSENT_HEIGHT if self.consented else BOX_HEIGHT

    @property
    def statement_lines(self) -> tuple[str, ...]:
        """The lines of the statement, as they fit into the box."""
        room = BOX_WIDTH - 2 * _STATEMENT_MARGIN
        return tuple(line for one in self.statement for line in broken(one, _STATEMENT, room))

    @property
    def label_lines(self) -> tuple[str, ...]:
        """The words over the box."""
        return broken(self.label, _BOX_LABEL, BOX_WIDTH)


@dataclass(frozen=True)
class Signing:
    """The section in which a document is signed; it stays in one piece.

    A single signature stands beside the rows, several stand below them, two beside each other.
    """

    heading: str
    statement: str
    rows: Rows
    places: Sequence[Place]

    @property
    def height(self) -> float:
        """How much is under the heading."""
        statement = len(broken(self.statement, BODY, WIDTH)) * BODY.leading + 4 if self.statement else 0
        if self._beside:
            return statement + max(_boxes_height(self.places), NARROW[0].height(self.rows))
        boxes = sum(_BOX_SPACE + _boxes_height(row) for row in _in_rows(self.places))
        return statement + fields_height(self.rows) + boxes

    def draw(self, sheet: Sheet) -> list[tuple[Place, Box]]:
        """Draw it, on a new page if need be; gives the boxes."""
        sheet.heading(self.heading, keep=HEADING_RULE + self.height)
        if self.statement:
            sheet.paragraph(self.statement)
        if not self._beside:
            sheet.fields(self.rows)
            return [box for row in _in_rows(self.places) for box in _draw_row(sheet, row)]
        top = sheet.y
        sheet.strip(NARROW[0], self.rows)
        bottom, sheet.y = sheet.y, top
        boxes = _draw_boxes(sheet, self.places, NARROW[1].x)
        sheet.y = min(bottom, sheet.y)
        return boxes

    @property
    def _beside(self) -> bool:
        strip = NARROW[0]
        return len(self.places) == 1 and strip.holds(self.rows) and strip.height(self.rows) <= BESIDE_MAX


def unsigned_appearance(text: str, height: float = BOX_HEIGHT) -> bytes:
    """What a signature field shows before it is signed: a thin frame, and words in its corner."""
    red, green, blue = HAIRLINE
    frame = f"q {red:g} {green:g} {blue:g} RG 0.6 w 0.3 0.3 {BOX_WIDTH - 0.6:.2f} {height - 0.6:.2f} re S Q"
    return f"{frame} {_PLACEHOLDER.operators} 8 8 Td <{_PLACEHOLDER.face.hex(text)}> Tj ET".encode()


def _in_rows(places: Sequence[Place]) -> list[Sequence[Place]]:
    return [places[start : start + _COLUMNS] for start in range(0, len(places), _COLUMNS)]


def _label_height(places: Sequence[Place]) -> float:
    return max(len(place.label_lines) for place in places) * _BOX_LABEL.leading + _LABEL_GAP


def _boxes_height(places: Sequence[Place]) -> float:
    return _label_height(places) + max(place.height for place in places)


def _draw_row(sheet: Sheet, places: Sequence[Place]) -> list[tuple[Place, Box]]:
    sheet.keep(_BOX_SPACE + _boxes_height(places))
    sheet.y -= _BOX_SPACE
    return _draw_boxes(sheet, places, LEFT)


def _draw_boxes(sheet: Sheet, places: Sequence[Place], left: float) -> list[tuple[Place, Box]]:
    """Boxes beside each other, each under its label.

    A form field brings its own frame, which changes when it is signed: only the box for ink, and that of a
    statement, is drawn here.
    """
    top = sheet.y
    box_top = top - _label_height(places)
    boxes = []
    for column, place in enumerate(places):
        x = left + column * (BOX_WIDTH + GUTTER)
        for index, line in enumerate(place.label_lines, start=1):
            sheet.canvas.text(x, top - index * _BOX_LABEL.leading + 3, line, _BOX_LABEL)
        box = Box(sheet.page, x, box_top - place.height, BOX_WIDTH, place.height)
        if place.field is None:
            sheet.canvas.frame(box.x, box.y, box.width, box.height, HAIRLINE)
        for index, line in enumerate(place.statement_lines, start=1):
            line_y = box_top - _STATEMENT_MARGIN - index * _STATEMENT.leading + 3
            sheet.canvas.text(x + _STATEMENT_MARGIN, line_y, line, _STATEMENT)
        boxes.append((place, box))
    sheet.y = min(box.y for _, box in boxes)
    return boxes
