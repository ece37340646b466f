"""DER: write by concatenation, read strictly.

Reading accepts the distinguished encoding only (definite, minimal lengths; tag numbers below 31): whoever
signs or timestamps for us has no business with anything else. Source: ITU-T X.690.
"""

from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x04, 0x05, 0x06
GENERALIZED_TIME = 0x18
SEQUENCE, SET = 0x30, 0x31


class DerError(ValueError):
    """These bytes are not strict DER, or not of the structure that was expected."""


class Node(NamedTuple):
    """One element in a buffer: its tag octet, where it starts, where its content starts, where it ends."""

    tag: int
    start: int
    body: int
    end: int


_made = tuple.__new__  # what Node(…) does, without its detour


def node(data: bytes, at: int = 0, limit: int | None = None) -> Node:
    """Read the element that starts at `at` and must end by `limit`; raises DerError."""
    limit = len(data) if limit is None else limit
    if at + 2 > limit:
        raise DerError(f"truncated element at {at}")
    tag, length, body = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise DerError(f"high tag number at {at}")
    if length >= 0x80:
        count = length - 0x80
        if not 1 <= count <= 4 or body + count > limit:
            raise DerError(f"indefinite or oversized length at {at}")
        length = int.from_bytes(data[body : body + count], "big")
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise DerError(f"length not minimal at {at}")
        body += count
    if body + length > limit:
        raise DerError(f"element at {at} runs past its container")
    return _made(Node, (tag, at, body, body + length))


def only(data: bytes, tag: int = SEQUENCE) -> Node:
    """Read the one element that fills the whole buffer and has this tag; raises DerError."""
    found = node(data)
    if found.end != len(data) or found.tag != tag:
        raise DerError(f"expected one element of tag {tag:#x} and nothing after it")
    return found


def children(data: bytes, parent: Node) -> list[Node]:
    """Read the elements inside a constructed one, filling it exactly; raises DerError."""
    if not parent.tag & 0x20:
        raise DerError(f"element at {parent.start} is not constructed")
    found = []
    at, end = parent.body, parent.end
    while at < end:
        # a short element is read here: there are many, and this is what reading a signature costs
        if at + 2 <= end and data[at + 1] < 0x80 and data[at] & 0x1F != 0x1F:
            child = _made(Node, (data[at], at, at + 2, at + 2 + data[at + 1]))
            if child.end > end:
                raise DerError(f"element at {at} runs past its container")
        else:
            child = node(data, at, end)
        found.append(child)
        at = child.end
    return found


def expect(nodes: list[Node], index: int, tag: int) -> Node:
    """Return `nodes[index]`, which must exist and have this tag; raises DerError."""
    if index >= len(nodes) or nodes[index].tag != tag:
        raise DerError(f"expected tag {tag:#x} as element {index}")
    return nodes[index]


def whole(data: bytes, of: Node) -> bytes:
    """Return the element's encoding, header and all."""
    return data[of.start : of.end]


def content(data: bytes, of: Node) -> bytes:
    """Return the element's content octets."""
    return data[of.body : of.end]


def number(data: bytes, of: Node) -> int:
    """Return an INTEGER's number; raises DerError when it is something else, or not in its shortest form."""
    octets = content(data, of)
    if of.tag != INTEGER or not octets:
        raise DerError(f"expected an INTEGER at {of.start}")
    if len(octets) > 1 and octets[0] in (0x00, 0xFF) and (octets[0] ^ octets[1]) < 0x80:
        raise DerError(f"the INTEGER at {of.start} is padded")
    return int.from_bytes(octets, "big", signed=True)


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode one element with the concatenated parts as content."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def sequence(*parts: bytes) -> bytes:
    """Encode a SEQUENCE."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """Encode a SET OF, in the order that DER asks for."""
    return tlv(SET, *sorted(parts))


def octets(value: bytes) -> bytes:
    """Encode an OCTET STRING."""
    return tlv(OCTET_STRING, value)


def integer(value: int) -> bytes:
    """Encode an INTEGER of any size."""
    magnitude = value if value >= 0 else ~value  # -128 fits in one byte, 128 does not
    return tlv(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER given in dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        body.extend(reversed(groups))
    return tlv(OID, bytes(body))
