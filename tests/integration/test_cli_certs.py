"""`paraaf certs`: requests that an authority can read, certificates that belong, keys that stay."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from certs.authority import DevelopmentAuthority
from certs.keys import generate_key
from certs.serve_authority import AuthorityServer
from documents.kinds import KINDS
from documents.register import SAMPLE
from signing.errors import CertificateRevokedError, ProfileError, SignerError
from signing.key_folder import KeyFolder
from signing.organisation import load_organisation
from signing.profile import ANYBODY
from signing.signers import Signer
from signing.signing_file import SigningFile
from tests.command_line import Terminal
from tests.own_signers import own_key
from tests.softhsm import SoftHsm, SoftToken
from tests.steps_office import QUICK, Sample
from workflow import keyring
from workflow.keyring import SignerInUse, SignerPlaced, SignerUnknown
from workflow.office import Office

DAY = timedelta(days=1)
SUBJECT = "CN=Seal 2027,O=Municipality of Example,C=NL"
PROFILE = 'trust = ["trust"]  # whom we trust\n[profiles.organisation-seal]\nkind = "seal"\nlevel = "B-B"\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, authority: DevelopmentAuthority) -> Path:
    """An office that trusts the session's authority, and has no keys of its own yet."""
    folder = tmp_path_factory.mktemp("certs") / "data"
    folder.mkdir()
    copyfile(SAMPLE, folder / "hr_register.csv")
    (folder / "trust").mkdir()
    (folder / "trust" / "root.pem").write_bytes(authority.root_pem)
    (folder / "signing.toml").write_text(PROFILE)
    Office.open(folder, environ={}).close()
    return folder


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], made: Path) -> Terminal:
    terminal = Terminal(tmp_path / "data", capsys)
    terminal.copy_of(made)
    return terminal


def requested(
    terminal: Terminal, name: str = "seal-2027", *more: str | Path
) -> x509.CertificateSigningRequest:
    csr = terminal.data.parent / f"{name}.csr"
    options = more or ("--make-passphrase",)
    terminal.json("certs", "request", name, "--subject", SUBJECT, "-o", csr, *options)
    return x509.load_pem_x509_csr(csr.read_bytes())


def issued(terminal: Terminal, authority: DevelopmentAuthority, name: str = "seal-2027") -> list[str | Path]:
    """What is typed behind `paraaf certs import` once the authority has issued a certificate."""
    csr = x509.load_pem_x509_csr((terminal.data.parent / f"{name}.csr").read_bytes())
    certificate = authority.certify(f"Seal {name}", csr.public_key(), now=datetime.now(UTC))
    return [name, *written(terminal, certificate), "--chain", *written(terminal, authority.issuing)]


def written(terminal: Terminal, *certificates: x509.Certificate) -> list[Path]:
    files = [terminal.data.parent / f"{one.serial_number:x}.crt" for one in certificates]
    for file, one in zip(files, certificates, strict=True):
        file.write_bytes(one.public_bytes(Encoding.DER))
    return files


def refused(terminal: Terminal, *words: str | Path) -> str:
    said = terminal.office("certs", *words, "--json")
    assert said.status == 1, said
    return str(said.json["error"]["code"])


def signing_toml(terminal: Terminal) -> str:
    return (terminal.data / "signing.toml").read_text()


# --- asking


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-3072", "Ed25519"])
def test_openssl_reads_and_verifies_the_request(kind: str, terminal: Terminal) -> None:
    identifier = ("--organisation-identifier", "NTRNL-12345678")
    requested(terminal, "seal-2027", "--key-type", kind, "--make-passphrase", *identifier)
    said = subprocess.run(
        ["openssl", "req", "-in", terminal.data.parent / "seal-2027.csr", "-verify", "-noout", "-text"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = said.stdout + said.stderr
    assert "verify OK" in told
    assert re.search("C ?= ?NL, O ?= ?Municipality of Example, CN ?= ?Seal 2027, ", told)
    assert re.search("organizationIdentifier ?= ?NTRNL-12345678", told)
    assert re.search(r"Key Usage: critical\n +Digital Signature, Non Repudiation\n", told)


def test_the_private_key_and_its_passphrase_show_nowhere(
    terminal: Terminal, authority: DevelopmentAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    told, secrets, keys = "", [], terminal.data / "keys"
    for name, more in (("plain", []), ("json", ["--json"])):
        words = ("--subject", SUBJECT, "--make-passphrase", "-o", terminal.data.parent / f"{name}.csr")
        said = [terminal.office("certs", "request", name, *words, *more)]
        said += [terminal.office("certs", "request", name, *words, *more)]  # refused
        said += [terminal.office("certs", "import", *issued(terminal, authority, name), *more)]
        said += [terminal.office("certs", "list", *more)]
        assert [one.status for one in said] == [0, 1, 0, 0]
        told += "".join(one.out + one.err for one in said)
        secrets += secrets_of(keys, name)
    public = [file.read_text() for file in keys.iterdir() if file.suffix not in (".key", ".pass")]
    assert len(public) == 6
    for text in (told, caplog.text, signing_toml(terminal), *public):
        assert not [secret for secret in secrets if secret in text]


def secrets_of(keys: Path, name: str) -> list[str]:
    """The passphrase, and the lines of the private key, encrypted and plain."""
    passphrase = (keys / f"{name}.pass").read_text().strip()
    pem = (keys / f"{name}.key").read_bytes()
    key = load_pem_private_key(pem, passphrase.encode())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return [
        passphrase,
        *pem.decode().splitlines()[1:-1],
        *plain.decode().splitlines()[1:3],
    ]  # then the public key


def test_key_and_passphrase_are_for_their_owner_alone(terminal: Terminal) -> None:
    requested(terminal)
    keys = terminal.data / "keys"
    modes = {file.name: file.stat().st_mode & 0o777 for file in (keys, *keys.iterdir())}
    assert modes == {
        "keys": 0o700,
        "seal-2027.key": 0o600,
        "seal-2027.pass": 0o600,
        "seal-2027.csr": 0o644,
        "seal-2027.toml": 0o644,
    }
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in (keys / "seal-2027.key").read_bytes()


def test_a_passphrase_of_ones_own(
    terminal: Terminal, authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("four words of sample\n")
    requested(terminal, "seal-2027", "--passphrase-file", secret)
    assert not (terminal.data / "keys" / "seal-2027.pass").exists()
    terminal.json("certs", "import", *issued(terminal, authority))
    [signer] = terminal.json("certs", "list")["signers"]
    assert (signer["name"], signer["wrong"]) == ("seal-2027", [])
    secret.write_text("others\n")
    [signer] = terminal.json("certs", "list")["signers"]
    assert [one["code"] for one in signer["wrong"]] == ["certs-wrong-passphrase"]


def test_a_key_that_is_there_is_never_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    requested(terminal)
    keys = terminal.data / "keys"
    before = {file: file.read_bytes() for file in keys.iterdir()}
    words = ["request", "seal-2027", "--subject", SUBJECT, "--make-passphrase", "-o"]
    assert refused(terminal, *words, tmp_path / "again.csr") == "signing-key-there"
    for file in keys.iterdir():  # whichever is left of it
        if file.suffix != ".key":
            file.rename(tmp_path / file.name)
    assert refused(terminal, *words, tmp_path / "again.csr") == "signing-key-there"
    assert (keys / "seal-2027.key").read_bytes() == before[keys / "seal-2027.key"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["seal", "--subject", SUBJECT], "command-choice"),  # no passphrase
        (["../seal", "--subject", SUBJECT, "--make-passphrase"], "signing-certificate-request"),
        (["seal", "--subject", "Seal 2027", "--make-passphrase"], "signing-certificate-request"),
        (["seal", "--subject", "O=Example,C=NL", "--make-passphrase"], "signing-certificate-request"),
        (["seal", "--subject", "CN=Seal,C=Nederland", "--make-passphrase"], "signing-certificate-request"),
        (["seal", "--subject", SUBJECT, "--passphrase-file", "/dev/null"], "certs-keystore"),
    ],
)
def test_a_request_that_can_not_be_made_leaves_no_key(
    words: list[str], code: str, terminal: Terminal, tmp_path: Path
) -> None:
    assert refused(terminal, "request", *words, "-o", tmp_path / "seal.csr") == code
    assert not (tmp_path / "seal.csr").exists()
    assert not [*terminal.data.glob("keys/*")]


# --- taking it in


def test_an_import_adds_the_signer_and_keeps_every_other_line(
    terminal: Terminal, authority: DevelopmentAuthority
) -> None:
    requested(terminal)
    words = issued(terminal, authority)
    tried = terminal.json("certs", "import", *words, "--dry-run")
    assert (tried["written"], signing_toml(terminal)) == (False, PROFILE)
    assert terminal.json("certs", "list")["waiting"] == ["seal-2027"]
    said = terminal.json("certs", "import", *words)
    assert said["changes"] == tried["changes"]
    assert said["root"].startswith("CN=Root ")
    assert signing_toml(terminal) == PROFILE + "\n".join(line[1:] for line in said["changes"]) + "\n"
    chain = x509.load_pem_x509_certificates((terminal.data / "keys" / "seal-2027.pem").read_bytes())
    assert chain[1:] == [authority.issuing]
    again = terminal.json("certs", "import", *words)  # as after one that was cut off
    assert again["changes"] == []
    (terminal.data / "signing.toml").write_text(signing_toml(terminal).replace("seal-2027.key", "other.key"))
    assert refused(terminal, "import", *words) == "command-choice"
    assert terminal.json("certs", "list")["waiting"] == []


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_bundle_as_authorities_send_it_is_taken_in(
    form: str, terminal: Terminal, authority: DevelopmentAuthority
) -> None:
    requested(terminal)
    _, own, _, *above = issued(terminal, authority)
    other = authority.issue("Another", now=datetime.now(UTC)).certificate
    certificates = [*above, *written(terminal, other, authority.root), Path(own)]  # its own comes last
    pem = terminal.data.parent / "all.pem"
    loaded = [x509.load_der_x509_certificate(Path(file).read_bytes()) for file in certificates]
    pem.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in loaded))
    bundle = terminal.data.parent / "sent.p7b"
    subprocess.run(
        ["openssl", "crl2pkcs7", "-nocrl", "-certfile", pem, "-outform", form, "-out", bundle], check=True
    )
    said = terminal.json("certs", "import", "seal-2027", bundle)
    assert said["subject"].startswith("CN=Seal seal-2027")
    assert [one.startswith("CN=Another") for one in said["unneeded"]] == [True]
    chain = x509.load_pem_x509_certificates((terminal.data / "keys" / "seal-2027.pem").read_bytes())
    assert chain[1:] == [authority.issuing]
    assert "and not kept: “CN=Another" in terminal.office("certs", "import", "seal-2027", bundle).out
    bundle.write_bytes(bundle.read_bytes()[:200] + (b"\n-----END PKCS7-----\n" if form == "PEM" else b""))
    assert refused(terminal, "import", "seal-2027", bundle) == "certs-trust"


def test_another_keys_certificate_is_refused(terminal: Terminal, authority: DevelopmentAuthority) -> None:
    requested(terminal)
    other = authority.issue("Another", now=datetime.now(UTC)).certificate
    assert (
        refused(terminal, "import", "seal-2027", *written(terminal, other)) == "signing-certificate-foreign"
    )
    words = issued(terminal, authority)
    requested(terminal, "other")
    for suffix in ("key", "pass"):  # the request is this key's, the key is not
        keys = terminal.data / "keys"
        (keys / f"seal-2027.{suffix}").write_bytes((keys / f"other.{suffix}").read_bytes())
    assert refused(terminal, "import", *words) == "certs-key-mismatch"
    assert signing_toml(terminal) == PROFILE
    assert not [*terminal.data.glob("keys/*.pem")]


def test_a_chain_that_leads_nowhere_is_refused_and_says_who_is_missing(
    terminal: Terminal, authority: DevelopmentAuthority
) -> None:
    requested(terminal)
    words = issued(terminal, authority)
    said = terminal.office("certs", "import", *words[:2])  # without the one between
    assert said.status == 1
    assert "The certificate of CN=Issuing authority" in said.err
    (terminal.data / "signing.toml").write_text(PROFILE.partition("\n")[2])  # whom we trust
    said = terminal.office("certs", "import", *words)
    assert said.status == 1
    assert "The certificate of CN=Root" in said.err
    assert not [*terminal.data.glob("keys/*.pem")]


@pytest.mark.parametrize(
    ("bits", "usage", "ends_in", "code"),
    [
        (1024, "content_commitment", 9 * DAY, "signing-certificate-unusable"),
        (2048, "key_encipherment", 9 * DAY, "certs-key-usage-missing"),
        (2048, "content_commitment", -DAY, "certs-expired"),
    ],
)
def test_a_certificate_that_would_prove_nothing_is_refused(
    bits: int, usage: str, ends_in: timedelta, code: str, terminal: Terminal
) -> None:
    """Issued by a root that is trusted, of so many bits."""
    csr, now = requested(terminal), datetime.now(UTC)
    key = rsa.generate_private_key(65537, bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Small root")])
    root = certificate(name, name, key.public_key(), "key_cert_sign", now + 99 * DAY, key)
    (terminal.data / "trust" / "small.pem").write_bytes(root.public_bytes(Encoding.PEM))
    own = certificate(csr.subject, name, csr.public_key(), usage, now + ends_in, key)
    assert refused(terminal, "import", "seal-2027", *written(terminal, own)) == code
    assert not [*terminal.data.glob("keys/*.pem")]


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    usage: str,
    ends: datetime,
    key: rsa.RSAPrivateKey,
) -> x509.Certificate:
    usages = {name: name == usage for name in USAGES}
    authority = usage == "key_cert_sign"
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - 200 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usages), critical=True)
        .sign(key, hashes.SHA256())
    )


USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


# --- changing over


@pytest.fixture
def office(
    terminal: Terminal, authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> Iterator[Office]:
    """An office with two keys, of which the first signs."""
    now = datetime.now(UTC)
    first = own_key(terminal.data, authority, "first", begins=now - DAY / 48, ends=now + 10 * DAY)
    second = own_key(terminal.data, authority, "second", begins=now - DAY / 48, ends=now + 20 * DAY)
    (terminal.data / "signing.toml").write_text(f'{PROFILE}signer = "first"\n{first}{second}')
    with closing(Office.open(terminal.data, environ={}, make=False)) as office:
        yield office


def file_of(office: Office) -> SigningFile:
    return SigningFile(office.folder / "signing.toml")


def roll_over(
    office: Office, name: str, *, first: bool = False, holder: str | None = None
) -> tuple[str, ...]:
    """The signers of all afterwards."""
    file = file_of(office)
    keyring.roll_over(office, file, "organisation-seal", name, holder=holder, first=first)
    return file.organisation(KINDS).profiles["organisation-seal"].signers[ANYBODY]


def test_the_next_takes_over_after_a_trial(office: Office) -> None:
    assert roll_over(office, "second") == ("first", "second")
    assert roll_over(office, "second", first=True) == ("second", "first")
    with pytest.raises(SignerPlaced):
        roll_over(office, "first")
    for name, holder in (("third", None), ("second", "Gemeente Nergens")):
        with pytest.raises(SignerUnknown):
            roll_over(office, name, holder=holder)
    with pytest.raises(ProfileError, match="same signers for all"):
        roll_over(office, "second", holder=office.employers[0])


def test_who_can_not_sign_a_sample_takes_nothing_over(
    office: Office, authority: DevelopmentAuthority
) -> None:
    serial = office.keys().named("second").certificate.serial_number
    authority.revoke(serial, at=datetime.now(UTC) - DAY / 480)
    with pytest.raises(CertificateRevokedError):
        roll_over(office, "second")


def test_the_list_says_who_signs_now_and_then(office: Office) -> None:
    file = file_of(office)
    keyring.roll_over(office, file, "organisation-seal", "second", holder=None, first=False)
    changed, folder, now = file.organisation(KINDS), KeyFolder(file.file), datetime.now(UTC)
    told = []
    for later in (DAY, 11 * DAY, 30 * DAY):
        moved = replace(office, signing=changed, clock=lambda later=later: now + later)  # type: ignore[misc]
        held = {one.name: one for one in keyring.held(moved, folder)}
        told.append(
            [(name, held[name].uses[0].signs_now, held[name].trouble is None) for name in changed.signers]
        )
    assert told == [
        [("first", True, True), ("second", False, True)],
        [("first", False, False), ("second", True, True)],
        [("first", False, False), ("second", True, False)],
    ]


def test_where_one_can_not_be_opened_nobody_signs(office: Office) -> None:
    file = file_of(office)
    file.place("second", profile="organisation-seal", holder=None, first=False)
    (office.folder / "second.pass").unlink()
    moved = replace(office, signing=file.organisation(KINDS))
    held = keyring.held(moved, KeyFolder(file.file))
    assert [(one.name, one.uses[0].signs_now, one.trouble is not None) for one in held[:2]] == [
        ("first", False, False),
        ("second", False, True),
    ]


def test_a_chain_that_leads_nowhere_is_told(office: Office, terminal: Terminal) -> None:
    (office.folder / "signing.toml").write_text(signing_toml(terminal).partition("\n")[2])  # whom we trust
    said = terminal.office("certs", "list", "--json")
    first, _ = said.json["signers"]
    assert (said.status, first["chain_complete"]) == (1, False)
    assert [one["code"] for one in first["wrong"]] == ["signing-chain"]
    assert "WRONG: The certificate of the signer first does not lead" in terminal.office("certs", "list").out


def test_keys_at_a_provider_are_listed_as_such(terminal: Terminal) -> None:
    provider = (
        '[signers.provider]\ntype = "csc"\nurl = "https://csc.example.org"\nclient_id = "us"\n'
        'client_secret_file = "secret"\n[signers.provider.keys]\nP001 = "key-1"\n'
        '[profiles.approver]\nkind = "person"\nlevel = "B-B"\nsigner = "provider"\n'
    )
    (terminal.data / "signing.toml").write_text(f"{PROFILE}{provider}")
    [row] = terminal.json("certs", "list")["signers"]
    assert (row["type"], row["subject"], row["chain_complete"], row["wrong"]) == ("csc", None, None, [])
    assert row["used_by"] == [{"profile": "approver", "holder": None, "place": 1, "signs_now": True}]
    assert refused(terminal, "retire", "provider") == "workflow-signer-in-use"
    (terminal.data / "signing.toml").write_text(f"{PROFILE}{provider.partition('[profiles')[0]}")
    said = terminal.json("certs", "retire", "provider")
    assert (said["kept"], said["destroy"], signing_toml(terminal).rstrip()) == (None, [], PROFILE.rstrip())


def test_who_nobody_could_do_without_stays(office: Office, terminal: Terminal) -> None:
    with pytest.raises(SignerInUse, match="organisation-seal"):
        keyring.retire(office, file_of(office), "first")
    assert refused(terminal, "retire", "third") == "workflow-signer-unknown"


def test_who_signs_now_stays_until_the_next_has_begun(
    office: Office, authority: DevelopmentAuthority
) -> None:
    file, now = office.folder / "signing.toml", datetime.now(UTC)
    later = own_key(office.folder, authority, "later", begins=now + DAY, ends=now + 9 * DAY)
    file.write_text(file.read_text().replace('"first"\n', '["first", "later"]\n', 1) + later)
    changed = replace(office, signing=load_organisation(file, kinds=KINDS))
    with pytest.raises(SignerInUse, match="valid now is left"):
        keyring.retire(changed, file_of(office), "first")
    begun = replace(changed, clock=lambda: now + 2 * DAY)
    assert keyring.retire(begun, file_of(office), "first")


def test_with_whom_signatures_are_prepared_stays_until_they_are_made(
    office: Office, terminal: Terminal
) -> None:
    sample = Sample.open(terminal.data, patience=replace(QUICK, tries=1))
    with closing(sample.office):
        sample.office.special["seal"] = Refusing(office.keys().named("second"))
        number = sample.submit("A4")
        asyncio.run(sample.run_until("sealing", number))
        asyncio.run(sample.work())
        [row] = sample.signatures(number)
        assert row.value is None
    before = signing_toml(terminal)
    assert refused(terminal, "retire", "second") == "workflow-signer-in-use"
    assert signing_toml(terminal) == before


def test_a_retired_signer_leaves_its_certificate_and_its_key(office: Office, terminal: Terminal) -> None:
    tried = terminal.json("certs", "retire", "second", "--dry-run")
    assert (tried["written"], tried["kept"]) == (False, None)
    said = terminal.json("certs", "retire", "second")
    assert said["destroy"] == [str(terminal.data / "second.pem"), str(terminal.data / "second.pass")]
    assert all(Path(one).exists() for one in said["destroy"])
    assert "second" not in signing_toml(terminal)
    rows = {one["name"]: one for one in terminal.json("certs", "list")["signers"]}
    assert (rows["second"]["type"], rows["first"]["used_by"][0]["signs_now"]) == ("retired", True)
    assert rows["second"]["subject"].startswith("CN=Seal second")


@dataclass(frozen=True)
class Refusing:
    """A key that does not sign."""

    real: Signer

    @property
    def certificate(self) -> x509.Certificate:
        return self.real.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return self.real.chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        raise SignerError("Not today.")


# --- in a token


def test_a_key_made_in_a_token_stays_there(
    terminal: Terminal,
    authority: DevelopmentAuthority,
    authority_server: AuthorityServer,
    softhsm_token: SoftToken,
    tmp_path: Path,
) -> None:
    uri = softhsm_token.uri("seal-2027").partition("&pin-source")[0]
    options = ("--token", uri, "--passphrase-file", softhsm_token.pin_file)
    assert requested(terminal, "seal-2027", *options).is_signature_valid
    told = softhsm_token.tool("--list-objects", "--type", "privkey")
    assert re.search(r"Access: +sensitive, always sensitive, never extract", told)
    again = ("request", "again", "--subject", SUBJECT, *options, "-o", tmp_path / "again.csr")
    assert refused(terminal, *again) == "signing-key-there"
    both = ("--token", softhsm_token.uri("both"), *options[2:], "-o", tmp_path / "both.csr")
    assert refused(terminal, "request", "both", "--subject", SUBJECT, *both) == "signing-key-address"
    assert "both" not in softhsm_token.tool("--list-objects", "--type", "privkey")
    terminal.json("certs", "import", *issued(terminal, authority))
    with closing(Office.open(terminal.data, environ={}, make=False)) as office:
        assert roll_over(office, "seal-2027") == ("seal-2027",)
    rows = {one["name"]: one for one in terminal.json("certs", "list")["signers"]}
    assert (rows["seal-2027"]["type"], rows["seal-2027"]["wrong"]) == ("pkcs11", [])
    assert softhsm_token.pin not in signing_toml(terminal)


@pytest.mark.parametrize("kind", ["RSA-3072", "P-384", "Ed25519"])
def test_a_token_makes_keys_of_every_kind(kind: str, terminal: Terminal, softhsm_token: SoftToken) -> None:
    csr = requested(terminal, kind, "--key-type", kind, "--token", softhsm_token.uri(kind))
    assert csr.is_signature_valid
    assert type(csr.public_key()) is type(generate_key(kind).public_key())


@pytest.fixture(scope="module")
def softhsm_token(softhsm: SoftHsm) -> SoftToken:
    return softhsm.token("certs")
