"""Who stands in for whom: named, ended and forgotten; each event says who in its body alone."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from wording import Sentence
from workflow.commands import Channel
from workflow.errors import SubstitutionRefused
from workflow.eventlog import Appender, erase_bodies_of_none
from workflow.tables import Body, Event, Grant, Person, Substitute

NAMED, ENDED = "substitute_named", "substitute_ended"


@dataclass(frozen=True)
class Substitution:
    """`substitute_id` acts for `principal_id` in `role` (None: in all), first and last day included."""

    substitute_id: str
    principal_id: str
    role: str | None
    first: date
    last: date


def name_substitute(
    session: Session,
    wanted: Substitution,
    *,
    now: datetime,
    by: str | None = None,
    channel: Channel = "person",
) -> None:
    """Let somebody stand in, from this transaction on; `by`: who says so, None for whoever runs the office.

    Raises SubstitutionRefused.
    """
    log = Appender.lock(session, secrets.token_bytes)
    if wanted.substitute_id == wanted.principal_id:
        raise SubstitutionRefused(
            Sentence("Nobody stands in for themselves."), hint=Sentence("Name two people.")
        )
    if wanted.last < wanted.first:
        raise SubstitutionRefused(
            Sentence("The last day lies before the first."), hint=Sentence("Change the days.")
        )
    for who in (wanted.substitute_id, wanted.principal_id):
        person = session.get(Person, who)
        if person is None or not person.active:
            raise SubstitutionRefused(
                Sentence("{person} does not work here.", person=who),
                hint="`paraaf people` lists who does.",
            )
    _require_role(session, wanted)
    same = [_substitution(row) for row in _rows(session, wanted.substitute_id, wanted.principal_id)]
    if wanted in same:
        raise SubstitutionRefused(
            Sentence("This was said before."), hint="`paraaf people` lists who stands in for whom."
        )
    row = Substitute(
        principal_id=wanted.principal_id,
        substitute_id=wanted.substitute_id,
        role=wanted.role,
        valid_from=wanted.first,
        valid_until=wanted.last,
    )
    session.add(row)
    session.flush()
    _tell(log, NAMED, row.id, wanted, now=now, by=by, channel=channel)
    log.write()


def end_substitutions(
    session: Session,
    substitute_id: str,
    principal_id: str,
    role: str | None,
    *,
    today: date,
    now: datetime,
    by: str | None = None,
    channel: Channel = "person",
) -> list[Substitution]:
    """End what of somebody's standing in is not over yet: from today on they can't act any more.

    With `role` only in this role. Gives what was ended, with the last day that is left (before the first
    where nothing is). Raises SubstitutionRefused when there was nothing.
    """
    log = Appender.lock(session, secrets.token_bytes)
    ended = []
    for row in _rows(session, substitute_id, principal_id):
        if row.valid_until < today or (role is not None and row.role != role):
            continue
        left = Substitution(substitute_id, principal_id, row.role, row.valid_from, today - timedelta(days=1))
        if left.last < left.first:
            session.delete(row)
        else:
            row.valid_until = left.last
        _tell(log, ENDED, row.id, left, now=now, by=by, channel=channel)
        ended.append(left)
    if not ended:
        raise SubstitutionRefused(
            _nothing_to_end(substitute_id, principal_id, role),
            hint="`paraaf people` lists who stands in for whom.",
        )
    session.flush()
    log.write()
    return ended


@dataclass(frozen=True)
class Forgettable:
    """Substitutions of which nobody needs to know any more: the ids of rows, and what events tell of each."""

    rows: frozenset[int]
    told: tuple["_Told", ...]

    def __len__(self) -> int:
        return len(self.told) + len(self.rows.difference(one.id for one in self.told))


def forgettable(session: Session, ended: date) -> Forgettable:
    """The substitutions whose last day is `ended` or earlier, or that name somebody who was removed."""
    people = set(session.scalars(select(Person.id)))
    over = (one for one in _told(session) if one.last_day <= ended.isoformat() or not one.people <= people)
    rows = session.scalars(select(Substitute.id).where(Substitute.valid_until <= ended))
    return Forgettable(frozenset(rows), tuple(over))


def forget(session: Session, log: Appender, which: Forgettable, *, at: datetime) -> int:
    """Remove their rows and erase their events' bodies, in the caller's transaction; how many there were."""
    session.execute(delete(Substitute).where(Substitute.id.in_(which.rows)))
    erase_bodies_of_none(log, session, [seq for one in which.told for seq in one.events], at=at)
    log.write()
    return len(which)


@dataclass
class _Told:
    """What the events say of one substitution: the last of them says which day was the last."""

    id: int
    events: list[int] = field(default_factory=list)
    last_day: str = ""
    people: frozenset[str] = frozenset()


def _told(session: Session) -> list[_Told]:
    """Every substitution whose events still say who. A number may be given again, to one named later."""
    query = (
        select(Event.seq, Event.type, Event.record, Body.body)
        .join(Body, Body.seq == Event.seq)
        .where(Event.request_id.is_(None), Event.type.in_((NAMED, ENDED)), Body.body.is_not(None))
        .order_by(Event.seq)
    )
    found: list[_Told] = []
    latest: dict[int, _Told] = {}
    for seq, kind, record, body in session.execute(query):
        number, said = json.loads(record)["substitution"], json.loads(body or "")
        if kind == NAMED or number not in latest:
            latest[number] = _Told(number)
            found.append(latest[number])
        one = latest[number]
        one.events.append(seq)
        named = (said["substitute"], said["principal"], said.get("actor"))
        one.last_day, one.people = said["last_day"], frozenset(filter(None, named))
    return found


def _nothing_to_end(substitute_id: str, principal_id: str, role: str | None) -> Sentence:
    if role:
        return Sentence(
            "{substitute} does not stand in for {principal} as {role:duty}, today or later.",
            substitute=substitute_id,
            principal=principal_id,
            role=role,
        )
    return Sentence(
        "{substitute} does not stand in for {principal}, today or later.",
        substitute=substitute_id,
        principal=principal_id,
    )


def _rows(session: Session, substitute_id: str, principal_id: str) -> Iterator[Substitute]:
    query = (
        select(Substitute)
        .where(Substitute.substitute_id == substitute_id, Substitute.principal_id == principal_id)
        .order_by(Substitute.id)
    )
    return iter(session.scalars(query).all())


def _substitution(row: Substitute) -> Substitution:
    return Substitution(row.substitute_id, row.principal_id, row.role, row.valid_from, row.valid_until)


def _require_role(session: Session, wanted: Substitution) -> None:
    if wanted.role is None:
        return
    theirs = session.scalars(select(Grant.role).where(Grant.person_id == wanted.principal_id)).all()
    if wanted.role not in theirs:
        raise SubstitutionRefused(
            Sentence(
                "{person} does not have the role '{role:duty}', so nobody can stand in for it.",
                person=wanted.principal_id,
                role=wanted.role,
            ),
            hint=f"Theirs are: {', '.join(sorted(set(theirs)))}.",
        )


def _tell(
    log: Appender,
    kind: str,
    number: int,
    one: Substitution,
    *,
    now: datetime,
    by: str | None,
    channel: Channel,
) -> None:
    """The days are in the body too: they may tell of somebody's illness."""
    log.append(
        kind,
        at=now,
        request_id=None,
        facts={"channel": channel, "substitution": number},
        body={
            "substitute": one.substitute_id,
            "principal": one.principal_id,
            "first_day": one.first.isoformat(),
            "last_day": one.last.isoformat(),
        }
        | ({"role": one.role} if one.role else {})
        | ({"actor": by} if by else {}),
    )
