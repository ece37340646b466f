"""Whose key signs: from a profile and a person to a signer."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from certs.authority import DevelopmentAuthority
from signing.profile import Profile
from signing.signers import Signer, SoftwareSigner


class Keys(Protocol):
    """Gives signers: for a person's profile the person's key, for a seal or a click the organisation's."""

    def signer(self, profile: Profile, *, person_id: str, person_name: str) -> Signer:
        """The signer of this profile for this person. Raises a Problem when there is none."""


class DevelopmentKeys:
    """Keys of the development PKI: made on first use, proving nothing about anyone."""

    def __init__(
        self, authority: DevelopmentAuthority, *, organisation: str, clock: Callable[[], datetime]
    ) -> None:
        self._authority = authority
        self._organisation = organisation
        self._clock = clock
        self._signers: dict[str | None, Signer] = {}

    def signer(self, profile: Profile, *, person_id: str, person_name: str) -> Signer:
        """The person's or the organisation's development key, kept once it is loaded."""
        holder = person_id if profile.kind == "person" else None
        if holder not in self._signers:
            now = self._clock()
            credential = (
                self._authority.seal(organisation=self._organisation, now=now)
                if holder is None
                else self._authority.person(holder, person_name, now=now)
            )
            self._signers[holder] = SoftwareSigner(credential)
        return self._signers[holder]
