"""Signing profiles: what to sign with. Small TOML files, checked when they are loaded."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from signing.errors import ProfileError

Kind = Literal["person", "seal", "click", "paper", "elsewhere"]
KeyUsage = Literal["digital_signature", "content_commitment"]
Digest = Literal["sha256", "sha384", "sha512"]

_KINDS: tuple[str, ...] = get_args(Kind)
_KEY_USAGES: tuple[str, ...] = get_args(KeyUsage)
_DIGESTS: tuple[str, ...] = get_args(Digest)
# Nothing is signed by this application under these two.
_UNSIGNED_KINDS = ("paper", "elsewhere")

_T = TypeVar("_T")


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

    `level` is None where this application makes no signature (paper, elsewhere). `digest` None means the
    key's own: SHA-384 for P-384, SHA-512 for Ed25519, SHA-256 for the rest. `timestampers` are names of
    configured authorities or http(s) URLs, in the order in which they are tried. `key_usage` are the
    certificate's key usages of which one is enough.
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

    @property
    def signs(self) -> bool:
        """Tell whether documents under this profile get an electronic signature from us."""
        return self.level is not None


def load_profiles(folder: Path | None = None) -> dict[str, Profile]:
    """Load the packaged profiles, and over them those of an organisation's folder.

    Raises ProfileError naming file, key and the mend for the first thing that is not understood.
    """
    files: list[Traversable] = [
        item
        for item in resources.files("signing").joinpath("profiles").iterdir()
        if item.name.endswith(".toml")
    ]
    if folder is not None:
        if not folder.is_dir():
            raise ProfileError(
                f"{folder} is not a folder of signing profiles.", hint="Create it, or leave it out."
            )
        files.extend(sorted(folder.glob("*.toml")))
    profiles = (parse_profile(item.name.removesuffix(".toml"), item) for item in files)
    return {profile.name: profile for profile in profiles}


def parse_profile(name: str, file: Traversable) -> Profile:
    """Read one profile from its file; the file's name is the profile's. Raises ProfileError."""
    try:
        table = tomllib.loads(file.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(
            f"{file}: not a readable TOML file: {error}", hint="Mend the line named."
        ) from error
    return _Checker(str(file), table).profile(name)


class _Checker:
    """Takes a table's keys one after another, so that every refusal can say where and what to do."""

    def __init__(self, file: str, table: Mapping[str, Any]) -> None:
        self._file = file
        self._table = dict(table)

    def profile(self, name: str) -> Profile:
        """Build the profile, then refuse what is left over."""
        kind = self._choice("kind", _KINDS, required=True)
        level = self._choice("level", tuple(Level))
        profile = Profile(
            name=name,
            title=self._text("title", default=name),
            kind=kind,
            level=None if level is None else Level(level),
            digest=self._choice("digest", _DIGESTS),
            timestampers=self._texts("timestampers"),
            key_usage=frozenset(self._texts("key_usage", of=_KEY_USAGES) or _KEY_USAGES),  # type: ignore[arg-type]
            reason=self._text("reason"),
            location=self._text("location"),
            visible=self._take("visible", bool, "true or false", True),
        )
        for key in self._table:
            self._refuse(key, "is not known", f"Remove it; known keys are {', '.join(_KEYS)}.")
        self._check_together(profile)
        return profile

    def _check_together(self, profile: Profile) -> None:
        if profile.kind in _UNSIGNED_KINDS:
            for key, value in (("level", profile.level), ("timestampers", profile.timestampers)):
                if value:
                    self._refuse(key, f"makes no sense for kind {profile.kind!r}", "Remove it.")
        elif profile.level is None:
            self._refuse("level", "is missing", f"Add one of {', '.join(Level)}.")
        elif profile.level is not Level.B_B and not profile.timestampers:
            self._refuse("timestampers", f"is missing, and {profile.level} needs one", "Name at least one.")

    def _refuse(self, key: str, what: str, mend: str) -> None:
        raise ProfileError(f"{self._file}: {key!r} {what}.", hint=mend)

    def _take(self, key: str, kind: type[_T], words: str, default: _T) -> _T:
        value: Any = self._table.pop(key, default)
        if not isinstance(value, kind):
            self._refuse(key, f"must be {words}", f"Write {key} = … as {words}.")
        return cast(_T, value)

    def _text(self, key: str, *, default: str = "") -> str:
        return self._take(key, str, "a text", default)

    def _choice(self, key: str, allowed: tuple[str, ...], *, required: bool = False) -> Any:
        if key not in self._table and not required:
            return None
        value = self._table.pop(key, None)
        if value not in allowed:
            said = "is missing" if value is None else f"is {value!r}"
            self._refuse(key, said, f"Write one of {', '.join(allowed)}.")
        return value

    def _texts(self, key: str, *, of: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = self._take(key, list, "a list of texts", [])
        is_fine: Callable[[Any], bool] = (
            (lambda v: v in of) if of else (lambda v: isinstance(v, str) and bool(v))
        )
        for value in values:
            if not is_fine(value):
                self._refuse(
                    key,
                    f"contains {value!r}",
                    f"Use only {', '.join(of)}." if of else "Use only names or URLs.",
                )
        return tuple(values)


_KEYS = ("title", "kind", "level", "digest", "timestampers", "key_usage", "reason", "location", "visible")
