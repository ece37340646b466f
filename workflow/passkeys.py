"""Passkeys: keys of people's devices, by which they sign in, and show anew who they are.

A device signs a challenge that was made for this very ceremony, once it has seen its owner's finger, face or
PIN; it names the site, so that no other site gets one of ours. A device that counts its signatures may not
count backwards: then there are two of it. What is kept is a public key.
Source: W3C, Web Authentication Level 2, 7.1 and 7.2.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from wording import Sentence
from workflow.ceremonies import Ceremony, Kind, begin, look, take
from workflow.elsewhere_settings import is_loopback
from workflow.errors import WorkflowError
from workflow.identity_events import PASSKEY_ADDED, PASSKEY_REMOVED, tell
from workflow.passwords import require_may
from workflow.proofs import forget_proofs
from workflow.sessions import end_sessions
from workflow.store import Moment, Store
from workflow.tables import PasskeyRow, Person

MOST: Final = 10
"""Passkeys of one person."""
NAME_MOST: Final = 60
_BYTES: Final = 32
_NAMED: Final = 16
_VERIFIED: Final = UserVerificationRequirement.REQUIRED

_UNKNOWN: Final = Sentence("This passkey does not show who you are.")

_Done = TypeVar("_Done")


class PasskeyRefused(WorkflowError):
    """This is no passkey of anybody here, or it was not made for this, or it can't be set up."""

    code = "workflow-passkey"

    def __init__(self, why: str = _UNKNOWN) -> None:
        super().__init__(why, hint=Sentence("Begin again, with a passkey that was set up here."))


@dataclass(frozen=True)
class Site:
    """Whose passkeys they are: a name of a host, and the one address that they are for."""

    host: str
    origin: str


def site_of(public_url: str) -> Site | None:
    """The site of an office; None where browsers make no passkeys: not over https, or no name."""
    parts = urlsplit(public_url)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    if not host or host.replace(".", "").isdigit() or ":" in host:
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        return None
    return Site(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True)
class Challenge:
    """What a browser is asked, as JSON, and by which token its answer is known."""

    token: str = field(repr=False)
    options: str = field(repr=False)


@dataclass(frozen=True)
class KnownPasskey:
    """A passkey as its owner sees it. `key` tells it from their others."""

    key: str
    name: str
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Passkeys:
    """The passkeys of an office's people. `site`: None where there can be none."""

    store: Store
    moment: Moment
    site: Site | None

    def of(self, person: str) -> list[KnownPasskey]:
        """Somebody's passkeys, the oldest first."""
        with self.store.read() as session:
            rows = _rows(session, person)
            return [
                KnownPasskey(row.credential_id[:_NAMED], row.name, row.made_at, row.used_at) for row in rows
            ]

    def begin_adding(self, person: str, name: str, *, bound_to: str) -> str:
        """Begin to set one up, by this name; the token. Raises PasskeyRefused."""
        data = {"challenge": _new(), "name": " ".join(name.split())[:NAME_MOST] or "Passkey"}
        with self.store.write() as session:
            rows = _rows(session, person)
            if self.site is None or len(rows) >= MOST:
                raise PasskeyRefused(Sentence("No more passkeys can be set up."))
            data["handle"] = rows[0].handle if rows else _new()
            now = self.moment(session)
            return begin(session, "enrol-passkey", bound_to=bound_to, now=now, person=person, data=data)

    def adding(self, person: str, token: str, *, bound_to: str) -> Challenge:
        """What the browser is asked for that. Raises CeremonyOver, PasskeyRefused."""
        site = self._site()
        with self.store.read() as session:
            begun = look(session, "enrol-passkey", token, bound_to=bound_to, now=self.moment(session))
            who = session.get_one(Person, person).name
            there = [row.credential_id for row in _rows(session, person)]
        options = webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name="Paraaf",
            user_id=base64url_to_bytes(begun.data["handle"]),
            user_name=person,
            user_display_name=who,
            challenge=base64url_to_bytes(begun.data["challenge"]),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(one)) for one in there],
        )
        return Challenge(token, webauthn.options_to_json(options))

    def add(self, person: str, token: str, answer: str, *, bound_to: str) -> None:
        """Keep what a device has made. Raises PasskeyRefused, CeremonyOver."""
        site, begun = self._site(), self._taken("enrol-passkey", token, bound_to)
        try:
            made = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(begun.data["challenge"]),
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise PasskeyRefused(
                Sentence("No passkey was set up: the answer does not fit what was asked.")
            ) from error
        with self.store.write() as session:
            key = bytes_to_base64url(made.credential_id)
            if begun.person != person or session.get(PasskeyRow, key) is not None:
                raise PasskeyRefused(Sentence("This passkey is set up already."))
            now = self.moment(session)
            session.add(
                PasskeyRow(
                    credential_id=key,
                    person_id=person,
                    handle=begun.data["handle"],
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    name=begun.data["name"],
                    made_at=now,
                )
            )
            session.flush()
            tell(session, PASSKEY_ADDED, person=person, by=person, at=now)

    def begin(
        self,
        *,
        bound_to: str,
        kind: Kind = "passkey",
        person: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Challenge:
        """Ask for a passkey: any that its owner chooses, or one of this person. Raises PasskeyRefused."""
        site, challenge = self._site(), _new()
        kept = {**(data or {}), "challenge": challenge}
        with self.store.write() as session:
            now = self.moment(session)
            token = begin(session, kind, bound_to=bound_to, now=now, person=person, data=kept)
            own = [row.credential_id for row in _rows(session, person)] if person else []
        options = webauthn.generate_authentication_options(
            rp_id=site.host,
            challenge=base64url_to_bytes(challenge),
            user_verification=_VERIFIED,
            allow_credentials=[PublicKeyCredentialDescriptor(base64url_to_bytes(one)) for one in own],
        )
        return Challenge(token, webauthn.options_to_json(options))

    def check(
        self,
        token: str,
        answer: str,
        then: Callable[[Session, datetime, str, Ceremony], _Done],
        *,
        bound_to: str,
        kind: Kind = "passkey",
    ) -> _Done:
        """See whose passkey has answered, and do `then` in the transaction that is sure of it.

        Raises PasskeyRefused, CeremonyOver.
        """
        site, begun = self._site(), self._taken(kind, token, bound_to)
        key, handle = _named(answer)
        with self.store.read() as session:
            row = session.get(PasskeyRow, key)
        if row is None or handle not in {None, row.handle} or begun.person not in {None, row.person_id}:
            raise PasskeyRefused
        try:
            shown = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(begun.data["challenge"]),
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as error:
            raise PasskeyRefused from error
        with self.store.write() as session:
            now = self.moment(session)
            if not _counted(session, row, shown.new_sign_count, now):
                raise PasskeyRefused
            return then(session, now, row.person_id, begun)

    def remove(self, person: str, *, by: str, key: str | None = None) -> int:
        """Remove one of somebody's passkeys, or all of them; how many. Raises PasswordRefused."""
        with self.store.write() as session:
            require_may(
                session,
                person,
                by,
                Sentence("{actor} removes no passkeys of {person}.", actor=by, person=person),
                now=self.moment(session),
            )
            rows = [row for row in _rows(session, person) if key in {None, row.credential_id[:_NAMED]}]
            for row in rows:
                session.delete(row)
            session.flush()
            if rows:
                forget_proofs(session, [person])
                if by != person:
                    end_sessions(session, [person])
                tell(session, PASSKEY_REMOVED, person=person, by=by, at=self.moment(session))
        return len(rows)

    def _taken(self, kind: Kind, token: str, bound_to: str) -> Ceremony:
        """What was begun; with this it is over, whatever comes of it. Raises CeremonyOver."""
        with self.store.write() as session:
            return take(session, kind, token, bound_to=bound_to, now=self.moment(session))

    def _site(self) -> Site:
        if self.site is None:
            raise PasskeyRefused(
                Sentence("There are no passkeys here: the office has no address over https.")
            )
        return self.site


def _rows(session: Session, person: str) -> list[PasskeyRow]:
    query = select(PasskeyRow).where(PasskeyRow.person_id == person)
    return list(session.scalars(query.order_by(PasskeyRow.made_at, PasskeyRow.credential_id)))


def _counted(session: Session, row: PasskeyRow, count: int, now: datetime) -> bool:
    """Note that it was used; false where somebody else has just done so, or it is gone, or its owner is."""
    active = select(Person.id).where(Person.id == row.person_id, Person.active)
    if session.scalar(active) is None:
        return False
    table = PasskeyRow.table()
    here = (table.c.credential_id == row.credential_id, table.c.sign_count == row.sign_count)
    noted = update(table).where(*here).values(sign_count=count, used_at=now)
    return session.connection().execute(noted).rowcount == 1


def _named(answer: str) -> tuple[str, str | None]:
    """Which passkey an answer says that it is, and whose. Raises PasskeyRefused."""
    try:
        said = json.loads(answer)
        key, handle = said["id"], said["response"].get("userHandle") or None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PasskeyRefused from error
    if not isinstance(key, str) or not isinstance(handle, str | None):
        raise PasskeyRefused
    return key, handle


def _new() -> str:
    return bytes_to_base64url(secrets.token_bytes(_BYTES))
