"""Legal holds: a request that must not be destroyed, until each of its holds is released.

A hold says nothing of where the request is, and moves nothing: it may be placed in any state, also after the
end. Who may: whoever has a role of the process in the request's unit, or an administrator, who sees
no request all the same; but not its requester. While the definition can't be read, administrators alone may:
only it tells the other roles. A hold has no part in the request's version: whoever acts on
the request has seen it all the same.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from documents.kinds.fields import NOTE_MAX, wrong_text
from wording import Sentence
from workflow.access import ADMINISTRATOR, People, working_roles
from workflow.command_form import require_form, require_name, require_request_id
from workflow.commands import Answer, Channel, Command
from workflow.definition_model import Definition
from workflow.errors import AnswerUnreadable, KeyReused, NotFound, Reason, Refused
from workflow.eventlog import Appender
from workflow.judge import office_day
from workflow.pinned import DefinitionOf, read_or_none
from workflow.sentences import no_role, no_substitute, unknown
from workflow.store import Store
from workflow.tables import CommandKey, Event, Hold, Request

PLACED = "hold_placed"
RELEASED = "hold_released"


@dataclass(frozen=True)
class Held:
    """A hold that was placed or released; `left` are the request's holds that nobody has released.

    `repeated`: it was there already, placed by the same person for the same reason, or this was done before
    under the same idempotency key.
    """

    id: int
    request_id: int
    left: tuple[int, ...]
    repeated: bool = False


@dataclass(frozen=True)
class OpenHold:
    """A hold that nobody has released, as a page of its request tells it."""

    id: int
    placed_by: str
    placed_at: datetime
    reason: str


class Holds:
    """Places and releases holds: one command, one transaction, one event."""

    def __init__(
        self,
        *,
        store: Store,
        definition_of: DefinitionOf,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._definition_of = definition_of
        self._clock = clock
        self._random_bytes = random_bytes

    def place(
        self,
        request_id: int,
        actor: str,
        reason: str,
        *,
        on_behalf_of: str | None = None,
        key: str | None = None,
        channel: Channel = "person",
    ) -> Held:
        """Keep a request from being destroyed; the same hold twice is one, and with the same idempotency
        `key` also once it was released. `on_behalf_of`: for whom the actor stands in. Raises Refused,
        NotFound, KeyReused, DefinitionMissing.
        """
        with self._at(request_id, actor, reason, on_behalf_of, channel) as desk:
            wish = desk.wish(PLACED, key)
            if (found := desk.answered(wish)) is not None:
                return Held(found, request_id, desk.numbers, repeated=True)
            for hold in desk.open:
                if (hold.placed_by, hold.reason) == (actor, reason):
                    desk.remember(wish, hold.id)
                    return Held(hold.id, request_id, desk.numbers, repeated=True)
            seq = desk.tell(PLACED, {})
            desk.session.add(
                Hold(id=seq, request_id=request_id, reason=reason, placed_by=actor, placed_at=desk.now)
            )
            desk.remember(wish, seq)
            return Held(seq, request_id, (*desk.numbers, seq))

    def release(
        self,
        request_id: int,
        actor: str,
        reason: str,
        *,
        hold_id: int | None = None,
        on_behalf_of: str | None = None,
        key: str | None = None,
        channel: Channel = "person",
    ) -> Held:
        """Release a hold; which one must be said when there are several. With the same idempotency `key` it
        is done once: none that was placed meanwhile. Raises Refused, NotFound, KeyReused, AnswerUnreadable,
        DefinitionMissing.
        """
        with self._at(request_id, actor, reason, on_behalf_of, channel) as desk:
            wish = desk.wish(RELEASED, key, {} if hold_id is None else {"hold": str(hold_id)})
            if (found := desk.answered(wish)) is not None:
                return Held(found, request_id, desk.numbers, repeated=True)
            hold = _chosen(desk.open, hold_id)
            desk.remember(wish, desk.tell(RELEASED, {"hold": hold.id}))
            hold.released_by, hold.released_at = actor, desk.now
            left = tuple(number for number in desk.numbers if number != hold.id)
            return Held(hold.id, request_id, left)

    def open(self, request_id: int) -> list[OpenHold]:
        """The holds on a request that nobody has released."""
        query = select(Hold).where(Hold.request_id == request_id, Hold.released_at.is_(None))
        with self._store.read() as session:
            return [
                OpenHold(row.id, row.placed_by, row.placed_at, row.reason)
                for row in session.scalars(query.order_by(Hold.id))
            ]

    def may(self, request_id: int, actor: str) -> bool:
        """Whether this person, in their own right, could place or release a hold on a request now."""
        with self._store.read() as session:
            request = session.get(Request, request_id)
            if request is None or request.destroyed_at is not None:
                return False
            people, now = People.load(session, [actor]), self._clock()
            definition = read_or_none(session, self._definition_of, request.definition_sha256)
            today = now.date() if definition is None else office_day(definition, now)
            return not list(_against_person(people, definition, request, actor, None, today))

    @contextmanager
    def _at(
        self, request_id: int, actor: str, reason: str, on_behalf_of: str | None, channel: Channel
    ) -> Iterator["_Desk"]:
        """A transaction with the log's lock, for somebody who may; written at the end."""
        require_name("actor", actor)
        require_name("on_behalf_of", on_behalf_of or actor)
        require_request_id(request_id)
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)  # whoever destroys has it too, or waits
            now = self._clock()
            request = session.get(Request, request_id)
            if request is None:
                raise NotFound(request_id)
            people = People.load(session, [actor, *([on_behalf_of] if on_behalf_of else [])])
            definition = read_or_none(session, self._definition_of, request.definition_sha256)
            today = now.date() if definition is None else office_day(definition, now)
            if not people.administers(actor, request.unit, today):
                # who else sees it, only the definition tells
                definition = self._definition_of(session, request.definition_sha256)
                if not people.sees(actor, definition, request.unit, request.requester_id, today):
                    raise NotFound(request_id)
            reasons = [
                *_against_person(people, definition, request, actor, on_behalf_of, today),
                *_against(request, reason),
            ]
            if reasons:
                raise Refused(reasons)
            body = {"actor": actor, "remark": reason}
            if on_behalf_of is not None:
                body["on_behalf_of"] = on_behalf_of
            yield _Desk(session, log, now, request, body, channel)
            log.write()
            session.flush()


_Wish = tuple[Command, str] | None
"""A command under an idempotency key, and its digest; None without a key."""


class _Desk:
    """One request whose holds are being changed, in one transaction."""

    def __init__(  # noqa: PLR0917  what a transaction is made of
        self,
        session: Session,
        log: Appender,
        now: datetime,
        request: Request,
        body: dict[str, str],
        channel: Channel,
    ) -> None:
        self.session = session
        self.now = now
        self._log = log
        self._request = request
        self._body = body
        self._channel = channel
        query = select(Hold).where(Hold.request_id == request.id, Hold.released_at.is_(None))
        self.open = session.scalars(query.order_by(Hold.id)).all()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The holds that were open when the transaction began."""
        return tuple(hold.id for hold in self.open)

    def wish(self, kind: str, key: str | None, facts: Mapping[str, str] = MappingProxyType({})) -> _Wish:
        """What is sent under an idempotency key, if it is. Raises Refused for a key that is none."""
        if key is None:
            return None
        body = self._body
        command = Command(
            kind,
            body["actor"],
            key,
            request_id=self._request.id,
            on_behalf_of=body.get("on_behalf_of"),
            remark=body["remark"],
            facts=facts,
        )
        return command, require_form(command)

    def answered(self, wish: _Wish) -> int | None:
        """The hold that this wish placed or released, if it was done before.

        Raises KeyReused, AnswerUnreadable.
        """
        try:
            known = None if wish is None else self.session.get(CommandKey, (wish[0].actor, wish[0].key))
        except ValueError as error:  # the answer is no JSON
            raise AnswerUnreadable from error
        if wish is None or known is None:
            return None
        if known.body_sha256 != wish[1]:
            raise KeyReused
        answer = Answer.recorded(known.answer)
        told = None if answer is None else self.session.get(Event, answer.event_seq)
        if told is None or (told.type, told.request_id) != (wish[0].trigger, self._request.id):
            raise AnswerUnreadable
        return int(json.loads(told.record)["hold"]) if told.type == RELEASED else told.seq

    def remember(self, wish: _Wish, seq: int) -> None:
        """Keep the answer under the key, as that of any command."""
        if wish is not None:
            command, body_sha256 = wish
            request = self._request
            answer = {"request_id": request.id, "version": request.version, "state": request.state}
            self.session.add(
                CommandKey(
                    actor=command.actor,
                    key=command.key,
                    request_id=request.id,
                    body_sha256=body_sha256,
                    answer={**answer, "event_seq": seq},
                    recorded_at=self.now,
                )
            )

    def tell(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Append the event; gives its sequence."""
        request = self._request
        pinned = {"key": request.key, "variant": request.variant, "definition": request.definition_sha256}
        return self._log.append(
            kind,
            at=self.now,
            request_id=request.id,
            facts={**facts, **pinned, "channel": self._channel},
            body=self._body,
        )


def _against_person(  # noqa: PLR0917  who, for whom, where and when
    people: People,
    definition: Definition | None,
    request: Request,
    actor: str,
    on_behalf_of: str | None,
    today: date,
) -> Iterator[Reason]:
    """Why this person can't place or release a hold on this request, in their own right or for another."""
    principal = on_behalf_of or actor
    theirs = (ADMINISTRATOR,) if definition is None else working_roles(definition)
    roles = [role for role in theirs if people.has_role(principal, role, request.unit)]
    if request.requester_id in {actor, principal}:
        yield Reason(
            "own-hold", Sentence("The requester neither places nor releases a hold on their own request.")
        )
    elif not people.active(principal):
        yield Reason("person", unknown(principal))
    elif not roles:
        yield Reason("role", no_role(principal, request.unit))
    if on_behalf_of == actor:
        yield Reason("substitute", Sentence("Nobody stands in for themselves."))
    elif actor != principal and not any(people.stands_in(actor, principal, role, today) for role in roles):
        yield Reason("substitute", no_substitute(actor, principal))


def _against(request: Request, reason: str) -> Iterator[Reason]:
    """Why nobody can place or release a hold on this request, or not for this reason."""
    if request.destroyed_at is not None:
        yield Reason("destroyed", Sentence("The request was destroyed at the end of its term."))
    if not reason.strip():
        yield Reason("remark", Sentence("Say why."), "reason")
    elif message := wrong_text(reason, longest=NOTE_MAX, lines=True):
        yield Reason("remark", message, "reason")


def _chosen(holds: Sequence[Hold], hold_id: int | None) -> Hold:
    """The hold that is meant. Raises Refused."""
    if hold_id is not None:
        holds = [hold for hold in holds if hold.id == hold_id]
    if not holds:
        raise Refused([Reason("no-hold", Sentence("The request has no such hold to release."))])
    if len(holds) > 1:
        listed = ", ".join(str(hold.id) for hold in holds)
        several = Sentence("The request has several holds: say which of {holds}.", holds=listed)
        raise Refused([Reason("which-hold", several)])
    return holds[0]
