from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from certs.authority import DevelopmentAuthority
from certs.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    KeyMismatch,
    KeystoreError,
    KeyUsageMissing,
    UnsupportedKey,
    WeakKey,
    WrongPassphrase,
)
from certs.keys import KEY_TYPES, generate_key
from certs.keystore import Credential, common_name, load_pem, load_pkcs12, require_usable

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def pem_key(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def bundle(credential: Credential, passphrase: bytes | None, *, key: object | None = None) -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return pkcs12.serialize_key_and_certificates(
        b"me",
        key or credential.private_key,  # type: ignore[arg-type]
        credential.certificate,
        list(reversed(credential.chain)),
        encryption,
    )


def self_signed(key: CertificateIssuerPrivateKeyTypes) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Odd key")])
    no_hash = isinstance(key, ed448.Ed448PrivateKey)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    return builder.sign(key, None if no_hash else hashes.SHA256())


@pytest.mark.parametrize("key_type", [name for name in KEY_TYPES if name not in {"RSA-3072", "RSA-4096"}])
def test_pkcs12_gives_key_certificate_and_ordered_chain(
    authority: DevelopmentAuthority, tmp_path: Path, key_type: str
) -> None:
    issued = authority.issue("Anna Visser", key_type=key_type, now=NOW)
    path = tmp_path / "anna.p12"
    path.write_bytes(bundle(issued, b"open sesame"))
    loaded = load_pkcs12(path, b"open sesame")
    assert loaded.certificate == issued.certificate
    assert loaded.chain == (authority.issuing, authority.root)
    assert loaded.key_type == key_type
    assert common_name(loaded.certificate) == loaded.name == "Anna Visser (development)"
    assert loaded.cert_der == issued.certificate.public_bytes(Encoding.DER)
    assert loaded.is_development


@pytest.mark.parametrize("passphrase", [b"wrong", b"", None])
def test_a_wrong_passphrase_is_an_error_naming_the_file(
    authority: DevelopmentAuthority, tmp_path: Path, passphrase: bytes | None
) -> None:
    path = tmp_path / "anna.p12"
    path.write_bytes(bundle(authority.issue("Anna Visser", now=NOW), b"right"))
    with pytest.raises(WrongPassphrase, match=r"anna\.p12"):
        load_pkcs12(path, passphrase)


def test_a_pkcs12_without_key_or_certificate_is_refused(
    authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    path = tmp_path / "part.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(None, None, authority.root, None, NoEncryption()))
    with pytest.raises(KeystoreError, match=r"part\.p12 holds no private key"):
        load_pkcs12(path, None)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(None, generate_key("P-256"), None, None, NoEncryption())
    )
    with pytest.raises(KeystoreError, match=r"part\.p12 holds no certificate"):
        load_pkcs12(path, None)


def test_a_missing_or_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"absent\.p12 cannot be read"):
        load_pkcs12(tmp_path / "absent.p12", None)
    (tmp_path / "broken.p12").write_bytes(b"\x30\x03garbage")
    with pytest.raises(KeystoreError, match=r"broken\.p12"):
        load_pkcs12(tmp_path / "broken.p12", None)


def test_pem_files_give_the_same_as_pkcs12(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    issued = authority.issue("Bea Bakker", now=NOW)
    key_path, cert_path, chain_path = (tmp_path / name for name in ("key.pem", "cert.pem", "chain.pem"))
    key_path.write_bytes(pem_key(issued.private_key, BestAvailableEncryption(b"secret")))
    cert_path.write_bytes(pem(issued.certificate))
    chain_path.write_bytes(pem(authority.root, authority.issuing))
    loaded = load_pem(key_path, cert_path, chain_path, b"secret", name="bea")
    assert (loaded.name, loaded.certificate) == ("bea", issued.certificate)
    assert loaded.chain == (authority.issuing, authority.root)


@pytest.mark.parametrize(
    ("encryption", "passphrase", "words"),
    [
        (BestAvailableEncryption(b"secret"), b"wrong", "passphrase is wrong"),
        (BestAvailableEncryption(b"secret"), None, "no passphrase was given"),
        (NoEncryption(), b"secret", "not encrypted but a passphrase was given"),
    ],
)
def test_a_pem_key_with_the_wrong_passphrase_is_named(
    authority: DevelopmentAuthority,
    tmp_path: Path,
    encryption: KeySerializationEncryption,
    passphrase: bytes | None,
    words: str,
) -> None:
    issued = authority.issue("Bea Bakker", now=NOW)
    (tmp_path / "key.pem").write_bytes(pem_key(issued.private_key, encryption))
    (tmp_path / "cert.pem").write_bytes(pem(issued.certificate))
    with pytest.raises(WrongPassphrase, match=rf"key\.pem.*{words}"):
        load_pem(tmp_path / "key.pem", tmp_path / "cert.pem", passphrase=passphrase)


def test_a_key_of_another_certificate_is_refused(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem_key(generate_key("P-256")))
    (tmp_path / "cert.pem").write_bytes(pem(authority.issue("Bea Bakker", now=NOW).certificate))
    with pytest.raises(KeyMismatch, match=r"key\.pem does not belong to the certificate of Bea Bakker"):
        load_pem(tmp_path / "key.pem", tmp_path / "cert.pem")


def test_a_pem_file_without_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem_key(generate_key("P-256")))
    (tmp_path / "cert.pem").write_bytes(b"nothing here")
    with pytest.raises(KeystoreError, match=r"cert\.pem holds no readable certificate"):
        load_pem(tmp_path / "key.pem", tmp_path / "cert.pem")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (rsa.generate_private_key(65537, 1024), WeakKey),  # noqa: S505 (that is the point)
        (ec.generate_private_key(ec.SECP192R1()), WeakKey),
        (ec.generate_private_key(ec.SECP521R1()), UnsupportedKey),
        (ec.generate_private_key(ec.SECP256K1()), UnsupportedKey),
        (ed448.Ed448PrivateKey.generate(), UnsupportedKey),
        (dsa.generate_private_key(2048), UnsupportedKey),
    ],
    ids=["RSA-1024", "P-192", "P-521", "secp256k1", "Ed448", "DSA"],
)
def test_other_keys_are_refused_by_loading_and_by_checking(
    tmp_path: Path, key: CertificateIssuerPrivateKeyTypes, expected: type[UnsupportedKey]
) -> None:
    certificate = self_signed(key)
    (tmp_path / "odd.pem").write_bytes(pem_key(key) + pem(certificate))
    with pytest.raises(expected, match=r"odd\.pem"):
        load_pem(tmp_path / "odd.pem", tmp_path / "odd.pem")
    with pytest.raises(expected, match="Odd key"):
        require_usable(certificate, now=NOW)


def test_validity_is_checked_to_the_second(authority: DevelopmentAuthority) -> None:
    certificate = authority.issue("Chris", now=NOW, not_before=NOW, not_after=NOW + DAY).certificate
    require_usable(certificate, now=NOW)
    require_usable(certificate, now=NOW + DAY)
    with pytest.raises(CertificateNotYetValid, match=r"Chris.*only from"):
        require_usable(certificate, now=NOW - timedelta(seconds=1))
    with pytest.raises(CertificateExpired, match=r"Chris.*expired on"):
        require_usable(certificate, now=NOW + DAY + timedelta(seconds=1))


def test_the_key_usage_must_be_one_that_was_asked_for(authority: DevelopmentAuthority) -> None:
    both = authority.issue("Both", now=NOW).certificate
    only_non_repudiation = authority.issue(
        "One", now=NOW, key_usage=frozenset({"content_commitment"})
    ).certificate
    none = authority.issue("None", now=NOW, key_usage=frozenset({"key_encipherment"})).certificate
    absent = authority.issue("Absent", now=NOW, key_usage=None).certificate
    require_usable(both, now=NOW)
    require_usable(only_non_repudiation, now=NOW)
    with pytest.raises(KeyUsageMissing, match="digitalSignature"):
        require_usable(only_non_repudiation, now=NOW, accepted_usages=frozenset({"digital_signature"}))
    with pytest.raises(KeyUsageMissing, match="digitalSignature or nonRepudiation"):
        require_usable(none, now=NOW)
    with pytest.raises(KeyUsageMissing):
        require_usable(absent, now=NOW)


def test_a_credential_does_not_show_its_key(authority: DevelopmentAuthority) -> None:
    assert "rivate" not in repr(authority.issue("Chris", now=NOW))
