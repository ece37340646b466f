"""How often a provider may be asked, counted by all workers together: one row a provider, `rate_limits`.

The row holds when permits were given within the period, and who waits. It is changed under its lock, in a
short transaction of its own: on PostgreSQL a row lock, on SQLite the write lock.

- **Never more.** In no window as long as the period are more permits given than the limit. A leaky bucket
  (GCRA) with one stamp would let nearly twice the limit through: a full burst, and what flows in behind it;
  so every permit of the period has its stamp.
- **In turn.** Who has to wait gets a place, with the time at which it will be free. A newcomer is let in
  before them only where there is room for all. A place that nobody comes back for lapses after a period.
- **All or nothing.** A signature that takes two timestamps asks for two: with one each, many would wait for
  each other's second.
- **A clock that goes back** delays, by a period at most: stamps of the future count as of now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from signing.authorities import Limit
from workflow.errors import SettingRefused
from workflow.store import Moment, Store
from workflow.tables import RateLimit

WAITING_MOST = 1000
"""Whoever comes when so many wait is told when the last one's turn is, and keeps no place."""


@dataclass
class _Row:
    """What is kept of a provider, in microseconds since 1970.

    `given` are the permits of the period; `places` those who wait, in their order: (when it is free, whose).
    A turn that needs several permits has as many places.
    """

    given: list[int] = field(default_factory=list)
    places: list[tuple[int, str]] = field(default_factory=list)

    def take(self, limit: Limit, *, now: int, turn: str, count: int) -> int:
        """Give `count` permits (0), or a place: the microseconds to wait."""
        per = _us(limit.per)
        self._forget(limit.count, per, now)
        mine = [index for index, (_, whose) in enumerate(self.places) if whose == turn]
        cut = mine[0] if mine else len(self.places)
        before = self.places[:cut]
        behind = [place for place in self.places[cut:] if place[1] != turn]
        if len(self.given) + len(before) + count <= limit.count:
            self.places = before + behind
            self.given += [now] * count
            return 0
        ahead = sorted([*self.given, *(at for at, _ in before)])
        # when this one is a period old, there is room for `count` beside those that came after it
        free_at = ahead[len(ahead) + count - 1 - limit.count] + per
        if mine or len(self.places) + count <= WAITING_MOST:
            self.places = [*before, *[(free_at, turn)] * count, *behind]
        return free_at - now

    def _forget(self, count: int, per: int, now: int) -> None:
        """Drop what is older than a period; what a clock has set too far ahead counts as of now."""
        self.given = [stamp for stamp in (min(stamp, now) for stamp in self.given) if stamp > now - per]
        latest = ((min(at, now + per * (n // count + 1)), who) for n, (at, who) in enumerate(self.places))
        self.places = [(at, who) for at, who in latest if at > now - per]


class RateLimits:
    """Gives permits to ask providers. Providers without a limit are asked as often as anybody likes.

    `moment` is the time that all workers share: the database's, where they run on many hosts. `slack` is
    added to every period: a permit may be used that much later than it was given.
    """

    def __init__(
        self, store: Store, limits: Mapping[str, Limit], *, moment: Moment, slack: timedelta = timedelta(0)
    ) -> None:
        self._store = store
        self._limits = {name: Limit(each.count, each.per + slack) for name, each in limits.items()}
        self._moment = moment

    def __contains__(self, provider: object) -> bool:
        return provider in self._limits

    def take(self, provider: str, *, turn: str, count: int = 1) -> float:
        """Take `count` permits at once: 0.0 when they are given, else the seconds after which to come back.

        `turn` says who asks: it keeps their place until they come back. Raises SettingRefused when the limit
        is below `count`, StoreUnavailable.
        """
        limit = self._limits.get(provider)
        if limit is None:
            return 0.0
        if count > limit.count:
            raise SettingRefused(
                f"{provider} may be asked {limit.count} times in a period, and {count} are needed at once.",
                hint=f"Write a limit of at least {count} in signing.toml.",
            )
        self._store.have_row(RateLimit.table(), {"provider": provider, "given": [], "places": []})
        with self._store.write() as session:
            connection, table = session.connection(), RateLimit.table()
            here = table.c.provider == provider
            kept = connection.execute(
                select(table.c.given, table.c.places).where(here).with_for_update()
            ).one()
            now = _microseconds(self._moment(session))  # after the lock: the wait for it is over
            row = _Row(list(kept.given), [(at, whose) for at, whose in kept.places])
            wait_us = row.take(limit, now=now, turn=turn, count=count)
            connection.execute(
                update(table).where(here).values(given=row.given, places=[list(each) for each in row.places])
            )
        return wait_us / 1e6


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
