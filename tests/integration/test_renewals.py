"""Archive timestamps are renewed in time, and the office's log, rows and files tell of it alike."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from cli.main import main
from documents.blobs import Blobs
from documents.errors import BlobError
from signing.chains import PinnedChains
from signing.errors import ArchiveMissingError, TimestampError, TimestampRestError
from signing.pades import Renewed, SigningDesk
from signing.renewal import newest_archive
from signing.verify import strength
from signing.verify.report import Indication, Report
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import verify_pdf
from tests.databases import Database, intruder, only_sqlite
from tests.renewal_office import DAY, Archive
from workflow import checkup
from workflow.logcheck import verify
from workflow.renewals import RENEWED
from workflow.tables import RenewalRow

pytestmark = pytest.mark.slow


@pytest.fixture
def archive(tmp_path: Path, database: Database) -> Iterator[Archive]:
    made = Archive.make(tmp_path, database.environ)
    yield made
    made.sample.office.close()


def judged(archive: Archive, pdf: bytes, *, at: datetime | None = None) -> Report:
    return verify_pdf(pdf, trust=archive.office.authority.trust, now=at or archive.clock())


def require_whole(archive: Archive) -> None:
    """The log is whole, and the rows are what it says."""
    with archive.office.store.read() as session:
        report = verify(session)
    assert report.ok, report


def when_rested(run: Callable[[], None]) -> None:
    """Run it once the authority, which has failed, is asked again: as the queue does."""
    while True:
        try:
            return run()
        except TimestampRestError as rest:
            time.sleep(rest.after_s)


def test_a_file_is_renewed_twice_and_proves_what_it_proved(archive: Archive) -> None:
    first, delivered = archive.pdf, archive.document.current_sha256
    due = archive.renewals.overview(within=90 * DAY)
    assert [(file.request_id, file.sha256, file.holds_until) for file in due.due] == [
        (archive.request_id, delivered, archive.ends)
    ]
    assert archive.renewals.overview(within=DAY).due == []
    seen = [first]
    for days in (60, 3000):
        archive.later(days=20)
        ends = archive.new_stamper(days=days)
        with archive.answering():
            done = archive.renewals.run()
        assert (len(done.renewed), done.troubles, done.left, done.waits) == (1, [], 0, None)
        assert done.renewed[0].holds_until == ends
        assert archive.pdf.startswith(seen[-1])
        assert len(archive.pdf) > len(seen[-1])
        seen.append(archive.pdf)
        require_whole(archive)
    with archive.answering():
        assert archive.renewals.run().renewed == []
    told = archive.sample.records(archive.request_id, RENEWED)
    assert [(one["renewed"], one["sha256"]) for one in told] == [
        (before.source_sha256, before.sha256) for before in archive.sample.rows(RenewalRow)
    ]
    assert told[0]["renewed"] == delivered
    assert told[1]["sha256"] == archive.document.current_sha256
    assert [judged(archive, pdf).indication for pdf in seen[1:]] == [Indication.PASSED] * 2
    assert b"".join(seen[-1:]).count(b"/ETSI.CAdES.detached") == first.count(b"/ETSI.CAdES.detached")
    # the years after: what was not renewed in time proves nothing any more
    later = archive.clock() + 300 * DAY
    assert [judged(archive, pdf, at=later).passed for pdf in seen] == [False, False, True]
    report = judged(archive, seen[-1], at=later)
    assert {each.level for each in report.signatures if each.level} == {"B-LTA"}


def test_a_note_that_the_file_does_not_bear_out_is_found_by_a_deep_check(archive: Archive) -> None:
    """No event tells of it before the first renewal; put off far enough, there would never be one."""
    archive.renewals.overview()
    told = [one.state for one in checkup.deep(archive.office) if one.area == "archives"]
    assert told == ["ok"]
    with intruder(archive.office.store, guarded=True) as other:
        other.execute("UPDATE archives SET holds_until = '2099-01-01 00:00:00.000000'")
    [found] = [one for one in checkup.deep(archive.office) if one.area == "archives"]
    assert found.state == "wrong"
    assert f"declaration of request {archive.request_id} holds is noted otherwise" in found.message


def test_an_authority_that_is_away_changes_nothing_and_is_asked_again(archive: Archive) -> None:
    archive.later(days=20)
    archive.new_stamper(days=3000)
    before = archive.document.current_sha256
    done = archive.renewals.run()
    assert (done.renewed, done.left) == ([], 1)
    assert isinstance(done.waits, TimestampError)
    with pytest.raises(TimestampError):
        archive.renewals.run_when_due()
    assert archive.document.current_sha256 == before
    assert archive.sample.rows(RenewalRow) == []
    with archive.answering():
        when_rested(archive.renewals.run_when_due)
    assert archive.document.current_sha256 != before
    require_whole(archive)


@dataclass(frozen=True)
class Away:
    """A storage that refuses some kinds of request, of every file or of one, and what it was asked for."""

    store: Blobs
    refused: tuple[str, ...]
    digest: str | None = None
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if name in ("get", "require_writable", "put_many"):
            self.asked.append(name)
        do = getattr(self.store, name)
        return partial(self._refuse, do) if name in self.refused else do

    def _refuse(self, do: Callable[..., Any], *args: object) -> Any:
        if self.digest is not None and self.digest not in args:
            return do(*args)
        raise BlobError("The storage is away.")


@only_sqlite
@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        (("get", "require_writable"), ["get", "require_writable"]),
        (("require_writable",), ["get", "require_writable", "require_writable"]),
        (("put_many",), ["get", "require_writable", "put_many"]),
    ],
)
def test_a_storage_that_is_away_stops_all_and_costs_one_timestamp_at_most(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, refused: tuple[str, ...], asked: list[str]
) -> None:
    archive.later(days=20)
    archive.new_stamper(days=3000)
    [file] = archive.renewals.overview().due
    monkeypatch.setattr("workflow.renewals._due", lambda *_, **__: [file] * 3)
    away = Away(archive.office.blobs, refused)
    stamped: list[str] = []
    renew = SigningDesk.renew

    async def counted(desk: SigningDesk, pdf: bytes, **more: Any) -> Renewed:
        stamped.append(file.sha256)
        return await renew(desk, pdf, **more)

    monkeypatch.setattr(SigningDesk, "renew", counted)
    with archive.answering():
        done = replace(archive.office, blobs=away).renewals.run()  # type: ignore[arg-type]
    assert (away.asked, len(stamped)) == (asked, "put_many" in asked)
    assert ([trouble.code for trouble in done.troubles], done.renewed) == ([BlobError.code], [])


@only_sqlite
def test_one_file_that_cannot_be_read_stops_no_other(archive: Archive) -> None:
    """A bad sector, say, or rights that a restore left: it stays first in the order, hour after hour."""
    second = archive.deliver_another()
    archive.later(days=20)
    archive.new_stamper(days=3000)
    away = Away(archive.office.blobs, ("get",), archive.document.current_sha256)
    half = replace(archive.office, blobs=away).renewals  # type: ignore[arg-type]
    with archive.answering():
        done = half.run()
    assert [trouble.code for trouble in done.troubles] == [BlobError.code]
    assert [file.request_id for file in done.renewed] == [second]


@only_sqlite
def test_proof_that_would_end_no_later_is_not_had(archive: Archive) -> None:
    archive.later(days=20)
    with archive.answering():
        done = archive.renewals.run()
    assert [trouble.code for trouble in done.troubles] == ["signing-renewal-pointless"]
    assert done.renewed == []
    assert archive.sample.rows(RenewalRow) == []


@only_sqlite
def test_the_command_serves_the_development_authority_itself(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody else has it answer here: it does, and can't prove more than it did."""
    assert main(["renew", "--within", "36000", "--run", "--data", str(archive.office.folder)]) == 1
    assert "that would hold beyond" in capsys.readouterr().out


@only_sqlite
def test_what_does_not_pass_is_not_renewed(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, and after: what a bug, or an authority that nobody here expected, would look like."""
    archive.later(days=20)
    archive.new_stamper(days=3000)
    before = archive.document.current_sha256
    said: list[bool] = []

    def doubtful(pdf: bytes, **rest: object) -> Report:
        report = verify_pdf(pdf, **rest)  # type: ignore[arg-type]
        refuse = said.pop(0)
        return report if not refuse else type(report)(**{**vars(report), "indication": Indication.FAILED})

    monkeypatch.setattr("signing.verify.verdict.verify_pdf", doubtful)
    with archive.answering():
        for answers in ([True], [False, True]):
            said[:] = answers
            done = archive.renewals.run()
            assert [trouble.code for trouble in done.troubles] == ["workflow-renewal-refused"]
            assert said == []
    assert archive.document.current_sha256 == before
    require_whole(archive)


def test_two_that_renew_the_same_file_record_it_once(archive: Archive) -> None:
    archive.later(days=20)
    archive.new_stamper(days=3000)
    renewals = archive.renewals
    (file,) = renewals.overview().due

    async def both() -> list[object]:
        trust = Trust(TrustMaterial.of(archive.office.authority.trust))
        async with archive.office.desk() as desk:
            return await asyncio.gather(*(renewals._renew(desk, trust, file) for _ in range(2)))

    with archive.answering():
        done = asyncio.run(both())
    assert len([each for each in done if each is not None]) == 1
    assert len(archive.sample.rows(RenewalRow)) == 1
    require_whole(archive)
    row = archive.sample.rows(RenewalRow)[0]
    with pytest.raises(IntegrityError), archive.office.store.write() as session:
        session.add(
            RenewalRow(
                document_id=row.document_id,
                source_sha256=row.source_sha256,
                sha256="f" * 64,
                stamped_at=row.stamped_at,
                holds_until=row.holds_until,
                event_seq=row.event_seq,
            )
        )


def test_of_files_without_an_archive_timestamp_the_list_says_why(tmp_path: Path) -> None:
    archive = Archive.make(tmp_path, variant="A1")
    try:
        overview = archive.renewals.overview(within=36_000 * DAY)
        assert (overview.due, overview.later, overview.not_archived) == ([], 0, {"B-LT": 1})
        pdf = archive.pdf
        with pytest.raises(ArchiveMissingError):
            newest_archive(pdf, PinnedChains(archive.office.authority.trust))
    finally:
        archive.sample.office.close()


@only_sqlite
def test_while_somebody_may_still_sign_a_file_nobody_renews_it(archive: Archive) -> None:
    with archive.answering():
        number = archive.sample.submit("A3", temporary=True)
        asyncio.run(archive.sample.run_until("countersign", number))
    assert archive.sample.documents(number)[-1].level_reached == "B-LTA"
    due = archive.renewals.overview(within=36_000 * DAY).due
    assert [file.request_id for file in due] == [archive.request_id]


@only_sqlite
def test_an_algorithm_that_ends_earlier_than_the_certificate_counts(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sunset = archive.ends - 10 * DAY
    monkeypatch.setattr(strength, "DIGEST_ENDS", {**strength.DIGEST_ENDS, "sha256": sunset})
    assert [file.holds_until for file in archive.renewals.overview().due] == [sunset]


@only_sqlite
def test_the_check_tells_of_what_should_have_been_renewed(archive: Archive) -> None:
    def said() -> list[str]:
        return [one.state for one in checkup.quick(archive.office) if one.area == "archives"]

    assert said() == ["ok"]  # nobody has looked into the file yet
    archive.renewals.overview()
    assert said() == ["warning"]
    archive.later(days=40)
    assert said() == ["wrong"]
    archive.later(days=-20)
    archive.new_stamper(days=3000)
    with archive.answering():
        archive.renewals.run()
    assert said() == ["ok"]


@only_sqlite
def test_too_late_is_too_late(archive: Archive) -> None:
    """Also for who makes a new timestamp all the same: it proves nothing of what had ended before."""
    archive.later(days=40)
    archive.new_stamper(days=3000)

    async def renewed() -> bytes:
        async with archive.office.desk() as desk:
            profile = archive.office.profiles["organisation-seal"]
            return (await desk.renew(archive.pdf, profile=profile)).pdf

    with archive.answering():
        done = archive.renewals.run()
        late = asyncio.run(renewed())
    assert [trouble.code for trouble in done.troubles] == ["workflow-renewal-refused"]
    report = judged(archive, late)
    assert report.indication is Indication.INDETERMINATE
    assert "timestamp_invalid" in {finding.code for finding in report.signatures[0].findings}
