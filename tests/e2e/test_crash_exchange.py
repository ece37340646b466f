"""kill -9 of `paraaf exchange give`, `take` and `scan`: nothing is committed, or everything is, and once.

Kills fall at the named points of an exchange, and at random moments beside them. Each time the same command
is typed again, as a person would; at the end it says that all of it was done before. `make test` kills once
at each point and once at random, PARAAF_CAMPAIGN=10 ten times as often, and on PostgreSQL, too.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from cli.sample_exchange import AT_PORTAL, scanned_in, signed_at_portal
from signing.profile import Level
from tests.campaign import times
from tests.databases import KINDS, fresh
from tests.nursery import born_command
from tests.steps_office import CLERK, SIGNER, Sample
from workflow import outside_given, outside_signed
from workflow.faults import EXCHANGE, VARIABLE
from workflow.outside import By
from workflow.references import referred_to
from workflow.tables import ScanRow

pytestmark = pytest.mark.slow
SEED = 20261126
LONGEST_S = 0.8
COMES_BACK = tuple(sorted(EXCHANGE))
GOES_OUT = ("exchange.recorded",)
USUAL = ("sqlite",)


@pytest.fixture(scope="module", params=KINDS if times(1) > 1 else USUAL)
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        made = Sample.open(folder, database.environ)
        with AuthorityServer(made.office.authority.folder):
            yield made
        made.office.close()


@dataclass(frozen=True)
class Exchange:
    """A command about a request that is typed until it was not killed; what it leaves behind stays here."""

    sample: Sample
    number: int
    words: tuple[str, ...]
    event: str
    temporary: Path

    def run(self, *, point: str = "", after_s: float | None = None) -> int:
        """How it ended: 0, or -9 when it was killed."""
        url = self.sample.office.store.url.render_as_string(hide_password=False)
        environ = {"PARAAF_DATABASE": url, VARIABLE: point, "TMPDIR": str(self.temporary)}
        with born_command([*self.words, "--data", str(self.sample.office.folder)], environ) as process:
            if after_s is not None:
                time.sleep(after_s)
                process.kill()
            return process.wait()

    def told(self) -> int:
        return len(self.sample.records(self.number, self.event))

    def require_all_or_nothing(self) -> None:
        """Event and rows are there or none of them, and every file that a row names is stored, whole."""
        records, documents = self.sample.records(self.number, self.event), self.sample.documents(self.number)
        assert len(records) <= 1
        scans = self.sample.rows(ScanRow, ScanRow.document_id.in_([each.id for each in documents]))
        rows = {
            "document_exported": len(records),  # no row changes
            "document_imported": len(self.sample.signatures(self.number)),
            "document_scanned": len(scans),
        }[self.event]
        assert rows == len(records)
        signed = self.event == "document_imported" and records
        assert {each.level_reached is not None for each in documents} == {bool(signed)}
        with self.sample.office.store.read() as session:
            for digest in referred_to(session):
                assert sha256(self.sample.office.blobs.get(digest)).hexdigest() == digest
        for record in records:
            assert record["sha256"] in {
                *(each.current_sha256 for each in documents),
                *(each.sha256 for each in scans),
            }

    def require_nothing_left(self) -> None:
        """No file of anybody's where temporary files are: of a killed one neither."""
        assert not [path for path in self.temporary.rglob("*") if path.is_file()]


def given_out(sample: Sample, variant: str, state: str) -> tuple[int, bytes]:
    number = sample.submit(variant)
    asyncio.run(sample.run_until(state, number))
    return number, outside_given.give(sample.office, number, By(CLERK)).pdf


def give(sample: Sample, folder: Path, temporary: Path) -> Exchange:
    number = sample.submit("A2")
    asyncio.run(sample.run_until("export", number))
    words = ("exchange", "give", str(number), "-o", str(folder / f"{number}.pdf"), "--force", "--as", CLERK)
    return Exchange(sample, number, words, "document_exported", temporary)


def take(sample: Sample, folder: Path, temporary: Path) -> Exchange:
    number, pdf = given_out(sample, "A2", "export")
    people = outside_signed.who_signs(sample.office, number, By(SIGNER))
    profile = replace(sample.office.profiles[AT_PORTAL], level=Level.B_LT)
    signed = signed_at_portal(sample.office, pdf, people, profile=profile, at=datetime.now(UTC))
    (folder / f"{number}.pdf").write_bytes(asyncio.run(signed))
    words = ("exchange", "take", str(number), str(folder / f"{number}.pdf"), "--as", SIGNER)
    return Exchange(sample, number, words, "document_imported", temporary)


def scan(sample: Sample, folder: Path, temporary: Path) -> Exchange:
    number, pdf = given_out(sample, "A0", "printing")
    name = sample.register.person(SIGNER).name
    sample.do("signed", SIGNER, number, facts={"signed_by": name, "signed_on": sample.today.isoformat()})
    sample.do("stamped", CLERK, number)
    (folder / f"{number}.tiff").write_bytes(scanned_in(pdf))
    words = ("exchange", "scan", str(folder / f"{number}.tiff"), "--as", CLERK)
    return Exchange(sample, number, words, "document_scanned", temporary)


@pytest.mark.parametrize(("begin", "points"), [(give, GOES_OUT), (take, COMES_BACK), (scan, COMES_BACK)])
def test_killed_anywhere_it_is_done_once_or_not_at_all(
    sample: Sample,
    tmp_path: Path,
    begin: Callable[[Sample, Path, Path], Exchange],
    points: tuple[str, ...],
) -> None:
    chance = random.Random(SEED)  # noqa: S311 (repeatable moments, no secret)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    kills = [(point, None) for point in points for _ in range(times(1))]
    kills += [("", chance.uniform(0, LONGEST_S)) for _ in range(times(1))]
    one, killed = begin(sample, tmp_path, temporary), 0
    for point, after_s in kills:
        if one.told():  # the one before was killed behind its transaction, or not at all
            one = begin(sample, tmp_path, temporary)
        ended = one.run(point=point, after_s=after_s)
        assert ended == -signal.SIGKILL or not point, f"{point} was not reached"
        killed += ended == -signal.SIGKILL
        assert not point or one.told() == (point == "exchange.recorded")
        one.require_all_or_nothing()
        one.require_nothing_left()
    assert one.run() == 0
    version = sample.request(one.number).version
    assert one.run() == 0  # typed once more: done before
    one.require_all_or_nothing()
    one.require_nothing_left()
    assert (one.told(), sample.request(one.number).version) == (1, version)
    sample.require_sound([])
    print(f"{begin.__name__}: {killed} kills")
    assert killed >= len(points) * times(1)
