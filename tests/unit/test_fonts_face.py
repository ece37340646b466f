"""The bundled faces: closed character set, exact widths, objects a PDF reader understands."""

import re
import zlib
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

import fonts
from fonts import Face, UnprintableText, bold, regular

NAMES = [
    "Zoë van 't Hoff-Łukasiewicz",
    "Søren Åbjørnsen Æbelø",
    "Đặng Thị Mỹ Hạnh",
    "Ștefan Țăranu",
    "Şükrü Ğ. İnönü",
    "Áilu Ŋáŋŋa Čáhci Ǥoǩ",
    "Əliyeva Ŷ Ŵ",
]


@pytest.mark.parametrize("face", [regular(), bold()], ids=lambda face: face.name)
class TestFace:
    @pytest.mark.parametrize("name", NAMES)
    def test_prints_names_in_latin_script(self, face: Face, name: str) -> None:
        assert face.missing(name) == ""

    def test_prints_what_amounts_and_sentences_need(self, face: Face) -> None:
        assert face.missing("€ 1.234,56 – -3 % … • “aan” ‘het’ ½ ‰ §  kr") == ""

    def test_encodes_two_bytes_a_character(self, face: Face) -> None:
        assert len(face.encode("Paraaf")) == 12
        assert face.encode("aa")[:2] == face.encode("a")

    def test_width_is_the_sum_of_the_advances_in_the_font_file(self, face: Face) -> None:
        name = "noto-sans-bold.ttf" if face is bold() else "noto-sans-regular.ttf"
        font = TTFont(Path(fonts.__file__).parent / name)
        advance = {chr(code): font["hmtx"][name][0] for code, name in font.getBestCmap().items()}
        expected = sum(advance[character] for character in "Wage: 12") / font["head"].unitsPerEm * 10
        assert face.width("Wage: 12", 10) == pytest.approx(expected, abs=0.01)

    def test_digits_are_equally_wide_so_that_columns_align(self, face: Face) -> None:
        assert len({face.width(digit, 10) for digit in "0123456789"}) == 1

    def test_embeds_a_font_file_that_reads_back(self, face: Face) -> None:
        parts = face.parts
        assert len(zlib.decompress(parts.font_file)) == parts.font_file_length

    def test_to_unicode_gives_back_every_character_that_has_its_own_glyph(self, face: Face) -> None:
        cmap = zlib.decompress(face.parts.to_unicode).decode()
        back = {
            bytes.fromhex(gid): bytes.fromhex(text).decode("utf-16-be")
            for gid, text in re.findall(r"<([0-9A-F]{4})> <([0-9a-f]{4})>", cmap)
        }
        text = "Ståle Đặng, € 1.234,56 – ‘Ț’"
        assert "".join(back[face.encode(character)] for character in text) == text

    def test_objects_refer_to_each_other_by_number(self, face: Face) -> None:
        objects = face.pdf_objects(40)
        assert len(objects) == face.object_count
        assert b"/DescendantFonts[41 0 R]/ToUnicode 44 0 R" in objects[0]
        assert b"/FontDescriptor 42 0 R" in objects[1]
        assert b"/FontFile2 43 0 R" in objects[2]
        assert objects == face.pdf_objects(40)


def test_characters_without_a_glyph_are_refused_never_dropped() -> None:
    face = regular()
    assert face.missing("Li 李 and again 李, Ω") == "李Ω"
    with pytest.raises(UnprintableText, match=r"U\+674E"):
        face.encode("李")
    with pytest.raises(UnprintableText):
        face.width("李", 10)


@pytest.mark.parametrize("character", ["\n", "\t", "\x00", "\u200b", "\u00ad", "\u202e", "\ufeff", "\u0301"])
def test_invisible_characters_count_as_unprintable(character: str) -> None:
    assert regular().missing(f"a{character}b") == character


def test_the_error_names_the_field_and_the_character() -> None:
    error = UnprintableText("李", field="employee.name")
    assert str(error).startswith("employee.name: cannot be printed because of “李” U+674E")
    assert "Latin" in error.hint


def test_the_subset_names_of_the_faces_differ() -> None:
    assert regular().parts.base_font == "PARAAF+NotoSans-Regular"
    assert bold().parts.base_font == "PARAAF+NotoSans-Bold"
