"""Whether a PDF from anywhere shows itself and does nothing else: everything that its catalog leads to.

What may be there is listed, not what may not: of actions only jumps within the document and links that a
person follows. Whoever signs vouches for what they saw; what depends on the reader's program, on other files
or on layers that are switched off is nothing to vouch for.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from signing.annotations import shown_otherwise
from signing.errors import DocumentRefusedError
from signing.opened import UNREADABLE, OpenedPdf
from signing.pdf_objects import Raw, Ref, Stream, bytes_of

_MOST_VALUES = 2_000_000
_ACTIONS = {
    "/JavaScript": "JavaScript",
    "/Launch": "an action that starts a program",
    "/ImportData": "an action that imports data",
    "/SubmitForm": "an action that sends the form's data",
    "/Rendition": "an action that plays media",
    "/GoToR": "an action that opens another file",
    "/GoToE": "an action that opens an attached file",
    "/SetOCGState": "an action that switches layers",
    "/Hide": "an action that hides fields",
    "/ResetForm": "an action that empties the form",
}
_JUMP, _LINK = "/GoTo", "/URI"
_SCHEME = re.compile(rb"\s*([A-Za-z][A-Za-z0-9+.-]*):")
_LINKED = {b"http", b"https", b"mailto", b"tel"}
_MEDIA = {"/Movie", "/Sound", "/Screen", "/RichMedia", "/3D"}
# Entries of streams by which what is shown comes from elsewhere, or is another thing in print.
_ELSEWHERE = {
    "/F": "a stream whose data is in another file",
    "/Ref": "a page of another file",
    "/OPI": "an image that stands for another one",
    "/Alternates": "an image with another one for print",
}
_SIDES = "left", "bottom", "right", "top"
_HINT = "Print it to a plain PDF, then sign that."


class Place(NamedTuple):
    """Where in the document something stands: the step to it from the place above."""

    above: "Place | None"
    step: str

    def __str__(self) -> str:
        steps: list[str] = []
        place: Place | None = self
        while place is not None:
            steps.append(place.step)
            place = place.above
        return "".join(reversed(steps))


class _Found(NamedTuple):
    place: Place
    entries: dict[str, Any]
    is_stream: bool


def check_reachable(opened: OpenedPdf) -> None:
    """Refuse code, actions, media, external data, layers and references to nothing.

    Raises DocumentRefusedError naming what, and where.
    """
    for found in _walk(opened):
        _check_code(found)
        _check_actions(opened, found)
        _check_shown(opened, found)
        _check_annotation(opened, found)
    _check_layers(opened)


def _walk(opened: OpenedPdf) -> Iterator[_Found]:
    """Every dictionary that is reachable from the catalog, each once; a stream's too."""
    waiting: list[tuple[Place, Any]] = [(Place(None, "Root"), opened.root)]
    seen: set[Ref] = set()
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        place, value = waiting.pop()
        if isinstance(value, Ref):
            if value in seen:
                continue
            seen.add(value)
            value = _object(opened, place, value)
        if isinstance(value, dict | Stream):
            entries = value.entries if isinstance(value, Stream) else value
            yield _Found(place, entries, isinstance(value, Stream))
            waiting.extend((Place(place, key), each) for key, each in entries.items())
        elif isinstance(value, list):
            waiting.extend((Place(place, f"[{index}]"), each) for index, each in enumerate(value))
    raise DocumentRefusedError("The PDF has too many objects.", hint="Print it to a new PDF.")


def _object(opened: OpenedPdf, place: Place, ref: Ref) -> Any:
    try:
        value = opened.follow(ref)
    except UNREADABLE as error:
        raise _refused(f"an object ({ref.number}) that can't be read: {error}", place) from error
    if value is None:
        raise _refused(f"a reference to object {ref.number}, which is not in the file,", place)
    return value


def _check_code(found: _Found) -> None:
    for key in ("/JS", "/JavaScript"):
        if key in found.entries:
            raise _refused("JavaScript", Place(found.place, key))
    kind = found.entries.get("/S")
    if kind in _ACTIONS and found.entries.get("/Type") != "/StructElem":
        raise _refused(_ACTIONS[kind], found.place)


def _check_actions(opened: OpenedPdf, found: _Found) -> None:
    """Look at every entry that holds actions. (/A of a structure element holds attributes.)"""
    entries = found.entries
    acts = "/Rect" in entries or "/Title" in entries
    for key in ("/A", "/PA"):
        value = opened.entry(entries, key)
        if isinstance(value, dict) and (acts or "/S" in value):
            _check_action(opened, value, Place(found.place, key), (_JUMP, _LINK))
    # those that nobody clicks on
    opening = opened.entry(entries, "/OpenAction")
    if isinstance(opening, dict):
        _check_action(opened, opening, Place(found.place, "/OpenAction"), (_JUMP,))
    events = opened.entry(entries, "/AA", {})
    if isinstance(events, dict):
        for event in events:
            place = Place(Place(found.place, "/AA"), event)
            _check_action(opened, opened.entry(events, event), place, (_JUMP,))


def _check_action(opened: OpenedPdf, action: Any, place: Place, allowed: tuple[str, ...]) -> None:
    waiting, seen = [action], 0
    while waiting:
        each = opened.follow(waiting.pop())
        seen += 1
        if isinstance(each, list):
            waiting += each
            continue
        kind = each.get("/S") if isinstance(each, dict) else None
        if kind not in allowed or seen > _MOST_VALUES:
            raise _refused(_action_name(kind), place)
        if kind == _LINK:
            _check_link(opened.entry(each, "/URI"), place)
        if "/Next" in each:
            waiting.append(each["/Next"])


def _action_name(kind: Any) -> str:
    if kind == _LINK:
        return "a link that opens by itself"
    return _ACTIONS.get(str(kind), f"an action {str(kind or 'of no kind').removeprefix('/')}")


def _check_link(address: Any, place: Place) -> None:
    scheme = _SCHEME.match(bytes_of(address)) if isinstance(address, Raw) else None
    if scheme is not None and scheme[1].lower() not in _LINKED:
        raise _refused(f"a link of the kind “{scheme[1].decode()}:”", place)


def _check_shown(opened: OpenedPdf, found: _Found) -> None:
    entries = found.entries
    subtype = opened.entry(entries, "/Subtype")
    if subtype in _MEDIA and "/Rect" in entries:
        raise _refused(f"media ({str(subtype).removeprefix('/')})", found.place)
    if found.is_stream:
        for key, what in _ELSEWHERE.items():
            if key in entries:
                raise _refused(what, found.place)
        if "/PS" in (subtype, opened.entry(entries, "/Subtype2")):
            raise _refused("PostScript", found.place)
    if entries.get("/Type") == "/OCMD" and (
        "/VE" in entries or opened.entry(entries, "/P") in ("/AllOff", "/AnyOff")
    ):
        raise _refused("content that shows when layers are off", found.place)


def _check_annotation(opened: OpenedPdf, found: _Found) -> None:
    """Refuse what shows on paper and not on the screen, or the other way round."""
    entries, subtype = found.entries, opened.entry(found.entries, "/Subtype")
    if found.is_stream or "/Rect" not in entries or not isinstance(subtype, str):
        return
    sides = [float(opened.follow(side)) for side in opened.entry(entries, "/Rect")]
    normal = opened.entry(opened.entry(entries, "/AP"), "/N")
    empty = isinstance(normal, Stream) and not normal.stored.strip()
    area = len(sides) != len(_SIDES) or (sides[0] != sides[2] and sides[1] != sides[3])
    how = shown_otherwise(
        int(opened.entry(entries, "/F", 0)),
        subtype,
        draws=area and normal is not None and not empty,
        signature=_is_signature(opened, entries),
    )
    if how:
        raise _refused(f"an annotation that {how}", found.place)


def _is_signature(opened: OpenedPdf, widget: dict[str, Any]) -> bool:
    parent = opened.entry(widget, "/Parent")
    return "/Sig" in (opened.entry(widget, "/FT"), opened.entry(parent, "/FT"))


def _check_layers(opened: OpenedPdf) -> None:
    """Layers may be there as long as all of them are on, in every configuration."""
    layers = opened.entry(opened.catalog, "/OCProperties")
    if layers is None:
        return
    root = Place(Place(None, "Root"), "/OCProperties")
    default = opened.entry(layers, "/D", {})
    for each in [default, *map(opened.follow, opened.entry(layers, "/Configs", []))]:
        place = Place(root, "/D" if each is default else "/Configs")
        if opened.entry(each, "/OFF", []) or opened.entry(each, "/BaseState", "/ON") != "/ON":
            raise _refused("layers that are switched off", place)
        if opened.entry(each, "/AS", []):
            raise _refused("layers that switch themselves", place)


def _refused(what: str, place: Place) -> DocumentRefusedError:
    return DocumentRefusedError(f"The PDF contains {what} at {place}.", hint=_HINT)
