"""People of the tests show who they are: each has a password, made when it is first asked for.

Hashed by settings that cost nothing: what the real ones cost is for no test to wait for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher

from signing.secret import Secret
from workflow.errors import Refused
from workflow.passwords import NotAuthenticated, PasswordRefused, Passwords
from workflow.proofs import Proof
from workflow.reauthentication import prove_by_password
from workflow.store import Store

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = Secret("a sample's password")


@dataclass(frozen=True)
class Proving:
    """The people of a store, and its clock."""

    store: Store
    clock: Callable[[], datetime]

    @property
    def passwords(self) -> Passwords:
        return Passwords(self.store, moment=lambda _session: self.clock(), hasher=QUICK)

    def prove(self, person: str, seen: Mapping[int, int]) -> Proof | None:
        """As the person does who types their password; None for whoever can have none."""
        passwords = self.passwords
        try:
            if not passwords.has_one(person):
                passwords.set(person, PASSWORD, by=person)
            return prove_by_password(passwords, person, PASSWORD, seen)
        except (NotAuthenticated, PasswordRefused, Refused):
            return None
