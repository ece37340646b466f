"""The file around the pages: structure, fields, attachment, identifier."""

import re
import zlib
from datetime import date

import pytest

from documents.canvas import PageCanvas
from documents.pdfa import DataFile, Description, SignatureField, write_pdfa
from documents.sheet import BODY, Box

DESCRIPTION = Description("Declaration (a) \\ <b> & ‘é’", "2024-1", "nl", date(2024, 11, 20))
DATA = DataFile("data.json", "The data", "application/json", b'{"a":1}')
BOXES = [
    SignatureField("employer", "Signature of the employer", Box(1, 60, 80, 220, 86), b"q Q"),
    SignatureField("manager", "Signature of the manager", Box(1, 300, 80, 220, 86), b"q Q"),
    SignatureField("archive-timestamp", "Archive timestamp", None),
]


def pages(count: int = 2) -> list[bytes]:
    canvas = PageCanvas()
    for number in range(count):
        canvas.text(60, 700, f"Page {number}", BODY)
        canvas.showPage()
    return canvas.streams()


def made(
    *, description: Description = DESCRIPTION, data: DataFile = DATA, fields: list[SignatureField] = BOXES
) -> bytes:
    return write_pdfa(pages(), description=description, data_file=data, fields=fields)


def objects(pdf: bytes) -> dict[int, bytes]:
    return {int(n): body for n, body in re.findall(rb"(?ms)^(\d+) 0 obj\n(.*?)\nendobj\n", pdf)}


def fields_of(pdf: bytes) -> dict[str, bytes]:
    widgets = [body for body in objects(pdf).values() if b"/FT/Sig" in body]
    return {re.search(rb"/T\(([^)]*)\)", body)[1].decode(): body for body in widgets}  # type: ignore[index]


def test_the_cross_reference_table_points_at_every_object() -> None:
    pdf = made()
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[1])  # type: ignore[index]
    lines = pdf[start:].split(b"\n")
    assert lines[0] == b"xref"
    count = int(lines[1].split()[1])
    assert count == len(objects(pdf)) + 1
    for number, line in enumerate(lines[3 : 2 + count], start=1):
        assert len(line) == 19  # and the line feed: 20 bytes
        assert pdf[int(line[:10]) :].startswith(b"%d 0 obj\n" % number)


def test_the_same_input_gives_the_same_bytes() -> None:
    assert made() == made()


@pytest.mark.parametrize(
    "other",
    [
        made(description=Description("Declaration", "2024-2", "nl", date(2024, 11, 20))),
        made(data=DataFile("data.json", "The data", "application/json", b'{"a":2}')),
        made(fields=BOXES[:1]),
    ],
    ids=["description", "data", "fields"],
)
def test_other_input_gives_another_identifier(other: bytes) -> None:
    def identifier(pdf: bytes) -> bytes:
        return re.search(rb"/ID\[<(\w{32})><\1>\]", pdf)[1]  # type: ignore[index]

    assert identifier(made()) != identifier(other)


def test_signature_fields_are_in_the_form_and_on_their_page() -> None:
    pdf = made()
    everything = objects(pdf)
    assert list(fields_of(pdf)) == ["employer", "manager", "archive-timestamp"]
    form = next(body for body in everything.values() if b"/SigFlags 3" in body)
    listed = re.search(rb"/Fields\[([^]]*)\]", form)[1]  # type: ignore[index]
    numbers = [int(n) for n in re.findall(rb"(\d+) 0 R", listed)]
    assert [everything[n] for n in numbers] == list(fields_of(pdf).values())
    first, second = (body for body in everything.values() if body.startswith(b"<</Type/Page/"))
    assert b"/Annots[%d 0 R]" % numbers[2] in first
    assert b"/Annots[%d 0 R %d 0 R]" % (numbers[0], numbers[1]) in second


def test_a_visible_field_has_its_rectangle_and_an_appearance_and_no_value() -> None:
    employer = fields_of(made())["employer"]
    assert b"/Rect[60.00 80.00 280.00 166.00]" in employer
    assert b"/AP<</N " in employer
    assert b"/V" not in employer
    assert b"/F 132" in employer


def test_the_archive_timestamp_cannot_be_seen() -> None:
    field = fields_of(made())["archive-timestamp"]
    assert b"/Rect[0 0 0 0]" in field
    assert b"/AP" not in field


def test_boxes_that_look_alike_share_an_appearance() -> None:
    found = {
        re.search(rb"/AP<</N (\d+)", body)[1]
        for name, body in fields_of(made()).items()
        if "a" not in name[:2]
    }  # type: ignore[index]
    assert len(found) == 1


def test_a_stamp_finds_both_faces_by_name_in_the_form() -> None:
    pdf = made()
    everything = objects(pdf)
    form = next(body for body in everything.values() if b"/SigFlags" in body)
    resources = everything[int(re.search(rb"/DR (\d+) 0 R", form)[1])]  # type: ignore[index]
    for name in (b"ParaafRegular", b"ParaafBold"):
        font = everything[int(re.search(rb"/%b (\d+) 0 R" % name, resources)[1])]  # type: ignore[index]
        assert font.startswith(b"<</Type/Font/Subtype/Type0")


def test_without_fields_there_is_no_form() -> None:
    assert b"/AcroForm" not in made(fields=[])


def test_the_data_is_attached_as_it_is() -> None:
    everything = objects(made())
    specification = next(body for body in everything.values() if b"/Type/Filespec" in body)
    assert b"/AFRelationship/Data" in specification
    embedded = everything[int(re.search(rb"/EF<</F (\d+) 0 R", specification)[1])]  # type: ignore[index]
    assert b"/Subtype/application#2Fjson" in embedded
    assert zlib.decompress(embedded.split(b"stream\n", 1)[1].removesuffix(b"\nendstream")) == DATA.content


def test_titles_with_special_characters_are_escaped() -> None:
    pdf = made()
    assert '<rdf:li xml:lang="x-default">Declaration (a) \\ &lt;b&gt; &amp; ‘é’</rdf:li>'.encode() in pdf
    assert b"/Title<FEFF" in pdf
    plain = made(description=Description("a (b) \\", "1", "en", date(2024, 1, 1)))
    assert rb"/Title(a \(b\) \\)" in plain


def test_the_constant_part_is_the_same_in_every_file() -> None:
    other = write_pdfa(
        pages(1),
        description=Description("x", "y", "en", date(2020, 1, 1)),
        data_file=DATA,
        fields=[],
    )
    common = next(i for i, (a, b) in enumerate(zip(made(), other, strict=False)) if a != b)
    assert common > 40_000  # both faces and the profile
