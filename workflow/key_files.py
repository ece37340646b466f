"""Whether the files that a profile names are still those at which a worker looked: keys, chains, passphrases.

A file is known by its time, size and number on its disk. Nothing is made of what is in it: a digest of a
passphrase could be guessed from, and other hosts have copies of their own.
"""

from collections.abc import Iterator
from pathlib import Path

from signing.organisation import KeyInFile, KeysAtProvider, Organisation
from signing.pkcs11.address import parse_key_address
from signing.profile import Profile

_Known = tuple[int, int, int] | None
"""A file's time in ns, size in bytes and number; None: it can't be looked at."""


class SeenFiles:
    """The files of each profile as a process saw them last: when it looked, else when it began."""

    def __init__(self, signing: Organisation) -> None:
        self._seen = {name: _known(signing, profile) for name, profile in signing.profiles.items()}

    def have_changed(self, signing: Organisation, profile: Profile) -> bool:
        """Whether any is another one than it was, has gone or come."""
        return self._seen.get(profile.name) != _known(signing, profile)

    def look(self, signing: Organisation, profile: Profile) -> None:
        """Take them as they are now: before their content is read."""
        self._seen[profile.name] = _known(signing, profile)


def _known(signing: Organisation, profile: Profile) -> dict[Path, _Known]:
    return {file: _file(file) for file in _files(signing, profile) if file is not None}


def _files(signing: Organisation, profile: Profile) -> Iterator[Path | None]:
    for source in (signing.signers[name] for name in profile.all_signers):
        if isinstance(source, KeyInFile):
            yield from (source.key, source.chain, source.passphrase_file)
        elif isinstance(source, KeysAtProvider):
            yield source.client_secret_file
        else:
            yield from (source.chain, source.pin_file, parse_key_address(source.uri).pin_file)
    for authority in signing.timestampers:
        if authority.name in profile.timestampers:
            yield authority.password_file


def _file(file: Path) -> _Known:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
