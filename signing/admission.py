"""Which PDFs are refused: those that a signature must not, or can't honestly, be put on."""

from typing import Any

from certs import der
from signing.errors import DocumentRefusedError, FieldError
from signing.inputs import check_inputs
from signing.opened import UNREADABLE, OpenedPdf, malformed
from signing.packing import check_packed
from signing.pdf_objects import Raw, bytes_of, text_of
from signing.reachable import check_reachable
from signing.updates import check_updates

_NO_CHANGES = 1  # /P of a certifying (DocMDP) signature
_REQUIRED_CONSTRAINTS = 1
_BYTE_RANGE_NUMBERS = 4


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
    """Check a PDF from anywhere before signing: it does no more than show itself, and hides no other version.

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
        check_packed(opened.reader)
        _check_values(pdf, opened)
        check_reachable(opened)
        check_inputs(opened)
        check_updates(opened)
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


def _check_values(pdf: bytes, opened: OpenedPdf) -> None:
    """Refuse a field whose value is no signature: it would make the document look signed."""
    for name in opened.field_names():
        if opened.is_signed(name) and not _is_signature(pdf, opened, opened.entry(opened.field(name), "/V")):
            raise DocumentRefusedError(
                f"The field {name!r} holds a value that is no signature.",
                hint="Empty the field, or print the file to a plain PDF, then sign that.",
            )


def _is_signature(pdf: bytes, opened: OpenedPdf, value: Any) -> bool:
    """Whether /ByteRange leaves out one string of hexadecimal digits within the file that begins as CMS."""
    numbers = [opened.follow(each) for each in opened.entry(value, "/ByteRange", [])]
    if len(numbers) != _BYTE_RANGE_NUMBERS or not all(isinstance(n, Raw) and n.isdigit() for n in numbers):
        return False
    begin, start, end, rest = map(int, numbers)
    if begin != 0 or not 0 < start < end <= end + rest <= len(pdf):
        return False
    contents = opened.entry(value, "/Contents")
    if not isinstance(contents, Raw) or bytes_of(pdf[start:end]) != bytes_of(contents):
        return False
    der.node(bytes_of(contents))
    return True
