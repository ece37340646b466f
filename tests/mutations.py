"""Changes to PDFs that keep so much of their structure that a reader gets far before it stumbles.

Offsets are put right again, DER lengths too: what is wrong is what a part says, not where it stands.
"""

import random
import re
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress

from certs import der
from certs.der import DerError

NUMBERS = (
    *(b"0", b"1", b"-1", b"2", b"127", b"255", b"65535", b"65536", b"8388607", b"2147483647", b"2147483648"),
    *(b"4294967296", b"9999999999", b"-2147483648", b"18446744073709551616", b"9" * 40, b"9" * 5000),
    *(b"0.0", b"-.5", b"1e9", b"+7", b"--1", b"00000000001"),
)
_VALUES = (
    b"null",
    b"true",
    b"[]",
    b"<<>>",
    b"()",
    b"<>",
    b"/",
    b"/Sig",
    b"1 0 R",
    b"99999 0 R",
    b"0 0 R",
    b"(",
)
_KEYWORDS = (b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"startxref", b"%%EOF", b"R")
_OBJECT = re.compile(rb"(?:\A|(?<=[\r\n ]))(\d{1,7}) (\d{1,5}) obj\b(.*?)\bendobj", re.DOTALL)
_TOKEN = re.compile(rb"/[A-Za-z0-9#.+-]+|\d+ \d+ R|[+-]?\d+|\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f]*>|\[|\]|<<|>>")
_HEX = re.compile(rb"<([0-9A-Fa-f]{200,})>")
_FLATE = re.compile(rb"stream\r?\n(x[\x01\x5e\x9c\xda].*?)\r?\nendstream", re.DOTALL)
_ROOT = re.compile(rb"/Root[ ]*(\d+ \d+ R)")
_START = re.compile(rb"startxref\s+(\d+)")
_MOST = 400_000  # octets


def mutated(pdf: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The file after one to four changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        with suppress(DerError, ValueError, IndexError, zlib.error):
            change = chance.choice(CHANGES)
            pdf = change(pdf, chance) if change is not spliced else spliced(pdf, chance, others)
    return pdf[:_MOST]


def some_octets(pdf: bytes, chance: random.Random) -> bytes:
    out = bytearray(pdf)
    for _ in range(chance.randrange(1, 9)):
        out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def _part(pdf: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(pdf))
    return start, min(len(pdf), start + chance.choice((1, 2, 8, 64, 1024, 16_384)))


def part_left_out(pdf: bytes, chance: random.Random) -> bytes:
    start, end = _part(pdf, chance)
    return pdf[:start] + pdf[end:]


def part_doubled(pdf: bytes, chance: random.Random) -> bytes:
    start, end = _part(pdf, chance)
    return pdf[:end] + pdf[start:end] * chance.choice((1, 1, 2, 50)) + pdf[end:]


def cut_off(pdf: bytes, chance: random.Random) -> bytes:
    return pdf[: chance.randrange(len(pdf))]


def spliced(pdf: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others) if others else pdf
    start, end = _part(other, chance)
    here, there = _part(pdf, chance)
    return pdf[:here] + other[start:end] + pdf[there if chance.random() < 0.5 else here :]


def keyword_moved(pdf: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(pdf))
    return pdf[:at] + b" " + chance.choice(_KEYWORDS) + b" " + pdf[at:]


def _other_token(pdf: bytes, body: bytes, chance: random.Random) -> bytes:
    """The text with one to three of its tokens exchanged for others."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        tokens = list(_TOKEN.finditer(body))
        if not tokens:
            return body
        one = chance.choice(tokens)
        text = one.group()
        if text[:1].isdigit() or text[:1] in b"+-":
            new = chance.choice((chance.choice(NUMBERS), b"%d 0 R" % chance.randrange(1, 60), text + b"0"))
        elif text[:1] == b"/":
            names = re.findall(rb"/[A-Za-z0-9]+", pdf[: 1 << 16])
            new = chance.choice((chance.choice(names), b"/" + b"A" * 200, b"", text + b" " + text))
        else:
            new = chance.choice((*_VALUES, text * 2, text + chance.choice(NUMBERS)))
        body = body[: one.start()] + new + body[one.end() :]
    return body


def tokens_in_place(pdf: bytes, chance: random.Random) -> bytes:
    """Tokens changed anywhere; what stands behind moves."""
    found = list(_OBJECT.finditer(pdf))
    if not found:
        return _other_token(pdf, pdf, chance)
    one = chance.choice(found)
    return pdf[: one.start(3)] + _other_token(pdf, one.group(3), chance) + pdf[one.end(3) :]


def tail_changed(pdf: bytes, chance: random.Random) -> bytes:
    """Tokens changed in the last table and trailer."""
    at = max(pdf.rfind(b"xref", 0, pdf.rfind(b"startxref")), pdf.rfind(b"trailer"), 0)
    return pdf[:at] + _other_token(pdf, pdf[at:], chance)


def update_appended(pdf: bytes, chance: random.Random) -> bytes:
    """A revision with a changed object, with a table that is right."""
    found, root, start = list(_OBJECT.finditer(pdf)), _ROOT.findall(pdf), _START.findall(pdf)
    if not found or not root or not start:
        return pdf
    out, entries, size = bytearray(pdf + b"\n"), bytearray(), 0
    for one in chance.sample(found, min(len(found), chance.choice((1, 1, 2, 5)))):
        number, generation = int(one.group(1)), int(one.group(2))
        entries += b"%d 1\n%010d %05d n \n" % (number, len(out), generation)
        body = _other_token(pdf, one.group(3), chance)
        out += b"%d %d obj%bendobj\n" % (number, generation, body)
        size = max(size, number + 1)
    size = max([size, *(int(each.group(1)) + 1 for each in found)])
    previous = start[-1] if chance.random() < 0.9 else chance.choice(NUMBERS)
    trailer = b"trailer\n<</Size %d/Root %b/Prev %b>>\n" % (size, root[-1], previous)
    return bytes(out) + b"xref\n%b%bstartxref\n%d\n%%%%EOF\n" % (bytes(entries), trailer, len(out))


def written_anew(pdf: bytes, chance: random.Random) -> bytes:
    """All objects in one revision, some of them changed, with a table that is right."""
    objects = {int(one.group(1)): one.group(3) for one in _OBJECT.finditer(pdf)}
    root = _ROOT.findall(pdf)
    if not objects or not root:
        return pdf
    for number in chance.sample(sorted(objects), min(len(objects), chance.choice((1, 2, 4)))):
        objects[number] = _other_token(pdf, objects[number], chance)
    out, entries = bytearray(b"%PDF-1.7\n"), bytearray(b"0 1\n0000000000 65535 f \n")
    for number, body in sorted(objects.items()):
        entries += b"%d 1\n%010d 00000 n \n" % (number, len(out))
        out += b"%d 0 obj%bendobj\n" % (number, body)
    trailer = b"trailer\n<</Size %d/Root %b>>\n" % (max(objects) + 1, root[-1])
    return bytes(out) + b"xref\n%b%bstartxref\n%d\n%%%%EOF\n" % (bytes(entries), trailer, len(out))


def stream_repacked(pdf: bytes, chance: random.Random) -> bytes:
    """What a compressed stream holds is changed; it is packed into the same number of octets if it can be."""
    found = list(_FLATE.finditer(pdf))
    if not found:
        return pdf
    one = chance.choice(found)
    inside = zlib.decompressobj().decompress(one.group(1), 1 << 20)
    change = chance.choice((some_octets, part_left_out, part_doubled))
    inside = change(inside, chance) if chance.random() < 0.6 else _other_token(pdf, inside, chance)
    packed = zlib.compress(inside[: 1 << 20], 9)
    return pdf[: one.start(1)] + packed.ljust(len(one.group(1)), b"\0") + pdf[one.end(1) :]


def container_changed(pdf: bytes, chance: random.Random) -> bytes:
    """A part of a signature's structure is changed; the lengths around it are put right."""
    found = list(_HEX.finditer(pdf))
    if not found:
        return pdf
    one = chance.choice(found)
    data = bytes.fromhex(one.group(1).decode())
    new = changed_der(data.rstrip(b"\0"), chance).hex().encode()
    new = new.upper() if one.group(1).isupper() else new
    room = len(one.group(1))
    return pdf[: one.start(1)] + new.ljust(room, b"0")[: max(room, 2)] + pdf[one.end(1) :]


def changed_der(data: bytes, chance: random.Random) -> bytes:
    """DER with one part changed at a random depth. Raises DerError."""
    node = der.node(data, 0, len(data))
    body = data[node.body : node.end]
    if data[0] & 0x20 and body and chance.random() < 0.93:
        parts = _parts(body)
        place = chance.randrange(len(parts))
        kept = chance.random()
        if kept < 0.9:
            parts[place] = changed_der(parts[place], chance)
        elif kept < 0.94:
            del parts[place]
        elif kept < 0.97:
            parts.insert(place, parts[place])
        else:
            chance.shuffle(parts)
        return _tlv(data[0], b"".join(parts))
    return _leaf(data, body, chance)


def _parts(body: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(body):
        node = der.node(body, at, len(body))
        found.append(body[at : node.end])
        at = node.end
    return found


def _leaf(data: bytes, body: bytes, chance: random.Random) -> bytes:
    how = chance.randrange(10)
    if how == 0:
        return _tlv(chance.randrange(256), body)
    if how == 1:
        return _tlv(data[0], b"")
    if how == 2:
        return _tlv(data[0], body * chance.choice((2, 3, 20)))
    if how == 3:
        return bytes([data[0], 0x80]) + body + b"\0\0"
    if how == 4:
        return bytes([data[0], 0x84, 0x7F, 0xFF, 0xFF, 0xFF]) + body
    if how == 5:
        return _tlv(data[0], bytes(chance.randrange(256) for _ in range(chance.choice((1, 4, 16, 300)))))
    if how == 6:
        return _tlv(data[0], b"\xff" * chance.choice((1, 9, 100, 1000)))
    if how == 7:
        return b"\x30\x80" * chance.choice((3, 60, 400)) + data
    out = bytearray(body or b"\0")
    out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return _tlv(data[0], bytes(out))


def _tlv(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 0x80:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + body


CHANGES: tuple[Callable[..., bytes], ...] = (
    some_octets,
    part_left_out,
    part_doubled,
    cut_off,
    spliced,
    keyword_moved,
    tokens_in_place,
    tokens_in_place,
    tail_changed,
    tail_changed,
    update_appended,
    update_appended,
    update_appended,
    written_anew,
    written_anew,
    written_anew,
    stream_repacked,
    container_changed,
    container_changed,
    container_changed,
)
