"""Small parts: revisions, placeholders, the stamp, the persisted row, times in tokens."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pypdfium2
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from certs.authority import DevelopmentAuthority
from certs.der import DerError
from signing.errors import ContentsOverflowError, PreparedMismatchError, SigningError, StampError
from signing.opened import OpenedPdf
from signing.placeholder import Gap, fill_contents, fill_range, pdf_date, placeholder
from signing.prepared import Prepared
from signing.profile import Level
from signing.revision import Update, digest_around
from signing.stamp import Appearance, stamp_content
from signing.tokens import generalized_time
from tests.earlier import row_before
from tests.signing_samples import form_pdf, now, plain_pdf

MOMENT = datetime(2026, 11, 20, 14, 30, 5, tzinfo=UTC)


def prepared() -> Prepared:
    return Prepared(
        source_sha256="00" * 32,
        field="employer",
        level=Level.B_LTA,
        revision=b"\n1 0 obj",
        gap=Gap(10, 20, 30),
        signed_attributes=b"\x31\x00",
        digest_algorithm="sha256",
        certificates=(b"leaf", b"root"),
    )


@pytest.mark.parametrize("stream_xrefs", [False, True])
def test_a_revision_adds_and_changes_objects_and_nothing_else(stream_xrefs: bool) -> None:
    pdf = form_pdf(stream_xrefs=stream_xrefs)
    layout = OpenedPdf(pdf).layout
    update = Update(layout)
    number = update.add(b"<</Hello(world)>>")
    stream = update.add_stream(b"stream data")
    placed = update.build()
    grown = pdf + placed.data
    reader = PdfFileReader(BytesIO(grown))
    assert grown[placed.body_offsets[number] :].startswith(b"<</Hello")
    assert reader.total_revisions == 2
    assert reader.root["/AcroForm"]["/Fields"]
    assert placed.layout.length == len(grown)
    assert (number, stream) == (layout.size, layout.size + 1)
    assert reader.trailer["/ID"][0] == PdfFileReader(BytesIO(pdf)).trailer["/ID"][0]


def test_the_same_revision_gives_the_same_bytes() -> None:
    layout = OpenedPdf(plain_pdf()).layout
    built = []
    for _ in range(2):
        update = Update(layout)
        update.add(b"<<>>")
        built.append(update.build().data)
    assert built[0] == built[1]


def test_the_byte_range_leaves_out_contents_and_nothing_else() -> None:
    pdf = plain_pdf()
    update = Update(OpenedPdf(pdf).layout)
    made = placeholder(b"/Type/Sig", 100)
    number = update.add(made.body)
    data, gap = fill_range(update.build(), number, made)
    whole = pdf + data
    assert whole[gap.start : gap.end] == b"<" + b"0" * 200 + b">"
    assert gap.byte_range == (0, gap.start, gap.end, len(whole) - gap.end)
    assert b"/ByteRange [%d %d %d %d]" % gap.byte_range in data
    assert gap.capacity_bytes == 100
    assert fill_contents(data, len(pdf), gap, b"\xab" * 100).count(b"AB" * 100) == 1
    with pytest.raises(ContentsOverflowError) as overflow:
        fill_contents(data, len(pdf), gap, b"\xab" * 101)
    assert (overflow.value.needed_bytes, overflow.value.retryable) == (101, True)


def test_a_digest_around_a_gap_does_not_care_where_the_parts_meet() -> None:
    data = bytes(range(200))
    expected = digest_around((data,), 50, 120, "sha256")
    for cut in range(0, 201, 10):
        assert digest_around((data[:cut], data[cut:]), 50, 120, "sha256") == expected
    assert digest_around((data,), 50, 121, "sha256") != expected


def test_a_pdf_date_is_in_utc() -> None:
    local = MOMENT.astimezone(datetime.now().astimezone().tzinfo)
    assert pdf_date(local) == b"(D:20261120143005+00'00')"


def test_what_was_prepared_comes_back_from_its_row() -> None:
    assert Prepared.from_columns(prepared().to_columns()) == prepared()
    assert Prepared.from_columns(row_before(prepared())) == prepared()
    assert prepared().byte_range == (0, 10, 20, 10)


@pytest.mark.parametrize("damage", [{"rest": "{}"}, {"rest": "x"}, {"byte_range": "[1]"}, {"level": "B-X"}])
def test_a_damaged_row_is_refused(damage: dict[str, str]) -> None:
    with pytest.raises(PreparedMismatchError):
        Prepared.from_columns({**prepared().to_columns(), **damage})


def test_a_row_of_another_version_is_refused() -> None:
    columns = prepared().to_columns()
    rest = {**json.loads(str(columns["rest"])), "version": 99}
    with pytest.raises(PreparedMismatchError, match="version 99"):
        Prepared.from_columns({**columns, "rest": json.dumps(rest)})


def test_the_stamp_tells_name_role_time_level_and_development(authority: DevelopmentAuthority) -> None:
    certificate = authority.person("e-1", "Zoë Voorbeeld", now=now()).certificate
    stamp = Appearance.of(
        name="Zoë Voorbeeld", role="Signer", claimed_at=MOMENT, level=Level.B_LTA, certificate=certificate
    )
    assert stamp.lines == (
        "Zoë Voorbeeld",
        "Signer",
        "Signed 2026-11-20 14:30:05 UTC",
        "PAdES B-LTA",
        "Development certificate: for trials only",
    )
    assert b"/ParaafBold" in stamp_content(stamp, 220, 70)
    seal = Appearance.of(
        name="Example", role="", claimed_at=MOMENT, level=Level.B_B, certificate=certificate, sealed=True
    )
    assert seal.lines[1] == "Sealed 2026-11-20 14:30:05 UTC"


@pytest.mark.parametrize(
    ("lines", "width", "height", "why"),
    [
        (("Zoë",), 20.0, 8.0, "legibly"),
        (("x" * 200,), 200.0, 80.0, "legibly"),
        (("漢字",), 200.0, 80.0, "漢"),
    ],
)
def test_a_stamp_that_cannot_be_shown_is_refused(
    lines: tuple[str, ...], width: float, height: float, why: str
) -> None:
    with pytest.raises(StampError, match=why):
        stamp_content(Appearance(lines), width, height)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"20261120143005Z", MOMENT),
        (b"20261120143005.25Z", MOMENT + timedelta(milliseconds=250)),
    ],
)
def test_genuine_times_are_read(text: bytes, moment: datetime) -> None:
    assert generalized_time(text) == moment


@pytest.mark.parametrize(
    "text", [b"", b"20261120143005", b"20261320143005Z", b"2026112014300Z", b"20261120143005.Z1"]
)
def test_other_times_are_refused(text: bytes) -> None:
    with pytest.raises(DerError):
        generalized_time(text)


def test_every_error_says_whether_to_retry() -> None:
    def below(kind: type[SigningError]) -> list[type[SigningError]]:
        return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]

    kinds = below(SigningError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    retryable = {kind.code for kind in kinds if kind.retryable}
    assert retryable == {
        "signing-contents-overflow",
        "signing-remote-answer",
        "signing-remote-limit",
        "signing-remote-unavailable",
        "signing-revocation-unavailable",
        "signing-signer",
        "signing-timestamp",
        "signing-timestamp-limit",
        "signing-timestamp-rest",
        "signing-token-unavailable",
    }


def test_pdfium_still_opens_a_grown_file() -> None:
    pdf = form_pdf()
    update = Update(OpenedPdf(pdf).layout)
    update.add(b"<<>>")
    document = pypdfium2.PdfDocument(pdf + update.build().data)
    assert len(document) == 2
    document.close()
