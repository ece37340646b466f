"""Many signatures of one person's at once: `python -m benchmarks.many_at_once [COUNT]`.

1,000 approved declarations are signed with the signer's key at the development provider, which waits
before each answer (simulated latency), in one batch; a few of them one by one. Beside that as many are sealed
after one release. Timed is what the person waits for (`authorise`, or the release), and apart from it what
the worker then does: timestamps, validation data, checks, files.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.batch import Batch, Clock
from certs.csc_http import CscPace
from certs.serve_authority import AuthorityServer
from certs.serve_csc import CscServer
from cli.sample_provider import SampleProvider
from documents.intake import read_bytes
from documents.register import SAMPLE
from signing.profile import Level
from workflow.office import REGISTER_FILE, SIGNING, Office
from workflow.people import update_people

COUNT, ONE_BY_ONE = 1000, 10
LATENCIES_MS = (0, 100, 500)


@dataclass(frozen=True)
class Measured:
    """Seconds that the person waited, and that the worker then took, for so many documents."""

    name: str
    count: int
    person_s: float
    worker_s: float

    def line(self) -> str:
        """One line of the table."""
        person, worker = self.count / self.person_s, self.count / self.worker_s
        both = self.count / (self.person_s + self.worker_s)
        return f"{self.name:<34}{self.count:>6}{person:>14.1f}{worker:>14.1f}{both:>14.1f}"


def table(*, count: int = COUNT) -> str:
    """The measurements as text: documents a second."""
    head = f"{'documents a second':<34}{'n':>6}{'authorised':>14}{'finished':>14}{'together':>14}"
    lines = [head]
    for latency_ms in LATENCIES_MS:
        lines += [one.line() for one in _at_provider(count, latency_ms)]
    lines.append(_released(count).line())
    return "\n".join([*lines, "", "The provider is simulated: it waits so long before each answer."])


def _at_provider(count: int, latency_ms: int) -> Iterator[Measured]:
    with _office(CscPace(latency_s=latency_ms / 1000)) as (office, provider):
        batch = Batch(office, "A3")
        numbers = asyncio.run(_approved(batch, count + ONE_BY_ONE))
        single, many = numbers[:ONE_BY_ONE], numbers[ONE_BY_ONE:]
        each = [[number] for number in single]
        for name, groups in (("one by one", each), ("in one batch", [many])):
            person_s = asyncio.run(_authorised(office, provider, batch.signer.person_id, groups))
            worker_s = asyncio.run(_finished(batch))
            signed = sum(map(len, groups))
            yield Measured(f"A3, provider {latency_ms} ms, {name}", signed, person_s, worker_s)
        batch.require_delivered(len(numbers), Level.B_LTA)


async def _authorised(
    office: Office, provider: SampleProvider, who: str, groups: Sequence[Sequence[int]]
) -> float:
    async with office.authorising() as authorising:
        begun = perf_counter()
        for group in groups:
            outcomes = await authorising.authorise(who, group, provider.word_of(who), channel="program")
            assert not [one for one in outcomes if one.code], outcomes[0]
        return perf_counter() - begun


def _released(count: int) -> Measured:
    with _office(None) as (office, _):
        batch = Batch(office, "A4")
        numbers = asyncio.run(_approved(batch, count))
        begun = perf_counter()
        batch.release(numbers)
        released = perf_counter() - begun
        worker_s = asyncio.run(_finished(batch))
        batch.require_delivered(count, Level.B_LTA)
    return Measured("A4, sealed after one release", count, released, worker_s)


async def _approved(batch: Batch, count: int) -> list[int]:
    """Declarations that wait for their signer."""
    intake = read_bytes(batch.file(count), "employer_declaration", on=batch.today, register=batch.register)
    requests = batch.submit(intake.rows)
    batch.approve(requests)
    await _finished(batch)
    return [number for number, _ in requests]


async def _finished(batch: Batch) -> float:
    """Let the worker do all that is automatic; how long it took."""
    begun = perf_counter()
    async with batch.office.steps() as steps:
        await batch._work(steps, Clock())  # noqa: SLF001 (the same work, timed otherwise)
    return perf_counter() - begun


@contextmanager
def _office(pace: CscPace | None) -> Iterator[tuple[Office, SampleProvider]]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)
        shutil.copyfile(SAMPLE, folder / REGISTER_FILE)
        office = opened.enter_context(closing(Office.open(folder, environ={})))
        assert office.register is not None
        with office.store.write() as session:
            update_people(session, office.register, now=office.clock())
        provider = SampleProvider(folder, office.authority, office.register)
        opened.enter_context(AuthorityServer(office.authority.folder))
        if pace is not None:
            opened.enter_context(CscServer(office.authority.folder, pace=pace))
            environ = {**os.environ, SIGNING: str(provider.settings)}
            office = opened.enter_context(closing(Office.open(folder, environ=environ)))
        yield office, provider


if __name__ == "__main__":
    print(table(count=int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
