"""Signing profiles: what to sign with. Small TOML files, checked when they are loaded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Literal, get_args

from signing.authorities import why_not_asked
from signing.checked_toml import CheckedTable, read_toml

Kind = Literal["person", "seal", "click", "paper", "elsewhere", "none"]
KeyUsage = Literal["digital_signature", "content_commitment"]
Digest = Literal["sha256", "sha384", "sha512"]

_KINDS: tuple[str, ...] = get_args(Kind)
_KEY_USAGES: tuple[str, ...] = get_args(KeyUsage)
_DIGESTS: tuple[str, ...] = get_args(Digest)
# Nothing is signed by this application under these.
_UNSIGNED_KINDS = ("paper", "elsewhere", "none")

_SHA256 = re.compile("[0-9a-f]{64}")

ANYBODY = ""
"""The holder, where a profile names the same signer for all."""


class Level(StrEnum):
    """A PAdES baseline level; a later one contains the earlier ones. Source: ETSI EN 319 142-1."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"

    @property
    def rank(self) -> int:
        """Position in the order of the levels, from 0."""
        return list(Level).index(self)

    def reaches(self, asked: "Level") -> bool:
        """Tell whether this level is at least the one that was asked."""
        return self.rank >= asked.rank


@dataclass(frozen=True)
class Profile:
    """How documents of a process are signed.

    `level` is None where this application makes no signature (paper, elsewhere, none). `digest` None means
    the key's own: SHA-384 for P-384, SHA-512 for Ed25519, SHA-256 for the rest. `timestampers` are names of
    configured authorities or http(s) URLs, in the order in which they are tried. `key_usage` are the
    certificate's key usages of which one is enough. `signers` are names of the organisation's signers
    (`signing.organisation`) by holder, ANYBODY for all: the first whose certificate is valid signs; without
    any the development PKI's keys do. For what is signed elsewhere, `expects` is the lowest level of the
    signatures that come back, and `pinned` are people's certificates: SHA-256 in hex by the person's number.
    `reauthenticate`: whoever clicks shows anew who they are. `opened_first`: nobody signs, or releases a
    seal, before they have opened the document as it is then.
    """

    name: str
    title: str
    kind: Kind
    level: Level | None
    digest: Digest | None = None
    timestampers: tuple[str, ...] = ()
    key_usage: frozenset[KeyUsage] = frozenset(("digital_signature", "content_commitment"))
    reason: str = ""
    location: str = ""
    visible: bool = True
    signers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    expects: Level | None = None
    pinned: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    reauthenticate: bool = True
    opened_first: bool = False

    def signers_of(self, holder: str) -> tuple[str, ...]:
        """The names of a person's or an organisation's signers, in the order in which they are tried."""
        return self.signers.get(holder) or self.signers.get(ANYBODY, ())

    @property
    def all_signers(self) -> tuple[str, ...]:
        """The names of all of its signers, each once."""
        return tuple(dict.fromkeys(name for names in self.signers.values() for name in names))

    @property
    def signs(self) -> bool:
        """Tell whether documents under this profile get an electronic signature from us."""
        return self.level is not None

    @property
    def is_unsigned(self) -> bool:
        """Tell whether documents under this profile need no signature, and bear none of anybody's."""
        return self.kind == "none"


@cache
def packaged_profiles() -> MappingProxyType[str, Profile]:
    """The profiles that come with this release, by name."""
    files = resources.files("signing").joinpath("profiles").iterdir()
    profiles = (
        parse_profile(file.name.removesuffix(".toml"), file) for file in files if file.name.endswith(".toml")
    )
    return MappingProxyType({profile.name: profile for profile in profiles})


def parse_profile(name: str, file: Traversable) -> Profile:
    """Read one profile from a file of its own. Raises ProfileError naming file, key and the mend."""
    return profile_from(name, CheckedTable(str(file), read_toml(file)))


def profile_from(name: str, table: CheckedTable) -> Profile:
    """Build a profile from its table, and refuse what is left over. Raises ProfileError."""
    level, expects = table.choice("level", tuple(Level)), table.choice("expects", tuple(Level))
    says_how = table.has("reauthenticate")
    profile = Profile(
        name=name,
        kind=table.choice("kind", _KINDS, required=True),
        title=table.text("title", default=name),
        level=None if level is None else Level(level),
        digest=table.choice("digest", _DIGESTS),
        timestampers=table.texts("timestampers"),
        key_usage=_key_usage(table),
        reason=table.text("reason"),
        location=table.text("location"),
        visible=table.take("visible", bool, "true or false", True),
        signers=_signers(table),
        expects=None if expects is None else Level(expects),
        pinned=_pinned(table),
        reauthenticate=table.take("reauthenticate", bool, "true or false", True),
        opened_first=table.take("opened_first", bool, "true or false", False),
    )
    table.finish()
    for url in (name for name in profile.timestampers if "://" in name):
        if why := why_not_asked(url):
            table.refuse("timestampers", f"has an address that {why[0]}", why[1])
    if profile.kind == "elsewhere":
        if profile.expects is None:
            table.refuse("expects", "is missing", f"Add one of {', '.join(Level)}.")
    elif profile.expects or profile.pinned:
        key = "expects" if profile.expects else "pinned"
        table.refuse(key, f"makes no sense for kind {profile.kind!r}", "Remove it.")
    if says_how and profile.kind != "click":
        table.refuse("reauthenticate", f"makes no sense for kind {profile.kind!r}", "Remove it.")
    if profile.kind in _UNSIGNED_KINDS:
        for key, value in (
            ("level", profile.level),
            ("timestampers", profile.timestampers),
            ("signer", profile.signers),
            ("opened_first", profile.opened_first),
        ):
            if value:
                table.refuse(key, f"makes no sense for kind {profile.kind!r}", "Remove it.")
    elif profile.level is None:
        table.refuse("level", "is missing", f"Add one of {', '.join(Level)}.")
    elif profile.level is not Level.B_B and not profile.timestampers:
        table.refuse("timestampers", f"is missing, and {profile.level} needs one", "Name at least one.")
    return profile


def _key_usage(table: CheckedTable) -> frozenset[KeyUsage]:
    """`key_usage`: those of which one is enough; both, where nothing is said."""
    is_said = table.has("key_usage")
    usages = table.texts("key_usage", of=_KEY_USAGES)
    if is_said and not usages:
        table.refuse("key_usage", "names none", f"Name one of {', '.join(_KEY_USAGES)}, or leave it out.")
    return frozenset(usages or _KEY_USAGES)  # type: ignore[arg-type]


def _pinned(table: CheckedTable) -> Mapping[str, frozenset[str]]:
    """`pinned`: by a person's number, the digests of the certificates that are theirs."""
    found: dict[str, frozenset[str]] = {}
    for person, said in table.take("pinned", dict, "a table of lists by a person's number", {}).items():
        digests = [said] if isinstance(said, str) else said
        fine = isinstance(digests, list) and all(
            isinstance(one, str) and _SHA256.fullmatch(one) for one in digests
        )
        if not fine or not digests:
            table.refuse(f"pinned.{person}", f"is {said!r}", "Write SHA-256 digests in 64 small hex digits.")
        found[person] = frozenset(digests)
    return found


def _signers(table: CheckedTable) -> Mapping[str, tuple[str, ...]]:
    """`signer`: one name, several in their order, or a table of these by holder."""
    is_said = table.has("signer")
    said = table.take("signer", object, "a name, a list of names, or a table of them by holder", ())
    if not is_said:
        return {}
    by_holder = said if isinstance(said, dict) else {ANYBODY: said}
    found: dict[str, tuple[str, ...]] = {}
    for holder, named in by_holder.items():
        names = (named,) if isinstance(named, str) else named
        if not isinstance(names, list | tuple) or not all(isinstance(one, str) and one for one in names):
            table.refuse("signer", f"contains {named!r}", "Use only names of [signers.NAME].")
        table.refuse_twice("signer", names)
        found[holder] = tuple(names)
    if not all(found.values()) or not found:  # development keys would sign, as where nothing is said
        table.refuse("signer", "names nobody", "Name a signer; leave the key out for development keys.")
    return found
