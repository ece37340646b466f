"""Where a key in a token is: RFC 7512's URIs, and what is refused of them."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.errors import KeyAddressError
from signing.pkcs11.address import KeyAddress, is_key_address, parse_key_address

SECRET = "48151623"


def test_everything_that_a_uri_may_say() -> None:
    uri = (
        "pkcs11:token=Head%20office;serial=0a%3B1;manufacturer=SoftHSM%20project;model=v2;slot-id=7"
        ";object=Z%C3%ABgel;id=%01%ff;type=private?module-path=/usr/lib/m%20x.so&pin-source=file:/etc/p%69n"
    )
    assert parse_key_address(uri) == KeyAddress(
        module=Path("/usr/lib/m x.so"),
        token="Head office",
        serial="0a;1",
        manufacturer="SoftHSM project",
        model="v2",
        slot_id=7,
        label="Zëgel",
        key_id=b"\x01\xff",
        pin_file=Path("/etc/pin"),
    )


def test_nothing_has_to_be_said() -> None:
    assert parse_key_address("pkcs11:") == KeyAddress()


@pytest.mark.parametrize("written", ["file:/run/pin", "file:///run/pin", "/run/pin"])
def test_a_pins_file_in_each_of_its_forms(written: str) -> None:
    assert parse_key_address(f"pkcs11:?pin-source={written}").pin_file == Path("/run/pin")


def test_files_are_no_addresses() -> None:
    assert is_key_address("PKCS11:token=x")
    assert not is_key_address("pkcs11/key.pem")
    with pytest.raises(KeyAddressError):
        parse_key_address("key.pem")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (f"pkcs11:token=x?pin-value={SECRET}", "holds the PIN itself"),
        (f"pkcs11:token=x;pin-value={SECRET}", "holds the PIN itself"),
        (f"pkcs11:token=x?pin={SECRET}", "not understood"),
        (f"pkcs11:{SECRET}", "not understood"),
        ("pkcs11:token=x?module-name=opensc", "not understood"),
        ("pkcs11:token=x;token=y", "token twice"),
        ("pkcs11:type=cert", "no private key"),
        (f"pkcs11:slot-id={SECRET}x", "slot-id is no number"),
        ("pkcs11:slot-id=%C2%B2", "slot-id is no number"),
        (f"pkcs11:slot-id={'9' * 5000}", "slot-id is no number"),
        ("pkcs11:object=%ff", "object is no UTF-8"),
        (f"pkcs11:?pin-source={SECRET}", "pin-source is no absolute path"),
        (f"pkcs11:?pin-source=|/bin/echo%20{SECRET}", "pin-source is no absolute path"),
        (f"pkcs11:?pin-source=file://host{SECRET}/pin", "pin-source is no absolute path"),
        ("pkcs11:?module-path=softhsm.so", "module-path is no absolute path"),
        ("pkcs11:?module-path=/usr/%00lib.so", "module-path is no absolute path"),
    ],
)
def test_what_is_refused_is_not_repeated(uri: str, message: str) -> None:
    with pytest.raises(KeyAddressError, match=message) as refused:
        parse_key_address(uri)
    assert refused.value.hint
    assert SECRET not in f"{refused.value} {refused.value.hint}"


PIECES = [
    "pkcs11:",
    "token",
    "object",
    "id",
    "slot-id",
    "pin-source",
    "module-path",
    "=",
    ";",
    "?",
    "&",
    "%",
    "%0",
    "/",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(KeyAddressError):
        parse_key_address(f"pkcs11:{text}")
