"""Roles that somebody has by their groups elsewhere: for as long as they are signed in from there.

The HR register says who has which role. Groups add to it what `identity.toml` says of each, and nothing else;
whoever is not signed in through the organisation any more has them no more.
"""

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from workflow.duties import DUTY_ROLES
from workflow.tables import Grant, LogHead, Person, SessionRow

SOURCE: Final = "groups"
METHOD: Final = "oidc"
"""Of a session of somebody who has signed in through the organisation."""


def grant_by_groups(
    session: Session, person: Person, groups: Collection[str], duties: Mapping[str, tuple[str, ...]]
) -> bool:
    """Have somebody have what their groups add, in place of what these added before; whether it is other."""
    session.execute(select(LogHead.seq).with_for_update())  # between two commands
    own = Grant.person_id == person.id
    added = own & (Grant.source == SOURCE)
    before = {(one.role, one.unit) for one in session.execute(select(Grant.role, Grant.unit).where(added))}
    session.execute(delete(Grant).where(added))
    there = {(one.role, one.unit) for one in session.execute(select(Grant.role, Grant.unit).where(own))}
    named = {duty for group in groups for duty in duties.get(group, ())}
    wanted = {
        (role, None if everywhere else person.unit) for duty in named for role, everywhere in DUTY_ROLES[duty]
    }
    session.add_all(
        Grant(person_id=person.id, role=role, unit=unit, source=SOURCE)
        for role, unit in sorted(wanted - there, key=str)
    )
    session.flush()
    return wanted - there != before


def drop_grants(session: Session) -> None:
    """Take away what groups added, from everybody who is not signed in through the organisation."""
    signed_in = select(SessionRow.person_id).where(SessionRow.method == METHOD)
    session.execute(delete(Grant).where(Grant.source == SOURCE, Grant.person_id.not_in(signed_in)))
