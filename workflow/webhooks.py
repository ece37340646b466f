"""Webhooks: other systems are told of what happened, by the events of the log and in their order.

The log is the queue: a webhook remembers up to which event it was looked at, and every event after that which
it wants becomes a message, kept until it was taken, or was tried for three days. A message names nobody: it
holds what the event says openly. Who wants more asks the API.

Source: CloudEvents 1.0.2 (JSON format, structured mode) for the body; Standard Webhooks for its signature.
"""

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from certs.evidence import UnusableAnswer
from certs.hosts import AllowedHosts, split_url
from signing.secret import Secret
from wording import Sentence
from workflow.access import ADMINISTRATOR
from workflow.errors import WorkflowError
from workflow.eventlog import Appender
from workflow.outbox import Outbox
from workflow.store import Store
from workflow.tables import Event, Grant, LogHead, Person, WebhookMessage, WebhookRow

ADDED, REMOVED, STOPPED = "webhook_added", "webhook_removed", "webhook_stopped"
MOST: Final = 20
"""Webhooks of one office."""
URL_MOST: Final = 500
LOOKED_AT: Final = 2_000  # events in one transaction
_SALT_BYTES: Final = 24


class WebhookRefused(WorkflowError):
    """There can't be such a webhook, or nobody may change this one."""

    code = "workflow-webhook"


@dataclass(frozen=True)
class Webhook:
    """Who is told: of events of these `types`, of all where there are none.

    `after` is the last event that was looked at; `stopped_at` is set where it said that it is gone; so many
    messages were `given_up`.
    """

    id: int
    url: str
    types: tuple[str, ...]
    after: int
    added_at: datetime
    stopped_at: datetime | None
    given_up: int


@dataclass(frozen=True)
class MessageView:
    """What became of one message: `status` of the last answer, None for none; `code` why it was not taken."""

    event_seq: int
    type: str
    tries: int
    status: int | None
    code: str
    next_at: datetime | None
    taken_at: datetime | None


@dataclass(frozen=True)
class Webhooks:
    """The webhooks of an office. `hosts` are those that may be told; `key` makes their secrets."""

    store: Store
    hosts: AllowedHosts
    key: bytes = field(repr=False)

    def add(self, url: str, types: Collection[str], *, by: str, at: datetime) -> tuple[int, Secret]:
        """Tell this address from now on; its number, and the secret that its signatures are made with.

        Raises WebhookRefused.
        """
        self._require_allowed(url)
        salt = secrets.token_bytes(_SALT_BYTES)
        with self.store.write() as session:
            log = Appender.lock(session, secrets.token_bytes)
            _require_administrator(session, by)
            if (session.scalar(select(func.count()).select_from(WebhookRow)) or 0) >= MOST:
                raise WebhookRefused(
                    Sentence("There are {most} webhooks already.", most=MOST), hint=Sentence("Remove one.")
                )
            known = set(session.scalars(select(Event.type).distinct())) if types else set()
            wrong = sorted(one for one in types if one not in known and not _is_type(one))
            if wrong:
                raise WebhookRefused(
                    Sentence(
                        "These are no types of events: {types}.", types=", ".join(one[:40] for one in wrong)
                    ),
                    hint="docs/events.md lists them.",
                )
            head = session.scalar(select(LogHead.seq)) or 0
            row = WebhookRow(
                url=url, types=sorted(set(types)), salt=salt, after_seq=head, added_at=at, stopped_at=None
            )
            session.add(row)
            session.flush()
            _tell(log, ADDED, row.id, at=at, by=by, url=url)
            return row.id, self.secret(salt)

    def remove(self, number: int, *, by: str, at: datetime) -> None:
        """Tell it no more, and forget what it was told. Raises WebhookRefused."""
        with self.store.write() as session:
            log = Appender.lock(session, secrets.token_bytes)
            _require_administrator(session, by)
            row = session.get(WebhookRow, number)
            if row is None:
                raise WebhookRefused(
                    Sentence("There is no webhook {number}.", number=number),
                    hint="`paraaf webhooks` lists them.",
                )
            session.execute(delete(WebhookMessage).where(WebhookMessage.webhook_id == number))
            session.delete(row)
            _tell(log, REMOVED, number, at=at, by=by, url=row.url)

    def retry(self, number: int, *, by: str, at: datetime) -> int:
        """Have what it did not take tried again at once, also what was given up; how many messages.

        Raises WebhookRefused.
        """
        with self.store.write() as session:
            _require_administrator(session, by)
            row = session.get(WebhookRow, number)
            if row is None or row.stopped_at is not None:
                raise WebhookRefused(
                    Sentence("There is no webhook {number} that is told.", number=number),
                    hint="`paraaf webhooks` lists them.",
                )
            untaken = (WebhookMessage.webhook_id == number, WebhookMessage.taken_at.is_(None))
            given_up = (*untaken, WebhookMessage.next_at.is_(None))
            waits = (*untaken, WebhookMessage.next_at > at, WebhookMessage.tries > 0)
            connection = session.connection()
            table = update(WebhookMessage.table())
            anew = connection.execute(table.where(*given_up).values(tries=0, next_at=at)).rowcount
            return anew + connection.execute(table.where(*waits).values(next_at=at)).rowcount

    def listed(self) -> list[Webhook]:
        """All of them."""
        given_up = func.count(WebhookMessage.event_seq).filter(OUTBOX.given_up())
        query = select(WebhookRow, given_up).outerjoin(WebhookMessage).group_by(WebhookRow.id)
        with self.store.read() as session:
            return [_webhook(row, count) for row, count in session.execute(query.order_by(WebhookRow.id))]

    def messages(self, number: int, *, limit: int = 50) -> list[MessageView]:
        """What became of the newest messages of a webhook."""
        query = (
            select(WebhookMessage, Event.type)
            .join(Event, Event.seq == WebhookMessage.event_seq)
            .where(WebhookMessage.webhook_id == number)
            .order_by(WebhookMessage.event_seq.desc())
            .limit(limit)
        )
        with self.store.read() as session:
            return [
                MessageView(row.event_seq, kind, row.tries, row.status, row.code, row.next_at, row.taken_at)
                for row, kind in session.execute(query)
            ]

    def secret(self, salt: bytes) -> Secret:
        """The secret of a webhook, in the form of Standard Webhooks.

        Made anew each time, from a key that is not in the database: who has only that forges nothing.
        """
        made = hmac.new(self.key, b"webhook:" + salt, sha256).digest()
        return Secret(f"whsec_{b64encode(made).decode()}")

    def _require_allowed(self, url: str) -> None:
        """Raises WebhookRefused for an address that may not be told."""
        try:
            target = split_url(url)
        except UnusableAnswer as error:
            raise WebhookRefused(
                Sentence("The address is not written plainly."),
                hint=Sentence("Write it like https://hooks.example.org/events."),
            ) from error
        here = self.hosts.loopback(target.host, target.port)
        if len(url) > URL_MOST or (target.scheme != "https" and not here):
            raise WebhookRefused(
                Sentence("Messages go over https alone."),
                hint=Sentence("Write it like https://hooks.example.org/events."),
            )
        if (target.host, target.port) not in self.hosts.places:
            raise WebhookRefused(
                Sentence(
                    "{host} is not among the hosts that may be told.", host=f"{target.host}:{target.port}"
                ),
                hint=Sentence("Whoever runs the office adds it to PARAAF_WEBHOOK_HOSTS."),
            )


def collect(session: Session, *, now: datetime) -> int:
    """Make messages of the events since the last look; how many, in the caller's transaction."""
    made = 0
    for hook in session.scalars(select(WebhookRow).where(WebhookRow.stopped_at.is_(None)).with_for_update()):
        events = Event.table()
        found = session.execute(
            select(events.c.seq, events.c.type, events.c.request_id)
            .where(events.c.seq > hook.after_seq)
            .order_by(events.c.seq)
            .limit(LOOKED_AT)
        ).all()
        rows = [
            _fresh(hook.id, row.seq, now)
            for row in found
            if row.request_id is not None and (not hook.types or row.type in hook.types)
        ]
        if rows:
            session.execute(insert(WebhookMessage), rows)
        if found:
            hook.after_seq = found[-1].seq
        made += len(rows)
    return made


def has_news(session: Session) -> bool:
    """Whether there are events that a webhook was not looked at for."""
    head = select(func.coalesce(func.max(LogHead.seq), 0)).scalar_subquery()
    query = select(WebhookRow.id).where(WebhookRow.stopped_at.is_(None), WebhookRow.after_seq < head)
    return session.execute(query.limit(1)).first() is not None


def stop(session: Session, number: int, *, at: datetime) -> None:
    """Tell it no more: it said that it is gone."""
    log = Appender.lock(session, secrets.token_bytes)
    session.execute(update(WebhookRow).where(WebhookRow.id == number).values(stopped_at=at))
    log.append(STOPPED, at=at, request_id=None, facts={"channel": "system", "webhook": number})
    log.write()


@dataclass(frozen=True)
class Message:
    """One message as it is sent: the same each time it is tried."""

    id: str
    body: bytes

    @classmethod
    def of(cls, seq: int, record: Mapping[str, Any], *, source: str) -> "Message":
        """Of an event, as the log holds it. `source` says which office it is."""
        told = {
            "specversion": "1.0",
            "id": str(seq),
            "source": source,
            "type": f"paraaf.{record['type']}",
            "subject": f"requests/{record['request']}",
            "time": record["at"],
            "datacontenttype": "application/json",
            "data": {name: value for name, value in record.items() if name not in _NOT_TOLD},
        }
        return cls(f"{source}#{seq}", json.dumps(told, ensure_ascii=False, sort_keys=True).encode())

    def headers(self, secret: Secret, *, at: datetime) -> dict[str, str]:
        """What goes before it: an id that is the same at each try, the time, and the signature over all."""
        stamp = str(int(at.timestamp()))
        key = _raw(secret)
        signed = hmac.new(key, f"{self.id}.{stamp}.".encode() + self.body, sha256).digest()
        return {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "Paraaf",
            "webhook-id": self.id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{b64encode(signed).decode()}",
        }


WAITS: Final[Sequence[timedelta]] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After each try in vain. Source: Standard Webhooks, "Retry schedule"."""
OUTBOX: Final = Outbox(WebhookMessage, "taken_at", WAITS, put_off=timedelta(minutes=2))
_NOT_TOLD: Final = frozenset({"prev", "body", "type", "at"})  # said elsewhere, or the log's own


def _raw(secret: Secret) -> bytes:
    return b64decode(secret.reveal().removeprefix("whsec_"))


def _fresh(webhook: int, seq: int, now: datetime) -> dict[str, Any]:
    return {
        "webhook_id": webhook,
        "event_seq": seq,
        "tries": 0,
        "next_at": now,
        "status": None,
        "code": "",
        "taken_at": None,
    }


def _webhook(row: WebhookRow, given_up: int) -> Webhook:
    return Webhook(row.id, row.url, tuple(row.types), row.after_seq, row.added_at, row.stopped_at, given_up)


def _is_type(name: str) -> bool:
    return name.isascii() and name.replace("_", "").isalpha() and name.islower() and len(name) <= 60


def _require_administrator(session: Session, by: str) -> None:
    """Raises WebhookRefused: what happens in all units is told."""
    query = (
        select(Grant.id)
        .join(Person, Person.id == Grant.person_id)
        .where(Person.active, Grant.person_id == by, Grant.role == ADMINISTRATOR, Grant.unit.is_(None))
    )
    if session.execute(query).first() is None:
        raise WebhookRefused(
            Sentence("Webhooks are set by administrators of all units."), hint=Sentence("Ask one of them.")
        )


def _tell(log: Appender, kind: str, number: int, *, at: datetime, by: str, url: str) -> None:
    log.append(
        kind,
        at=at,
        request_id=None,
        facts={"channel": "person", "webhook": number, "url": url},
        body={"actor": by},
    )
    log.write()
