"""Passwords of the sample people: made at random for each data folder, kept in a file of it, to be tried."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.files import write_whole
from signing.secret import Secret
from workflow.passwords import Passwords
from workflow.proofs import Proof
from workflow.reauthentication import prove_by_password

FILE = "sample-passwords.json"


@dataclass(frozen=True)
class SamplePasswords:
    """The passwords of those sample people who needed one, by their numbers."""

    folder: Path
    passwords: Passwords

    def prove(self, person: str, seen: Mapping[int, int]) -> Proof:
        """Show that it is they who act, as they would: by their password."""
        return prove_by_password(self.passwords, person, Secret(self._of(person)), seen)

    def _of(self, person: str) -> str:
        """Their password; one is made for whom there is none. Raises PasswordRefused for whom the file has
        none, and who has one."""
        file = self.folder / FILE
        known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        if person not in known:
            known[person] = secrets.token_urlsafe(12)
            self.passwords.set(person, Secret(known[person]), by=person)
            text = json.dumps(known, indent=2, sort_keys=True) + "\n"
            write_whole(file, text.encode(), force=True, private=True)
        return known[person]
