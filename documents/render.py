"""From checked data to a PDF/A-3b file, ready to be signed: the same input gives the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import rfc8785

from documents.errors import UnknownKind
from documents.layout import action_plan, employer_declaration
from documents.layout.letterhead import DRAFT, Cover, Letterhead
from documents.layout.signing_block import Place, unsigned_appearance
from documents.layout.unsigned import Unsigned
from documents.pdfa import DataFile, Description, SignatureField, write_pdfa
from documents.sheet import Box, Sheet
from documents.words import Words, mark, words_in
from fonts import UnprintableText, regular

ARCHIVE_TIMESTAMP = "archive-timestamp"
DATA_FILE = "data.json"
SAMPLE_NOTE = mark("Sample data – development certificates")
DRAFT_NOTE = mark("Draft – not approved, not signed, and no document yet")
_ISSUED_LATER = mark("date of signature")


@dataclass(frozen=True)
class SignatureSlot:
    """A signature field to make: its name, and the words over its box (the layout's own when empty).

    `consented`: it will tell of a consent, which takes a larger box. `sealed`: the organisation's seal goes
    there, and nobody's signature.
    """

    field: str
    label: str = ""
    consented: bool = False
    sealed: bool = False


class Layout(Protocol):
    """What the module of a layout offers; `data` is the canonical data of its kind."""

    LABELS: Mapping[str, str]
    """The words over the box of each signature field that a document of this kind may have."""

    def title(self, data: Mapping[str, Any], words: Words) -> str:
        """The document's title."""

    def sender(self, data: Mapping[str, Any], words: Words) -> tuple[str, tuple[str, ...]]:
        """The first line of the letterhead, and the lines under it."""

    def signers(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields that are signed in ink when the document has no signature fields."""

    def draw(
        self, sheet: Sheet, data: Mapping[str, Any], words: Words, issued: str, places: Sequence[Place]
    ) -> list[tuple[Place, Box]]:
        """Draw the content; gives where the signatures go. `issued` is the day of issue as it is printed."""


_CONSENT_LABELS: Mapping[str, str] = {
    "employer": mark("Consent for the employer"),
    "manager": mark("Consent of the manager"),
    "approver": mark("Consent of the approver"),
}
_SEAL_LABELS: Mapping[str, str] = {
    "employer": mark("Seal of the employer"),
    "manager": mark("Seal released by the manager"),
    "approver": mark("Seal released by the approver"),
}
_LAYOUTS: Mapping[str, Layout] = {"employer_declaration": employer_declaration, "action_plan": action_plan}


def render(
    kind: str,
    data: Mapping[str, Any],
    *,
    number: str,
    verification_code: str,
    issued_on: date,
    valid_until: date | None,
    slots: Sequence[SignatureSlot],
    archive_timestamp: bool,
    verify_url: str | None,
    note: str | None,
    language: str = "en",
    coded_pages: bool = False,
    unsigned: Unsigned | None = None,
    draft: bool = False,
) -> bytes:
    """The document of this kind as PDF/A-3b, with `data` attached as canonical JSON (RFC 8785).

    `data` is what the kind's `json_of` gives. Each slot becomes a visible empty signature field; without
    slots room for ink is printed. `archive_timestamp` adds an invisible field for a document timestamp after
    each signature. `verify_url` is the address that the code is put behind in the QR code. `note` is printed
    on top of every page. `coded_pages` puts a QR code with number and page on each, for paper. `unsigned`
    says who approved a document that needs no signature: the page tells so where others are signed. `draft`:
    it has no number, no code and no date of issue, and says across every page that it is none yet.

    Raises UnknownKind, UnknownLanguage, DocumentTooLong, and UnprintableText, which names the field.
    """
    layout = _layout(kind)
    words = words_in(language)
    if draft:
        number, verification_code, verify_url, note = words.text(DRAFT), "", None, DRAFT_NOTE
        coded_pages = False
    printed = {
        "number": number,
        "verification_code": verification_code,
        "verify_url": verify_url,
        "note": note,
    }
    approved = {"approved_by": unsigned.approver, "on_behalf_of": unsigned.principal} if unsigned else {}
    issued = words.text(_ISSUED_LATER) if draft else words.day(issued_on)
    _refuse_unprintable({**data, **printed, **approved, "slots": [slot.label for slot in slots]})
    sender, details = layout.sender(data, words)
    cover = Cover(
        title=layout.title(data, words),
        sender=sender,
        sender_details=details,
        number=number,
        verification_code=verification_code,
        verify_url=verify_url,
        issued=issued,
        valid_until=valid_until,
        note=note,
        coded_pages=coded_pages,
        draft=draft,
    )
    head = Letterhead(cover, words)
    sheet = Sheet(head.start_page)
    places = [unsigned.place(words)] if unsigned else _places(slots, layout, data, words)
    boxes = layout.draw(sheet, data, words, issued, places)
    return write_pdfa(
        sheet.end(head.draw_foot),
        description=Description(f"{cover.title} {number}", number, language, issued_on),
        data_file=DataFile(
            DATA_FILE, words.text("The data of this document"), "application/json", rfc8785.dumps(data)
        ),
        fields=_signature_fields(boxes, words, archive_timestamp=archive_timestamp),
    )


def _layout(kind: str) -> Layout:
    try:
        return _LAYOUTS[kind]
    except KeyError:
        raise UnknownKind(
            "There is no layout for a document of this kind.", hint=f"Use one of: {', '.join(_LAYOUTS)}."
        ) from None


def _places(
    slots: Sequence[SignatureSlot], layout: Layout, data: Mapping[str, Any], words: Words
) -> list[Place]:
    """Where the signatures go; on paper there are no fields, but room for ink and a stamp."""
    if not slots:
        return [Place(None, words.text(layout.LABELS[name])) for name in layout.signers(data)]
    return [
        Place(slot.field, words.text(slot.label or _label(slot, layout)), consented=slot.consented)
        for slot in slots
    ]


def _label(slot: SignatureSlot, layout: Layout) -> str:
    """The words over a box: where the organisation seals, nobody signs."""
    labels = _CONSENT_LABELS if slot.consented else _SEAL_LABELS if slot.sealed else layout.LABELS
    return labels.get(slot.field, slot.field)


def _signature_fields(
    boxes: Sequence[tuple[Place, Box]], words: Words, *, archive_timestamp: bool
) -> list[SignatureField]:
    unsigned = words.text("Not signed yet")
    fields = [
        SignatureField(place.field, place.label, box, unsigned_appearance(unsigned, place.height))
        for place, box in boxes
        if place.field is not None
    ]
    if archive_timestamp:
        # one for each signature: a field made after the first signature would look like tampering
        label = words.text("Archive timestamp")
        names = [ARCHIVE_TIMESTAMP, *(f"{ARCHIVE_TIMESTAMP}-{count + 1}" for count in range(1, len(fields)))]
        fields += [SignatureField(name, label, None) for name in names]
    return fields


def _refuse_unprintable(data: Mapping[str, Any]) -> None:
    """Refuse characters that would print as empty boxes; raises UnprintableText with the field."""
    face = regular()
    for path, text in _texts(data, ""):
        # a line break within a note is no character to print
        missing = face.missing(text).replace("\n", "")
        if missing:
            raise UnprintableText(missing, field=path)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text in the data with its dotted path; people count rows from one."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else key)
    elif isinstance(value, Sequence):
        for row, item in enumerate(value, start=1):
            yield from _texts(item, f"{path}.{row}")
