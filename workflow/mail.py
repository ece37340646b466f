"""Mail to the people of the office: what came back to them, what is done, what waits, what is nearly due; and
what has changed of how they sign in.

It follows the log: mail remembers up to which event it was made, and is kept in a table until it was sent, or
was tried for a day. Nothing of a request goes by mail but its number, and what kind it is. Who wants to hear
but once a day gets, on working days in the morning, the first of what waits. That a monthly report was sealed
is mail of its own (workflow.report_mail).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any, Final
from zoneinfo import ZoneInfo

import aiosmtplib
from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from watching.logs import note
from workflow.access import requester_role
from workflow.calendar import CALENDARS
from workflow.definition_model import Definition
from workflow.engine import Engine
from workflow.errors import NotFound
from workflow.mail_choices import Choice, choice_of, in_language, mail_row
from workflow.mail_settings import MailSettings
from workflow.mail_text import (
    SIGN_IN,
    Envelope,
    Line,
    about_many,
    about_one,
    about_report,
    about_sign_in,
)
from workflow.outbox import Outbox
from workflow.report_mail import report_told
from workflow.store import Store
from workflow.tables import Body, Event, LogHead, MailChoice, MailRow, MailState, Person, Request, Task
from workflow.words import process_words

DAILY: Final = "daily"
MORNING: Final = time(7)
LOOKED_AT: Final = 1_000  # events at a time
BATCH: Final = 50
FIRST: Final = 10
"""So many requests a daily mail lists."""
SECONDS: Final = 30.0
WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 960))
OUTBOX: Final = Outbox(MailRow, "sent_at", WAITS, put_off=timedelta(minutes=5))
KEPT: Final = timedelta(days=30)
_PERMANENT: Final = range(500, 600)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Post:
    """Makes mail and sends it. `settings` None: no mail is made either."""

    store: Store
    engine: Engine
    settings: MailSettings | None
    clock: Callable[[], datetime]
    today: Callable[[], date]
    """The day of the office whose day began first."""

    def run(self) -> int:
        """Make what is news, and send what is due; how many were sent."""
        if self.settings is None:
            return 0
        with self.store.read() as session:
            head = session.scalar(select(LogHead.seq)) or 0
            looked = session.scalar(select(MailState.after_seq))
        if looked is None:  # nobody is told of years of events
            self.store.have_row(MailState.table(), {"id": 1, "after_seq": head, "told_on": None})
        elif looked < head:
            while self._collect():
                pass
        self._tell_daily()
        sent = 0
        while due := self._due():
            sent += asyncio.run(self._send(self.settings, due))
            if len(due) < BATCH:
                break
        return sent

    def forget(self) -> None:
        """Forget mail of long ago."""
        with self.store.write() as session:
            old = MailRow.made_at < self.clock() - KEPT
            session.execute(delete(MailRow).where(old, MailRow.next_at.is_(None)))

    # --- what is news

    def _collect(self) -> bool:
        """Make the mail of the next events; whether there may be more. Whom to tell is found out while others
        write."""
        rows: dict[tuple[str, int | None, str], dict[str, Any]] = {}
        with self.store.read() as session:
            after = session.get_one(MailState, 1).after_seq
            query = select(Event.seq, Event.request_id, Event.record).where(Event.seq > after)
            events = session.execute(query.order_by(Event.seq).limit(LOOKED_AT)).all()
            for seq, request_id, record in events:
                said = json.loads(record)
                told = (
                    self._told_of_sign_in(session, seq, said["type"])
                    if request_id is None
                    else self._told_of(session, request_id, said)
                )
                for person, kind in told:
                    rows[person, request_id, kind] = mail_row(
                        person, kind, self.clock(), request_id=request_id
                    )
        if not events:
            return False
        with self.store.write() as session:
            state = session.get_one(MailState, 1, with_for_update=True)
            if state.after_seq == after:  # else somebody else did it
                state.after_seq = events[-1].seq
                if rows:
                    session.execute(insert(MailRow), list(rows.values()))
        return len(events) == LOOKED_AT

    def _told_of(self, session: Session, request_id: int, record: Any) -> Iterator[tuple[str, str]]:
        """Who is told of an event at once, and as what."""
        request = session.get(Request, request_id)
        if request is None or request.destroyed_at is not None:
            return
        if "outcome" in record:
            if self._wants(session, request.requester_id, "own"):
                yield request.requester_id, record["outcome"]
            return
        if record["type"] in {"task_reminded", "task_escalated"}:
            yield from ((one, "due") for one in self._able(session, request))
            return
        if "task" not in record or record.get("to") != request.state:
            return
        definition = self.engine.definition(session, request.definition_sha256)
        if definition.states[request.state].role == requester_role(definition):
            if self._wants(session, request.requester_id, "own"):
                yield request.requester_id, "returned"
        else:
            yield from ((one, "waiting") for one in self._able(session, request))

    @staticmethod
    def _told_of_sign_in(session: Session, seq: int, kind: str) -> Iterator[tuple[str, str]]:
        """Whose way to sign in an event has changed, and as what they are told of it."""
        if kind not in SIGN_IN:
            return
        said = json.loads(session.scalar(select(Body.body).where(Body.seq == seq)) or "{}")
        person = said.get("person")
        if person is not None and _has_address(session, person):
            by_another = kind == "password_set" and said["actor"] != person
            yield person, "password_given" if by_another else kind

    def _able(self, session: Session, request: Request) -> Iterator[str]:
        """Those who want to hear at once of what waits for them, and could do this: they can claim it, or
        hold it."""
        task = session.scalars(
            select(Task).where(Task.request_id == request.id, Task.closed_at.is_(None))
        ).one_or_none()
        if task is None:
            return
        wanting = (
            select(Person.id)
            .join(MailChoice, MailChoice.person_id == Person.id)
            .where(Person.active, Person.email.is_not(None), MailChoice.work == "each")
        )
        for person in session.scalars(wanting).all():
            if (task.claimed_by is None and self._can_claim(request.id, person)) or task.claimed_by == person:
                yield person

    def _can_claim(self, request_id: int, person: str) -> bool:
        try:
            return not self.engine.why_not(request_id, "claim", person)
        except NotFound:
            return False

    @staticmethod
    def _wants(session: Session, person: str, what: str) -> bool:
        if not _has_address(session, person):
            return False
        often: str = getattr(choice_of(session, person), what)
        return often == "each"

    # --- once a day

    def _tell_daily(self) -> None:
        """On a working day, from the morning on, once: for everybody who wants to hear daily of something."""
        definition = next(iter(self.engine.catalogue))
        calendar = CALENDARS[definition.calendar]
        there = self.clock().astimezone(ZoneInfo(calendar.zone))
        today = there.date()
        if there.time() < MORNING or not calendar.is_working_day(today):
            return
        with self.store.read() as session:
            if session.get_one(MailState, 1).told_on == today:
                return
        with self.store.write() as session:
            state = session.get_one(MailState, 1, with_for_update=True)
            if state.told_on == today:
                return
            state.told_on = today
            chosen = ~exists().where(MailChoice.person_id == Person.id, MailChoice.work != DAILY)
            people = session.scalars(
                select(Person.id).where(Person.active, Person.email.is_not(None), chosen)
            ).all()
            if people:
                rows = [mail_row(one, DAILY, self.clock()) for one in people]
                session.execute(insert(MailRow), rows)

    # --- sending

    def _due(self) -> list[tuple[int, EmailMessage | None]]:
        """What is due, put off so that nobody else sends it meanwhile; None where there is nothing to say."""
        numbers = [number for (number,) in OUTBOX.due(self.store, now=self.clock(), most=BATCH)]
        with self.store.read() as session:
            rows = session.scalars(select(MailRow).where(MailRow.id.in_(numbers)).order_by(MailRow.id)).all()
            found = [(row.id, (row.person_id, row.kind, row.request_id, row.report_id)) for row in rows]
        return [(number, self._message(*about)) for number, about in found]

    def _message(
        self, person: str, kind: str, request_id: int | None, report_id: int | None
    ) -> EmailMessage | None:
        settings = self.settings
        assert settings is not None  # noqa: S101 (nothing is sent without)
        with self.store.read() as session:
            row = session.get(Person, person)
            if row is None or not row.active or row.email is None:
                return None
            choice = in_language(choice_of(session, person), settings.language)
            envelope = Envelope(
                Address(row.name, addr_spec=row.email), settings.sender, settings.base, choice.language
            )
            if kind in SIGN_IN:
                return about_sign_in(kind, envelope)
            if request_id is not None:
                request = session.get(Request, request_id)
                if request is None or request.destroyed_at is not None:
                    return None
                definition = self.engine.definition(session, request.definition_sha256)
                return about_one(kind, Line(request_id, self._title(definition, choice.language)), envelope)
            if report_id is not None:
                told = report_told(session, report_id, person, self.today())
                return None if told is None else about_report(*told, envelope)
        return self._daily(person, choice, envelope)

    def _daily(self, person: str, choice: Choice, envelope: Envelope) -> EmailMessage | None:
        page = self.engine.queue(person, limit=FIRST)
        if not page.items or not page.count or choice.work != DAILY:
            return None
        now = self.clock()
        lines = [
            Line(
                one.request_id,
                self._title(self.engine.catalogue.get(one.key, one.variant), choice.language),
                late=one.due_at is not None and one.due_at < now and one.suspended_at is None,
            )
            for one in page.items
        ]
        return about_many(lines, page.count, envelope)

    @staticmethod
    def _title(definition: Definition, language: str) -> str:
        return process_words(language).title(definition)

    async def _send(self, settings: MailSettings, due: Sequence[tuple[int, EmailMessage | None]]) -> int:
        """Send these over one connection; what can't be sent now stays for later."""
        outcomes: dict[int, str] = {number: "" for number, message in due if message is None}
        wanted = [(number, message) for number, message in due if message is not None]
        try:
            if wanted:
                async with connection(settings) as server:
                    for number, message in wanted:
                        outcomes[number] = await _handed_over(server, message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            code = "refused-login" if isinstance(error, aiosmtplib.SMTPAuthenticationError) else "unreachable"
            outcomes |= {number: code for number, _ in wanted if number not in outcomes}
        return await asyncio.to_thread(self._record, outcomes)

    def _record(self, outcomes: dict[int, str]) -> int:
        now = self.clock()
        with self.store.write() as session:
            for number, code in outcomes.items():
                OUTBOX.record(session, (number,), code, now=now, ends=code == "not-taken")
        failed = sorted({code for code in outcomes.values() if code})
        if failed:
            count = sum(map(bool, outcomes.values()))
            note(log, logging.WARNING, "mail_not_sent", code=", ".join(failed), count=count)
        return sum(not code for code in outcomes.values())


def _has_address(session: Session, person: str) -> bool:
    """Whether mail can be sent to somebody who works here."""
    known = select(Person.email).where(Person.id == person, Person.active)
    return session.scalar(known) is not None


def connection(settings: MailSettings) -> aiosmtplib.SMTP:
    """A connection to the mail server, to be entered; enciphered before anything is said, but on loopback."""
    return aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        use_tls=settings.enciphered == "tls",
        start_tls=settings.enciphered == "starttls",
        username=settings.user or None,
        password=settings.password.reveal() if settings.password is not None else None,
        timeout=SECONDS,
    )


async def _handed_over(server: aiosmtplib.SMTP, message: EmailMessage) -> str:
    """Hand one over; why it was not taken, "" where it was."""
    try:
        await server.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return "not-taken" if all(one.code in _PERMANENT for one in error.recipients) else "later"
    except aiosmtplib.SMTPResponseException as error:
        return "not-taken" if error.code in _PERMANENT else "later"
    return ""


async def handed_over_now(settings: MailSettings, message: EmailMessage) -> tuple[str, str]:
    """Hand one over at once: why it was not taken ("" where it was), and what the server said."""
    try:
        async with connection(settings) as server:
            await server.send_message(message)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        return "not-taken", f"{type(error).__name__}: {error}"[:500]
    return "", ""
