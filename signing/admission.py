"""Which PDFs are refused: those that a signature must not, or can't honestly, be put on."""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from signing.errors import DocumentRefusedError, FieldError
from signing.opened import UNREADABLE, OpenedPdf, malformed
from signing.pdf_objects import Ref, Stream, text_of

_MOST_VALUES = 2_000_000
_NO_CHANGES = 1  # /P of a certifying (DocMDP) signature
_REQUIRED_CONSTRAINTS = 1
# Actions that run code, start programs, or fetch and send: a signed page shows itself and does nothing else.
_ACTIVE = {
    "/JavaScript": "JavaScript",
    "/Launch": "an action that starts a program",
    "/ImportData": "an action that imports data",
    "/SubmitForm": "an action that sends the form's data",
    "/Rendition": "an action that plays media",
}


def check_may_sign(opened: OpenedPdf, field: str, *, adding_fields: bool = False) -> None:
    """Check that the field may be signed: there, free, without demands we don't meet, not locked.

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
            _check_demands(opened, field)
            _check_locks(opened, field)
    except UNREADABLE as error:
        raise malformed(error) from error


def check_may_add_fields(opened: OpenedPdf) -> None:
    """Check that fields may still be made; raises DocumentRefusedError after the first signature."""
    if opened.any_signed or "/Perms" in opened.catalog:
        raise DocumentRefusedError(
            "The document is signed already: a new field would look like tampering.",
            hint="Make all fields before the first signature, and name one that exists.",
        )


def check_fit(pdf: bytes, opened: OpenedPdf) -> None:
    """Check a PDF from anywhere before signing: no code, no actions, no XFA, no page hidden behind another.

    Raises DocumentRefusedError with the reason.
    """
    if pdf.rstrip(b"\r\n\t \0")[-5:] != b"%%EOF":
        raise DocumentRefusedError(
            "Something follows the end of the PDF.", hint="Save or print it to a new PDF, then sign that."
        )
    try:
        if opened.entry(opened.form, "/XFA") is not None:
            raise DocumentRefusedError(
                "The PDF is an XFA form: what it shows depends on the program that opens it.",
                hint="Print it to a plain PDF, then sign that.",
            )
        _check_active(opened)
        _check_earlier_revisions(opened)
    except UNREADABLE as error:
        raise malformed(error) from error


def _certified_permission(opened: OpenedPdf) -> int | None:
    """What a certifying signature permits, None without one."""
    certification = opened.entry(opened.entry(opened.catalog, "/Perms"), "/DocMDP")
    for each in opened.entry(certification, "/Reference", []):
        reference = opened.follow(each)
        if opened.entry(reference, "/TransformMethod") == "/DocMDP":
            return int(opened.entry(opened.entry(reference, "/TransformParams"), "/P", 2))
    return None if certification is None else _NO_CHANGES


def _check_demands(opened: OpenedPdf, name: str) -> None:
    field = opened.field(name)
    if int(opened.entry(opened.entry(field, "/SV"), "/Ff", 0)) >= _REQUIRED_CONSTRAINTS:
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
    """Refuse a field that an earlier signature locked."""
    for other in opened.field_names():
        lock = opened.entry(opened.field(other), "/Lock")
        if lock is None or not opened.is_signed(other):
            continue
        named = [text_of(opened.follow(each)) for each in opened.entry(lock, "/Fields", [])]
        action = opened.entry(lock, "/Action")
        locked = {"/Include": name in named, "/Exclude": name not in named}.get(action, True)
        if locked:
            raise DocumentRefusedError(
                f"The signature in {other!r} locked the field {name!r}.",
                hint="Sign a field that is not locked.",
            )


def _check_active(opened: OpenedPdf) -> None:
    for found in _dictionaries(opened):
        action = found.get("/S")
        if action in _ACTIVE or "/JS" in found or "/JavaScript" in found:
            what = _ACTIVE.get(str(action), "JavaScript")
            raise DocumentRefusedError(
                f"The PDF contains {what}.", hint="Print it to a plain PDF, then sign that."
            )


def _dictionaries(opened: OpenedPdf) -> Iterator[dict[str, Any]]:
    """Every dictionary that is reachable from the catalog, each once; a stream's too."""
    waiting: list[Any] = [opened.catalog]
    seen: set[Ref] = set()
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        found = waiting.pop()
        if isinstance(found, Ref):
            if found in seen:
                continue
            seen.add(found)
            found = opened.follow(found)
        if isinstance(found, Stream):
            found = found.entries
        if isinstance(found, dict):
            yield found
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    raise DocumentRefusedError("The PDF has too many objects.", hint="Print it to a new PDF.")


def _check_earlier_revisions(opened: OpenedPdf) -> None:
    """Refuse a file whose pages were replaced by an update that no earlier signature covers.

    Below such an update lies another page that a reader does not see. What earlier signatures cover is their
    verifier's business, and adding fields or annotations changes no page's content.
    """
    if opened.any_signed:
        return
    reader = opened.reader
    for revision in range(1, reader.total_revisions):
        before = reader.get_historical_resolver(revision - 1)
        now = reader.get_historical_resolver(revision)
        for reference in reader.xrefs.explicit_refs_in_revision(revision):
            if _replaces_content(_read(before, reference), _read(now, reference)):
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
    if isinstance(new, generic.StreamObject) and old is not None:
        same = isinstance(old, generic.StreamObject) and old.data == new.data
        return kind not in ("/Metadata", "/XRef", "/ObjStm") and not same
    if kind == "/Page" and isinstance(old, generic.DictionaryObject):
        return any(_raw(old, key) != _raw(new, key) for key in ("/Contents", "/Resources"))
    return False


def _raw(found: generic.DictionaryObject, key: str) -> str:
    return repr(found.raw_get(key)) if key in found else ""
