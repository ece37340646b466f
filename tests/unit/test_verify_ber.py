"""A CMS in BER reads as the one in DER that it was made from; whatever is broken is an error of ours."""

from pathlib import Path

import pytest

from certs import der
from certs.der import DerError
from signing.verify.ber import in_der, is_indefinite
from signing.verify.container import Container, read_contents
from signing.verify.rawscan import signed_ranges
from tests.vectors.handmade import in_ber

FILES = Path(__file__).parent.parent / "vectors" / "files"


@pytest.fixture(scope="module")
def cms() -> bytes:
    pdf = (FILES / "b_t.pdf").read_bytes()
    read = read_contents(signed_ranges(pdf)[-1].gap(pdf))
    assert isinstance(read, Container)
    return read.der


def test_rewritten_is_the_same(cms: bytes) -> None:
    ber = in_ber(cms)
    assert is_indefinite(ber)
    assert not is_indefinite(cms)
    assert in_der(ber + b"\0" * 50) == (cms, len(ber))
    assert in_der(cms + b"\0" * 50) == (cms, len(cms))


def test_octets_in_parts_become_one() -> None:
    parts = b"\x24\x80" + der.octets(b"4,000 ") + der.octets(b"euro") + b"\0\0"
    assert in_der(parts) == (der.octets(b"4,000 euro"), len(parts))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80\0",
        b"\x04\x80abc\0\0",  # an indefinite length of what has no parts
        b"\x30\x80" * 100,
        b"\x30\x80" * 100 + b"\0\0" * 100,
        b"\x24\x80\x02\x01\x01\0\0",  # a number among parts of octets
    ],
)
def test_what_is_broken_is_an_error(broken: bytes) -> None:
    with pytest.raises(DerError):
        in_der(broken)


def test_no_cut_of_it_is_read(cms: bytes) -> None:
    ber = in_ber(cms)
    for end in range(0, len(ber), 7):
        with pytest.raises(DerError):
            in_der(ber[:end])
