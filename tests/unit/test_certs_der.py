"""DER: what we write other readers read, and reading is strict."""

import pytest
from asn1crypto import core
from hypothesis import example, given
from hypothesis import strategies as st

from certs import der


@given(st.integers(min_value=-(1 << 200), max_value=1 << 200))
@example(-128)
@example(128)
@example(-32768)
def test_integers_are_written_and_read_as_asn1crypto_does(number: int) -> None:
    encoded = der.integer(number)
    assert encoded == core.Integer(number).dump()
    assert der.number(encoded, der.only(encoded, der.INTEGER)) == number


@pytest.mark.parametrize("encoded", [b"\x02\x00", b"\x02\x02\x00\x01", b"\x02\x02\xff\x80", b"\x04\x01\x01"])
def test_an_integer_not_in_its_shortest_form_is_refused(encoded: bytes) -> None:
    with pytest.raises(der.DerError):
        der.number(encoded, der.node(encoded))


@given(st.binary(max_size=70_000))
def test_octet_strings_of_any_length_round_trip(value: bytes) -> None:
    encoded = der.octets(value)
    assert core.OctetString.load(encoded, strict=True).native == value
    assert der.content(encoded, der.only(encoded, der.OCTET_STRING)) == value


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1", "1.3.101.112", "2.25.340282366920938"]
)
def test_object_identifiers_are_read_by_asn1crypto(dotted: str) -> None:
    assert core.ObjectIdentifier.load(der.oid(dotted)).dotted == dotted


def test_a_set_is_written_in_the_order_of_its_encodings() -> None:
    assert der.set_of(der.integer(300), der.integer(2)) == der.set_of(der.integer(2), der.integer(300))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (b"\x30", "truncated"),
        (b"\x30\x05\x02\x01\x01", "runs past"),
        (b"\x30\x80\x02\x01\x01\x00\x00", "indefinite"),
        (b"\x30\x81\x03\x02\x01\x01", "not minimal"),
        (b"\x30\x82\x00\x81" + b"\x00" * 0x81, "not minimal"),
        (b"\x30\x85\x01\x00\x00\x00\x00", "oversized"),
        (b"\x1f\x81\x01\x00", "high tag"),
    ],
)
def test_what_is_not_strict_der_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(der.DerError, match=why):
        der.node(data)


def test_bytes_after_the_element_are_refused() -> None:
    with pytest.raises(der.DerError, match="nothing after"):
        der.only(der.sequence(der.integer(1)) + b"\x00")


@given(st.binary(max_size=64))
def test_any_bytes_give_an_element_or_a_der_error(data: bytes) -> None:
    try:
        found = der.node(data)
        if found.tag & 0x20:
            der.children(data, found)
    except der.DerError:
        return
    assert found.end <= len(data)
