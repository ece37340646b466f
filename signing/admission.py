"""Which PDFs are refused: those that a signature must not, or can't honestly, be put on."""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefusedError, FieldError
from signing.opened import UNREADABLE, OpenedPdf, body_of, malformed

_MOST_OBJECTS = 200_000
_NO_CHANGES = 1  # /P of a DocMDP signature: ISO 32000-1, table 254
_REQUIRED_CONSTRAINTS = 1
# Actions that run code, start programs, or fetch and send: a signed page must not do other things than show itself.
_ACTIVE = {
    "/JavaScript": "JavaScript",
    "/Launch": "an action that starts a program",
    "/ImportData": "an action that imports data",
    "/SubmitForm": "an action that sends the form's data",
    "/Rendition": "an action that plays media",
}


def check_may_sign(opened: OpenedPdf, field: str, *, adding_fields: bool = False) -> None:
    """Check that the field may be signed: there, free, without demands we don't meet, not locked by a signature.

    Raises FieldError, DocumentRefusedError.
    """
    try:
        permitted = _certified_permission(opened)
        if permitted == _NO_CHANGES:
            raise DocumentRefusedError(
                "A certifying signature forbids every change to this document.",
                hint="Ask its author for a copy that may be signed.",
            )
        if adding_fields:
            check_may_add_fields(opened)
        elif opened.is_signed(field):
            raise FieldError(f"The field {field!r} is signed already.", hint="Each field is signed once.")
        if opened.has_field(field):
            _check_demands(opened.field(field), field)
            _check_locks(opened, field)
    except UNREADABLE as error:
        raise malformed(error) from error


def check_may_add_fields(opened: OpenedPdf) -> None:
    """Check that signature fields may still be made; raises DocumentRefusedError after the first signature."""
    if opened.any_signed() or "/Perms" in opened.catalog:
        raise DocumentRefusedError(
            "The document is signed already: a new field would look like tampering.",
            hint="Make all fields before the first signature, and name one that exists.",
        )


def check_fit(pdf: bytes, opened: OpenedPdf) -> None:
    """Check a PDF from anywhere before signing it: no code, no actions, no XFA, nothing hidden behind the page.

    Raises DocumentRefusedError with the reason.
    """
    if pdf.rstrip(b"\r\n\t \0")[-5:] != b"%%EOF":
        raise DocumentRefusedError(
            "Something follows the end of the PDF.", hint="Save or print it to a new PDF, then sign that."
        )
    try:
        form = opened.form
        if form is not None and "/XFA" in form:
            raise DocumentRefusedError(
                "The PDF is an XFA form: what it shows depends on the program that opens it.",
                hint="Print it to a plain PDF, then sign that.",
            )
        _check_active(opened)
        _check_earlier_revisions(opened)
    except UNREADABLE as error:
        raise malformed(error) from error


def _certified_permission(opened: OpenedPdf) -> int | None:
    """What a certifying signature permits, None without one. Source: ISO 32000-1, 12.8.2.2."""
    permissions = opened.catalog["/Perms"] if "/Perms" in opened.catalog else {}
    if "/DocMDP" not in permissions:
        return None
    for reference in permissions["/DocMDP"]["/Reference"]:
        found = reference.get_object()
        if found["/TransformMethod"] == "/DocMDP":
            parameters = found["/TransformParams"] if "/TransformParams" in found else {}
            return int(parameters["/P"]) if "/P" in parameters else 2
    return None


def _check_demands(field: generic.DictionaryObject, name: str) -> None:
    if "/SV" in field and "/Ff" in field["/SV"] and int(field["/SV"]["/Ff"]) >= _REQUIRED_CONSTRAINTS:
        raise FieldError(
            f"The field {name!r} demands things of its signature that are not supported (seed value).",
            hint="Use a field without demands.",
        )
    if "/Lock" in field:
        raise FieldError(
            f"The field {name!r} asks to lock other fields when signed, which is not supported.",
            hint="Use a field without a lock.",
        )


def _check_locks(opened: OpenedPdf, name: str) -> None:
    """Refuse a field that an earlier signature locked. Source: ISO 32000-1, 12.8.2.4 (FieldMDP)."""
    for other in opened.field_names():
        if not opened.is_signed(other) or "/Lock" not in opened.field(other):
            continue
        lock = opened.field(other)["/Lock"]
        named = (
            [str(lock["/Fields"][index]) for index in range(len(lock["/Fields"]))]
            if "/Fields" in lock
            else []
        )
        action = str(lock["/Action"])
        if (
            action == "/All"
            or (action == "/Include" and name in named)
            or (action == "/Exclude" and name not in named)
        ):
            raise DocumentRefusedError(
                f"The signature in {other!r} locked the field {name!r}.",
                hint="Sign a field that is not locked.",
            )


def _check_active(opened: OpenedPdf) -> None:
    for found in _dictionaries(opened):
        action = str(found["/S"]) if "/S" in found else ""
        if action in _ACTIVE or "/JS" in found:
            what = _ACTIVE.get(action, "JavaScript")
            raise DocumentRefusedError(
                f"The PDF contains {what}.", hint="Print it to a plain PDF, then sign that."
            )


def _dictionaries(opened: OpenedPdf) -> Iterator[generic.DictionaryObject]:
    """Every dictionary that is reachable from the catalog, each once."""
    waiting: list[Any] = [opened.catalog]
    seen: set[tuple[int, int]] = set()
    visited = 0
    while waiting:
        found = waiting.pop()
        if isinstance(found, generic.IndirectObject):
            key = (found.idnum, found.generation)
            if key in seen:
                continue
            seen.add(key)
            found = found.get_object()
        visited += 1
        if visited > _MOST_OBJECTS * 10 or len(seen) > _MOST_OBJECTS:
            raise DocumentRefusedError("The PDF has too many objects.", hint="Print it to a new PDF.")
        if isinstance(found, generic.DictionaryObject):
            yield found
            waiting.extend(found.raw_get(key) for key in found)
        elif isinstance(found, generic.ArrayObject):
            waiting.extend(found.raw_get(index) for index in range(len(found)))


def _check_earlier_revisions(opened: OpenedPdf) -> None:
    """Refuse a file whose pages were replaced by an update that no earlier signature covers.

    Below such an update lies another page that a reader does not see. What earlier signatures cover is their
    verifier's business, and adding fields or annotations changes no page's content.
    """
    if opened.any_signed():
        return
    cache = opened.reader.xrefs
    for revision in range(1, opened.reader.total_revisions):
        before = opened.reader.get_historical_resolver(revision - 1)
        now = opened.reader.get_historical_resolver(revision)
        for reference in cache.explicit_refs_in_revision(revision):
            old, new = _read(before, reference), _read(now, reference)
            if old is not None and new is not None and _replaces_content(old, new):
                raise DocumentRefusedError(
                    "The PDF hides an earlier version of its pages that nobody signed.",
                    hint="Print it to a new PDF, then sign that.",
                )


def _read(resolver: Any, reference: generic.Reference) -> Any:
    try:
        return resolver.get_object(reference)
    except UNREADABLE:
        return None  # not there in that revision


def _replaces_content(old: Any, new: Any) -> bool:
    kind = str(new["/Type"]) if isinstance(new, generic.DictionaryObject) and "/Type" in new else ""
    if isinstance(new, generic.StreamObject):
        return kind not in ("/Metadata", "/XRef", "/ObjStm") and body_of(old) != body_of(new)
    if kind == "/Page":
        return any(_raw(old, key) != _raw(new, key) for key in ("/Contents", "/Resources"))
    return False


def _raw(found: generic.DictionaryObject, key: str) -> bytes:
    return body_of(found.raw_get(key)) if key in found else b""
