"""Whose key signs: from a profile and a person to a signer."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from signing.profile import Profile
from signing.signers import Signer, SoftwareSigner
from workflow.errors import WorkflowError


class Keys(Protocol):
    """Gives signers: for a person's profile the person's key, for a seal or a click the organisation's."""

    def signer(self, profile: Profile, *, person_id: str, person_name: str) -> Signer:
        """The signer of this profile for this person. Raises a Problem when there is none."""


class OrganisationUnknown(WorkflowError):
    """A seal is to be made, and nobody says whose."""

    code = "workflow-organisation-unknown"


class DevelopmentKeys:
    """Keys of the development PKI: made on first use, proving nothing about anyone.

    `organisation` is the name that the seal bears; without one there is no seal, and only people sign.
    """

    def __init__(
        self, authority: DevelopmentAuthority, *, organisation: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._authority = authority
        self._organisation = organisation
        self._clock = clock
        self._signers: dict[tuple[str, str], Signer] = {}

    def signer(self, profile: Profile, *, person_id: str, person_name: str) -> Signer:
        """The person's or the organisation's development key, kept while it is valid.

        Raises OrganisationUnknown, and AuthorityError when the development PKI can't give the key.
        """
        holder = (person_id, person_name) if profile.kind == "person" else ("", self._organisation or "")
        signer, now = self._signers.get(holder), self._clock()
        if signer is None or signer.certificate.not_valid_after_utc <= now:
            signer = self._signers[holder] = SoftwareSigner(self._credential(*holder, now))
        return signer

    def _credential(self, person_id: str, name: str, now: datetime) -> Credential:
        if person_id:
            return self._authority.person(person_id, name, now=now)
        if not name:
            raise OrganisationUnknown(
                "Nobody says in whose name to seal: there is no HR register.",
                hint="Put the register into the data folder, start the worker anew, and repair the step.",
            )
        return self._authority.seal(organisation=name, now=now)
