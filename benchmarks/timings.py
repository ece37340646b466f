"""What keeping times costs, and what reports and exports take: `python -m benchmarks.timings [COUNT…]`.

Both databases, each of several sizes; requests went the whole way (benchmarks.timed_log). At a million the
log is not read: there are ten times the rows of a hundred thousand, of sums by day as many, which is how many
there are however often something happened; and no exports. Each report, page and export is made by a process
of its own, whose peak memory is told.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from threading import Event
from time import perf_counter
from typing import Any

from sqlalchemy import create_engine, insert, select

from benchmarks.filling import fill as fill_desks
from benchmarks.queue_at_a_million import Desk
from benchmarks.timed_log import fill
from tests.postgresql import TEMPLATE, Server, url_of
from throughput.compare import Comparison
from throughput.compare_data import as_json
from throughput.grouped import WAYS
from throughput.kept import Keeper
from throughput.scope import Scope
from throughput.told import told
from workflow.store import FILE, VARIABLE, Store
from workflow.tables import TimingCase, TimingTask

SIZES = (10_000, 100_000)
READ_UP_TO = 100_000
"""Of more requests than these the log is not written and read: that takes an hour."""
TURNS, EACH = 8, 150
EXPORTS = (
    *(("xes", "log.xes"), ("ocel", "log.json"), ("ocel", "log.sqlite")),
    ("slices", "log.csv"),
)
PERIODS = {"six months": 180, "two years": 730}
SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")


@dataclass(frozen=True)
class Place:
    """A database: where a process of its own finds it."""

    folder: Path
    url: str

    def open(self) -> Store:
        """Open it; its tables are made where there are none."""
        return Store.open(self.folder, {VARIABLE: self.url} if self.url.startswith("postgresql") else {})


@dataclass(frozen=True)
class Taken:
    """What something took in a process of its own."""

    seconds: float
    peak_mb: float
    made: float = 0.0  # bytes


def alone(what: Callable[[], float]) -> Taken:
    """Do it in a process of its own; it gives how many bytes it made."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, what).result()


def _measured(what: Callable[[], float]) -> Taken:
    begun = perf_counter()
    made = what()
    took = perf_counter() - begun
    said = Path("/proc/self/status").read_text().split("VmHWM:")[1]  # getrusage counts the parent's, too
    return Taken(took, int(said.split()[0]) / 1024, made)


def nothing() -> float:
    """A process with everything loaded."""
    return 0.0


def report(place: Place, by: Any) -> float:
    """The comparison, as JSON has it."""
    with closing(place.open()) as store, store.read() as session:
        found = as_json(Comparison.of(session, now=datetime.now(UTC), by=by))
    return float(len(str(found)))


def figures(place: Place, days: int) -> float:
    """All that the page of figures tells, of requests of so many days."""
    now = datetime.now(UTC)
    with closing(place.open()) as store:
        return float(told(store, Scope(since=now - timedelta(days=days)), "variant", now).whole.came)


def export(place: Place, what: str, file: str) -> float:
    """A file for process mining, as `paraaf export` writes it."""
    from cli.main import main

    if place.url.startswith("postgresql"):
        os.environ[VARIABLE] = place.url
    output = place.folder / file
    with Path(os.devnull).open("w") as silent:
        sys.stdout = silent
        status = main(["export", what, "-o", str(output), "--force", "--data", str(place.folder)])
    assert status == 0
    size = output.stat().st_size
    output.unlink()
    return float(size)


def keep_up(place: Place, stop: Any) -> None:
    """Keep the timings up, once a second: sixty times as often as a worker does."""
    with closing(place.open()) as store:
        keeper = Keeper(store)
        while not stop.wait(1.0):
            keeper.catch_up()


def command_rates(place: Place) -> tuple[float, float]:
    """Commands a second, medians of turns: with nobody reading along, and with a process that does."""
    store = place.open()
    fill_desks([store], 1000, 600, now=datetime.now(UTC))
    desk = Desk(place.open(), 1000)
    Keeper(desk.store).catch_up()
    rates: dict[bool, list[float]] = {False: [], True: []}
    context = get_context("spawn")
    for turn in range(2 * TURNS):
        kept = turn % 2 == 1
        stop = context.Event()
        beside = context.Process(target=keep_up, args=(place, stop))
        if kept:
            beside.start()
            Event().wait(3.0)  # it loads
        begun = perf_counter()
        for _ in range(EACH):
            desk.give_back(desk.claim_next())
        rates[kept].append(2 * EACH / (perf_counter() - begun))
        if kept:
            stop.set()
            beside.join()
    desk.store.close()
    return median(rates[False]), median(rates[True])


def ten_times(url: str, count: int) -> None:
    """Ten times the rows that are kept: the same requests under other numbers, which no table knows."""
    engine = create_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        server = engine.dialect.name == "postgresql"
        if server:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for row in (TimingCase, TimingTask):
            table = row.table()
            for n in range(1, 10):
                moved: dict[str, Any] = {column.name: column for column in table.c}
                moved["request_id"] = table.c.request_id + n * count
                if "number" in moved:
                    moved["number"] = table.c.number + n * count * 100
                some = select(*moved.values()).where(table.c.request_id <= count)
                connection.execute(insert(table).from_select(list(moved), some))
        connection.exec_driver_sql("VACUUM (ANALYZE)" if server else "ANALYZE")
    engine.dispose()


def of_size(places: dict[str, Place], count: int) -> Iterator[str]:
    """The lines of one size: both databases."""
    begun = perf_counter()
    stores = [place.open() for place in places.values()]
    read = min(count, READ_UP_TO)
    events = fill(stores, read, now=datetime.now(UTC))
    took = perf_counter() - begun
    yield f"\n{count:,} requests; {events:,} events of {read:,} written in {took:.0f} s (both)"
    for name, place in places.items():
        begun = perf_counter()
        with closing(place.open()) as store:
            Keeper(store).catch_up()
        took = perf_counter() - begun
        yield f"{name:<12}{'times read of the log':<34}{took:>9.1f} s{events / took:>10,.0f} events/s"
        if count > read:
            ten_times(place.url, read)
        for by in WAYS:
            taken = alone(partial(report, place, by))
            yield f"{name:<12}{'report by ' + by:<34}{taken.seconds:>9.1f} s{taken.peak_mb:>10,.0f} MB peak"
        for said, days in PERIODS.items():
            taken = alone(partial(figures, place, days))
            label = f"page of figures, {said}"
            yield f"{name:<12}{label:<34}{taken.seconds:>9.1f} s{taken.peak_mb:>10,.0f} MB peak"
        if count == read:
            yield from _exported(name, place)


def _exported(name: str, place: Place) -> Iterator[str]:
    for what, file in EXPORTS:
        taken = alone(partial(export, place, what, file))
        mb = taken.made / 1e6
        rate = f"{mb / taken.seconds:>10.1f} MB/s{mb:>8.0f} MB"
        label = f"export {what} ({file})"
        yield f"{name:<12}{label:<34}{taken.seconds:>9.1f} s{taken.peak_mb:>10,.0f} MB peak{rate}"


@contextmanager
def databases(server: Server, folder: Path, name: str) -> Iterator[dict[str, Place]]:
    """An empty one of each kind, gone at the end."""
    here = folder / name
    here.mkdir()
    server.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url = url_of(server.port, name).render_as_string(hide_password=False)
    yield {"SQLite": Place(here, f"sqlite:///{here / FILE}"), "PostgreSQL": Place(here, url)}
    server.run(f"DROP DATABASE {name} WITH (FORCE)")
    shutil.rmtree(here)


def lines(sizes: Sequence[int]) -> Iterator[str]:
    """Every line of the table."""
    with tempfile.TemporaryDirectory(prefix="paraaf-timings-") as name, ExitStack() as opened:
        folder = Path(name)
        folder.chmod(0o755)  # the server is another user
        server = Server.make(folder, SETTINGS)
        opened.callback(server.remove)
        yield f"load of the machine at the beginning: {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores"
        yield f"a process that has loaded all and done nothing: {alone(nothing).peak_mb:,.0f} MB\n"
        with databases(server, folder, "rates") as places:
            for kind, place in places.items():
                without, beside = command_rates(place)
                told = f"{without:>7.0f} commands/s, times kept {beside:>7.0f}, ratio {beside / without:.2f}"
                yield f"{kind:<12}times not kept {told}"
        for size in sizes:
            with databases(server, folder, f"of_{size}") as places:
                yield from of_size(places, size)
        yield f"\nload of the machine at the end: {os.getloadavg()[0]:.1f}"


def table(sizes: Sequence[int] = SIZES) -> str:
    """The measurements as text."""
    told = []
    for line in lines(sizes):
        print(line, file=sys.stderr, flush=True)
        told.append(line)
    return "\n".join(["```", *told, "```"])


if __name__ == "__main__":
    print(table([int(one) for one in sys.argv[1:]] or SIZES))
