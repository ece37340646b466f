"""Changes to `signing.toml`: the operator's file, in which every comment and the order of all lines stay."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from disk import locked_folder, whole_file
from signing.errors import ProfileError
from signing.organisation import Organisation, organisation_from

_NEW_MODE = 0o644  # no secret stands in it
_PATIENCE_S = 10.0  # others hold the lock while they write, and no longer


class SigningFile:
    """The file as it was read, and as it is to be: nothing is written before `write`.

    `file` need not be there. Raises ProfileError when it can't be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file.resolve()  # a link stays one
        self._before = self.file.read_bytes() if self.file.exists() else None
        try:
            self._said = tomlkit.parse((self._before or b"").decode("utf-8"))
        except (UnicodeDecodeError, TOMLKitError) as error:
            raise ProfileError(
                f"{file}: not a readable TOML file: {error}", hint="Mend the line named."
            ) from error

    @property
    def text(self) -> str:
        """The whole file as it is to be."""
        return tomlkit.dumps(self._said)

    @property
    def changes(self) -> list[str]:
        """The lines that go (-) and come (+)."""
        before = (self._before or b"").decode().splitlines()
        compared = difflib.unified_diff(before, self.text.splitlines(), n=0, lineterm="")
        return [line for line in compared if line[:1] in "+-" and line[:3] not in ("---", "+++")]

    def signer(self, name: str) -> dict[str, Any]:
        """What it says of a signer; nothing when it has none of this name."""
        return dict(self._said.unwrap().get("signers", {}).get(name, {}))

    def add_signer(self, name: str, said: Mapping[str, str]) -> None:
        """Put [signers.NAME] at the end of the signers."""
        table = tomlkit.table()
        table.update(said)
        if "signers" not in self._said:
            self._said["signers"] = tomlkit.table(is_super_table=True)
        self._said["signers"][name] = table

    def place(self, signer: str, *, profile: str, holder: str | None, first: bool) -> None:
        """Put a signer behind the others of a profile, or before them; of one holder, or of all.

        Raises ProfileError when the file has no such profile, or the holder none of its own.
        """
        profiles: Any = self._said.get("profiles", {})
        if profile not in profiles:
            raise ProfileError(
                f"{self.file}: there is no [profiles.{profile}].",
                hint="Write it there first: at which level, with whose timestamps is yours to say.",
            )
        table = profiles[profile]
        said = table.get("signer")
        if holder is None and not isinstance(said, dict):
            table["signer"] = _placed(said, signer, first=first)
        elif holder is None:
            for each in list(said):
                said[each] = _placed(said[each], signer, first=first)
        elif said is None:
            table["signer"] = tomlkit.inline_table()
            table["signer"][holder] = signer
        elif isinstance(said, dict):
            said[holder] = _placed(said.get(holder), signer, first=first)
        else:
            raise ProfileError(
                f"{self.file}: the profile {profile!r} names the same signers for all holders.",
                hint="Leave --holder out, or write its `signer` as a table of holders.",
            )

    def take_out(self, signer: str) -> None:
        """Take a signer out of every profile, and its own table."""
        for table in self._said.get("profiles", {}).values():
            said = table.get("signer")
            if isinstance(said, dict):
                for holder in list(said):
                    said[holder] = _without(said[holder], signer)
            elif said is not None:
                table["signer"] = _without(said, signer)
        del self._said["signers"][signer]

    def organisation(self, kinds: Iterable[str]) -> Organisation:
        """What the changed file says. Raises ProfileError, KeystoreError, TrustError."""
        return organisation_from(self.file, self._said.unwrap(), kinds=kinds)

    def write(self) -> None:
        """Have the changed file in the place of the old one, with its rights and owner, whole or not at all.

        Of two who write at once the second is refused. Raises ProfileError when somebody else changed it
        since it was read, and OSError.
        """
        try:
            with locked_folder(self.file.parent, patience_s=_PATIENCE_S):
                self._write()
        except (FileExistsError, BlockingIOError):
            raise self._changed() from None

    def _write(self) -> None:
        if (self.file.read_bytes() if self.file.exists() else None) != self._before:
            raise self._changed()
        mode, owner = _NEW_MODE, None
        if self._before is not None:
            was = self.file.stat()
            mode, owner = was.st_mode & 0o777, (was.st_uid, was.st_gid)
        with whole_file(self.file, mode=mode, owner=owner, replace=owner is not None) as file:
            file.write(self.text.encode())

    def _changed(self) -> ProfileError:
        return ProfileError(
            f"{self.file} was changed meanwhile by somebody else, or is being changed.",
            hint="Look at it, and try again.",
        )


def holders_without(organisation: Organisation, signer: str) -> list[tuple[str, str]]:
    """The profiles, each with a holder (ANYBODY for all), who would have no signer left without this one."""
    return [
        (profile.name, holder)
        for profile in organisation.profiles.values()
        for holder, names in profile.signers.items()
        if set(names) == {signer}
    ]


def _placed(said: Any, signer: str, *, first: bool) -> Any:
    """One name, or a list of them with the signer in its place; a list keeps its comments."""
    if said is None:
        return signer
    if isinstance(said, str):
        if said == signer:
            return said
        return [signer, said] if first else [said, signer]
    if signer in said:
        said.remove(signer)
    said.insert(0 if first else len(said), signer)
    return said


def _without(said: Any, signer: str) -> Any:
    if not isinstance(said, str):
        while signer in said:
            said.remove(signer)
    return said
