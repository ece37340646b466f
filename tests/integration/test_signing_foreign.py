"""PDFs that ask for all memory and all time are refused by a child that is stopped, not by this process."""

import asyncio
import resource
import zlib
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from certs.authority import DevelopmentAuthority
from cli.main import main
from signing.errors import DocumentRefusedError
from signing.foreign import require_readable, require_size
from signing.pades import sign_pdf
from signing.profile import Level
from signing.signers import SoftwareSigner
from signing.verify.limits import MIB, Limits
from tests.signing_samples import form_pdf, now, open_desk, plain_pdf, profile

TIGHT = Limits(file_bytes=MIB, address_space_bytes=512 * MIB, cpu_s=2, wall_s=10.0)
GROWN_KIB = 100 * 1024
LEVELS, BRANCHES = range(10, 40), 10


def with_table(index: bytes, widths: bytes = b"[1 2 1]", filters: bytes = b"", data: bytes = b"") -> bytes:
    """A PDF of a few objects whose cross-reference stream says what it likes."""
    head = (
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    )
    return head + (
        b"3 0 obj\n<< /Type /XRef /Size 4 /W %b /Index %b /Root 1 0 R /Length %d %b >>\n"
        b"stream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (widths, index, len(data), filters, data, len(head))
    )


def with_objects(objects: dict[int, bytes]) -> bytes:
    data, offsets = b"%PDF-1.7\n", {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(data)
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % each for each in sorted(offsets.items()))
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, len(data))
    return data + b"xref\n" + table + trailer


PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def ladder(body: bytes) -> dict[int, bytes]:
    """Each object has the next one ten times: 10³⁰ ways down."""
    return {number: body % b" ".join([b"%d 0 R" % (number + 1)] * BRANCHES) for number in LEVELS}


def many_fields() -> bytes:
    form = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [10 0 R] >> >>"
    fields = ladder(b"<< /T (a) /Kids [%b] >>") | {40: b"<< /T (x) /FT /Sig >>"}
    return with_objects({1: form, 2: PAGES, 3: PAGE, **fields})


def many_pages() -> bytes:
    catalog = b"<< /Type /Catalog /Pages 10 0 R >>"
    tree = ladder(b"<< /Type /Pages /Kids [%b] /Count 1 >>")
    return with_objects({1: catalog, 2: PAGES, 3: PAGE, **tree, 40: PAGE})


def inflating_store() -> bytes:
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(MIB)) for _ in range(900)) + packer.flush()
    catalog = b"<< /Type /Catalog /Pages 2 0 R /DSS << /Certs [4 0 R] >> >>"
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(bomb), bomb)
    return with_objects({1: catalog, 2: PAGES, 3: PAGE, 4: stream})


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "endless table": (lambda: with_table(b"[0 2000000000]"), "stopped|can't be read"),
    "endless table of nothing": (lambda: with_table(b"[0 2000000000]", b"[0 0 0]"), "stopped|can't be read"),
    "inflating table": (
        lambda: with_table(
            b"[0 25000000]",
            filters=b"/Filter /FlateDecode",
            data=zlib.compress(b"\1\0\1\0" * 25_000_000, 9),
        ),
        "stopped",
    ),
    "inflating validation data": (inflating_store, "stopped"),
    "fields by many ways": (many_fields, "stands in the form twice"),
    "pages by many ways": (many_pages, "stands in the page tree twice"),
    "deep": (lambda: b"%PDF-1.7\n" + b"[" * 900_000 + b"\nstartxref\n9\n%%EOF\n", "can't be read|stopped"),
    "large": (lambda: b"%PDF-1.7\n" + bytes(2 * MIB), "larger than 1 MiB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_time_and_elsewhere(name: str) -> None:
    make, why = HOSTILE[name]
    pdf = make()
    before_kib, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, monotonic()
    with pytest.raises(DocumentRefusedError, match=why) as refused:
        require_readable(pdf, limits=TIGHT)
    assert refused.value.hint
    assert monotonic() - begun < TIGHT.wall_s + 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < GROWN_KIB


def test_an_honest_file_passes_and_a_refusal_is_told_as_it_is() -> None:
    require_readable(plain_pdf())
    require_readable(form_pdf(stream_xrefs=True))
    with pytest.raises(DocumentRefusedError, match="does not begin as a PDF") as refused:
        require_readable(b"Dear Madam,")
    assert "nothing before its header" in refused.value.hint
    with pytest.raises(DocumentRefusedError, match="larger than 100 MiB"):
        require_size(100 * MIB + 1)


def test_signing_any_pdf_looks_through_the_fence_first(
    authority: DevelopmentAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.pades.OpenedPdf", None)  # nothing is read here

    async def sign() -> None:
        async with open_desk(authority) as desk:
            await sign_pdf(
                desk,
                many_fields(),
                signer=SoftwareSigner(authority.person("e-9", "Bram Voorbeeld", now=now())),
                profile=profile(Level.B_B),
                claimed_at=now(),
            )

    with pytest.raises(DocumentRefusedError, match="twice"):
        asyncio.run(sign())


def test_the_command_refuses_a_large_file_unread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.truncate(101 * MIB)
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    out = tmp_path / "out.pdf"
    assert main(["sign", str(large), "-o", str(out), "--profile", "organisation-seal"]) == 1
    assert "larger than 100 MiB" in capsys.readouterr().err
    assert not out.exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < GROWN_KIB
