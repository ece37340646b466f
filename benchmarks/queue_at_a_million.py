"""A clerk's desk at 1,000 and at 1,000,000 requests: `python -m benchmarks.queue_at_a_million [COUNT]`.

Both databases, each of both sizes, filled by benchmarks.filling in the folder for temporary files (some 14
GB, gone at the end). Each thing is done in turn at both sizes, so that whatever else the machine does meets
both alike. Then 200 clerks work at once, in threads of this process.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from random import Random
from threading import Lock, Semaphore
from time import perf_counter, sleep, time_ns
from typing import Any

from benchmarks.filling import CLERKS, EMPLOYEES, MANAGERS, UNITS, fill
from documents.kinds import KINDS
from tests.postgresql import APPLICATION, TEMPLATE, Server, url_of
from workflow.callings import names_of
from workflow.commands import Answer, Command
from workflow.definition import load_folder
from workflow.engine import Engine
from workflow.listing import RequestFilter
from workflow.names import known_names
from workflow.queue_filter import QueueFilter
from workflow.queue_page import QueuePage
from workflow.store import Store

SMALL, SMALL_OPEN, SMALL_UNITS, SMALL_ASKERS = 1_000, 600, 1, 5
LARGE = 1_000_000
OPEN_SHARE = 50
"""Of a large office one in so many is open, and all its employees ask.

Of the small one more is open, and a few of one unit ask, each 200 times as in the large one: so everybody's
pages are full in both, and what is compared is the same number of rows.
"""
TIMES, WARM = 500, 100
"""Each thing is done so often, and before that so often unmeasured: as at noon, not as after a start."""
PAGE = 50
FILTERED = 25
"""So many are shown of what a filter finds: the small office has no 50 of each."""
AT_ONCE, ROUNDS, PAUSE_S = 200, 2, 20.0
SERVED = 40
"""So many are served at a time, as by the threads of `paraaf serve`; the others wait, and that counts."""
SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
GOAL = 1.5


@dataclass
class Desk:
    """One office of one size on one database, and who works there."""

    store: Store
    requests: int
    askers: Sequence[int] = range(EMPLOYEES)
    random: Random = field(default_factory=lambda: Random(6))  # noqa: S311 (the same each time)
    keys: Iterator[int] = field(default_factory=lambda: count(time_ns()))

    def __post_init__(self) -> None:
        self.engine = Engine(
            store=self.store,
            catalogue=load_folder(known_names()),
            kinds=KINDS,
            defer=lambda _session, _refs: None,
            clock=lambda: datetime.now(UTC),
            asks_proof=lambda _definition: False,
        )
        self.names = names_of(self.store, [f"E{number:04}" for number in self.askers])
        pages = self.engine.queue("C000", limit=PAGE)
        self.waiting = [item.request_id for item in pages.items]
        self.later = self._deep(pages.after)

    def _deep(self, after: str | None) -> str | None:
        """The place of a page far behind that is full: the hundredth, or the last such."""
        deep = after
        for _ in range(98):
            page = self.engine.queue("C000", QueueFilter(after=deep), limit=PAGE, counted=False)
            if page.after is None or self._is_last(page.after):
                break
            deep = page.after
        return deep

    def _is_last(self, after: str) -> bool:
        page = self.engine.queue("C000", QueueFilter(after=after), limit=PAGE, counted=False)
        return page.after is None

    def unit(self) -> str:
        return UNITS[self.random.choice(self.askers) % len(UNITS)]

    def asker(self) -> str:
        return f"E{self.random.choice(self.askers):04}"

    def clerk(self) -> str:
        return f"C{self.random.randrange(CLERKS):03}"

    def key(self) -> str:
        return f"bench-{next(self.keys)}"

    # --- what is measured

    def first_page(self) -> object:
        return self.engine.queue(self.clerk(), limit=PAGE)

    def uncounted(self) -> object:
        return self.engine.queue(self.clerk(), limit=PAGE, counted=False)

    def filtered(self, wanted: QueueFilter, *, of_unit: bool = False) -> object:
        if of_unit:
            wanted = replace(wanted, unit=self.unit())
        return self.engine.queue(self.clerk(), wanted, limit=FILTERED)

    def managers(self) -> object:
        manager = f"M-{self.unit()}-{self.random.randrange(MANAGERS)}"
        return self.engine.queue(manager, limit=PAGE)

    def later_page(self) -> object:
        return self.engine.queue(self.clerk(), QueueFilter(after=self.later), limit=PAGE)

    def search(self) -> object:
        number = self.random.choice(self.waiting)
        text = self.random.choice(
            [
                str(number),
                f"R2026-{number:07}",
                self.asker(),
                self.names[self.asker()],
            ]
        )
        return self.engine.queue(self.clerk(), QueueFilter(text=text), limit=PAGE)

    def claim_next(self) -> tuple[str, Answer | None]:
        who = self.clerk()
        return who, self.engine.take_next(who, key=self.key())

    def give_back(self, claimed: tuple[str, Answer | None]) -> None:
        """Not measured: the next is to find as many."""
        who, answer = claimed
        assert answer is not None
        self.engine.execute(Command("release", who, self.key(), answer.request_id))

    def show(self) -> object:
        return self.engine.show(self.random.choice(self.waiting), "C000")

    def list_requests(self) -> object:
        return self.engine.requests(self.clerk(), limit=PAGE)

    def own_requests(self) -> object:
        return self.engine.requests(self.asker(), limit=PAGE)

    def find_request(self, typed: Callable[["Desk"], str]) -> object:
        return self.engine.requests("auditor", RequestFilter(text=typed(self)), limit=PAGE)

    def number(self) -> int:
        return self.random.randrange(1, self.requests + 1)


FILTERS = {
    "one way of signing": QueueFilter(kind="employer-declaration", variant="A4"),
    "free, near due": QueueFilter(due="near", assignee="free"),
    "due in a day, latest first": QueueFilter(due_within=8, sort="-due"),
    "others', by age": QueueFilter(assignee="others", suspended=False, sort="age"),
}
UNIT_FILTERS = {
    "all": QueueFilter(),
    "A3, free, by number": QueueFilter(variant="A3", assignee="free", sort="-number"),
}
SOUGHT: dict[str, Callable[[Desk], str]] = {
    "number": lambda desk: str(desk.number()),
    "reference": lambda desk: f"R2026-{desk.number():07}",
    "requester": Desk.asker,
}
MEASURED: Sequence[tuple[str, Callable[[Desk], Any]]] = (
    ("queue, first page, with the number", Desk.first_page),
    ("queue, first page, not counted", Desk.uncounted),
    *((f"queue, {name}", partial(Desk.filtered, wanted=wanted)) for name, wanted in FILTERS.items()),
    *(
        (f"queue, {name} of a unit", partial(Desk.filtered, wanted=wanted, of_unit=True))
        for name, wanted in UNIT_FILTERS.items()
    ),
    ("queue of a manager of one unit", Desk.managers),
    ("queue, a later page", Desk.later_page),
    ("search in the queue", Desk.search),
    ("claim the next", Desk.claim_next),
    ("show a request", Desk.show),
    ("requests, first page", Desk.list_requests),
    ("requests of one's own", Desk.own_requests),
    *(
        (f"search among all by {name}", partial(Desk.find_request, typed=typed))
        for name, typed in SOUGHT.items()
    ),
)


@dataclass(frozen=True)
class Spread:
    """Milliseconds of one thing, done many times."""

    half: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Median, and the 95th percentile."""
        ordered = sorted(seconds)
        return cls(ordered[len(ordered) // 2] * 1e3, ordered[len(ordered) * 95 // 100] * 1e3)


def compared(name: str, what: Callable[[Desk], Any], desks: Sequence[Desk]) -> str:
    """A line of the table: one thing, done in turn at both sizes."""
    seconds: list[list[float]] = [[] for _ in desks]
    rows = [0 for _ in desks]
    for turn in range(WARM + TIMES):
        for place, (desk, times) in enumerate(zip(desks, seconds, strict=True)):
            begun = perf_counter()
            done = what(desk)
            if turn >= WARM:
                times.append(perf_counter() - begun)
                rows[place] += _rows(done)
            if what is Desk.claim_next:
                desk.give_back(done)
    small, large = (Spread.of(times) for times in seconds)
    ratio = large.most / small.most
    note = "" if ratio <= GOAL else "  over"
    figures = f"{small.half:>9.1f}{small.most:>9.1f}{large.half:>11.1f}{large.most:>9.1f}"
    found = "".join(f"{number / TIMES:>8.1f}" for number in rows)
    return f"{name:<38}{figures}{ratio:>8.2f}{note:<6}{found}"


def _rows(done: object) -> int:
    """How many lines there were to show."""
    if isinstance(done, QueuePage):
        return len(done.items)
    return len(done) if isinstance(done, list) else 1


class Crowd:
    """Clerks who work at once, with pauses of up to PAUSE_S; nobody may get what another holds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._held: set[int] = set()
        self._door = Semaphore(SERVED)
        self.seconds: dict[str, list[float]] = {}
        self.errors: list[str] = []
        self.nothing = 0

    def work(self) -> "Crowd":
        """Let them all work."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._clerk, range(AT_ONCE)))
        return self

    def _clerk(self, number: int) -> None:
        who, engine = f"C{number:03}", self._desk.engine
        for _ in range(ROUNDS):
            try:
                self._timed("look", partial(engine.queue, who, limit=PAGE))
                key = self._desk.key()
                answer = self._timed("claim the next", partial(engine.take_next, who, key=key))
                if answer is None:
                    self.nothing += 1
                    continue
                self._take(answer.request_id)
                self._timed("show", partial(engine.show, answer.request_id, who))
                with self._lock:
                    self._held.remove(answer.request_id)
                back = Command("release", who, f"{key}-back", answer.request_id)
                self._timed("release", partial(engine.execute, back))
            except Exception as error:  # noqa: BLE001 (every one is told)
                self.errors.append(repr(error))

    def _take(self, request: int) -> None:
        with self._lock:
            if request in self._held:
                raise AssertionError(f"two hold request {request}")
            self._held.add(request)

    def _timed(self, name: str, do: Callable[[], Any]) -> Any:
        sleep(self._desk.random.uniform(0, PAUSE_S))  # they read, and think
        begun = perf_counter()
        with self._door:
            got = do()
        with self._lock:
            self.seconds.setdefault(name, []).append(perf_counter() - begun)
        return got

    def lines(self) -> Iterator[str]:
        """What came of it."""
        for name, times in self.seconds.items():
            spread = Spread.of(times)
            yield f"  {name:<20}{len(times):>7} times{spread.half:>9.0f}{spread.most:>9.0f}"
        yield f"  nothing was free: {self.nothing} times"
        yield f"  errors: {len(self.errors)}{''.join(f' {one}' for one in sorted(set(self.errors))[:3])}"


@contextmanager
def filled(large: int) -> Iterator[tuple[dict[str, list[Desk]], list[str]]]:
    """Both databases in both sizes, and what filling them took."""
    with tempfile.TemporaryDirectory(prefix="paraaf-queue-") as name, ExitStack() as opened:
        folder = Path(name)
        folder.chmod(0o755)  # the server is another user
        server = Server.make(folder, SETTINGS)
        opened.callback(server.remove)
        desks: dict[str, list[Desk]] = {"SQLite": [], "PostgreSQL": []}
        told = []
        few = [number for number in range(EMPLOYEES) if number % len(UNITS) < SMALL_UNITS][:SMALL_ASKERS]
        sizes = ((SMALL, SMALL_OPEN, few), (large, large // OPEN_SHARE, range(EMPLOYEES)))
        for size, still_open, askers in sizes:
            database = f"of_{size}"
            server.run(f"CREATE DATABASE {database} TEMPLATE {TEMPLATE}")
            (folder / str(size)).mkdir()
            file = Store.open(folder / str(size), {})
            begun = perf_counter()
            stores = [file, Store(url_of(server.port, database))]
            events = fill(stores, size, still_open, now=datetime.now(UTC), askers=askers)
            took = perf_counter() - begun
            told.append(
                f"{size:,} requests, {still_open:,} open, {events:,} events: filled in {took:.0f} s (both)"
            )
            desks["SQLite"].append(Desk(file, size, askers))
            served = Store(url_of(server.port, database, APPLICATION))
            desks["PostgreSQL"].append(Desk(served, size, askers))
        yield desks, told
        for desk in (*desks["SQLite"], *desks["PostgreSQL"]):
            desk.store.close()


def measure(desks: dict[str, list[Desk]]) -> Iterator[str]:
    """Every line of the tables."""
    for database, both in desks.items():
        sizes = [f"{desk.requests:,}" for desk in both]
        yield f"\n{database}, ms at {sizes[0]} and at {sizes[1]} requests"
        yield f"{'':<38}{'p50':>9}{'p95':>9}{'p50':>11}{'p95':>9}{'ratio':>8}{'':<6}{'rows':>8}{'rows':>8}"
        for name, what in MEASURED:
            yield compared(name, what, both)
        for desk in both:
            yield f"\n{database}, {AT_ONCE} clerks at once at {desk.requests:,} requests, ms: p50, p95"
            yield from Crowd(desk).work().lines()


def table(large: int = LARGE) -> str:
    """The measurements as text, also told as they come."""
    lines = ["```"]
    with filled(large) as (desks, told):
        for line in chain(told, measure(desks)):
            print(line, file=sys.stderr, flush=True)
            lines.append(line)
    return "\n".join([*lines, "```"])


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else LARGE))
