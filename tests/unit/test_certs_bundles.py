from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from certs.authority import DevelopmentAuthority
from certs.bundles import certificates_sent
from certs.errors import TrustError


def test_several_bundles_in_a_file_are_read(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    bundles = [serialize_certificates([one], Encoding.PEM) for one in (authority.root, authority.issuing)]
    (tmp_path / "sent.p7b").write_bytes(b"Yours:\r\n" + b"\r\n".join(bundles))
    assert certificates_sent(tmp_path / "sent.p7b") == [authority.root, authority.issuing]


def test_a_file_of_beginnings_is_read_as_fast_as_it_is_long(tmp_path: Path) -> None:
    """Each beginning could have its end anywhere behind it: that would take half an hour."""
    (tmp_path / "sent.p7b").write_bytes(b"-----BEGIN PKCS7-----\n" * 100_000)
    with pytest.raises(TrustError, match="no readable"):
        certificates_sent(tmp_path / "sent.p7b")
