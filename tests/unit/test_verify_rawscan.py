"""What bytes say by themselves: signed ranges, white space, and the hexadecimal container."""

import pytest

from signing.verify.container import Container, read_contents
from signing.verify.findings import Finding
from signing.verify.rawscan import hex_digits, only_white_space, signed_range, signed_ranges

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
