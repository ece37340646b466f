"""Browsers that have signed somebody in before: strangers who guess do not lock their people out.

A browser holds a random token for each of the last people whom it signed in, the database their digests. A
token lets nobody in. It says that whoever holds it has once shown who they are, and has failures of their own
counted (`throttle`), apart from those of strangers. Each time it shows that again it is another one.
Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from workflow.tables import Device

KEPT = timedelta(days=90)
MOST = 8
"""Browsers of one person."""
PEOPLE_MOST = 4
"""People of one browser."""
_BYTES = 16


def known_device(session: Session, held: str, person: str, now: datetime) -> str:
    """The digest by which this browser is known to have signed this person in; "" where it is not."""
    query = select(Device.token_sha256).where(
        Device.token_sha256.in_([_digest(one) for one in _tokens(held)]),
        Device.person_id == person,
        Device.seen_at >= now - KEPT,
    )
    return session.scalars(query).first() or ""


def know_device(session: Session, held: str, person: str, now: datetime) -> str:
    """Note that this browser has signed this person in; what it holds from now on."""
    kept = [one for one in _tokens(held) if not known_device(session, one, person, now)]
    digests = [_digest(one) for one in _tokens(held)]
    own = Device.person_id == person
    session.execute(delete(Device).where(own, Device.token_sha256.in_(digests)))
    newest = select(Device.token_sha256).where(own).order_by(Device.seen_at.desc()).offset(MOST - 1)
    session.execute(delete(Device).where(Device.token_sha256.in_(session.scalars(newest).all())))
    session.execute(delete(Device).where(Device.seen_at < now - KEPT))
    token = secrets.token_urlsafe(_BYTES)
    session.add(Device(token_sha256=_digest(token), person_id=person, seen_at=now))
    session.flush()
    return ".".join([token, *kept][:PEOPLE_MOST])


def forget_devices(session: Session, people: Collection[str]) -> None:
    """No browser is known to have signed these people in."""
    session.execute(delete(Device).where(Device.person_id.in_(people)))


def _tokens(held: str) -> list[str]:
    return [one for one in held.split(".") if one][:PEOPLE_MOST]


def _digest(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
