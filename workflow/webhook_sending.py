"""Send what webhooks are to be told: each message until it was taken, more and more rarely, for three days.

It may come twice (see `outbox`), with the same id: whoever takes it goes by that.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import aiohttp
from sqlalchemy import delete, select, tuple_
from yarl import URL

from certs.evidence import UnusableAnswer
from certs.fenced_fetch import Resolver, connection, look_up, pinned
from certs.hosts import AllowedHosts, split_url
from signing.secret import Secret
from watching.logs import note
from workflow.store import Store
from workflow.tables import Event, WebhookMessage, WebhookRow
from workflow.webhooks import OUTBOX, Message, Webhooks, collect, has_news, stop

BATCH: Final = 100
AT_ONCE: Final = 8
SECONDS: Final = 15.0
"""So long an address may take to answer. Source: Standard Webhooks recommends 15 to 30 s."""
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
        seqs = select(Event.seq).where(Event.recorded_at < (self.clock() - KEPT).isoformat()[:19])
        with self.store.write() as session:
            session.execute(delete(WebhookMessage).where(old))
            session.execute(
                delete(WebhookMessage).where(OUTBOX.given_up(), WebhookMessage.event_seq.in_(seqs))
            )

    def _due(self) -> list[_Due]:
        """What is due, put off so that nobody else sends it meanwhile."""
        going = WebhookMessage.webhook_id.in_(select(WebhookRow.id).where(WebhookRow.stopped_at.is_(None)))
        keys = OUTBOX.due(self.store, going, now=self.clock(), most=BATCH)
        query = _SENT.where(tuple_(WebhookMessage.webhook_id, WebhookMessage.event_seq).in_(keys))
        with self.store.read() as session:
            return [self._made(*row) for row in session.execute(query)] if keys else []

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
        now = self.clock()
        with self.store.write() as session:
            gone = status == GONE
            if gone:
                stop(session, each.webhook, at=now)
            row = OUTBOX.record(session, (each.webhook, each.seq), code, now=now, ends=gone)
            if row is not None:  # the webhook may have been removed meanwhile
                row.status = status
        if code:
            note(
                log,
                logging.WARNING,
                "webhook_not_taken",
                webhook=each.webhook,
                tries=each.tries + 1,
                code=code,
            )
        return not code


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


_SENT = (
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
    .order_by(WebhookMessage.event_seq)
)
