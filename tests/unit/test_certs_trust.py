from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.errors import TrustError
from certs.trust import TrustStore, load_trust


def test_no_paths_trust_nothing() -> None:
    assert load_trust([]) == TrustStore()


def test_a_folder_of_pem_and_der_files_is_sorted_by_what_they_are(
    authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    crl = authority.crl("issuing", datetime.now(UTC))
    (tmp_path / "root.crt").write_bytes(authority.root.public_bytes(Encoding.DER))
    (tmp_path / "both.pem").write_bytes(authority.root_pem + authority.issuing.public_bytes(Encoding.PEM))
    (tmp_path / "list.crl").write_bytes(crl)
    (tmp_path / "list.PEM").write_bytes(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM))
    (tmp_path / "README").write_text("not looked at")
    (tmp_path / "deeper.pem").mkdir()
    store = load_trust([tmp_path])
    assert store == TrustStore(anchors=(authority.root,), intermediates=(authority.issuing,), crls=(crl,))


def test_a_named_file_may_have_any_ending(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    (tmp_path / "anchor.txt").write_bytes(authority.root_pem)
    assert load_trust([tmp_path / "anchor.txt"]).anchors == (authority.root,)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("broken.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no readable"),
        ("broken.der", b"\x30\x03\x02\x01\x01", "no readable"),
        ("empty.crt", b"", "no readable"),
    ],
)
def test_an_unreadable_file_is_named_even_in_a_folder(
    authority: DevelopmentAuthority, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / "root.pem").write_bytes(authority.root_pem)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TrustError, match=f"{name}.*{words}"):
        load_trust([tmp_path])


def test_missing_paths_empty_folders_and_stores_without_root_are_errors(
    authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    with pytest.raises(TrustError, match=r"absent\.pem cannot be read"):
        load_trust([tmp_path / "absent.pem"])
    with pytest.raises(TrustError, match="holds no certificates"):
        load_trust([tmp_path])
    (tmp_path / "issuing.pem").write_bytes(authority.issuing.public_bytes(Encoding.PEM))
    with pytest.raises(TrustError, match="No trust anchor"):
        load_trust([tmp_path])
