"""A logo that may stand on every page: SVG of plain shapes, or PNG, and nothing in either that could act.

Whoever may write the office's settings chooses it; it may come from anywhere all the same. What is not known
to be harmless is refused, by name.
"""

import re
import zlib
from dataclasses import dataclass
from struct import unpack
from typing import Final
from xml.etree import ElementTree

MOST: Final = 256 * 1024
SIDE_MOST: Final = 2_000
_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = re.compile(
    "svg|g|defs|title|desc|path|rect|circle|ellipse|line|polyline|polygon|linearGradient|radialGradient|stop"
    "|clipPath"
)
_WORDS = re.compile(
    "id|version|viewBox|preserveAspectRatio|width|height|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|fx|fy|d|points"
    "|transform|fill|fill-opacity|fill-rule|stroke|stroke-(width|linecap|linejoin|miterlimit|opacity)"
    "|stroke-(dasharray|dashoffset)|opacity|clip-path|clip-rule|clipPathUnits|offset|stop-color|stop-opacity"
    "|gradientUnits|gradientTransform|spreadMethod"
)
_ELSEWHERE = re.compile(r"[:\\]|url\((?!#[\w-]+\))", re.IGNORECASE)
_DECLARATION = re.compile(r"\A<\?xml\s")
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs"}
)


@dataclass(frozen=True)
class Logo:
    """The picture, as it is served."""

    content: bytes
    ending: str
    media_type: str


class LogoRefused(Exception):
    """This is no picture that may stand on pages; `mend`: what to do about it."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why)
        self.mend = mend


def logo_of(content: bytes) -> Logo:
    """The logo that a file holds. Raises LogoRefused."""
    if len(content) > MOST:
        raise LogoRefused(f"is larger than {MOST // 1024} KiB", "Make it smaller.")
    if content.startswith(_PNG):
        _require_plain_png(content)
        return Logo(content, "png", "image/png")
    _require_plain_svg(content)
    return Logo(content, "svg", "image/svg+xml")


def _require_plain_svg(content: bytes) -> None:
    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text or "<?" in _DECLARATION.sub("", text):
            raise LogoRefused("declares more than shapes", "Save it as plain SVG, without a DOCTYPE.")
        root = ElementTree.fromstring(content)  # noqa: S314 (it declares no entities)
    except (UnicodeDecodeError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise LogoRefused("is neither SVG nor PNG", "Save it as one of these.") from error
    if root.tag != f"{_SVG}svg" or "viewBox" not in root.attrib:
        raise LogoRefused("is no SVG with a viewBox", "Save it as plain SVG.")
    for element in root.iter():
        name = str(element.tag).removeprefix(_SVG)
        if not _SHAPES.fullmatch(name):
            raise LogoRefused(
                f"holds <{name[:60]}>", "Save it as plain SVG of shapes, with its text as outlines."
            )
        for word, value in element.attrib.items():
            if not _WORDS.fullmatch(word) or _ELSEWHERE.search(value):
                raise LogoRefused(
                    f"says {word[:60]}={value[:60]!r} of <{name}>",
                    "Save it as plain SVG with presentation attributes, without styles and links.",
                )


def _require_plain_png(content: bytes) -> None:
    broken = LogoRefused("is no whole PNG, or holds more than a picture", "Save it anew, without metadata.")
    place, names = len(_PNG), list[bytes]()
    while place < len(content):
        head = content[place : place + 8]
        length = int.from_bytes(head[:4], "big")
        whole = content[place + 4 : place + 12 + length]
        name, body, check = head[4:], whole[4:-4], whole[-4:]
        if (
            len(whole) != length + 8
            or name not in _CHUNKS
            or zlib.crc32(name + body) != int.from_bytes(check)
        ):
            raise broken
        if name == b"IHDR" and (
            length != 13 or not all(0 < one <= SIDE_MOST for one in unpack(">II", body[:8]))
        ):
            raise LogoRefused(f"is larger than {SIDE_MOST} × {SIDE_MOST} points", "Make it smaller.")
        names.append(name)
        place += 12 + length
    ends = [name for name in names if name in (b"IHDR", b"IEND")]
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or len(ends) != 2 or b"IDAT" not in names:
        raise broken
