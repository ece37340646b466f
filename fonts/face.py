"""One face with a fixed set of glyphs, read once per process, embedded whole as Type0/CIDFontType2.

A fixed subset costs a few kilobytes a document and saves the work of making a subset for each one; it also
lets a signature's stamp, made long after the document, use the font object that is already there.
Source: ISO 32000-1, 9.7 (composite fonts), 9.8 (font descriptors), 9.10.3 (ToUnicode CMaps).
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from fonts.errors import UnprintableText

_FOLDER = Path(__file__).parent
_SUBSET_TAG = "PARAAF"  # six capitals and a plus sign mark an embedded subset: ISO 32000-1, 9.6.4
_NONSYMBOLIC = 32  # flags of a font descriptor: ISO 32000-1, table 123
_OBJECTS_PER_FACE = 5


@dataclass(frozen=True)
class FaceParts:
    """What a PDF writer needs to embed a face; metrics in 1/1000 of the font size.

    `font_file` and `to_unicode` are deflated (/FlateDecode); `font_file_length` is the inflated /Length1.
    `advances[gid]` is the width of a glyph; character ids are glyph ids (Identity-H, CIDToGIDMap /Identity).
    """

    base_font: str
    advances: tuple[int, ...]
    bbox: tuple[int, int, int, int]
    ascent: int
    descent: int
    cap_height: int
    stem_v: int
    flags: int
    font_file: bytes
    font_file_length: int
    to_unicode: bytes


class Face:
    """A typeface as a closed set of printable characters.

    `name` is its PostScript name, `resource_name` the fixed name under which rendered documents carry it in
    /AcroForm /DR /Font. Vertical metrics are in 1/1000 of the font size.
    """

    def __init__(self, name: str, resource_name: str, path: Path, *, stem_v: int) -> None:
        self.name = name
        self.resource_name = resource_name
        self.data = path.read_bytes()
        self._stem_v = stem_v
        with TTFont(path, lazy=True) as font:
            head, order = font["head"], font.getGlyphOrder()
            scale = 1000 / head.unitsPerEm
            self._gids: dict[str, int] = {
                chr(code): font.getGlyphID(glyph) for code, glyph in sorted(font.getBestCmap().items())
            }
            self._advances: tuple[int, ...] = tuple(round(font["hmtx"][glyph][0] * scale) for glyph in order)
            self._bbox = (
                round(head.xMin * scale),
                round(head.yMin * scale),
                round(head.xMax * scale),
                round(head.yMax * scale),
            )
            self.ascent: int = round(font["hhea"].ascent * scale)
            self.descent: int = round(font["hhea"].descent * scale)
            self.cap_height: int = round(font["OS/2"].sCapHeight * scale)
        self._widths: dict[str, int] = {
            character: self._advances[gid] for character, gid in self._gids.items()
        }
        self._hex = {ord(character): f"{gid:04x}" for character, gid in self._gids.items()}
        self._printable = frozenset(self._gids)

    def missing(self, text: str) -> str:
        """The characters of `text` that this face cannot print, each once, in order of appearance."""
        if self._printable.issuperset(text):
            return ""
        return "".join(dict.fromkeys(character for character in text if character not in self._printable))

    def hex(self, text: str) -> str:
        """The glyph ids of `text` as hexadecimal digits, four a character, for a `<…> Tj` of a page.

        Raises UnprintableText rather than showing an empty box.
        """
        return self._encoded(text)

    def encode(self, text: str) -> bytes:
        """The glyph ids of `text`, two bytes a character (Identity-H); raises UnprintableText."""
        return bytes.fromhex(self.hex(text))

    def width(self, text: str, size: float) -> float:
        """The width of `text` in points at font size `size`; raises UnprintableText."""
        return self._units(text) * size / 1000

    @cached_property
    def _encoded(self) -> Callable[[str], str]:
        """The glyph ids of a text; like `_units`, known for what was printed lately."""

        @lru_cache(maxsize=2048)
        def encoded(text: str) -> str:
            if not self._printable.issuperset(text):
                raise UnprintableText(self.missing(text))
            return text.translate(self._hex)

        return encoded

    @cached_property
    def _units(self) -> Callable[[str], float]:
        """The width of a text in thousandths of the size; labels come again with every document."""

        @lru_cache(maxsize=2048)
        def units(text: str) -> float:
            try:
                return sum(map(self._widths.__getitem__, text))
            except KeyError as error:
                raise UnprintableText(self.missing(text)) from error

        return units

    @cached_property
    def parts(self) -> FaceParts:
        """The pieces to embed this face with; the streams are deflated once per process."""
        return FaceParts(
            base_font=f"{_SUBSET_TAG}+{self.name}",
            advances=self._advances,
            bbox=self._bbox,
            ascent=self.ascent,
            descent=self.descent,
            cap_height=self.cap_height,
            stem_v=self._stem_v,
            flags=_NONSYMBOLIC,
            font_file=zlib.compress(self.data, 9),
            font_file_length=len(self.data),
            to_unicode=zlib.compress(_to_unicode(self._gids), 9),
        )

    @property
    def object_count(self) -> int:
        """How many indirect objects `pdf_objects` returns."""
        return _OBJECTS_PER_FACE

    def pdf_objects(self, first: int) -> tuple[bytes, ...]:
        """The bodies of the indirect objects `first`, `first` + 1, …; `first` is the Type0 font itself.

        A body is what stands between `N 0 obj` and `endobj`. The same number gives the same bytes.
        """
        parts = self.parts
        boxes = " ".join(map(str, parts.bbox))
        return (
            f"<</Type/Font/Subtype/Type0/BaseFont/{parts.base_font}/Encoding/Identity-H"
            f"/DescendantFonts[{first + 1} 0 R]/ToUnicode {first + 4} 0 R>>".encode(),
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{parts.base_font}"
            f"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/CIDToGIDMap/Identity"
            f"/FontDescriptor {first + 2} 0 R/DW {parts.advances[0]}"
            f"/W[0[{' '.join(map(str, parts.advances))}]]>>".encode(),
            f"<</Type/FontDescriptor/FontName/{parts.base_font}/Flags {parts.flags}/FontBBox[{boxes}]"
            f"/ItalicAngle 0/Ascent {parts.ascent}/Descent {parts.descent}/CapHeight {parts.cap_height}"
            f"/StemV {parts.stem_v}/FontFile2 {first + 3} 0 R>>".encode(),
            _stream(parts.font_file, f"/Length1 {parts.font_file_length}"),
            _stream(parts.to_unicode, ""),
        )


def _stream(deflated: bytes, entries: str) -> bytes:
    head = f"<</Length {len(deflated)}{entries}/Filter/FlateDecode>>\nstream\n".encode()
    return head + deflated + b"\nendstream"


def _to_unicode(gids: dict[str, int]) -> bytes:
    """The ToUnicode CMap; where two characters share a glyph the lower one is what copying gives."""
    by_gid: dict[int, str] = {}
    for character, gid in gids.items():
        by_gid.setdefault(gid, character)
    sections = []
    for chunk in _in_hundreds(sorted(by_gid.items())):
        lines = "\n".join(f"<{gid:04X}> <{character.encode('utf-16-be').hex()}>" for gid, character in chunk)
        sections.append(f"{len(chunk)} beginbfchar\n{lines}\nendbfchar")
    return _CMAP.format(mappings="\n".join(sections)).encode()


def _in_hundreds(items: list[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    for start in range(0, len(items), 100):  # at most 100 entries a section: Adobe Technical Note 5014
        yield items[start : start + 100]


_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{mappings}
endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


@cache
def regular() -> Face:
    """The upright text face, read on first use."""
    return Face("NotoSans-Regular", "ParaafRegular", _FOLDER / "noto-sans-regular.ttf", stem_v=84)


@cache
def bold() -> Face:
    """The bold face, read on first use."""
    return Face("NotoSans-Bold", "ParaafBold", _FOLDER / "noto-sans-bold.ttf", stem_v=152)
