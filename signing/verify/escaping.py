"""The bytes of an object with those of its names escaped that are beyond ASCII.

The bytes 80 and FF are white space to PDFium, and regular characters to others. Names that aren't UTF-8 are
read as other letters by programs that hold names as text, so that two different names can become one.
Source: ISO 32000-1, 7.2.2 and 7.3.5.
"""

import re

from signing.verify.lexing import GrammarError, read_value, skip_space, string_end

_MOST_BYTES = 1 << 16  # of an object, but for the data of its stream
_SPLIT = re.compile(rb"[(/%]|endobj|stream")
_NAME = re.compile(rb"/[^\0\t\n\x0c\r ()<>\[\]{}/%]*")
_BEYOND = re.compile(rb"[\x80-\xff]")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_DATA = re.compile(rb"stream(?:\r\n|\n)")
_DATA_END = re.compile(rb"(?:\r\n|\n|\r)?endstream[\t\n\r ]{1,8}endobj(?=[\t\n\r ])")
_END = re.compile(rb"endobj(?=[\t\n\r ])")


def escaped_names(pdf: bytes, start: int) -> bytes:
    """The object whose value begins at `start`, up to and with its endobj.

    Raises GrammarError when no name needs it, when a name may be read otherwise by another program, and for
    anything else that isn't written to the letter.
    """
    head, at = _head(pdf, skip_space(pdf, start))
    value, end = read_value(head, 0)
    if skip_space(head, end) != len(head):
        raise GrammarError(f"something behind the value of the object at byte {start}")
    data = _DATA.match(pdf, at)
    if data is None:
        closed = _END.match(pdf, at)
    else:
        length = value.get(b"Length") if isinstance(value, dict) else None
        if type(length) is not int or length < 0:
            raise GrammarError(f"a stream without a length of its own at byte {at}")
        closed = _DATA_END.match(pdf, data.end() + length)
    if closed is None:
        raise GrammarError(f"the object at byte {start} doesn't end where it says")
    return head + pdf[at : closed.end()]


def _head(pdf: bytes, start: int) -> tuple[bytes, int]:
    """A value with its names escaped, and where `endobj` or `stream` stands behind it."""
    pieces: list[bytes] = []
    at, most, needed = start, start + _MOST_BYTES, False
    while (split := _SPLIT.search(pdf, at, most)) is not None:
        pieces.append(pdf[at : split.start()])
        if split.group() not in (b"(", b"/"):
            break
        at = string_end(pdf, split.end()) if split.group() == b"(" else _name_end(pdf, split.start())
        piece = pdf[split.start() : at]
        if split.group() == b"/" and _BEYOND.search(piece):
            piece, needed = _escaped(piece), True
        pieces.append(piece)
    if split is None or not needed:
        raise GrammarError(f"the object at byte {start} has no names to be escaped")
    return b"".join(pieces), split.start()


def _name_end(pdf: bytes, at: int) -> int:
    name = _NAME.match(pdf, at)
    return name.end() if name else at + 1


def _escaped(name: bytes) -> bytes:
    try:
        _ESCAPE.sub(lambda found: bytes.fromhex(found.group(1).decode()), name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise GrammarError("a name that isn't UTF-8") from error
    if b"\x80" in name:
        raise GrammarError("a name with a byte that some programs take for white space")
    return _BEYOND.sub(lambda found: b"#%02X" % found.group()[0], name)
