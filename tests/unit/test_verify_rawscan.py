"""What bytes say by themselves: signed ranges, white space, and the hexadecimal container."""

import zlib

import pytest

from signing.verify.container import Container, read_contents
from signing.verify.findings import Finding
from signing.verify.limits import DEFAULT_LIMITS
from signing.verify.rawscan import hex_digits, only_white_space, signed_range, signed_ranges
from signing.verify.reader import Opened, open_pdf

DER = bytes.fromhex("3003020105")


def file_with(gap: bytes, *, form: bytes = b"%d %d %d %d") -> bytes:
    head = b"%PDF-1.7\n1 0 obj <</ByteRange ["
    before = len(head) + 47 + len(b"/Contents ")
    numbers = form % (0, before, before + len(gap), 4)
    return head + numbers.ljust(46) + b"]" + b"/Contents " + gap + b">>\n\n"


def test_the_range_of_a_signed_file_is_found_without_its_form() -> None:
    pdf = file_with(b"<3003020105000000>")
    (found,) = signed_ranges(pdf)
    assert found.gap(pdf) == b"<3003020105000000>"
    assert found.end == len(pdf)


@pytest.mark.parametrize(
    "numbers",
    [
        (),
        (0, 10, 20),
        (1, 10, 20, 5),
        (0, 10, 20, 10**12),
        (0, 20, 10, 5),
        (0, 10, 10, 5),
        (0, 10, 20, -1),
        (0, 10, 20, 5, 30, 5),
        (0, -10, 20, 5),
    ],
)
def test_odd_ranges_are_none(numbers: tuple[int, ...]) -> None:
    assert signed_range(b"0123456789<30030201>0123456789", numbers) is None


def test_a_range_beside_its_brackets_is_none() -> None:
    pdf = b"0123456789<30030201>0123456789"
    assert signed_range(pdf, (0, 10, 20, 10)) is not None
    assert signed_range(pdf, (0, 9, 20, 10)) is None
    assert signed_range(pdf, (0, 10, 21, 9)) is None


def test_white_space() -> None:
    assert only_white_space(b"\r\n \t\0\x0c")
    assert not only_white_space(b"\n%\n")


@pytest.mark.parametrize("gap", [b"<30 03>", b"<303>", b"<3g>", b"<30\n>"])
def test_anything_but_digits_is_refused(gap: bytes) -> None:
    assert hex_digits(gap) is None
    assert isinstance(read_contents(gap), Finding)


def test_container_as_honest_signers_write_it() -> None:
    for digits in (DER.hex(), DER.hex().upper()):
        read = read_contents(b"<" + digits.encode() + b"0000>")
        assert isinstance(read, Container)
        assert read.der == DER
        assert read.findings == ()


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (b"<30030201050001>", ["contents_padding_used"]),
        (b"<30040402aBFf0000>", ["contents_not_canonical"]),
        (b"<3080020105000000>", ["cms_in_ber"]),
        (b"<30800201050000>", ["cms_in_ber"]),
        (b"<308002010500>", ["cms_unreadable"]),
        (b"<3080020105000007>", ["cms_in_ber", "contents_padding_used"]),
        (b"<30820003020105>", ["cms_unreadable"]),
    ],
)
def test_container_that_somebody_touched(gap: bytes, expected: list[str]) -> None:
    read = read_contents(gap)
    codes = [read.code] if isinstance(read, Finding) else [finding.code for finding in read.findings]
    assert codes == expected


def test_the_container_has_a_size_limit() -> None:
    read = read_contents(b"<" + b"30" * 5_000_000 + b">")
    assert isinstance(read, Finding)


def with_free_objects(
    free: int, *, claimed: int = 0, padding: int = 0, filters: bytes = b"/FlateDecode"
) -> bytes:
    """An honest PDF of one page, but that its index may claim more entries than it has, in a longer file."""
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R>>",
    )
    out, rows = bytearray(b"%PDF-1.7\n"), bytearray(bytes(5) + b"\xff\xff")
    for number, body in enumerate(bodies, 1):
        rows += b"\1%b\0\0" % len(out).to_bytes(4)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    out += b"%%%b\n" % (b" " * padding)
    rows += (bytes(6) + b"\1") * free + b"\1%b\0\0" % len(out).to_bytes(4)
    packed, own = zlib.compress(rows, 9), 4 + free
    size = claimed or own + 1
    head = b"/Type/XRef/W[1 4 2]/Root 1 0 R/ID[<00><00>]/Size %d/Filter%b" % (size, filters)
    start = len(out)
    out += b"%d 0 obj\n<<%b/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (own, head, len(packed), packed)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def refused(pdf: bytes) -> str:
    found = open_pdf(pdf, limits=DEFAULT_LIMITS)
    assert isinstance(found, Finding)
    return found.code


def test_free_objects_do_no_harm() -> None:
    assert isinstance(open_pdf(with_free_objects(60_000), limits=DEFAULT_LIMITS), Opened)


@pytest.mark.parametrize("filters", [b"/FlateDecode", b"[ /FlateDecode ]"])
def test_an_index_that_claims_more_than_it_holds_is_refused_in_a_long_file_too(filters: bytes) -> None:
    pdf = with_free_objects(5, claimed=300_000, padding=500_000, filters=filters)
    assert refused(pdf) == "file_unreadable"


def test_more_entries_than_can_be_read_in_time_have_their_own_finding() -> None:
    assert refused(with_free_objects(DEFAULT_LIMITS.entries)) == "too_many_entries"
    many = with_free_objects(DEFAULT_LIMITS.entries // 2)
    assert refused(many + many) == "too_many_entries"
