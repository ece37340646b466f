"""pyHanko's reader, but for the hexadecimal strings that signatures stand in and for names beyond ASCII.

pyHanko reads such a string character by character, which is half of the work on a small file. Here it reads
the dictionary around a signature with a short string in the signature's place, and gets the signature itself
put in afterwards. Whatever isn't plainly /Contents of that dictionary is left to pyHanko.

It refuses a name with bytes beyond ASCII that aren't escaped, which PDF 1.7 advises against and doesn't
forbid (ISO 32000-1, 7.3.5). Here it reads a copy in which they are escaped: the same name, for it is what its
bytes are. Only names are accepted that all programs we know end at the same place and tell from all others:
UTF-8 without the byte 80, which PDFium takes for white space.
"""

import io
import re
import secrets
from bisect import bisect_right
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.verify.escaping import escaped_names
from signing.verify.lexing import GrammarError
from signing.verify.limits import MAX_CMS_BYTES
from signing.verify.rawscan import SignedRange, hex_digits, signed_ranges

_HEADER = re.compile(rb"(\d{1,10}) (\d{1,5}) obj[\t\n\r ]{0,8}(?=<<)")
_OBJECT = re.compile(rb"(\d{1,10}) (\d{1,5}) obj(?=[\t\n\r <\[(/])")
# What stands in for a signature: nobody who writes a file can know it. No text begins with the octet 9F, so
# that it is read as the octets it is.
_STAND_IN = b"\x9f" + secrets.token_bytes(15)
_LONGEST = 1 << 16  # octets of a signature's dictionary besides the signature


class Reader(PdfFileReader):
    """A PDF in memory, read as pyHanko reads it.

    Raises what pyHanko raises.
    """

    def __init__(self, pdf: bytes, *, strict: bool, ranges: tuple[SignedRange, ...] | None = None) -> None:
        self._gaps: list[SignedRange] = []
        self._starts: list[int] = []
        self._versions: dict[tuple[int, int, Any], Any] = {}  # every version of an object that was read
        self._settled = False  # the indexes are read, and nothing is encrypted
        self.graph: Any = None  # of signing.verify.usages
        self.revisions: dict[int, Any] = {}  # of signing.verify.usages too
        super().__init__(io.BytesIO(pdf), strict=strict)
        self.pdf = pdf
        if not self.encrypted:
            found = signed_ranges(pdf) if ranges is None else ranges
            self._gaps = sorted(found, key=lambda gap: gap.gap_start)
            self._starts = [gap.gap_start for gap in self._gaps]
            self._settled = True

    def get_object(  # type: ignore[override]  # as PdfFileReader has it, whose base has fewer arguments
        self,
        ref: Any,
        revision: int | None = None,
        never_decrypt: bool = False,
        transparent_decrypt: bool = True,
        as_metadata_stream: bool = False,
    ) -> Any:
        """Read an object; see PdfFileReader."""
        if self._settled and not as_metadata_stream and not never_decrypt:
            start = self._marker(ref, revision)
            key = (ref.idnum, ref.generation, start)
            if start is not None and key in self._versions:
                return self._versions[key]
            found = self._signature(ref, start)
            if found is None:
                found = self._read(ref, revision, transparent_decrypt=transparent_decrypt)
            if start is not None:
                self._versions[key] = found
            return found
        return self._read(ref, revision, never_decrypt, transparent_decrypt, as_metadata_stream)

    def _read(self, ref: Any, revision: int | None, *more: bool, **named: bool) -> Any:
        try:
            return super().get_object(ref, revision, *more, **named)  # type: ignore[no-untyped-call]
        except PdfReadError:
            plainly = self._settled and not more
            found = self._escaped(ref, self._marker(ref, revision)) if plainly else None
            if found is None:
                raise
            return found

    def _escaped(self, ref: Any, start: Any) -> Any:
        """An object whose names are beyond ASCII; None when that isn't all that is odd about it."""
        head = _OBJECT.match(self.pdf, start) if type(start) is int else None
        if head is None or (int(head.group(1)), int(head.group(2))) != (ref.idnum, ref.generation):
            return None
        try:
            written = escaped_names(self.pdf, head.end())
        except GrammarError:
            return None
        reference = generic.Reference(ref.idnum, ref.generation, self)
        stream = io.BytesIO(written)
        found = generic.read_object(stream, reference)
        return found if stream.read().strip(b"\0\t\n\x0c\r ") == b"endobj" else None

    def _marker(self, ref: Any, revision: int | None) -> Any:
        """Where the object stands in a revision (the newest for None): an offset, or a place in a stream."""
        return self.xrefs[ref] if revision is None else self.xrefs.get_historical_ref(ref, revision)

    def _signature(self, ref: Any, start: Any) -> generic.DictionaryObject | None:
        """The object when it is a signature's dictionary; None when pyHanko should read it."""
        if type(start) is not int:
            return None
        place = bisect_right(self._starts, start)
        if place == len(self._gaps) or self._starts[place] - start > _LONGEST:
            return None
        return self._around(ref, start, self._gaps[place])

    def _around(self, ref: Any, start: int, gap: SignedRange) -> generic.DictionaryObject | None:
        pdf, head = self.pdf, _HEADER.match(self.pdf, start)
        if head is None or (int(head.group(1)), int(head.group(2))) != (ref.idnum, ref.generation):
            return None
        if pdf.find(b"endobj", start, gap.gap_start) >= 0:
            return None  # the signature is in an object behind this one
        digits = hex_digits(gap.gap(pdf))
        end = pdf.find(b"endobj", gap.gap_end, gap.gap_end + _LONGEST)
        if digits is None or end < 0:
            return None
        short = b"<" + _STAND_IN.hex().encode() + b">"
        written = pdf[head.end() : gap.gap_start] + short + pdf[gap.gap_end : end + len(b"endobj ")]
        found = _dictionary(written, generic.Reference(ref.idnum, ref.generation, self))
        if found is not None:
            contents = bytes.fromhex(digits.decode("ascii"))
            # what is longer than any signature isn't looked at, so it need not be tried as text
            tried = len(contents) <= MAX_CMS_BYTES
            found["/Contents"] = generic.pdf_string(contents) if tried else generic.ByteStringObject(contents)
        return found


def _dictionary(written: bytes, reference: generic.Reference) -> generic.DictionaryObject | None:
    """A dictionary whose /Contents is the stand-in; None for anything else."""
    stream = io.BytesIO(written)
    try:
        found = generic.read_object(stream, reference)
    except (PdfError, ValueError):
        return None  # pyHanko says it with the right offset
    if type(found) is not generic.DictionaryObject or stream.read().strip(b"\0\t\n\x0c\r ") != b"endobj":
        return None
    stands_in = getattr(dict.get(found, "/Contents"), "original_bytes", None) == _STAND_IN
    return found if stands_in else None
