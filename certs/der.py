"""As much DER as a timestamp needs: write values, and read them strictly.

Source: ITU-T X.690, DER: definite lengths in their shortest form.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
BOOLEAN: Final = 0x01
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


class DerError(ValueError):
    """The bytes are not DER, or not the value that was expected."""


@dataclass(frozen=True, slots=True)
class Value:
    """One DER value: its tag, its content, and all its bytes."""

    tag: int
    content: bytes
    der: bytes


def encode(tag: int, *contents: bytes) -> bytes:
    """Write a value whose content is `contents` one after the other."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(number: int) -> bytes:
    """Write an INTEGER of any size."""
    magnitude = number if number >= 0 else ~number  # -128 fits in one byte, 128 does not
    return encode(INTEGER, number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def object_identifier(dotted: str) -> bytes:
    """Write an OBJECT IDENTIFIER given in dotted form."""
    first, second, *rest = map(int, dotted.split("."))
    return encode(OBJECT_IDENTIFIER, *map(_arc, (first * 40 + second, *rest)))


def read(der: bytes, *, tag: int) -> Value:
    """Read exactly one value with this tag; raises DerError when there is less, more or something else."""
    value = next(values(der), None)
    if value is None or value.tag != tag or len(value.der) != len(der):
        raise DerError(f"expected one value with tag {tag:#x}")
    return value


def values(content: bytes) -> Iterator[Value]:
    """Read the values that fill `content` one after the other; raises DerError when they don't."""
    start, end = 0, len(content)
    while start < end:
        head, length = _length(content, start)
        stop = start + head + length
        if stop > end:
            raise DerError("a value is cut short")
        yield Value(content[start], content[start + head : stop], content[start:stop])
        start = stop


def read_integer(value: Value) -> int:
    """Read an INTEGER's number; raises DerError when it is not in its shortest form."""
    content = value.content
    if value.tag != INTEGER or not content:
        raise DerError("expected an INTEGER")
    if len(content) > 1 and content[0] in (0x00, 0xFF) and (content[0] ^ content[1]) < 0x80:
        raise DerError("an INTEGER is padded")
    return int.from_bytes(content, "big", signed=True)


def _length(content: bytes, start: int) -> tuple[int, int]:
    """Give the size of a value's head and the length of its content."""
    if start + 2 > len(content) or content[start] & 0x1F == 0x1F:
        raise DerError("a value is cut short, or its tag has several bytes")
    first = content[start + 1]
    if first < 0x80:
        return 2, first
    size = first & 0x7F
    octets = content[start + 2 : start + 2 + size]
    length = int.from_bytes(octets, "big")
    if not 1 <= size <= 4 or len(octets) != size or length < 0x80 or octets[0] == 0:
        raise DerError("a length is not in its shortest form")
    return 2 + size, length


def _arc(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | (number & 0x7F))
    return bytes(reversed(groups))
