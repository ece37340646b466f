"""Sample people as whom an office can be tried: their passwords, made at random, kept in a file of it."""

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.files import write_whole
from documents.register import DUTIES, SAMPLE, Register
from signing.secret import Secret
from web.signing_in import SamplePerson
from workflow.office import REGISTER_FILE, Office
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
        (password,) = self.of([person])
        return prove_by_password(self.passwords, person, password, seen)

    def of(self, people: Iterable[str]) -> list[Secret]:
        """Their passwords; one is made for whom there is none. Raises PasswordRefused for whom the file has
        none, and who has one."""
        file, wanted = self.folder / FILE, list(people)
        known = _read(file)
        new = {one: secrets.token_urlsafe(12) for one in wanted if one not in known}
        for person, password in new.items():
            self.passwords.set(person, Secret(password), by=person)
            known[person] = password
        if new:
            text = json.dumps(known, indent=2, sort_keys=True) + "\n"
            write_whole(file, text.encode(), force=True, private=True)
        return [Secret(known[one]) for one in wanted]


@dataclass(frozen=True)
class SamplePeople:
    """Those of a sample office as whom one may try it."""

    folder: Path
    register: Register
    shown: Collection[str]

    @classmethod
    def of(cls, office: Office) -> "SamplePeople | None":
        """Of an office whose register is the sample, as `paraaf demo` left it; no other office has any."""
        file = office.folder / FILE
        if office.register is None or not file.exists():
            return None
        if (office.folder / REGISTER_FILE).read_bytes() != SAMPLE.read_bytes():
            return None
        return cls(office.folder, office.register, frozenset(_read(file)))

    def people(self) -> Sequence[SamplePerson]:
        """Those who have a password, in the order of the register."""
        return [
            SamplePerson(
                one.person_id,
                one.name,
                tuple(duty for duty in DUTIES if one.has_duty(duty)) or ("employee",),
            )
            for one in self.register.people()
            if one.person_id in self.shown
        ]

    def password(self, person: str) -> Secret | None:
        """One's password; None for who is not among them."""
        known = _read(self.folder / FILE) if person in self.shown else {}
        return Secret(known[person]) if person in known else None


def _read(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return known
