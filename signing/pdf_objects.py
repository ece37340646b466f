"""PDF objects as plain Python values: parse them, write them, find them in a file.

Dictionaries are dicts with keys like "/Type", names are texts like "/Sig", references are Refs; numbers,
strings and the rest stay the bytes that they are (Raw): rewriting an object changes nothing else in it.
Files with classic cross-reference tables are read here, strictly; all others by pyHanko, object by object.
Source: ISO 32000-1, 7.2, 7.3 and 7.5.
"""

import re
import zlib
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.revision import Layout

_DEEPEST = 64
_MOST_SECTIONS = 4096
_LONGEST_KEPT_NAME = 127  # bytes; what a name may have by annex C
_SPACE = rb"(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])*"
_TOKEN = re.compile(
    _SPACE + rb"(?:(?P<ref>(\d+)[ \r\n]+(\d+)[ \r\n]+R(?![^\x00\t\n\f\r ()<>\[\]{}/%]))"
    rb"|(?P<name>/[^\x00\t\n\f\r ()<>\[\]{}/%]*)"
    rb"|(?P<open><<)|(?P<close>>>)|(?P<array>\[)|(?P<end>\])"
    rb"|(?P<raw><[0-9A-Fa-f\x00\t\n\f\r ]*>|[+-]?(?:\d+\.?\d*|\.\d+)|true|false|null)"
    rb"|(?P<string>\())"
)
_IN_STRING = re.compile(rb"\\.|[()]", re.DOTALL)
_OBJECT = re.compile(rb"(\d+)[ \r\n\t]+(\d+)[ \r\n\t]+obj(?=[\x00\t\n\f\r <\[(/0-9+-tfn])")
_STREAM = re.compile(_SPACE + rb"stream\r?\n")
_START = re.compile(rb"startxref[\r\n ]+(\d+)[\r\n ]+%%EOF[\x00\t\n\f\r ]*\Z")
_TRAILER = re.compile(_SPACE + rb"trailer")
_SECTION = re.compile(rb"[\r\n ]*(\d+) (\d+)[ ]*\r?\n")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])[ \r][\r\n]")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class PdfSyntaxError(ValueError):
    """These bytes are not the PDF syntax that was expected."""


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


class Raw(bytes):
    """A number, string, boolean or null as it stands in the file."""

    __slots__ = ()


class Stream(NamedTuple):
    """A stream: its dictionary, and its data as stored."""

    entries: dict[str, Any]
    stored: bytes

    @property
    def data(self) -> bytes:
        """The data, inflated where it is deflated; raises PdfSyntaxError for other filters."""
        chain = self.entries.get("/Filter", [])
        if chain in ([], None):
            return self.stored
        if chain in ("/FlateDecode", ["/FlateDecode"]) and "/DecodeParms" not in self.entries:
            try:
                return zlib.decompress(self.stored)
            except zlib.error as error:
                raise PdfSyntaxError(f"a stream can't be inflated: {error}") from error
        raise PdfSyntaxError("a stream has a filter that is not read here")


class Objects(Protocol):
    """Where a file's indirect objects are found."""

    layout: Layout

    def get(self, ref: Ref) -> Any:
        """Return an object's value; None when it is not there."""


def parse(data: bytes, at: int = 0, depth: int = 0) -> tuple[Any, int]:
    """Parse one value; returns it and where it ends. Raises PdfSyntaxError."""
    match = _TOKEN.match(data, at)
    if match is None or depth > _DEEPEST:
        raise PdfSyntaxError(f"no value at {at}")
    kind, end = match.lastgroup, match.end()
    if kind == "ref":
        return Ref(int(match[2]), int(match[3])), end
    if kind == "name":
        return _name(match["name"]), end
    if kind == "raw":
        return Raw(match["raw"]), end
    if kind == "string":
        start, end = end - 1, _string_end(data, end)
        return Raw(data[start:end]), end
    if kind == "open":
        return _parse_dictionary(data, end, depth)
    if kind == "array":
        return _parse_array(data, end, depth)
    raise PdfSyntaxError(f"a bracket too many at {at}")


def write(value: Any) -> bytes:
    """Write a value as it stands in a file."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return _written_name(value)
    if isinstance(value, Ref):
        return b"%d %d R" % value
    if isinstance(value, dict):
        return b"<<%b>>" % b"".join(
            b"%b %b" % (_written_name(key), write(each)) for key, each in value.items()
        )
    if isinstance(value, list):
        return b"[%b]" % b" ".join(map(write, value))
    raise TypeError(f"not a PDF value: {value!r}")


def text_of(raw: bytes) -> str:
    """Return a text string's text. (Of PDFDocEncoding only what is Latin-1 too.) Raises PdfSyntaxError."""
    if raw.startswith(b"<"):
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", raw)
        data = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    elif raw.startswith(b"("):
        data = re.sub(rb"\\([0-7]{1,3}|\r\n|.)", _unescaped, raw[1:-1], flags=re.DOTALL)
    else:
        raise PdfSyntaxError("not a string")
    if data.startswith(b"\xfe\xff"):
        return data[2:].decode("utf-16-be", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode(
        "utf-8" if data.startswith(b"\xef\xbb\xbf") else "latin-1", "replace"
    )


class PlainObjects:
    """Objects of a file whose cross-reference sections are all classic tables, looked up when asked for."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        self._sections: list[tuple[int, int, int]] = []
        self._values: dict[Ref, Any] = {}
        tail = pdf[-1024:]
        match = _START.search(tail)
        if match is None:
            raise PdfSyntaxError("no startxref at the end")
        self.startxref = int(match[1])
        self.trailer = self._read_sections(self.startxref)
        self.layout = self._layout()

    def get(self, ref: Ref) -> Any:
        """Return an object's value; None when it is not there. Raises PdfSyntaxError."""
        if ref not in self._values:
            offset = self._offset(ref)
            self._values[ref] = None if offset is None else self._read(ref, offset)
        return self._values[ref]

    def _read_sections(self, startxref: int) -> dict[str, Any]:
        newest: dict[str, Any] = {}
        offset: int | None = startxref
        seen: set[int] = set()
        for _ in range(_MOST_SECTIONS):
            if offset is None:
                return newest
            if offset in seen:
                raise PdfSyntaxError("the revisions go in a circle")
            seen.add(offset)
            trailer = self._read_section(offset)
            if "/XRefStm" in trailer or "/Encrypt" in trailer:
                raise PdfSyntaxError("not a plain file")
            newest = newest or trailer
            following = trailer.get("/Prev")
            offset = None if following is None else _whole_number(following)
        raise PdfSyntaxError("too many revisions")

    def _read_section(self, offset: int) -> dict[str, Any]:
        pdf = self._pdf
        if not pdf.startswith(b"xref", offset):
            raise PdfSyntaxError(f"no cross-reference table at {offset}")
        at = offset + 4
        while match := _SECTION.match(pdf, at):
            first, count = int(match[1]), int(match[2])
            self._sections.append((first, count, match.end()))
            at = match.end() + 20 * count
        trailer = _TRAILER.match(pdf, at)
        if trailer is None:
            raise PdfSyntaxError("no trailer after the cross-reference table")
        value, _ = parse(pdf, trailer.end())
        if not isinstance(value, dict):
            raise PdfSyntaxError("the trailer is not a dictionary")
        return value

    def _offset(self, ref: Ref) -> int | None:
        for first, count, at in self._sections:
            if first <= ref.number < first + count:
                match = _ENTRY.match(self._pdf, at + 20 * (ref.number - first))
                if match is None:
                    raise PdfSyntaxError("a cross-reference entry is malformed")
                return int(match[1]) if match[3] == b"n" and int(match[2]) == ref.generation else None
        return None

    def _read(self, ref: Ref, offset: int) -> Any:
        match = _OBJECT.match(self._pdf, offset)
        if match is None or (int(match[1]), int(match[2])) != ref:
            raise PdfSyntaxError(f"object {ref.number} is not where the table says")
        value, end = parse(self._pdf, match.end())
        stream = _STREAM.match(self._pdf, end) if isinstance(value, dict) else None
        if stream is None:
            return value
        length = value.get("/Length")
        size = _whole_number(self.get(length) if isinstance(length, Ref) else length)
        stored = self._pdf[stream.end() : stream.end() + size]
        if len(stored) != size or not self._pdf[stream.end() + size :][:12].lstrip().startswith(b"endstream"):
            raise PdfSyntaxError(f"the stream {ref.number} has another length than it says")
        return Stream(value, stored)

    def _layout(self) -> Layout:
        trailer = self.trailer
        root, info = trailer.get("/Root"), trailer.get("/Info")
        identifier = trailer.get("/ID", [])
        if not isinstance(root, Ref) or not (info is None or isinstance(info, Ref)):
            raise PdfSyntaxError("the trailer has no catalog")
        first_id = bytes_of(identifier[0]).hex() if isinstance(identifier, list) and identifier else ""
        return Layout(
            length=len(self._pdf),
            startxref=self.startxref,
            size=_whole_number(trailer.get("/Size")),
            root=f"{root.number} {root.generation}",
            info=f"{info.number} {info.generation}" if info else "",
            first_id=first_id,
            stream_xref=False,
        )


class PyHankoObjects:
    """Objects of any file that pyHanko's strict reader takes: cross-reference and object streams, hybrids."""

    def __init__(self, reader: PdfFileReader, length: int) -> None:
        self._reader = reader
        trailer = reader.trailer
        identifier = trailer["/ID"][0] if "/ID" in trailer else b""
        if reader.last_startxref is None:
            raise PdfSyntaxError("no startxref")
        info = _pyhanko_ref(trailer, "/Info")
        self.layout = Layout(
            length=length,
            startxref=reader.last_startxref,
            size=int(trailer["/Size"]),
            root=_pyhanko_ref(trailer, "/Root"),
            info=info,
            first_id=bytes(getattr(identifier, "original_bytes", identifier)).hex(),
            stream_xref=reader.has_xref_stream,
        )

    def get(self, ref: Ref) -> Any:
        """Return an object's value, parsed from what pyHanko writes for it."""
        return from_pyhanko(self._reader.get_object(generic.Reference(*ref)))  # type: ignore[no-untyped-call]


def from_pyhanko(found: Any) -> Any:
    """Turn a value of pyHanko's into one of ours, by parsing what pyHanko writes for it."""
    if isinstance(found, generic.StreamObject):
        entries, _ = parse(_written(generic.DictionaryObject(dict(found))))  # type: ignore[no-untyped-call]
        return Stream(entries, bytes(found.encoded_data))
    return parse(_written(found))[0]


def bytes_of(raw: bytes) -> bytes:
    """Return a string's bytes; raises PdfSyntaxError."""
    if raw.startswith(b"<"):
        return bytes.fromhex(raw[1:-1].decode())
    if raw.startswith(b"("):
        return re.sub(rb"\\([0-7]{1,3}|\r\n|.)", _unescaped, raw[1:-1], flags=re.DOTALL)
    raise PdfSyntaxError("not a string")


def _pyhanko_ref(trailer: Any, key: str) -> str:
    if key not in trailer:
        return ""
    raw = trailer.raw_get(key)
    return f"{raw.idnum} {raw.generation}"


def _written(found: Any) -> bytes:
    stream = BytesIO()
    found.write_to_stream(stream, None)
    return stream.getvalue()


def _parse_dictionary(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while True:
        match = _TOKEN.match(data, at)
        if match is None:
            raise PdfSyntaxError(f"an unfinished dictionary at {at}")
        if match.lastgroup == "close":
            return found, match.end()
        if match.lastgroup != "name":
            raise PdfSyntaxError(f"a dictionary's key at {at} is not a name")
        key = _name(match["name"])
        if key in found:
            raise PdfSyntaxError(f"the key {key} stands twice in a dictionary")
        found[key], at = parse(data, match.end(), depth + 1)


def _parse_array(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while True:
        match = _TOKEN.match(data, at)
        if match is not None and match.lastgroup == "end":
            return found, match.end()
        value, at = parse(data, at, depth + 1)
        found.append(value)


def _string_end(data: bytes, at: int) -> int:
    depth = 1
    for match in _IN_STRING.finditer(data, at):
        if match[0] == b"(":
            depth += 1
        elif match[0] == b")":
            depth -= 1
            if depth == 0:
                return match.end()
    raise PdfSyntaxError(f"an unfinished string at {at}")


def _name(written: bytes) -> str:
    """A name's text, one character for each byte; # escapes decoded."""
    return (_kept_name if len(written) <= _LONGEST_KEPT_NAME else _decoded_name)(written)


def _decoded_name(written: bytes) -> str:
    if b"#" in written:
        written = re.sub(rb"#([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), written)
    return written.decode("latin-1")


_kept_name = lru_cache(maxsize=1024)(_decoded_name)  # of the same few names a file is full


def _written_name(name: str) -> bytes:
    data = name.encode("latin-1")
    return b"/" + re.sub(rb"[^!-~]|[#()<>\[\]{}/%]", lambda match: b"#%02X" % match[0][0], data[1:])


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if escaped[:1].isdigit():
        return bytes((int(escaped, 8) & 0xFF,))
    return b"" if escaped in (b"\n", b"\r", b"\r\n") else _ESCAPES.get(escaped, escaped)


def _whole_number(value: Any) -> int:
    if not isinstance(value, Raw) or not value.isdigit():
        raise PdfSyntaxError("a whole number was expected")
    return int(value)
