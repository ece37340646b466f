"""The goes of signing folders: what was chosen, what its person is asked, and what came of each document.

They are rows, so that whichever process is asked can tell, and go on. The process that is at one says so anew
every few seconds; when it does no more, the go has broken off: what was released stays, and the rest can be
gone on with. Every change of stage is a turn, made on the turn that was seen: of two that go on, one does.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from problem import Problem
from workflow import ceremonies
from workflow.authorising import key_of_release
from workflow.folder import Came, Waiting
from workflow.signing_state import GivenUp, Item, NobodyAnswered, Question, SigningRun, Stage, State, Told
from workflow.store import Moment, Store
from workflow.tables import CommandKey, DocumentRow, Person, Request, SigningRunItem, SigningRunRow
from workflow.words import Story

HELD: Final = timedelta(seconds=15)
"""So long a go counts as held after its process said so."""
PATIENCE: Final = ceremonies.FRESH
"""How long a question stands unanswered: as long as the provider's answer would count."""
KEPT: Final = timedelta(days=1)


@dataclass(frozen=True)
class SigningRuns:
    """The goes of an office. `moment` is the time that all processes share."""

    store: Store
    moment: Moment

    def begin(
        self, actor: str, chosen: Sequence[Waiting], refused: Mapping[int, Problem], *, gone: int = 0
    ) -> SigningRun:
        """Keep what was chosen; some are refused before anything begins, `gone` were not there any more."""
        number = secrets.token_urlsafe(16)
        with self.store.write() as session:
            now = self.moment(session)
            session.add(
                SigningRunRow(
                    id=number,
                    person_id=actor,
                    stage="chosen",
                    gone=gone,
                    question=None,
                    events=0,
                    turn=0,
                    turned_at=now,
                    held_until=None,
                )
            )
            session.flush()
            for place, one in enumerate(chosen):
                why = refused.get(one.request_id)
                told = Told() if why is None else Told.refused(why)
                session.add(_item(number, place, one, told))
            session.flush()
            return _read(session, session.get_one(SigningRunRow, number))

    def find(self, number: str, actor: str) -> SigningRun | None:
        """A person's go as it stands; one that was left alone has broken off, or is over."""
        with self.store.read() as session:
            row = session.get(SigningRunRow, number)
            if row is None or row.person_id != actor:
                return None
            if not self._is_left(session, row):
                return _read(session, row)
        with self.store.write() as session:
            row = session.get(SigningRunRow, number, with_for_update=True)
            if row is not None and self._is_left(session, row):
                self._leave(session, row)
            return None if row is None else _read(session, row)

    def of(self, actor: str) -> list[SigningRun]:
        """Those of a person that have been begun, and of which there is more to be told."""
        with self.store.read() as session:
            begun = SigningRunRow.stage.not_in(["chosen", "given up"])
            query = select(SigningRunRow.id).where(SigningRunRow.person_id == actor, begun)
            numbers = session.scalars(query.order_by(SigningRunRow.turned_at)).all()
        found = (self.find(number, actor) for number in numbers)
        return [one for one in found if one is not None and not one.settled]

    def events(self, number: str) -> int:
        """How many events there were."""
        with self.store.read() as session:
            return session.scalar(select(SigningRunRow.events).where(SigningRunRow.id == number)) or 0

    def turn(
        self,
        number: str,
        seen: int,
        stage: Stage,
        *,
        held: bool = False,
        question: Question | None = None,
        refused: Problem | None = None,
    ) -> int | None:
        """Have it be at another stage, for who saw this turn; the new one, None where it was made before.

        `held`: this process is at it from now on. `refused` is why what is left was not signed.
        """
        with self.store.write() as session:
            row = session.get(SigningRunRow, number, with_for_update=True)
            if row is None or row.turn != seen:
                return None
            if refused is not None:
                _refuse(session, row, refused)
            self._turn(session, row, stage, held=held, question=question)
            return row.turn

    def hold(self, number: str, turn: int) -> bool:
        """Say that this process is still at it; False when it is not its any more."""
        here = (SigningRunRow.id == number, SigningRunRow.turn == turn, SigningRunRow.held_until.is_not(None))
        with self.store.write() as session:
            until = self.moment(session) + HELD
            table = SigningRunRow.table()
            held = session.connection().execute(update(table).where(*here).values(held_until=until))
            return held.rowcount == 1

    def tell(self, number: str, told: Mapping[int, Told]) -> None:
        """What came of some, told once; and what has become of what was released."""
        if not told:
            return
        with self.store.write() as session:
            row = session.get_one(SigningRunRow, number, with_for_update=True)
            _tell(session, row, told)

    def mark_sent(self, number: str) -> None:
        """Tell as released what this go, or the same signature, has released already."""
        with self.store.write() as session:
            _mark_sent(session, session.get_one(SigningRunRow, number, with_for_update=True))

    def forget(self) -> None:
        """Forget the goes of yesterday."""
        with self.store.write() as session:
            old = SigningRunRow.turned_at < self.moment(session) - KEPT
            _forget(session, list(session.scalars(select(SigningRunRow.id).where(old))))

    # inside

    def _is_left(self, session: Session, row: SigningRunRow) -> bool:
        now = self.moment(session)
        if row.held_until is not None:
            return row.held_until < now
        return row.stage == "asking" and row.turned_at < now - PATIENCE

    def _leave(self, session: Session, row: SigningRunRow) -> None:
        if row.held_until is not None:
            _mark_sent(session, row)
            self._turn(session, row, "broken" if _chosen(session, row) else "over")
        else:
            why = "Nobody answered, so nothing was signed."
            _refuse(session, row, NobodyAnswered(why, hint="Begin again when you have the time for it."))
            self._turn(session, row, "over")

    def _turn(
        self,
        session: Session,
        row: SigningRunRow,
        stage: Stage,
        *,
        held: bool = False,
        question: Question | None = None,
    ) -> None:
        now = self.moment(session)
        row.stage = stage
        row.events += 1
        row.turn = row.events
        row.turned_at = now
        row.held_until = now + HELD if held else None
        row.question = None if question is None else question.kept()


def given_up() -> GivenUp:
    """That its person gave it up."""
    return GivenUp("You gave it up, so nothing was signed.", hint="It waits in your folder as before.")


def key_of(run: str, request_id: int, version: int) -> str:
    """The idempotency key of what a go releases by itself."""
    return f"folder:{run}:{request_id}:{version}"


def _forget(session: Session, numbers: Collection[str]) -> None:
    session.execute(delete(SigningRunItem).where(SigningRunItem.run_id.in_(numbers)))
    session.execute(delete(SigningRunRow).where(SigningRunRow.id.in_(numbers)))


def _item(run: str, place: int, one: Waiting, told: Told) -> SigningRunItem:
    return SigningRunItem(
        run_id=run,
        request_id=one.request_id,
        place=place,
        version=one.version,
        state=one.state,
        document_id=one.document_id,
        field=one.field,
        event=0,
        **_columns(told),
    )


def _columns(told: Told) -> dict[str, Any]:
    return {
        "told": told.state,
        "came": told.came,
        "story": None if told.story is None else told.story.kept(),
        "repeated": told.repeated,
    }


def _told(row: SigningRunItem) -> Told:
    story = None if row.story is None else Story.of_kept(row.story)
    return Told(cast(State, row.told), story, cast(Came, row.came), row.repeated)


def _read(session: Session, row: SigningRunRow) -> SigningRun:
    query = (
        select(SigningRunItem, DocumentRow.number, Person.name)
        .join(DocumentRow, DocumentRow.id == SigningRunItem.document_id)
        .join(Request, Request.id == SigningRunItem.request_id)
        .outerjoin(Person, Person.id == Request.requester_id)
        .where(SigningRunItem.run_id == row.id)
        .order_by(SigningRunItem.place)
    )
    items = tuple(
        Item(
            request_id=one.request_id,
            version=one.version,
            state=one.state,
            document_id=one.document_id,
            field=one.field,
            number=number,
            requester=name or "",
            told=_told(one),
            event=one.event,
        )
        for one, number, name in session.execute(query)
    )
    question = None if row.question is None else Question.of_kept(row.question)
    stage = cast(Stage, row.stage)
    return SigningRun(row.id, row.person_id, stage, row.gone, question, row.events, row.turn, items)


def _rows(session: Session, row: SigningRunRow, numbers: Collection[int]) -> list[SigningRunItem]:
    query = select(SigningRunItem).where(
        SigningRunItem.run_id == row.id, SigningRunItem.request_id.in_(numbers)
    )
    return list(session.scalars(query.order_by(SigningRunItem.place)))


def _chosen(session: Session, row: SigningRunRow) -> list[SigningRunItem]:
    query = select(SigningRunItem).where(SigningRunItem.run_id == row.id, SigningRunItem.told == "chosen")
    return list(session.scalars(query))


def _tell(session: Session, row: SigningRunRow, told: Mapping[int, Told]) -> None:
    for one in _rows(session, row, told):
        before, now = _told(one), told[one.request_id]
        if now == before or before.state == "refused" or (before.state, now.state) == ("released", "refused"):
            continue
        if before.state == "released":
            now = replace(before, came=now.came)
        row.events += 1
        one.event = row.events
        for name, value in _columns(now).items():
            setattr(one, name, value)


def _refuse(session: Session, row: SigningRunRow, problem: Problem) -> None:
    why = Told.refused(problem)
    _tell(session, row, {one.request_id: why for one in _chosen(session, row)})


def _mark_sent(session: Session, row: SigningRunRow) -> None:
    left = {one.request_id: one for one in _chosen(session, row)}
    query = select(CommandKey.key, CommandKey.request_id).where(
        CommandKey.actor == row.person_id, CommandKey.request_id.in_(left)
    )
    sent = [
        number
        for key, number in session.execute(query)
        if key == key_of(row.id, number, left[number].version)
        or key.startswith(key_of_release(number, left[number].version))
    ]
    _tell(session, row, {number: Told("released") for number in sent})
