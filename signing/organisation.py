"""How an organisation signs: its file `signing.toml`, checked when it is loaded.

    trust = ["trust"]                     # files and folders of roots, beside this file
    [minimum]                             # the lowest level by kind of document
    employer_declaration = "B-LT"
    [timestampers.tsa-one]
    url = "https://tsa.example.org/tsr"
    [signers.seal-2026]
    type = "file"
    key = "seal-2026.p12"
    passphrase_file = "seal-2026.pass"
    [profiles.organisation-seal]          # instead of the one that comes with the release
    kind = "seal"
    level = "B-LTA"
    timestampers = ["tsa-one"]
    signer = "seal-2026"

No secret stands in it: passphrases, PINs and passwords are in files of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certs.trust import TrustStore, load_trust
from signing.authorities import TimestampAuthority
from signing.checked_toml import CheckedTable, read_toml
from signing.profile import Level, Profile, packaged_profiles, profile_from

FILE = "signing.toml"
DEVELOPMENT = "development"
"""The name of the development PKI's timestamp authority, and of its keys: nobody else may bear it."""

_TYPES = ("file", "pkcs11")


@dataclass(frozen=True)
class KeyInFile:
    """A key in PKCS#12, or in PEM with its `chain`: certificates, the key's own first."""

    key: Path
    chain: Path | None
    passphrase_file: Path | None


@dataclass(frozen=True)
class KeyInToken:
    """A key in a PKCS#11 token, named by its URI (RFC 7512); `chain`: certificates above its own."""

    uri: str
    chain: Path | None
    pin_file: Path | None


KeySource = KeyInFile | KeyInToken


@dataclass(frozen=True)
class Organisation:
    """What a `signing.toml` says, over what comes with the release.

    `minimum` is the lowest level that a kind of document may have.
    """

    profiles: Mapping[str, Profile]
    signers: Mapping[str, KeySource] = field(default_factory=dict)
    timestampers: tuple[TimestampAuthority, ...] = ()
    trust: TrustStore = field(default_factory=TrustStore)
    minimum: Mapping[str, Level] = field(default_factory=dict)


def load_organisation(file: Path | None, *, kinds: Iterable[str] = ()) -> Organisation:
    """Read the file; without one, what comes with the release. `kinds` are those of documents that there are.

    Raises ProfileError naming file and key, KeystoreError and TrustError naming a file that can't be read.
    """
    packaged = packaged_profiles()
    if file is None or not file.exists():
        return Organisation(profiles=packaged)
    table = CheckedTable(str(file), read_toml(file))
    signers = dict(_signers(table))
    timestampers = tuple(_timestampers(table))
    profiles = {name: profile_from(name, one) for name, one in table.tables("profiles")}
    minimum = dict(_minimum(table, frozenset(kinds)))
    trust = load_trust([file.parent / path for path in table.texts("trust", mend="Use only paths.")])
    table.finish()
    authorities = {DEVELOPMENT, *(one.name for one in timestampers)}
    for name, profile in profiles.items():
        _require_known(table, f"profiles.{name}.signer", profile.all_signers, signers)
        named = [one for one in profile.timestampers if not one.startswith(("http://", "https://"))]
        _require_known(table, f"profiles.{name}.timestampers", named, authorities)
    return Organisation(packaged | profiles, signers, timestampers, trust, minimum)


def _require_known(table: CheckedTable, key: str, named: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in named:
        if name not in known:
            table.refuse(
                key, f"names {name!r}, which there is not", f"There are: {', '.join(known) or 'none'}."
            )


def _signers(table: CheckedTable) -> Iterable[tuple[str, KeySource]]:
    for name, one in table.tables("signers"):
        yield name, _file(one) if one.choice("type", _TYPES, required=True) == "file" else _token(one)
        one.finish()


def _file(table: CheckedTable) -> KeyInFile:
    key = table.path("key", required=True)
    assert key is not None  # noqa: S101 (it is required)
    return KeyInFile(key, table.path("chain"), table.path("passphrase_file"))


def _token(table: CheckedTable) -> KeyInToken:
    return KeyInToken(table.text("uri", required=True), table.path("chain"), table.path("pin_file"))


def _timestampers(table: CheckedTable) -> Iterable[TimestampAuthority]:
    for name, one in table.tables("timestampers"):
        if name == DEVELOPMENT:
            table.refuse(f"timestampers.{name}", "is the development authority's name", "Choose another one.")
        url = one.text("url", required=True)
        if not url.startswith(("http://", "https://")):
            one.refuse("url", f"is {url!r}", "Write an address that begins with https:// or http://.")
        one.finish()
        yield TimestampAuthority(name, url)


def _minimum(table: CheckedTable, kinds: frozenset[str]) -> Iterable[tuple[str, Level]]:
    for kind, said in table.take("minimum", dict, "a table", {}).items():
        if kind not in kinds:
            known = ", ".join(sorted(kinds)) or "none"
            table.refuse(f"minimum.{kind}", "is no kind of document", f"There are: {known}.")
        if said not in tuple(Level):
            table.refuse(f"minimum.{kind}", f"is {said!r}", f"Write one of {', '.join(Level)}.")
        yield kind, Level(said)
