"""How a signature field shows on a page: whether it does, and what draws it."""

import re
from typing import Any

from pyhanko.pdf_utils import generic

from signing.verify.pdfvalues import items_of, value_of

_COMMENT = re.compile(rb"%[^\r\n]*")
_MOST_WIDGETS = 1000


class TooManyWidgetsError(ValueError):
    """A field that stands on more places than anybody can look at."""


def is_visible(entry: Any) -> bool:
    """Whether a field may show: it, or a widget below it, has an area or an appearance. In doubt it does."""
    try:
        return any(has_area(widget) or draws_something(widget) for widget in _widgets(entry))
    except TooManyWidgetsError:
        return True


def is_drawn(entry: Any) -> bool:
    """Whether a field has an appearance; a signature field without one shows nothing. In doubt it has."""
    try:
        return any(draws_something(widget) for widget in _widgets(entry))
    except TooManyWidgetsError:
        return True


def stands_once(entry: Any) -> bool:
    """Whether the field is its own only widget, or has exactly one below it."""
    kids = items_of(entry, "/Kids")
    return len(kids) <= 1 and not any(items_of(kid, "/Kids") for kid in kids)


def _widgets(entry: Any) -> list[Any]:
    """The field itself, which may be its own widget, and everything below it; raises TooManyWidgetsError."""
    found: list[Any] = []
    waiting = [entry]
    while waiting:
        if len(found) == _MOST_WIDGETS:
            raise TooManyWidgetsError(f"a field with more than {_MOST_WIDGETS} widgets")
        widget = waiting.pop()
        found.append(widget)
        waiting += items_of(widget, "/Kids")
    return found


def has_area(widget: Any) -> bool:
    """Whether an annotation's rectangle has an area; in doubt it has."""
    rectangle = value_of(widget, "/Rect")
    if rectangle is None:
        return False
    sides = items_of(widget, "/Rect")
    if len(sides) != 4 or not all(isinstance(side, int | float | generic.FloatObject) for side in sides):
        return True
    left, bottom, right, top = (float(side) for side in sides)
    return left != right and bottom != top


def draws_something(widget: Any) -> bool:
    """Whether an annotation has an appearance, but for the empty one of some invisible fields."""
    appearance = value_of(widget, "/AP")
    if appearance is None:
        return False
    if not isinstance(appearance, generic.DictionaryObject) or set(appearance) != {"/N"}:
        return True
    normal = value_of(appearance, "/N")
    return not isinstance(normal, generic.StreamObject) or bool(_COMMENT.sub(b"", normal.data).strip())


def looks(entry: Any) -> list[Any]:
    """What decides how the field is drawn, as it is written: to be compared between revisions."""
    return [
        [plain(dict.get(widget, key)) for key in ("/AP", "/AS", "/Rect", "/MK", "/F")]
        for widget in _widgets(entry)
        if isinstance(widget, generic.DictionaryObject)
    ]


def plain(value: Any) -> Any:
    """References as numbers, so that two revisions' values can be compared."""
    if isinstance(value, generic.IndirectObject):
        return (value.idnum, value.generation)
    if isinstance(value, generic.DictionaryObject):
        return {key: plain(dict.get(value, key)) for key in value}
    if isinstance(value, generic.ArrayObject):
        return [plain(item) for item in list.__iter__(value)]
    return value


def appearances(entry: Any) -> list[Any]:
    """What draws the field, on each of the places where it stands."""
    return [dict.get(widget, "/AP") for widget in _widgets(entry) if isinstance(widget, dict)]


def drawn_by(entry: Any) -> set[tuple[int, int]]:
    """The objects (number, generation) that the field's appearance is made of."""
    stack = appearances(entry)
    found: set[tuple[int, int]] = set()
    while stack:
        value = stack.pop()
        if isinstance(value, generic.IndirectObject):
            key = (value.idnum, value.generation)
            if key in found:
                continue
            found.add(key)
            value = value.get_object()  # type: ignore[no-untyped-call]
        if isinstance(value, generic.DictionaryObject):
            stack += dict.values(value)
        elif isinstance(value, generic.ArrayObject):
            stack += list.__iter__(value)
    return found
