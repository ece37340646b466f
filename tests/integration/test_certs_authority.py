"""The development PKI's folder and what OpenSSL thinks of its certificates."""

import multiprocessing
import os
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, ExtensionOID, NameOID

from certs.authority import DevelopmentAuthority
from certs.authority_folder import AuthorityFolder
from certs.errors import AuthorityError, AuthorityExists, AuthorityMissing, KeystoreError, UnsupportedKey
from certs.keys import KEY_TYPES, generate_key
from certs.keystore import common_name
from certs.loopback import free_base_url

NOW = datetime.now(UTC).replace(microsecond=0)
BASE_URL = "http://127.0.0.1:20001"


@pytest.fixture
def own(tmp_path: Path) -> DevelopmentAuthority:
    return DevelopmentAuthority.create(tmp_path / "pki", base_url=BASE_URL, now=NOW)


def openssl(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def write_pem(folder: Path, **certificates: x509.Certificate) -> None:
    for name, certificate in certificates.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


@pytest.mark.witness
@pytest.mark.parametrize("key_type", [kind for kind in KEY_TYPES if kind not in {"RSA-3072", "RSA-4096"}])
def test_openssl_verifies_chains_strictly(own: DevelopmentAuthority, tmp_path: Path, key_type: str) -> None:
    person = own.person("p-1", "Anna Visser", key_type=key_type, now=NOW)
    seal = own.seal(key_type=key_type, now=NOW)
    write_pem(tmp_path, root=own.root, issuing=own.issuing, person=person.certificate, seal=seal.certificate)
    write_pem(tmp_path, tsa=own.tsa, ocsp=own.ocsp_credential.certificate)
    for leaf in ("person", "seal", "tsa", "ocsp"):
        done = openssl(
            *("verify", "-x509_strict", "-check_ss_sig", "-CAfile", "root.pem"),
            *("-untrusted", "issuing.pem", f"{leaf}.pem"),
            cwd=tmp_path,
        )
        assert done.stdout == f"{leaf}.pem: OK\n", done.stderr


@pytest.mark.witness
def test_openssl_reads_the_lists_and_refuses_the_revoked(own: DevelopmentAuthority, tmp_path: Path) -> None:
    person = own.person("p-1", "Anna Visser", now=NOW)
    write_pem(tmp_path, root=own.root, issuing=own.issuing, person=person.certificate)

    def check() -> str:
        crls = (own.crl("issuing", NOW), own.crl("root", NOW))
        pems = (x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM) for crl in crls)
        (tmp_path / "crls.pem").write_bytes(b"".join(pems))
        done = openssl(
            *("verify", "-crl_check_all", "-CRLfile", "crls.pem", "-CAfile", "root.pem"),
            *("-untrusted", "issuing.pem", "person.pem"),
            cwd=tmp_path,
        )
        return done.stdout + done.stderr

    assert check() == "person.pem: OK\n"
    own.revoke(person.certificate.serial_number, at=NOW)
    assert "certificate revoked" in check()
    (tmp_path / "issuing.crl").write_bytes(own.crl("issuing", NOW))
    shown = openssl("crl", "-in", "issuing.crl", "-CAfile", "issuing.pem", "-text", "-noout", cwd=tmp_path)
    assert "verify OK" in shown.stderr
    assert "Key Compromise" in shown.stdout
    assert f"{person.certificate.serial_number:X}" in shown.stdout


def test_people_and_seals_may_sign_documents_and_say_where_to_ask(own: DevelopmentAuthority) -> None:
    for credential in (own.person("p-1", "Anna Visser", now=NOW), own.seal(now=NOW)):
        extensions = credential.certificate.extensions
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical
        assert usage.value.content_commitment
        assert usage.value.digital_signature
        assert not usage.value.key_cert_sign
        accesses = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        assert {found.access_method: found.access_location.value for found in accesses} == {
            AuthorityInformationAccessOID.OCSP: f"{BASE_URL}/ocsp",
            AuthorityInformationAccessOID.CA_ISSUERS: f"{BASE_URL}/ca/issuing.crt",
        }
        (point,) = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert point.full_name is not None
        assert point.full_name[0].value == f"{BASE_URL}/crl/issuing.crl"
        assert credential.certificate.serial_number.bit_length() > 128


def test_the_services_carry_their_extended_usages(own: DevelopmentAuthority) -> None:
    stamping = own.tsa.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert stamping.critical
    assert list(stamping.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    answering = own.ocsp_credential.certificate.extensions
    usages = answering.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert answering.get_extension_for_oid(ExtensionOID.OCSP_NO_CHECK)


def test_every_subject_says_development(own: DevelopmentAuthority) -> None:
    names = [own.root, own.issuing, own.tsa, own.ocsp_credential.certificate]
    names += [own.person("p", "Anna", now=NOW).certificate, own.seal(now=NOW).certificate]
    names += [own.issue("Anything", now=NOW).certificate]
    for certificate in names:
        marked = {part.oid for part in certificate.subject if "development" in str(part.value)}
        assert marked == {NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME}


def test_a_name_that_does_not_fit_is_refused(own: DevelopmentAuthority) -> None:
    for name in ("", " ", "x" * 51):
        with pytest.raises(AuthorityError, match="cannot stand in a certificate"):
            own.person("p-1", name, now=NOW)
    assert common_name(own.person("p-1", "x" * 50, now=NOW).certificate).startswith("x" * 50)


def test_the_same_person_keeps_the_same_key_across_processes_and_names(own: DevelopmentAuthority) -> None:
    first = own.person("p-1", "Anna Visser", now=NOW)
    again = DevelopmentAuthority.open(own.folder).person("p-1", "Anna Visser", now=NOW)
    assert again.certificate == first.certificate
    assert again.chain == (own.issuing, own.root)
    assert own.person("p-1", "Anna de Vries", now=NOW).certificate != first.certificate
    assert own.person("p-1", "Anna Visser", key_type="Ed25519", now=NOW).key_type == "Ed25519"
    hostile = own.person("../../p-1\x00/", "Anna Visser", now=NOW)
    assert hostile.certificate != first.certificate


def test_an_expired_person_gets_a_new_certificate(own: DevelopmentAuthority) -> None:
    first = own.person("p-1", "Anna Visser", now=NOW)
    later = first.certificate.not_valid_after_utc + timedelta(seconds=1)
    renewed = own.person("p-1", "Anna Visser", now=later)
    assert renewed.certificate != first.certificate
    assert own.person("p-1", "Anna Visser", now=later).certificate == renewed.certificate
    assert renewed.certificate.not_valid_after_utc > later


def test_nobody_outlives_the_issuer(own: DevelopmentAuthority) -> None:
    issued = own.issue("Long", now=NOW, not_after=NOW + timedelta(days=9999)).certificate
    assert issued.not_valid_after_utc == own.issuing.not_valid_after_utc


def test_files_are_private(own: DevelopmentAuthority) -> None:
    own.person("p-1", "Anna Visser", now=NOW)
    own.revoke(own.issue("x", now=NOW).certificate.serial_number, at=NOW)
    for path in (own.folder, *own.folder.rglob("*")):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    assert not list(own.folder.rglob(".*"))


def test_private_even_with_a_careless_umask_and_an_open_folder(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "pki").mkdir(mode=0o777)
        own = DevelopmentAuthority.create(tmp_path / "pki", base_url=BASE_URL, now=NOW)
        own.person("p-1", "Anna Visser", now=NOW)
    finally:
        os.umask(before)
    test_files_are_private(own)


def test_keys_are_random(tmp_path: Path) -> None:
    roots = [
        DevelopmentAuthority.create(tmp_path / name, base_url=BASE_URL, now=NOW).root.public_key()
        for name in "ab"
    ]
    assert roots[0] != roots[1]


def test_opening_and_creating_say_what_is_there(own: DevelopmentAuthority, tmp_path: Path) -> None:
    with pytest.raises(AuthorityExists, match="pki holds a development authority already"):
        DevelopmentAuthority.create(own.folder, base_url=BASE_URL, now=NOW)
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(AuthorityMissing, match="There is no development authority in"):
            DevelopmentAuthority.open(folder)
    assert not (tmp_path / "absent").exists()
    (own.folder / "authority.json").write_text("{")
    with pytest.raises(AuthorityError, match=r"authority\.json is damaged"):
        DevelopmentAuthority.open(own.folder)


def test_a_damaged_key_file_is_named(own: DevelopmentAuthority) -> None:
    (own.folder / "issuing.pem").write_text("nothing")
    with pytest.raises(KeystoreError, match=r"issuing\.pem"):
        DevelopmentAuthority.open(own.folder).person("p-1", "Anna Visser", now=NOW)
    (own.folder / "issuing.pem").unlink()
    with pytest.raises(AuthorityError, match=r"issuing\.pem is missing"):
        DevelopmentAuthority.open(own.folder).person("p-1", "Anna Visser", now=NOW)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://127.0.0.1:20001",
        "http://127.0.0.1",
        "http://192.0.2.1:20001",
        "http://0.0.0.0:20001",
        "http://localhost.example:20001",
        "http://127.0.0.1:20001/path",
        "http://127.0.0.1:99999",
        "nonsense",
    ],
)
def test_only_plain_loopback_addresses_are_taken(tmp_path: Path, base_url: str) -> None:
    with pytest.raises(AuthorityError, match="cannot be the development authority's address"):
        DevelopmentAuthority.create(tmp_path / "pki", base_url=base_url, now=NOW)
    assert not (tmp_path / "pki").exists()


def test_an_unknown_key_type_is_refused(own: DevelopmentAuthority) -> None:
    with pytest.raises(UnsupportedKey, match="P-999"):
        own.person("p-1", "Anna Visser", key_type="P-999", now=NOW)


def test_revoking_needs_a_known_certificate_and_reason(own: DevelopmentAuthority) -> None:
    serial = own.issue("x", now=NOW).certificate.serial_number
    with pytest.raises(AuthorityError, match="No certificate has the serial number"):
        own.revoke(serial + 1, at=NOW)
    with pytest.raises(AuthorityError, match="is no reason"):
        own.revoke(serial, at=NOW, reason="dislike")
    assert not own.revocations()


def test_a_key_that_is_elsewhere_gets_a_certificate_that_can_be_revoked(own: DevelopmentAuthority) -> None:
    public_key = generate_key("P-256").public_key()
    certificate = own.certify("Anna Visser", public_key, now=NOW)
    assert certificate.public_key() == public_key
    assert common_name(certificate) == "Anna Visser (development)"
    own.revoke(certificate.serial_number, at=NOW)  # what was never issued can't be
    assert certificate.serial_number in own.revocations()


def test_a_revocation_is_seen_by_others_and_keeps_its_first_date(own: DevelopmentAuthority) -> None:
    other = DevelopmentAuthority.open(own.folder)
    serial = own.issue("x", now=NOW).certificate.serial_number
    assert serial not in other.revocations()
    own.revoke(serial, at=NOW)
    own.revoke(serial, at=NOW + timedelta(days=1), reason="superseded")
    assert other.revocations()[serial].at == NOW
    assert other.revocations()[serial].reason is x509.ReasonFlags.key_compromise


def test_the_issuing_authority_is_revoked_by_the_root(own: DevelopmentAuthority) -> None:
    own.revoke(own.issuing.serial_number, at=NOW, reason="unspecified")
    of_root = x509.load_der_x509_crl(own.crl("root", NOW))
    of_issuing = x509.load_der_x509_crl(own.crl("issuing", NOW))
    assert of_root.get_revoked_certificate_by_serial_number(own.issuing.serial_number)
    assert of_issuing.get_revoked_certificate_by_serial_number(own.issuing.serial_number) is None


def test_later_lists_have_higher_numbers(own: DevelopmentAuthority) -> None:
    def number(now: datetime) -> int:
        crl = x509.load_der_x509_crl(own.crl("issuing", now))
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    assert number(NOW) < number(NOW + timedelta(milliseconds=1))


def _create_and_use(folder: Path, start: Event, queue: Queue) -> None:  # type: ignore[type-arg]
    start.wait()
    authority = DevelopmentAuthority.open_or_create(folder, now=NOW)
    person = authority.person("p-1", "Anna Visser", now=NOW)
    queue.put((authority.base_url, authority.root.serial_number, person.certificate.serial_number))


def test_processes_that_create_the_same_folder_at_once_get_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, queue = context.Event(), context.Queue()
    children = [
        context.Process(target=_create_and_use, args=(tmp_path / "pki", start, queue)) for _ in range(4)
    ]
    for child in children:
        child.start()
    start.set()
    found = {queue.get(timeout=60) for _ in children}
    for child in children:
        child.join()
    assert len(found) == 1


def test_threads_that_create_the_same_folder_at_once_get_the_same(tmp_path: Path) -> None:
    found = []

    def create(number: int) -> None:
        authority = DevelopmentAuthority.open_or_create(tmp_path / "pki", now=NOW)
        person = authority.person("p-1", "Anna Visser", now=NOW)
        authority.revoke(authority.issue(f"x{number}", now=NOW).certificate.serial_number, at=NOW)
        found.append((authority.root.serial_number, person.certificate.serial_number))

    threads = [Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(DevelopmentAuthority.open(tmp_path / "pki").revocations()) == 8


def test_a_creation_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    own = DevelopmentAuthority.create(tmp_path / "pki", base_url=BASE_URL, now=NOW)
    (own.folder / "authority.json").unlink()  # as if killed before the last step
    again = DevelopmentAuthority.open_or_create(own.folder, base_url=BASE_URL, now=NOW)
    assert again.root != own.root
    assert DevelopmentAuthority.open(own.folder).tsa.issuer == again.issuing.subject


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = AuthorityFolder(tmp_path)
    files.write("kept", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AuthorityError, match="kept cannot be written: No space left"):
        files.write("kept", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"kept"}
    assert files.read("kept") == b"old"


def test_free_addresses_are_loopback_and_below_the_ephemeral_ports() -> None:
    port = int(free_base_url().removeprefix("http://127.0.0.1:"))
    assert 20000 <= port < 32000
