"""Where signatures go: labelled boxes at the end of a document."""

from collections.abc import Sequence
from dataclasses import dataclass

from documents.canvas import Style
from documents.lines import broken
from documents.sheet import HAIRLINE, INK, LEFT, WIDTH, Box, Sheet

BOX_HEIGHT = 86.0  # five lines of a stamp at 8 points, with a margin
_GAP = 18.0
_COLUMNS = 2
BOX_WIDTH = (WIDTH - _GAP) / _COLUMNS
_BOX_LABEL = Style(9, 12, INK, strong=True)


@dataclass(frozen=True)
class Place:
    """One signature's place: `field` is the form field's name, None where ink is expected."""

    field: str | None
    label: str


def signing_boxes(sheet: Sheet, places: Sequence[Place]) -> list[tuple[Place, Box]]:
    """Draw a box for each place, two beside each other; gives the boxes."""
    boxes: list[tuple[Place, Box]] = []
    for start in range(0, len(places), _COLUMNS):
        boxes += _row_of_boxes(sheet, places[start : start + _COLUMNS])
    return boxes


def _row_of_boxes(sheet: Sheet, places: Sequence[Place]) -> list[tuple[Place, Box]]:
    labels = [broken(place.label, _BOX_LABEL, BOX_WIDTH) for place in places]
    label_height = max(map(len, labels)) * _BOX_LABEL.leading
    sheet.keep(label_height + BOX_HEIGHT + 16)
    top = sheet.y - 6
    sheet.y = top - label_height - 4 - BOX_HEIGHT
    boxes = []
    for column, (place, lines) in enumerate(zip(places, labels, strict=True)):
        x = LEFT + column * (BOX_WIDTH + _GAP)
        for index, line in enumerate(lines, start=1):
            sheet.canvas.text(x, top - index * _BOX_LABEL.leading + 3, line, _BOX_LABEL)
        sheet.canvas.frame(x, sheet.y, BOX_WIDTH, BOX_HEIGHT, HAIRLINE)
        boxes.append((place, Box(sheet.page, x, sheet.y, BOX_WIDTH, BOX_HEIGHT)))
    sheet.y -= 8
    return boxes
