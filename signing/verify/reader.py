"""Open a PDF that nobody vouches for, and list everything in it that claims to be signed.

No exception of the PDF library leaves this module as anything but a finding.
"""

import re
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from signing.verify.findings import Finding
from signing.verify.hybrid import accept_hybrids
from signing.verify.limits import Limits
from signing.verify.pdfreader import Reader
from signing.verify.pdfvalues import text_of, value_of
from signing.verify.rawscan import (
    SignedRange,
    claims,
    only_white_space,
    signed_range,
    signed_ranges,
)
from signing.verify.unread import too_large
from signing.verify.words import mark

_HEADER_WITHIN = 1024  # ISO 32000-1, implementation note: readers look for %PDF- in the first 1024 bytes
_TRAILER_WITHIN = 2048
_ENCRYPTED = re.compile(rb"/Encrypt\s+\d+\s+\d+\s+R|/Encrypt\s*<<")

MALFORMED = mark(
    "what was added after signing breaks the rules of PDF, so that programs may show different things"
)
RFC3161 = "/ETSI.RFC3161"


def is_timestamp(subfilter: str | None) -> bool:
    """Whether a signature is a document timestamp: its /SubFilter says so, whatever its /Type claims."""
    return subfilter == RFC3161


@dataclass(frozen=True)
class FilledField:
    """A signature field that holds a signature, as the form tells it; nothing in it is believed yet."""

    name: str
    field: Any  # generic.DictionaryObject
    dictionary: Any  # the signature dictionary
    subfilter: str | None
    type: str
    byte_range: tuple[int, ...]
    covered: SignedRange | None


@dataclass(frozen=True)
class Opened:
    """A PDF that could be read, with its signatures in the order in which they cover the file."""

    pdf: bytes
    reader: Reader
    revisions: int
    filled: tuple[FilledField, ...]
    unreachable: tuple[SignedRange, ...]  # signed ranges in the bytes that the form doesn't lead to
    findings: tuple[Finding, ...]
    empty: tuple[str, ...] = ()  # names of the signature fields that nobody has signed
    lenient: str = ""  # why strict reading refused the file, when it did


def open_pdf(pdf: bytes, *, limits: Limits) -> Opened | Finding:
    """Read a file strictly, leniently when that fails; a Finding says why it can't be judged."""
    refused = _look(pdf, limits)
    if refused is not None:
        return refused
    try:
        return _parse(pdf, strict=True, limits=limits)
    except Exception as strict_error:  # noqa: BLE001 (174 of 1,150 public test files raise one of a dozen kinds)
        first = strict_error
    try:
        return _parse(pdf, strict=False, limits=limits, because=_told(first))
    except Exception as error:  # noqa: BLE001 (as above)
        return _unreadable(pdf, error, limits)


def _look(pdf: bytes, limits: Limits) -> Finding | None:
    """What can be said before parsing."""
    if not pdf.strip():
        return Finding("file_empty", "the file is empty")
    if len(pdf) > limits.file_bytes:
        return too_large(limits.file_bytes)
    if b"%PDF-" not in pdf[:_HEADER_WITHIN]:
        return Finding("file_not_pdf", "the file is not a PDF")
    claimed = claims(pdf, limits.entries)
    if claimed.unheld:
        told = f"an index that claims {claimed.entries} entries, and doesn't hold them"
        return _unreadable(pdf, ValueError(told), limits)
    if claimed.entries > limits.entries:
        told = mark("the file's indexes have {count} entries, more than {most}")
        values = {"count": claimed.entries, "most": limits.entries}
        return Finding("too_many_entries", told, values=values)
    return None


def _unreadable(pdf: bytes, error: Exception, limits: Limits) -> Finding:
    if _ENCRYPTED.search(pdf):
        return Finding("file_encrypted", "the file is encrypted", _told(error))
    if b"%%EOF" not in pdf[-_TRAILER_WITHIN:]:
        return Finding("file_truncated", "the file is cut off: its end is missing", _told(error))
    if _was_readable(pdf, limits):
        return Finding("update_malformed", MALFORMED, _told(error))
    return Finding("file_unreadable", "the file is damaged and cannot be read as a PDF", _told(error))


def _was_readable(pdf: bytes, limits: Limits) -> bool:
    """Whether a signature ends before the file does, and the file up to there can be read by itself."""
    for found in signed_ranges(pdf)[: limits.signatures]:
        if only_white_space(pdf[found.end :]):
            continue
        try:
            Reader(pdf[: found.end], strict=True)
        except Exception:  # noqa: BLE001, S112 (the parser stumbles in a dozen ways; another may be whole)
            continue
        return True
    return False


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


def _parse(pdf: bytes, *, strict: bool, limits: Limits, because: str = "") -> Opened | Finding:
    ranges = signed_ranges(pdf)
    reader = Reader(pdf, strict=strict, ranges=ranges)
    if reader.encrypted:
        return Finding("file_encrypted", "the file is encrypted")
    if strict:
        accept_hybrids(reader)
    revisions = reader.total_revisions
    if revisions > limits.revisions:
        told = mark("the file has {count} revisions, more than {most}")
        return Finding("too_many_revisions", told, values={"count": revisions, "most": limits.revisions})
    filled = tuple(sorted(_filled_fields(pdf, reader), key=_covered_end))
    if len(filled) > limits.signatures:
        told = mark("the file has {count} signatures, more than {most}")
        return Finding("too_many_signatures", told, values={"count": len(filled), "most": limits.signatures})
    reachable = {entry.covered for entry in filled}
    unreachable = tuple(found for found in ranges if found not in reachable)
    if len(unreachable) > limits.signatures:
        told = mark("the file has more than {most} signatures that its form doesn't lead to")
        return Finding("too_many_signatures", told, values={"most": limits.signatures})
    note = (
        Finding(
            "read_leniently", "it breaks the rules of PDF, so that programs may read it differently", because
        ),
    )
    return Opened(
        pdf=pdf,
        reader=reader,
        revisions=revisions,
        filled=filled,
        unreachable=unreachable,
        findings=() if strict else note,
        empty=tuple(str(name) for name, *_ in enumerate_sig_fields(reader, filled_status=False)),
        lenient=because,
    )


def _covered_end(entry: FilledField) -> int:
    return entry.covered.end if entry.covered else 0


def _filled_fields(pdf: bytes, reader: PdfFileReader) -> list[FilledField]:
    return [
        _filled_field(pdf, name, value, field)
        for name, value, field in enumerate_sig_fields(reader, filled_status=True)
    ]


def _filled_field(pdf: bytes, name: str, value: Any, field: Any) -> FilledField:
    field = field.get_object()
    dictionary = value.get_object()
    if not isinstance(dictionary, generic.DictionaryObject):
        raise TypeError(f"value of signature field {name!r} is not a dictionary")
    numbers = _numbers(value_of(dictionary, "/ByteRange"))
    return FilledField(
        name=str(name),
        field=field,
        dictionary=dictionary,
        subfilter=text_of(dictionary, "/SubFilter"),
        type=text_of(dictionary, "/Type") or "/Sig",
        byte_range=numbers,
        covered=signed_range(pdf, numbers),
    )


def _numbers(value: Any) -> tuple[int, ...]:
    if not isinstance(value, generic.ArrayObject) or len(value) > 1000:
        return ()
    return tuple(int(item) for item in value if isinstance(item, int))


def signature_fields_in(revision: HistoricalResolver) -> dict[str, Any]:
    """Signature fields (name → field dictionary) as they were in a revision, filled or not."""
    return {str(name): field.get_object() for name, _value, field in enumerate_sig_fields(revision)}
