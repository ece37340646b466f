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
    assert der.read_integer(der.read(encoded, tag=der.INTEGER)) == number


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.9.16.1.4", "2.16.840.1.101.3.4.2.1", "2.25.340282366920938"]
)
def test_object_identifiers_are_written_as_asn1crypto_does(dotted: str) -> None:
    assert der.object_identifier(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.integers(min_value=0, max_value=70_000))
def test_lengths_have_their_shortest_form(size: int) -> None:
    assert der.encode(der.OCTET_STRING, bytes(size)) == core.OctetString(bytes(size)).dump()


@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_read_or_refused_but_nothing_else(data: bytes) -> None:
    try:
        found = list(der.values(data))
    except der.DerError:
        return
    assert b"".join(value.der for value in found) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\x00",
        b"\x30\x80\x00\x00",  # indefinite length
        b"\x30\x81\x01\x00",  # length not in its shortest form
        b"\x30\x82\x00\x81" + bytes(129),
        b"\x30\x00\x00",  # something follows
        b"\x31\x00",  # another tag
        b"\x3f\x81\x01\x00",  # a tag of several bytes
    ],
)
def test_what_is_not_one_der_value_is_refused(data: bytes) -> None:
    with pytest.raises(der.DerError):
        der.read(data, tag=der.SEQUENCE)


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"\xff\x80"])
def test_an_integer_not_in_its_shortest_form_is_refused(content: bytes) -> None:
    with pytest.raises(der.DerError):
        der.read_integer(der.Value(der.INTEGER, content, b""))
