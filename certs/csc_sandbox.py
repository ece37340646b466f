"""The development provider's file in the authority's folder: who may use it, and for whom it keeps keys."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from certs.authority import DevelopmentAuthority
from certs.authority_folder import AuthorityFolder
from certs.csc_people import CscApplication, CscCredential, CscPerson
from certs.csc_provider import CscRules, DevelopmentProvider
from certs.errors import AuthorityError
from certs.loopback import free_base_url, split_base_url

FILE: Final = "provider.json"
CLIENT_ID: Final = "paraaf"


@dataclass(frozen=True)
class SandboxPerson:
    """Somebody for whom the development provider keeps a key; PIN and password open nothing else."""

    user_id: str
    name: str
    password: str = field(repr=False)
    pin: str = field(repr=False)


@dataclass(frozen=True)
class Sandbox:
    """The development provider as it stands in its file."""

    base_url: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]
    people: tuple[SandboxPerson, ...]

    @classmethod
    def create(
        cls,
        authority: DevelopmentAuthority,
        *,
        people: Iterable[SandboxPerson],
        redirect_uris: Iterable[str] = (),
        base_url: str | None = None,
    ) -> "Sandbox":
        """Write the file, with a new secret for the application; one that was there before is replaced."""
        made = cls(
            base_url or free_base_url(), secrets.token_urlsafe(24), tuple(redirect_uris), tuple(people)
        )
        split_base_url(made.base_url)
        kept = {
            "base_url": made.base_url,
            "client_secret": made.client_secret,
            "redirect_uris": list(made.redirect_uris),
            "people": [vars(person) for person in made.people],
        }
        AuthorityFolder(authority.folder).write_json(FILE, kept)
        return made

    @classmethod
    def open(cls, folder: Path) -> "Sandbox":
        """Read the file; raises AuthorityError when there is none, or it is damaged."""
        kept = AuthorityFolder(folder).read_json(FILE)
        if kept is None:
            raise AuthorityError(
                f"There is no development provider in {folder}.", hint="Create one, or name its folder."
            )
        try:
            return _sandbox(kept)
        except (KeyError, TypeError) as error:
            raise AuthorityError(
                f"{folder / FILE} is damaged.", hint="Remove it, and create the provider again."
            ) from error

    def provider(
        self,
        authority: DevelopmentAuthority,
        *,
        clock: Callable[[], datetime],
        rules: CscRules | None = None,
    ) -> DevelopmentProvider:
        """Open the provider with everybody's key: each is made on first use."""
        return DevelopmentProvider(
            applications=[CscApplication(CLIENT_ID, self.client_secret, self.redirect_uris)],
            people=[CscPerson(person.user_id, person.password) for person in self.people],
            credentials=[
                one for person in self.people for one in credentials_of(authority, person, now=clock())
            ],
            clock=clock,
            rules=rules,
        )


def credentials_of(
    authority: DevelopmentAuthority, person: SandboxPerson, *, now: datetime
) -> tuple[CscCredential, ...]:
    """Give a person's key under the ways to authorise its use: PIN, PIN and code, the page, a device."""
    key = authority.person(person.user_id, person.name, now=now)
    by_pin = CscCredential(f"{person.user_id}-pin", person.user_id, key, pin=person.pin)
    by_code = CscCredential(f"{person.user_id}-code", person.user_id, key, pin=person.pin, otp=True)
    on_page = CscCredential(f"{person.user_id}-page", person.user_id, key, mode="oauth2code")
    on_device = CscCredential(f"{person.user_id}-device", person.user_id, key, mode="implicit")
    return by_pin, by_code, on_page, on_device


def _sandbox(kept: dict[str, Any]) -> Sandbox:
    return Sandbox(
        base_url=str(kept["base_url"]),
        client_secret=str(kept["client_secret"]),
        redirect_uris=tuple(kept["redirect_uris"]),
        people=tuple(SandboxPerson(**person) for person in kept["people"]),
    )
