"""Form fields whose value each program draws by itself, with a font of its own or of a later update."""

import re
from collections.abc import Iterator
from typing import Any

from signing.errors import DocumentRefusedError
from signing.opened import OpenedPdf
from signing.pdf_objects import Raw, Ref, bytes_of

_DEEPEST = 64
_DRAWN = ("/Tx", "/Ch")
_SPACE = rb"[\0\t\n\x0c\r ]+"
_FONT = re.compile(rb"/([^\0\t\n\x0c\r ()<>\[\]{}/%%]+)%b[^\0\t\n\x0c\r /]+%bTf\b" % (_SPACE, _SPACE))
_INHERITED = ("/FT", "/V", "/DA", "/DR", "/T")
_HINT = "Print it to a plain PDF, then sign that."


def fonts_named(default_appearance: bytes) -> set[str]:
    """The names, with slash, of the fonts that a default appearance string selects."""
    return {"/" + name.decode("latin-1") for name in _FONT.findall(default_appearance)}


def check_inputs(opened: OpenedPdf) -> None:
    """Refuse input fields with a value that nothing draws, and those that name a font which isn't there.

    Raises DocumentRefusedError.
    """
    form = opened.form
    top = {"/DA": opened.entry(form, "/DA"), "/DR": opened.entry(form, "/DR")}
    for place, field in _widgets(opened, opened.entry(form, "/Fields", []), top, 0):
        if field.get("/FT") not in _DRAWN:
            continue
        if _has_value(field.get("/V")) and opened.entry(opened.entry(field, "/AP"), "/N") is None:
            raise DocumentRefusedError(
                f"The form field {place!r} has a value, but nothing says how it looks.", hint=_HINT
            )
        named = field.get("/DA")
        fonts = opened.entry(field.get("/DR"), "/Font", {}), opened.entry(top["/DR"], "/Font", {})
        missing = fonts_named(bytes_of(named)) - {*fonts[0], *fonts[1]} if isinstance(named, Raw) else None
        if missing:
            raise DocumentRefusedError(
                f"The form field {place!r} names a font that isn't there ({min(missing)}).", hint=_HINT
            )


def _has_value(value: Any) -> bool:
    return value is not None and value not in (b"null", b"()", b"<>", [])


def _widgets(
    opened: OpenedPdf, fields: Any, inherited: dict[str, Any], depth: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field without others below it, with what it inherits, and its number or place."""
    for index, each in enumerate(fields if depth < _DEEPEST else ()):
        field = opened.follow(each)
        if not isinstance(field, dict):
            continue
        own = {key: value for key in _INHERITED if (value := opened.entry(field, key)) is not None}
        kids = opened.entry(field, "/Kids")
        if kids:
            yield from _widgets(opened, kids, {**inherited, **own}, depth + 1)
        else:
            name = f"object {each.number}" if isinstance(each, Ref) else f"number {index + 1}"
            yield name, {**field, **inherited, **own}
