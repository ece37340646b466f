"""Whose key signs: from a profile and a person to a signer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509

from certs.authority import DevelopmentAuthority
from certs.keystore import Credential
from problem import Problem
from signing.opening import open_signer
from signing.organisation import KeysAtProvider, KeySource
from signing.profile import Profile
from signing.signers import Signer, SoftwareSigner
from workflow.errors import WorkflowError
from workflow.key_limits import DailyLimit, key_sha256


class Keys(Protocol):
    """Gives signers: for a person's profile the person's key, for a seal or a click the organisation's."""

    def signer(
        self, profile: Profile, *, person_id: str, person_name: str, organisation: str | None
    ) -> Signer:
        """The signer for this person, or in this organisation's name (None: nobody says whose).

        Raises a Problem when there is none.
        """

    def limit_of(self, signer: Signer) -> DailyLimit | None:
        """How many signatures a signer's key may make a day; None for as many as anybody asks for."""


class OrganisationUnknown(WorkflowError):
    """A seal is to be made, and nobody says whose."""

    code = "workflow-organisation-unknown"


class EmployerUnknown(WorkflowError):
    """A document is to be sealed in the name of an employer for whom nobody here works."""

    code = "workflow-employer-unknown"


class SignerMissing(WorkflowError):
    """The profile names signers, and none for this person or organisation."""

    code = "workflow-signer-missing"


class BelowMinimumLevel(WorkflowError):
    """A document would be signed below the level that the organisation asks for its kind, or not at all."""

    code = "workflow-below-minimum-level"


class AuthorisationMissing(WorkflowError):
    """A person's key at a provider is to sign, and they have not authorised that."""

    code = "workflow-authorisation-missing"


@dataclass(frozen=True)
class RemoteKey:
    """A person's key at a remote signing provider: the provider, and its id of the key."""

    provider: str
    source: KeysAtProvider
    credential_id: str


def remote_key(profile: Profile, person_id: str, sources: Mapping[str, KeySource]) -> RemoteKey | None:
    """Whose use a person has to authorise at a provider, to sign under this profile; None: nobody has to.

    Raises SignerMissing when the provider has no key of this person's.
    """
    for name in profile.signers_of(person_id) if profile.kind == "person" else ():
        source = sources[name]
        if isinstance(source, KeysAtProvider):
            if person_id not in source.keys:
                raise SignerMissing(
                    f"No key of {person_id} at {name} is known.",
                    hint=f"Add it to [signers.{name}.keys] in signing.toml.",
                )
            return RemoteKey(name, source, source.keys[person_id])
    return None


class OfficeKeys:
    """The signers that profiles name; under profiles that name none, the keys of the development PKI.

    Of several signers of a holder the first whose certificate is valid signs: the next one takes over when it
    ends, without anybody's doing. Each is opened when it is first needed, and kept.
    """

    def __init__(
        self,
        development: "DevelopmentKeys",
        sources: Mapping[str, KeySource],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._development = development
        self._sources = sources
        self._clock = clock
        self._open: dict[str, Signer] = {}
        self._limits: dict[str, DailyLimit] = {}
        self._to_look_at = [name for name, source in sources.items() if _a_day(source) is not None]

    def signer(
        self, profile: Profile, *, person_id: str, person_name: str, organisation: str | None
    ) -> Signer:
        """The signer of this person, or in this organisation's name.

        When no certificate of several is valid, the last is given: who signs with it says why it can't.
        Raises SignerMissing, OrganisationUnknown, EmployerUnknown, and what a signer that can't be opened
        does; AuthorisationMissing for a key at a provider, which `authorising` has signed.
        """
        if not profile.signers:
            return self._development.signer(
                profile, person_id=person_id, person_name=person_name, organisation=organisation
            )
        holder = person_id if profile.kind == "person" else self._development.sealed_as(organisation)
        names = profile.signers_of(holder)
        if not names:
            raise SignerMissing(
                f"The profile {profile.name!r} names no signer for {holder}.",
                hint="Add one to the profile in signing.toml, and start the workers anew.",
            )
        if remote_key(profile, holder, self._sources) is not None:
            raise AuthorisationMissing(
                "The signer has not authorised this signature at the provider.",
                hint="They do it with `paraaf authorise`, which signs and goes on.",
            )
        signers = [self.named(name) for name in names]
        return who_signs(signers, self._clock())

    def named(self, name: str) -> Signer:
        """The signer of this name in the organisation's file. Raises what one that can't be opened does."""
        if name not in self._open:
            source = self._sources[name]
            if isinstance(source, KeysAtProvider):
                raise AuthorisationMissing(f"{name} is a provider: it signs when a person authorises it.")
            signer = self._open[name] = open_signer(source)
            self._limit(name, source.a_day, key_sha256(signer.certificate))
        return self._open[name]

    def limit_of(self, signer: Signer) -> DailyLimit | None:
        """How many signatures a signer's key may make a day; None for as many as anybody asks for.

        A limit may be that of another name of the same key, which signs nothing here: so each signer that
        has one is opened, once. One that can't be opened then is not known to be the same key.
        """
        while self._to_look_at:
            with suppress(Problem):
                self.named(self._to_look_at.pop())
        return self._limits.get(key_sha256(signer.certificate)) if self._limits else None

    def _limit(self, name: str, a_day: int | None, key: str) -> None:
        """Note a key's limit; where two names lead to one key, the lower."""
        known = self._limits.get(key)
        if a_day is not None and (known is None or a_day < known.a_day):
            self._limits[key] = DailyLimit(name, a_day, key)


def _a_day(source: KeySource) -> int | None:
    return None if isinstance(source, KeysAtProvider) else source.a_day


def who_signs(signers: Sequence[Signer], now: datetime) -> Signer:
    """Of several signers the first whose certificate is valid; the last, when none is."""
    return next((one for one in signers if is_valid(one.certificate, now)), signers[-1])


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether a certificate has begun and not ended."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc


class DevelopmentKeys:
    """Keys of the development PKI: made on first use, proving nothing about anyone.

    `organisations` are those that have a seal; without any only people sign.
    """

    def __init__(
        self,
        authority: DevelopmentAuthority,
        *,
        organisations: Iterable[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._authority = authority
        self._organisations = {_same(name): name for name in organisations}
        self._clock = clock
        self._signers: dict[tuple[str, str], Signer] = {}

    def signer(
        self, profile: Profile, *, person_id: str, person_name: str, organisation: str | None
    ) -> Signer:
        """The person's or the organisation's development key, kept while it is valid.

        Raises OrganisationUnknown, EmployerUnknown, and AuthorityError when the PKI can't give the key.
        """
        person = profile.kind == "person"
        holder = (person_id, person_name) if person else ("", self.sealed_as(organisation))
        signer, now = self._signers.get(holder), self._clock()
        if signer is None or signer.certificate.not_valid_after_utc <= now:
            signer = self._signers[holder] = SoftwareSigner(self._credential(*holder, now))
        return signer

    def _credential(self, person_id: str, name: str, now: datetime) -> Credential:
        if person_id:
            return self._authority.person(person_id, name, now=now)
        return self._authority.seal(organisation=name, now=now)

    def sealed_as(self, organisation: str | None) -> str:
        """The organisation as the register spells it. Raises OrganisationUnknown, EmployerUnknown."""
        if not self._organisations or organisation is None:
            missing = "there is no HR register" if not self._organisations else "no employer is named"
            raise OrganisationUnknown(
                f"Nobody says in whose name to seal: {missing}.",
                hint="Load one with `paraaf people --register FILE`, start the worker anew, and repair"
                " the step.",
            )
        name = self._organisations.get(_same(organisation))
        if name is None:
            raise EmployerUnknown(
                "The document's employer is nobody's in the HR register, so there is no seal in its name.",
                hint="Return the request to have the employer corrected, or mend the register.",
            )
        return name


def _same(name: str) -> str:
    return " ".join(name.split()).casefold()
