"""Send what webhooks are to be told: each message until it was taken, more and more rarely, for three days.

A message that is being sent is put off first, in a transaction of its own: two workers send none twice at
the same time, and one that dies leaves it to the next. It may still come twice, with the same id: whoever
takes it goes by that.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
from sqlalchemy import bindparam, delete, select, update
from yarl import URL

from certs.evidence import UnusableAnswer
from certs.fenced_fetch import Resolver, connection, look_up, pinned
from certs.hosts import AllowedHosts, split_url
from signing.secret import Secret
from watching.logs import note
from workflow.store import Store
from workflow.tables import Event, WebhookMessage, WebhookRow
from workflow.webhooks import WAITS, Message, Webhooks, collect, has_news, stop

BATCH: Final = 100
AT_ONCE: Final = 8
SECONDS: Final = 15.0
"""So long an address may take to answer. Source: Standard Webhooks recommends 15 to 30 s."""
PUT_OFF: Final = timedelta(minutes=2)
KEPT: Final = timedelta(days=30)
"""So long it is told what became of a message."""
GONE: Final = 410

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Due:
    webhook: int
    seq: int
    tries: int
    url: str
    secret: Secret
    message: Message


@dataclass(frozen=True)
class Sender:
    """Tells the webhooks of an office. `source` says which office it is."""

    store: Store
    webhooks: Webhooks
    source: str
    clock: Callable[[], datetime]
    resolve: Resolver = field(default=look_up)

    def run(self) -> int:
        """Look for news, and send what is due; how many were taken."""
        now = self.clock()
        with self.store.read() as session:
            news = has_news(session)
        if news:
            with self.store.write() as session:
                collect(session, now=now)
        taken = 0
        while due := self._due():
            taken += sum(asyncio.run(self._sent(due)))
            if len(due) < BATCH:
                break
        return taken

    def forget(self) -> None:
        """Forget what became of messages long ago."""
        old = WebhookMessage.taken_at < self.clock() - KEPT
        given_up = WebhookMessage.next_at.is_(None) & WebhookMessage.taken_at.is_(None)
        seqs = select(Event.seq).where(Event.recorded_at < (self.clock() - KEPT).isoformat()[:19])
        with self.store.write() as session:
            session.execute(delete(WebhookMessage).where(old))
            session.execute(delete(WebhookMessage).where(given_up, WebhookMessage.event_seq.in_(seqs)))

    def _due(self) -> list[_Due]:
        """What is due, put off so that nobody else sends it meanwhile."""
        now = self.clock()
        with self.store.read() as session:
            if session.execute(_DUE, {"now": now, "most": 1}).first() is None:
                return []
        with self.store.write() as session:
            locked = _DUE.with_for_update(of=WebhookMessage, skip_locked=True)
            rows = session.execute(locked, {"now": now, "most": BATCH}).all()
            for row in rows:
                here = {"b_hook": row.webhook_id, "b_seq": row.event_seq}
                session.execute(_PUT, {**here, "b_next": now + PUT_OFF})
            return [self._made(*row) for row in rows]

    def _made(self, webhook: int, seq: int, tries: int, url: str, salt: bytes, record: str) -> _Due:  # noqa: PLR0917 (a row's columns)
        message = Message.of(seq, json.loads(record), source=self.source)
        return _Due(webhook, seq, tries, url, self.webhooks.secret(salt), message)

    async def _sent(self, due: Sequence[_Due]) -> list[bool]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(each: _Due) -> bool:
            async with places:
                status, code = await told(each, self.webhooks.hosts, at=self.clock(), resolve=self.resolve)
            return await asyncio.to_thread(self._record, each, status, code)

        return await asyncio.gather(*map(one, due))

    def _record(self, each: _Due, status: int | None, code: str) -> bool:
        """Keep what came of it; whether it was taken."""
        now, taken = self.clock(), not code
        wait = WAITS[each.tries] if each.tries < len(WAITS) else None
        with self.store.write() as session:
            if status == GONE:
                stop(session, each.webhook, at=now)
            ends = taken or status == GONE or wait is None
            values = {
                "b_hook": each.webhook,
                "b_seq": each.seq,
                "b_tries": each.tries + 1,
                "b_status": status,
                "b_code": code,
                "b_next": None if ends or wait is None else now + wait,
                "b_taken": now if taken else None,
            }
            session.execute(_RECORD, values)
        if not taken:
            note(
                log,
                logging.WARNING,
                "webhook_not_taken",
                webhook=each.webhook,
                tries=each.tries + 1,
                code=code,
            )
        return taken


async def told(each: _Due, hosts: AllowedHosts, *, at: datetime, resolve: Resolver) -> tuple[int | None, str]:
    """Send one; the answer's status, and why it does not count as taken ("" where it does)."""
    try:
        target = split_url(each.url)
        if (target.host, target.port) not in hosts.places:
            return None, "host-not-allowed"
        there = await asyncio.to_thread(pinned, target, hosts, resolve=resolve, seconds=SECONDS)
        headers = each.message.headers(each.secret, at=at)
        async with (
            asyncio.timeout(SECONDS),
            connection(there) as session,
            session.post(
                URL(there.url, encoded=True), data=each.message.body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return answer.status, "" if 200 <= answer.status < 300 else "not-taken"
    except UnusableAnswer:
        return None, "address-refused"
    except TimeoutError:
        return None, "too-slow"
    except (aiohttp.ClientError, OSError, ValueError):
        return None, "unreachable"


_DUE = (
    select(
        WebhookMessage.webhook_id,
        WebhookMessage.event_seq,
        WebhookMessage.tries,
        WebhookRow.url,
        WebhookRow.salt,
        Event.record,
    )
    .join(WebhookRow, WebhookRow.id == WebhookMessage.webhook_id)
    .join(Event, Event.seq == WebhookMessage.event_seq)
    .where(WebhookMessage.next_at <= bindparam("now"), WebhookRow.stopped_at.is_(None))
    .order_by(WebhookMessage.next_at, WebhookMessage.event_seq)
    .limit(bindparam("most"))
)
_messages = WebhookMessage.table()
_HERE = (_messages.c.webhook_id == bindparam("b_hook"), _messages.c.event_seq == bindparam("b_seq"))
_PUT = update(_messages).where(*_HERE).values(next_at=bindparam("b_next"))
_RECORD = (
    update(_messages)
    .where(*_HERE)
    .values(
        tries=bindparam("b_tries"),
        status=bindparam("b_status"),
        code=bindparam("b_code"),
        next_at=bindparam("b_next"),
        taken_at=bindparam("b_taken"),
    )
)
