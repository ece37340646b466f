"""Changes to the unprotected parts of a CMS that a parser skips over; each once got past the verifier."""

from collections.abc import Callable
from pathlib import Path

import pytest

from certs.der import Node, children, node
from certs.trust import load_trust
from signing.verify.container import Container, check_cms, read_contents
from signing.verify.rawscan import signed_ranges

FILES = Path(__file__).parent.parent / "vectors" / "files"


@pytest.fixture(scope="module")
def cms() -> bytes:
    """The CMS of a B-T signature."""
    pdf = (FILES / "b_t.pdf").read_bytes()
    read = read_contents(signed_ranges(pdf)[-1].gap(pdf))
    assert isinstance(read, Container)
    return read.der


@pytest.fixture(scope="module")
def known() -> list[object]:
    trust = load_trust([FILES / "trust"])
    return [*trust.anchors, *trust.intermediates]


def signed_data(der: bytes) -> list[Node]:
    return children(der, children(der, children(der, node(der))[1])[0])


def signer(der: bytes) -> list[Node]:
    return children(der, children(der, signed_data(der)[-1])[0])


def patched(der: bytes, at: int, value: int) -> bytes:
    return der[:at] + bytes([value]) + der[at + 1 :]


def other_tag_for_unsigned_attributes(der: bytes) -> bytes:
    return patched(der, signer(der)[-1].start, 0xA3)


def outer_length_reaching_into_the_padding(der: bytes) -> bytes:
    return (
        patched(der, 3, der[3] + 2) + b"\0\0" if der[3] < 0xFE else patched(der, 2, der[2] + 1) + bytes(256)
    )


def letter_case_of_the_issuer_named_by_the_signer(der: bytes) -> bytes:
    name = signer(der)[1]
    at = der.index(b"authority", name.start, name.end)
    return patched(der, at, ord("A"))


def unused_bits_in_a_certificates_signature(der: bytes) -> bytes:
    certificate = children(der, signed_data(der)[3])[0]
    return patched(der, children(der, certificate)[2].body, 1)


def other_version(der: bytes) -> bytes:
    return patched(der, signed_data(der)[0].body, 3)


def letter_in_an_enclosed_certificate(der: bytes) -> bytes:
    enclosed = children(der, signed_data(der)[3])[-1]
    return patched(der, enclosed.end - 3, der[enclosed.end - 3] ^ 1)


CHANGES: list[Callable[[bytes], bytes]] = [
    other_tag_for_unsigned_attributes,
    outer_length_reaching_into_the_padding,
    letter_case_of_the_issuer_named_by_the_signer,
    unused_bits_in_a_certificates_signature,
    other_version,
    letter_in_an_enclosed_certificate,
]


def test_an_untouched_cms_has_no_findings(cms: bytes, known: list) -> None:
    assert check_cms(cms, known) == ()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_touched_cms_has(change: Callable[[bytes], bytes], cms: bytes, known: list) -> None:
    assert check_cms(change(cms), known)


@pytest.mark.parametrize(
    "junk", [b"", b"\x30", b"\x30\x00", b"\x30\x80\x00\x00", b"\x05\x00", b"\x30\x02" * 50, bytes(40)]
)
def test_anything_at_all_gets_findings(junk: bytes) -> None:
    assert check_cms(junk, [])


@pytest.fixture(scope="module")
def pss() -> bytes:
    """The CMS of a signature with RSASSA-PSS."""
    pdf = (FILES / "signed_with_rsa_2048_pss.pdf").read_bytes()
    read = read_contents(signed_ranges(pdf)[-1].gap(pdf))
    assert isinstance(read, Container)
    return read.der


def parameters_of_pss(der: bytes) -> Node:
    return children(der, signer(der)[4])[1]


def null_of_the_mask_is_none(der: bytes) -> bytes:
    return patched(der, der.rindex(b"\x05\x00", 0, parameters_of_pss(der).end), 0x95)


def null_of_the_mask_behind_its_sequence(der: bytes) -> bytes:
    mask = der.rindex(b"\x30\x0d\x06\x09", 0, parameters_of_pss(der).end)
    return patched(der, mask + 1, 0x0B)


def null_of_the_digest_behind_its_sequence(der: bytes) -> bytes:
    digest = der.index(b"\x30\x0d\x06\x09", parameters_of_pss(der).start)
    return patched(der, digest + 1, 0x0B)


def another_digest(der: bytes) -> bytes:
    digest = der.index(b"\x30\x0d\x06\x09", parameters_of_pss(der).start)
    return patched(der, digest + 12, 0x02)


@pytest.mark.parametrize(
    "change",
    [
        null_of_the_mask_is_none,
        null_of_the_mask_behind_its_sequence,
        null_of_the_digest_behind_its_sequence,
        another_digest,
    ],
)
def test_what_says_how_pss_is_done_is_found_changed(
    pss: bytes, known: list[object], change: Callable[[bytes], bytes]
) -> None:
    assert not list(check_cms(pss, known))  # type: ignore[arg-type]
    assert "cms_inconsistent" in {found.code for found in check_cms(change(pss), known)}  # type: ignore[arg-type]
