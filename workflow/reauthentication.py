"""Who consents shows anew who they are: by a password or a passkey; another way is one more function here.

Each way ends in a proof (`proofs`), which the engine judges; it does not know the ways. What is done to the
office itself, and can't be undone or gives power, asks for less: that somebody has shown it on this session
within minutes (`has_shown`).
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy.orm import Session

from signing.profile import Profile
from signing.secret import Secret
from wording import Sentence
from workflow import ceremonies
from workflow.ceremonies import Ceremony, CeremonyOver
from workflow.definition_model import Definition
from workflow.errors import Reason, Refused
from workflow.passwords import Passwords
from workflow.proofs import FRESH, Method, Proof
from workflow.tables import CeremonyRow, ProofRow

if TYPE_CHECKING:
    from workflow.passkeys import Challenge, Passkeys  # pages alone need it

MOST = 1000
"""Requests that one proof is for."""


def prove_by_password(
    passwords: Passwords,
    person: str,
    password: Secret,
    seen: Mapping[int, int],
    *,
    device: str = "",
    token: int | None = None,
) -> Proof:
    """Make a proof for the requests that the person has seen, in these versions.

    `device`: what their browser holds of earlier sign-ins, `token`: the number of the one that a program
    holds, so that whoever guesses elsewhere keeps nobody from signing. Raises what Passwords.check raises,
    and Refused for too many requests.
    """
    _require_few(seen)
    return passwords.check(
        person,
        password,
        lambda session, now: _keep(session, person, "password", seen, now),
        device=device,
        token=token,
    )


def ask_for_passkey(
    passkeys: "Passkeys", person: str, seen: Mapping[int, int], *, bound_to: str
) -> "Challenge":
    """What a browser is asked, so that a passkey of this person proves it for what they have seen.

    `bound_to` is what the browser holds of their session. Raises Refused, PasskeyRefused.
    """
    _require_few(seen)
    data = {"seen": [[number, version] for number, version in seen.items()]}
    return passkeys.begin(bound_to=bound_to, kind="prove-passkey", person=person, data=data)


def prove_by_passkey(passkeys: "Passkeys", person: str, token: str, answer: str, *, bound_to: str) -> Proof:
    """Make a proof for the requests for which the passkey was asked. Raises PasskeyRefused, CeremonyOver."""

    def then(session: Session, now: datetime, whose: str, begun: Ceremony) -> Proof:
        if whose != person:
            raise CeremonyOver  # it was begun by somebody else
        return _keep(session, person, "passkey", dict(begun.data["seen"]), now)

    return passkeys.check(token, answer, then, bound_to=bound_to, kind="prove-passkey")


def has_shown(session: Session, *, bound_to: str, opened_at: datetime, now: datetime) -> bool:
    """Whether who holds a session has signed in, or shown anew who they are on it, within minutes."""
    if abs(now - opened_at) <= ceremonies.FRESH:
        return True
    try:
        ceremonies.look(session, "shown", _shown(bound_to), bound_to=bound_to, now=now)
    except CeremonyOver:
        return False
    return True


def show_by_password(
    passwords: Passwords, person: str, password: Secret, *, bound_to: str, device: str = ""
) -> None:
    """Have them have shown it, by their password. Raises what Passwords.check raises."""
    passwords.check(
        person, password, lambda session, now: _note_shown(session, person, bound_to, now), device=device
    )


def show_by_passkey(passkeys: "Passkeys", person: str, token: str, answer: str, *, bound_to: str) -> None:
    """The same, by the passkey that was asked for. Raises PasskeyRefused, CeremonyOver."""

    def then(session: Session, now: datetime, whose: str, _begun: Ceremony) -> None:
        if whose != person:
            raise CeremonyOver
        _note_shown(session, person, bound_to, now)

    passkeys.check(token, answer, then, bound_to=bound_to, kind="show-passkey")


def _note_shown(session: Session, person: str, bound_to: str, now: datetime) -> None:
    token = _shown(bound_to)
    session.execute(delete(CeremonyRow).where(CeremonyRow.token_sha256 == ceremonies.digest(token)))
    ceremonies.begin(session, "shown", bound_to=bound_to, now=now, person=person, token=token)


def _shown(bound_to: str) -> str:
    """Under which it is kept: who knows it has nothing, as it counts on that session alone."""
    return f"shown:{bound_to}"


def _require_few(seen: Mapping[int, int]) -> None:
    if not 0 < len(seen) <= MOST:
        raise Refused(
            [Reason("form", Sentence("Show who you are for 1 to {most} requests.", most=MOST), "seen")]
        )


def is_asked(definition: Definition, *, profiles: Mapping[str, Profile]) -> bool:
    """Whether who consents under a definition's profile has to show anew who they are."""
    profile = profiles.get(definition.signing)
    return profile is None or (profile.kind == "click" and profile.reauthenticate)


def _keep(session: Session, person: str, method: Method, seen: Mapping[int, int], now: datetime) -> Proof:
    proof = Proof(secrets.token_urlsafe(32))
    session.execute(delete(ProofRow).where(ProofRow.made_at < now - FRESH))
    session.add_all(
        ProofRow(
            token_sha256=proof.sha256_hex,
            request_id=number,
            version=version,
            person_id=person,
            method=method,
            made_at=now,
        )
        for number, version in seen.items()
    )
    session.flush()
    return proof
