"""A renewed file everywhere else: killed on the way, on the command line, in evidence, destroyed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.command_line import Terminal, keys_of, section_of
from tests.databases import Database, intruder, only_sqlite
from tests.evidence_forger import Forger, members_of, packed
from tests.renewal_office import DAY, Archive
from tests.steps_office import ROOT
from throughput.spans import Case, cases_of
from workflow.evidence_check import Fault, check_package
from workflow.faults import RENEWAL
from workflow.logcheck import verify
from workflow.references import referred_to
from workflow.renewals import RENEWED
from workflow.tables import Event, RenewalRow

pytestmark = pytest.mark.slow
ON_THE_WAY = ("renew.begun", "renew.stamped", "renew.stored", "renew.written", "renew.recorded")


@pytest.fixture
def archive(tmp_path: Path, database: Database) -> Iterator[Archive]:
    """An office whose authority has a certificate that is good for years since today."""
    made = Archive.make(tmp_path, database.environ)
    made.new_stamper(days=3000)
    yield made
    made.sample.office.close()


def test_killed_at_any_point_it_is_renewed_once(archive: Archive) -> None:
    assert set(ON_THE_WAY) == RENEWAL
    before = archive.document.current_sha256
    office = archive.office
    url = office.store.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.renewal_runner", str(office.folder), url, *ON_THE_WAY]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with archive.answering():
        done = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE
        )
        again = archive.renewals.run()
    assert list(map(int, done.stdout.split())) == [signal.SIGKILL] * len(ON_THE_WAY), (
        "a point was not reached"
    )
    assert (again.renewed, again.left) == ([], 0)  # the last one was killed behind its commit
    (renewal,) = archive.sample.rows(RenewalRow)
    assert (renewal.source_sha256, renewal.sha256) == (before, archive.document.current_sha256)
    assert len(archive.sample.records(archive.request_id, RENEWED)) == 1
    assert archive.pdf.startswith(office.blobs.get(before))
    with office.store.read() as session:
        assert verify(session).ok


def test_the_worker_renews_beside_its_steps(archive: Archive) -> None:
    with archive.answering():
        asyncio.run(archive.sample.work())
    assert len(archive.sample.rows(RenewalRow)) == 1


def test_every_file_that_it_was_is_destroyed_with_the_request(archive: Archive) -> None:
    with archive.answering():
        archive.renewals.run()
        first = archive.document.current_sha256
        archive.new_stamper(days=3100)
    with archive.answering():
        archive.renewals.run(within=3050 * DAY)
    files = {row.sha256 for row in archive.sample.rows(RenewalRow)}
    files |= {row.source_sha256 for row in archive.sample.rows(RenewalRow)}
    assert (len(files), first in files) == (3, True)
    with archive.office.store.read() as session:
        assert files <= referred_to(session)
    archive.later(days=400)
    archive.office.retention.run(clock_is_right=True)
    assert sorted(archive.office.blobs.missing(list(files))) == sorted(files)
    (told,) = archive.sample.records(archive.request_id, "request_destroyed")
    assert files <= set(told["documents"][0]["sha256"])
    with archive.office.store.read() as session:
        assert verify(session).ok
    assert archive.renewals.overview(within=36_000 * DAY).due == []


@pytest.fixture
def terminal(archive: Archive, database: Database, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in database.environ.items():
            environment.setenv(name, value)
        yield Terminal(archive.office.folder, capsys)


def test_the_command_lists_renews_and_tells_why_not(
    archive: Archive, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = terminal.office("renew", "--json")
    assert listed.status == 0
    (due,) = listed.json["due"]
    assert (due["request_id"], due["document"]) == (archive.request_id, "declaration")
    assert f"{archive.ends:%Y-%m-%d %H:%M}" in terminal.office("renew").out
    assert terminal.office("renew", "--within", "3").out.splitlines()[1] == "  nothing"
    assert terminal.office("renew", "--within", "x").status == 2
    monkeypatch.setattr("certs.serve_authority.AuthorityServer", nullcontext)
    away = terminal.office("renew", "--run", "--json")
    assert (away.status, away.json["run"]["left"]) == (1, 1)
    assert away.json["run"]["waits"]["code"] == "signing-timestamp"
    assert "1 file left, as no authority answers" in terminal.office("renew", "--run").out
    with archive.answering():
        done = terminal.office("renew", "--run", "--json")
        again = terminal.office("renew", "--run", "--within", "36000", "--json")
    assert (done.status, len(done.json["run"]["renewed"])) == (0, 1)
    assert (again.status, again.json["run"]["troubles"][0]["code"]) == (1, "signing-renewal-pointless")
    listed_keys = set(keys_of([listed.json, away.json, done.json, again.json]))
    assert not [key for key in listed_keys if f"`{key}`" not in section_of("renew")]
    assert "Their proof holds longer: 1 file." in terminal.office("renew").out


@only_sqlite
def test_evidence_holds_the_renewed_file_and_checks_what_it_was(archive: Archive, terminal: Terminal) -> None:
    delivered = archive.document.current_sha256
    with archive.answering():
        archive.renewals.run()
        file = archive.office.folder / "evidence.zip"
        assert terminal.office("evidence", archive.request_id, "-o", file, "--anchor").status == 0
    trust = archive.office.authority.trust
    package = file.read_bytes()
    report = check_package(BytesIO(package), trust, now=datetime.now(UTC))
    assert report.ok, report.findings
    assert [one.sha256_hex for one in report.documents] == [archive.document.current_sha256]
    assert archive.document.current_sha256 != delivered
    forger = Forger(members_of(package), archive.office.authority)
    told = forger.records
    for changed in (
        [one for one in told if one["type"] != RENEWED],
        [one | {"renewed": "0" * 64} if one["type"] == RENEWED else one for one in told],
    ):
        forged = forger.with_records(changed, chained=True).summed().sealed()
        found = check_package(BytesIO(packed(forged.members)), trust, now=datetime.now(UTC))
        assert Fault.DIGEST in {one.fault for one in found.findings}


@only_sqlite
def test_the_figures_are_the_same_after_it(archive: Archive) -> None:
    def measured() -> list[Case]:
        with archive.office.store.read() as session:
            return cases_of(json.loads(record) for record in session.scalars(select(Event.record)))

    (before,) = measured()
    with archive.answering():
        archive.renewals.run()
    (after,) = measured()
    assert after.channels - {"system"} == before.channels
    assert replace(after, channels=before.channels) == before


def test_a_renewal_that_the_log_tells_otherwise_is_found(archive: Archive) -> None:
    with archive.answering():
        archive.renewals.run()
    store = archive.office.store
    with intruder(store, guarded=False) as database:
        database.execute("DELETE FROM renewals")
    with store.read() as session:
        assert {one.message for one in verify(session).findings} == {"The row of this renewal is gone."}
