"""How an organisation signs: its file `signing.toml`, checked when it is loaded.

    trust = ["trust"]                     # files and folders of roots, beside this file
    [minimum]                             # by kind of document the lowest level, or that none is needed
    employer_declaration = "B-LT"
    action_plan = "none"
    [timestampers.tsa-one]
    url = "https://tsa.example.org/tsr"   # and how it wants to be asked: signing.authorities
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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from certs.trust import TrustStore, load_trust
from signing.authorities import DEVELOPMENT, TimestampAuthority, authority_from, development_from
from signing.checked_toml import CheckedTable, read_toml
from signing.csc_address import why_not_sent
from signing.errors import KeyAddressError
from signing.pkcs11.address import MODULE, module_path, parse_key_address
from signing.profile import ANYBODY, Level, Profile, packaged_profiles, profile_from

FILE = "signing.toml"
_TYPES = ("file", "pkcs11", "csc")
_NO_SIGNATURE = "none"


@dataclass(frozen=True)
class KeyInFile:
    """A key in PKCS#12, or in PEM with its `chain`: certificates, the key's own first.

    `a_day`: how many signatures it may make a day; None: as many as anybody asks for.
    """

    key: Path
    chain: Path | None
    passphrase_file: Path | None
    a_day: int | None = None


@dataclass(frozen=True)
class KeyInToken:
    """A key in a PKCS#11 token, named by its URI (RFC 7512); `chain`: certificates above its own.

    `a_day` as of a key in a file.
    """

    uri: str
    chain: Path | None
    pin_file: Path | None
    a_day: int | None = None


@dataclass(frozen=True)
class KeysAtProvider:
    """People's keys at a remote signing provider (CSC API); `keys` are its ids of them, by person.

    `url` is the API's base, up to csc/v1; `oauth_url` only where its OAuth server is another host.
    """

    url: str
    client_id: str
    client_secret_file: Path
    keys: Mapping[str, str] = field(hash=False)
    oauth_url: str = ""
    hashes_a_call: int = 100


KeySource = KeyInFile | KeyInToken | KeysAtProvider


@dataclass(frozen=True)
class Organisation:
    """What a `signing.toml` says, over what comes with the release.

    `development` is how the development authority is asked, without its address; `minimum` the lowest level
    that a kind of document may have, `unsigned` the kinds that need no signature, as the file says of them.
    `development_keys`: that development keys may sign beside signers of its own, for a trial.
    """

    profiles: Mapping[str, Profile]
    signers: Mapping[str, KeySource] = field(default_factory=dict)
    timestampers: tuple[TimestampAuthority, ...] = ()
    development: TimestampAuthority = TimestampAuthority(DEVELOPMENT, "")  # noqa: RUF009 (it is frozen)
    trust: TrustStore = field(default_factory=TrustStore)
    minimum: Mapping[str, Level] = field(default_factory=dict)
    unsigned: frozenset[str] = frozenset()
    development_keys: bool = False

    def uses_development_keys(self, profile: Profile) -> bool:
        """Whether keys of the development authority sign under a profile: it names none."""
        return profile.signs and not profile.signers

    def forgets(self, profile: Profile) -> bool:
        """Whether it has signers of its own, and a profile names none, and nobody said that this is meant."""
        return bool(self.signers) and not self.development_keys and self.uses_development_keys(profile)

    def authorities(self, development_url: str) -> tuple[TimestampAuthority, ...]:
        """All timestamp authorities that have a name; the development authority is at this address."""
        return (replace(self.development, url=development_url), *self.timestampers)


def load_organisation(file: Path | None, *, kinds: Iterable[str] = ()) -> Organisation:
    """Read the file; without one, what comes with the release. `kinds` are those of documents that there are.

    Raises ProfileError naming file and key, KeystoreError and TrustError naming a file that can't be read.
    """
    if file is None or not file.exists():
        return Organisation(profiles=packaged_profiles())
    return organisation_from(file, read_toml(file), kinds=kinds)


def organisation_from(file: Path, said: Mapping[str, Any], *, kinds: Iterable[str] = ()) -> Organisation:
    """What a file says, or would say: `said` is its content, `file` where it is. Raises as the above."""
    packaged = packaged_profiles()
    table = CheckedTable(str(file), said)
    signers = dict(_signers(table))
    named = tuple(_timestampers(table))
    timestampers = tuple(one for one in named if one.name != DEVELOPMENT)
    development = next((one for one in named if one.name == DEVELOPMENT), TimestampAuthority(DEVELOPMENT, ""))
    profiles = {name: profile_from(name, one) for name, one in table.tables("profiles")}
    lowest = dict(_minimum(table, frozenset(kinds)))
    minimum = {kind: level for kind, level in lowest.items() if level is not None}
    unsigned = frozenset(lowest.keys() - minimum.keys())
    trust = load_trust(_trust_paths(table, file.parent))
    for_trial = table.take("development_keys", bool, "true or false", False)
    table.finish()
    authorities = {DEVELOPMENT, *(one.name for one in timestampers)}
    for name, profile in profiles.items():
        _require_known(table, f"profiles.{name}.signer", profile.all_signers, signers)
        remote = [one for one in profile.all_signers if isinstance(signers[one], KeysAtProvider)]
        if remote and (profile.kind != "person" or len(profile.all_signers) > 1):
            table.refuse(
                f"profiles.{name}.signer",
                f"names {remote[0]!r}, where people's keys are",
                'Name a provider alone, and only in profiles of kind = "person".',
            )
        if profile.kind == "person":
            _require_own_keys(table, profile, signers)
        theirs = [one for one in profile.timestampers if "://" not in one]
        _require_known(table, f"profiles.{name}.timestampers", theirs, authorities)
    _require_enough(table, (packaged | profiles).values(), (development, *timestampers))
    return Organisation(
        packaged | profiles, signers, timestampers, development, trust, minimum, unsigned, for_trial
    )


def _trust_paths(table: CheckedTable, folder: Path) -> list[Path]:
    paths = [folder / path for path in table.texts("trust", mend="Use only paths.")]
    there = [path.resolve() for path in paths]
    for at, path in enumerate(there):
        if path in there[:at]:
            table.refuse("trust", f"names {str(paths[at])!r} twice", "Leave one out.")
    return paths


def _require_own_keys(table: CheckedTable, profile: Profile, signers: Mapping[str, KeySource]) -> None:
    """Refuse one key for several people: whoever acts would sign with another's."""
    whose: dict[str, str] = {}
    for person, names in profile.signers.items():
        for name in names:
            if isinstance(signers[name], KeysAtProvider):
                continue
            if person == ANYBODY:
                table.refuse(
                    f"profiles.{profile.name}.signer",
                    f"names {name!r} for everybody, and it is one person's key",
                    f'Write signer = {{ PERSON = "{name}" }}, with the person\'s number in the HR register.',
                )
            if whose.setdefault(name, person) != person:
                table.refuse(
                    f"profiles.{profile.name}.signer",
                    f"names {name!r} for {whose[name]} and for {person}",
                    "Give each person a signer of their own.",
                )


def _require_enough(
    table: CheckedTable, profiles: Iterable[Profile], authorities: Iterable[TimestampAuthority]
) -> None:
    """Refuse a limit under which a profile could never sign: at B-LTA two timestamps are taken at once."""
    asked_twice = {name for one in profiles if one.level is Level.B_LTA for name in one.timestampers}
    for one in authorities:
        if one.name in asked_twice and one.limit is not None and one.limit.count < 2:
            key = f"timestampers.{one.name}.limit"
            table.refuse(key, "is below the two timestamps that a B-LTA signature takes", "Write 2 or more.")


def _require_known(table: CheckedTable, key: str, named: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    for name in named:
        if name not in known:
            table.refuse(
                key, f"names {name!r}, which there is not", f"There are: {', '.join(known) or 'none'}."
            )


def _signers(table: CheckedTable) -> Iterable[tuple[str, KeySource]]:
    for name, one in table.tables("signers"):
        yield name, key_source(one)


def key_source(table: CheckedTable) -> KeySource:
    """Where a signer's table says its key is. Raises ProfileError."""
    source = _READERS[table.choice("type", _TYPES, required=True)](table)
    table.finish()
    return source


def _file(table: CheckedTable) -> KeyInFile:
    key = table.path("key", required=True)
    assert key is not None  # noqa: S101 (it is required)
    return KeyInFile(key, table.path("chain"), table.path("passphrase_file"), _a_day(table))


def _token(table: CheckedTable) -> KeyInToken:
    """The URI is read here, so that what is wrong with it is told now; no refusal repeats it."""
    uri, pin_file = table.text("uri", required=True), table.path("pin_file")
    try:
        address = parse_key_address(uri)
    except KeyAddressError as error:
        table.refuse("uri", f"can't be used: {str(error).removesuffix('.')}", error.hint)
    if module_path(address) is None:
        table.refuse(
            "uri",
            "does not say which PKCS#11 module reaches the token",
            f"Name its library in it (module-path=/…), or as {MODULE} wherever Paraaf runs.",
        )
    if pin_file is not None and address.pin_file is not None:
        table.refuse("pin_file", "is there, and the URI names a file, too (pin-source)", "Leave one out.")
    return KeyInToken(uri, table.path("chain"), pin_file, _a_day(table))


def _a_day(table: CheckedTable) -> int | None:
    """How many signatures a key may make a day."""
    said: object = table.take("a_day", object, "a number", None)
    if said is None:
        return None
    if type(said) is not int or said < 1:
        table.refuse("a_day", f"is {said!r}", "Write how many signatures a day, 1 or more.")
    return said


def _provider(table: CheckedTable) -> KeysAtProvider:
    secret_file = table.path("client_secret_file", required=True)
    assert secret_file is not None  # noqa: S101 (it is required)
    keys = table.take("keys", dict, "a table: the provider's id of each person's key", {})
    if not keys:
        table.refuse("keys", "is missing or names nobody", 'Write whose key it is: PERSON = "ID".')
    whose: dict[object, str] = {}
    for person, credential in keys.items():
        if not (isinstance(credential, str) and credential):
            table.refuse(
                f"keys.{person}", f"is {credential!r}", "Write the provider's id of the key as a text."
            )
        if whose.setdefault(credential, person) != person:
            table.refuse(
                f"keys.{person}", f"is the key of {whose[credential]}, too", "Give each person their own."
            )
    hashes = table.take("hashes_a_call", int, "a number", 100)
    if hashes < 1:
        table.refuse("hashes_a_call", f"is {hashes}", "Write 1 or more.")
    url, oauth_url = table.text("url", required=True), table.text("oauth_url")
    for key, address in (("url", url), ("oauth_url", oauth_url)):
        if address and (why := why_not_sent(address)):
            table.refuse(key, *why)
    return KeysAtProvider(
        url=url,
        client_id=table.text("client_id", required=True),
        client_secret_file=secret_file,
        keys=keys,
        oauth_url=oauth_url,
        hashes_a_call=hashes,
    )


_READERS: Mapping[str, Callable[[CheckedTable], KeySource]] = {
    "file": _file,
    "pkcs11": _token,
    "csc": _provider,
}


def _timestampers(table: CheckedTable) -> Iterable[TimestampAuthority]:
    for name, one in table.tables("timestampers"):
        yield development_from(one) if name == DEVELOPMENT else authority_from(name, one)


def _minimum(table: CheckedTable, kinds: frozenset[str]) -> Iterable[tuple[str, Level | None]]:
    """The lowest level of each kind that is named; None where it is said that it needs no signature."""
    for kind, said in table.take("minimum", dict, "a table", {}).items():
        if kind not in kinds:
            known = ", ".join(sorted(kinds)) or "none"
            table.refuse(f"minimum.{kind}", "is no kind of document", f"There are: {known}.")
        if said not in (*Level, _NO_SIGNATURE):
            known = ", ".join((*Level, _NO_SIGNATURE))
            table.refuse(f"minimum.{kind}", f"is {said!r}", f"Write one of {known}.")
        yield kind, None if said == _NO_SIGNATURE else Level(said)
