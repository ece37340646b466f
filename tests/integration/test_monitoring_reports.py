"""Monthly reports that an office seals by itself: once each, at their level or not at all."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import delete, func, select, update

from certs.serve_authority import AuthorityServer
from cli.errors import CommandError
from cli.main import main
from cli.serve import work_for_parent
from signing.errors import ProfileError, RevocationUnavailableError
from tests.databases import Database, intruder
from tests.desk_office import browsing, served, signed_in, words_of
from tests.steps_office import CLERK, KeyedOffice, Sample, level_of
from tests.timed_office import Past
from throughput.monitor import Month
from throughput.monitor_kept import KeptMonths, keep_months, not_counted
from throughput.monitor_reports import (
    CRASHED,
    FIRST_WAIT,
    LONGEST_WAIT,
    due_from,
    list_due,
    make_reports,
    reports,
)
from throughput.monitor_settings import FILE, monitor_settings
from workflow.faults import VARIABLE
from workflow.key_limits import DailyLimit
from workflow.mail_choices import Choice, choose
from workflow.mail_settings import MailSettings
from workflow.staff import Reach
from workflow.store import VARIABLE as DATABASE
from workflow.tables import Grant, KeyDay, MailRow, MonitoringReport, Person

AUDITOR, OF_ADVICE, ADMINISTRATOR = "P192", "P101", "P056"
WANTED = '[reports]\nprofile = "organisation-seal"\nlanguages = ["nl"]\n'
ALL = Reach(everywhere=True, units=frozenset())
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """An office whose months are counted, with two units."""
    sample = Sample.open(tmp_path_factory.mktemp("reports"), {})
    _with_months(sample)
    with sample.office.store.write() as session:
        session.add(Grant(person_id=OF_ADVICE, role="auditor", unit="Advice"))
    yield sample
    sample.office.close()


@pytest.fixture
def office(sample: Sample) -> KeyedOffice:
    """The same, of which no report is there."""
    (sample.office.folder / FILE).write_text(WANTED, encoding="utf-8")
    with intruder(sample.office.store, guarded=False) as other:
        other.execute("DELETE FROM monitoring_reports")
    return sample.office


def _with_months(sample: Sample) -> None:
    past = Past(sample.office, "P022")
    past.happen(120, units=("Policy", "Advice"), days=120)
    past.write()
    keep_months(sample.office.store, monitor_settings(sample.office.folder), sample.office.clock())


def at(office: KeyedOffice, moment: datetime) -> KeyedOffice:
    """The office at another time."""
    return replace(office, clock=lambda: moment)


def let_come(office: KeyedOffice) -> None:
    """Have the time of the next tries come."""
    with office.store.write() as session:
        due = update(MonitoringReport).where(MonitoringReport.pdf.is_(None))
        session.execute(due.values(next_at=office.clock()))


def rows(office: KeyedOffice) -> list[MonitoringReport]:
    with office.store.read() as session:
        return list(session.query(MonitoringReport).order_by(MonitoringReport.id))


def test_each_is_made_once_at_its_level_and_hides_what_the_pages_hide(office: KeyedOffice) -> None:
    with AuthorityServer(office.authority.folder):
        made = make_reports(office)
    last = Month.of(office.clock().date()).before
    told = {(one.month, one.unit) for one in rows(office)}
    months = [str(last), str(last.before), str(last.before.before)]
    assert told == {(month, unit) for month in months for unit in ("", "Policy", "Advice")}
    assert made == len(told)
    for one in rows(office):
        assert one.pdf is not None
        assert one.sha256 == hashlib.sha256(one.pdf).hexdigest()
        assert one.level == str(level_of(one.pdf)) == str(office.profiles["organisation-seal"].level)
        assert (one.code, one.tries, one.language) == ("", 1, "nl")
    [whole] = [one for one in rows(office) if (one.month, one.unit) == (months[0], "")]
    with PdfDocument(whole.pdf) as pdf:
        text = pdf[0].get_textpage().get_text_range()
        pdf.init_forms()
        pdf[len(pdf) - 1].flatten()  # what stands in fields is text of the page then
        assert "Verzegeld op" in pdf[len(pdf) - 1].get_textpage().get_text_range()
    assert "Monitoring" in text
    assert "alle eenheden samen" in text
    assert str(whole.sealed_by) in text
    assert make_reports(office) == 0  # no authority is asked either


def test_it_is_due_from_the_first_working_day_on(office: KeyedOffice) -> None:
    assert str(due_from(Month(2026, 7), "office-nl")) == "2026-08-03"  # the first was a Saturday
    assert str(due_from(Month(2025, 12), "office-nl")) == "2026-01-02"  # after New Year's Day
    kept = KeptMonths.of(office.store, office.folder)
    wanted = kept.settings.reports
    assert wanted is not None
    [*_, last] = kept.tables
    day = datetime.combine(due_from(last, "office-nl"), datetime.min.time(), UTC)
    list_due(office.store, kept, wanted, day - timedelta(hours=3))
    assert str(last) not in {one.month for one in rows(office)}
    list_due(office.store, kept, wanted, day)
    assert str(last) in {one.month for one in rows(office)}
    before = len(rows(office))
    list_due(office.store, kept, replace(wanted, units=("Advice",), languages=("nl", "da")), day)
    more = [(one.unit, one.language) for one in rows(office)[before:] if one.month == str(last)]
    assert more == [("", "da"), ("Advice", "da")]


def test_without_an_authority_it_waits_is_shown_and_is_never_less(office: KeyedOffice) -> None:
    with pytest.raises(RevocationUnavailableError):
        make_reports(office)
    first, *others = rows(office)
    assert (first.pdf, first.tries, first.code) == (None, 1, RevocationUnavailableError.code)
    assert {(one.tries, one.code) for one in others} == {(0, "")}  # not one by one, while it is away
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, AUDITOR)
        assert "Sealed reports – not made yet: 1" in words_of(client.get("/office"))
        listed = client.get("/figures/monitoring").text
        assert "Not made yet; tries: 1." in listed
        assert client.get(f"/figures/monitoring/reports/{first.id}.pdf").status_code == 404
    with AuthorityServer(office.authority.folder):
        make_reports(office)
        assert [one.id for one in rows(office) if one.pdf is None] == [first.id]  # it waits for its time
        assert first.next_at - office.clock() <= FIRST_WAIT
        let_come(office)
        make_reports(office)
    assert {one.code for one in rows(office)} == {""}
    assert {one.level for one in rows(office)} == {str(office.profiles["organisation-seal"].level)}


def test_its_waits_grow(office: KeyedOffice) -> None:
    waits = []
    (office.folder / FILE).write_text(f'{WANTED}units = ["None such"]\n', encoding="utf-8")
    moment = office.clock()
    for _ in range(8):
        with pytest.raises(RevocationUnavailableError):
            make_reports(at(office, moment))
        row = max(rows(office), key=lambda one: one.tries)
        waits.append(row.next_at - moment)
        with office.store.write() as session:  # one alone
            session.execute(delete(MonitoringReport).where(MonitoringReport.id != row.id))
            session.execute(delete(MonitoringReport).where(MonitoringReport.tries == 0))
        moment = row.next_at
    assert waits[:4] == [FIRST_WAIT * 2**n for n in range(4)]
    assert waits[-1] == LONGEST_WAIT


def test_none_is_made_while_months_are_not_counted_yet(office: KeyedOffice) -> None:
    kept = KeptMonths.of(office.store, office.folder)
    later = list(kept.tables)[1:]
    with intruder(office.store, guarded=False) as other:
        other.execute("DELETE FROM monitoring_months WHERE month >= ?", (str(later[0]),))
    with AuthorityServer(office.authority.folder):
        assert make_reports(office) == 0
        assert rows(office) == []
        with office.store.read() as session:  # in their order: each is told after those before it
            assert not_counted(session, kept.settings, office.clock()) == later
        keep_months(office.store, kept.settings, office.clock())
        assert make_reports(office) == 9


def test_one_that_waits_is_made_by_norms_of_today_once_its_months_are_counted_by_them(
    office: KeyedOffice,
) -> None:
    with pytest.raises(RevocationUnavailableError):
        make_reports(office)
    before = {one.norms for one in rows(office)}
    (office.folder / FILE).write_text(f'norms = ["P3D"]\n{WANTED}', encoding="utf-8")
    let_come(office)
    with AuthorityServer(office.authority.folder):
        assert make_reports(office) == 0
        settings = monitor_settings(office.folder)
        keep_months(office.store, settings, office.clock())
        assert make_reports(office) == 9
    assert {one.norms for one in rows(office)} == {settings.name} != before


def test_one_that_waits_and_is_wanted_no_more_is_not_made(office: KeyedOffice) -> None:
    """By its unit, by its language, or as no report is: what is made stays."""
    file = office.folder / FILE
    file.write_text(WANTED.replace('["nl"]', '["nl", "da"]'), encoding="utf-8")
    with pytest.raises(RevocationUnavailableError):
        make_reports(office)
    assert len(rows(office)) == 18
    file.write_text(f'{WANTED}units = ["Policy"]\n', encoding="utf-8")
    let_come(office)
    with AuthorityServer(office.authority.folder):
        assert make_reports(office) == 6
    assert {(one.unit, one.language) for one in rows(office)} == {("", "nl"), ("Policy", "nl")}
    file.write_text(WANTED, encoding="utf-8")
    with pytest.raises(RevocationUnavailableError):
        make_reports(office)
    assert len(rows(office)) == 9
    file.write_text("", encoding="utf-8")
    assert make_reports(office) == 0
    assert [one.pdf is None for one in rows(office)] == [False] * 6


def test_one_that_another_worker_made_meanwhile_stays_and_is_not_counted(
    office: KeyedOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"made_at": office.clock(), "level": "B-B", "sealed_by": "another", "sha256": "0", "pdf": b"."}

    async def slowly(*_: Any) -> Any:
        with office.store.write() as session:
            first = select(func.min(MonitoringReport.id)).scalar_subquery()
            due = MonitoringReport.id == first, MonitoringReport.pdf.is_(None)
            session.execute(update(MonitoringReport).where(*due).values(**theirs))
        return Mock(level_reached="B-B", pdf=b"%PDF")

    monkeypatch.setattr("throughput.monitor_reports._sealed", slowly)
    assert make_reports(office) == 8
    assert [one.sealed_by for one in rows(office)].count("another") == 1


def test_whatever_stands_in_its_way_is_told_and_costs_no_seal(
    office: KeyedOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is none of ours, too; a key that may sign so often a day has not signed."""
    limit = DailyLimit("seal", 1, "0" * 64)
    monkeypatch.setattr("tests.steps_office._SpecialKeys.limit_of", lambda *_: limit)
    monkeypatch.setattr("throughput.monitor_reports.monitoring_pdf", Mock(side_effect=ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        make_reports(office)
    assert rows(office)[0].code == CRASHED
    with office.store.read() as session:
        assert session.query(KeyDay).filter_by(key_sha256=limit.key_sha256).all() == []
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, AUDITOR)
        assert (
            f"Sealed reports – not made yet: 1; tried again by themselves. This could not be done ({CRASHED})"
            in (words_of(client.get("/office?lang=en")))
        )


def test_who_chose_so_gets_mail_once_a_month_and_unit(office: KeyedOffice) -> None:
    """In however many languages it is made: who looks after all units of the report of all together."""
    office = replace(
        office, mail=MailSettings("mail.example", 25, "", "p@mail.example", "https://p.example", "en")
    )
    (office.folder / FILE).write_text(WANTED.replace('["nl"]', '["nl", "da"]'), encoding="utf-8")
    with office.store.write() as session:
        for person in (AUDITOR, OF_ADVICE, CLERK, ADMINISTRATOR):
            session.get_one(Person, person).email = f"{person}@mail.example"
            if person != ADMINISTRATOR:
                choose(session, person, Choice(reports="each"))
    with AuthorityServer(office.authority.folder):
        assert make_reports(office) == 18
    units = {one.id: (one.unit, one.month) for one in rows(office)}
    with office.store.read() as session:
        told = [(one.person_id, *units[one.report_id]) for one in session.query(MailRow)]
    months = {month for _, month in units.values()}
    assert sorted(told) == sorted(
        [*((OF_ADVICE, "Advice", one) for one in months), *((AUDITOR, "", one) for one in months)]
    )


def test_each_is_taken_for_a_while_from_when_it_is_taken(
    office: KeyedOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long those before it took: else another worker would take it at once, too."""
    moments, waits = [office.clock()], []

    def slowly(*taken: Any) -> bool:
        waits.append(taken[2].next_at - moments[-1])
        moments.append(moments[-1] + FIRST_WAIT / 2)
        if len(waits) == 3:
            raise ProfileError("stop", hint="Stop.")
        return True

    monkeypatch.setattr("throughput.monitor_reports._make", slowly)
    with pytest.raises(ProfileError, match="stop"):
        make_reports(replace(office, clock=lambda: moments[-1]))
    assert waits == [FIRST_WAIT] * 3


@pytest.mark.slow
def test_two_workers_make_each_once(tmp_path: Path, database: Database) -> None:
    folder = tmp_path / "office"
    folder.mkdir()
    one = Sample.open(folder, database.environ)
    _with_months(one)
    (folder / FILE).write_text(WANTED, encoding="utf-8")
    two = KeyedOffice.open(folder, environ=database.environ)
    with AuthorityServer(one.office.authority.folder), ThreadPoolExecutor(2) as both:
        made = sum(both.map(make_reports, (one.office, two)))
    assert made == len(rows(two)) == 9
    assert {row.tries for row in rows(two)} == {1}
    two.close()
    one.office.close()


@pytest.mark.slow
@pytest.mark.parametrize("point", ["report.begun", "report.sealed", "report.kept"])
def test_killed_anywhere_it_is_made_once(office: KeyedOffice, point: str) -> None:
    code = (
        "import sys; from pathlib import Path; from throughput.monitor_reports import make_reports;"
        "from workflow.office import Office; make_reports(Office.open(Path(sys.argv[1]), make=False))"
    )
    environ = {**os.environ, VARIABLE: point, "PYTHONPATH": str(ROOT)}
    environ.pop(DATABASE, None)
    with AuthorityServer(office.authority.folder):
        command = [sys.executable, "-c", code, str(office.folder)]
        assert subprocess.run(command, env=environ, cwd=ROOT, check=False).returncode == -signal.SIGKILL
        left = [one for one in rows(office) if one.tries]
        assert len(left) == 1
        assert (left[0].pdf is not None) == (point == "report.kept")
        make_reports(office)
        let_come(office)
        make_reports(office)
    assert len(rows(office)) == 9
    assert {one.code for one in rows(office) if one.pdf is not None} == {""}
    assert all(one.pdf is not None for one in rows(office))


@pytest.mark.slow
def test_the_worker_of_paraaf_serve_makes_them(office: KeyedOffice) -> None:
    """It ends with the process that started it, and may read a PDF in a process of its own all the same."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=work_for_parent, args=(office.folder, theirs), daemon=True)
    with AuthorityServer(office.authority.folder):
        worker.start()
        try:
            while not any(one.code or one.pdf for one in rows(office)):
                assert worker.is_alive()
                worker.join(0.1)
        finally:
            worker.kill()
            worker.join()
            ours.close()
    assert {one.code for one in rows(office)} == {""}


def test_who_may_reads_it_and_nobody_else_learns_of_it(office: KeyedOffice) -> None:
    with AuthorityServer(office.authority.folder):
        make_reports(office)
    with served(office) as url:
        with browsing(url) as client:
            signed_in(client, office, AUDITOR)
            links = re.findall(
                r'href="(/figures/monitoring/reports/\d+\.pdf)"', client.get("/figures/monitoring").text
            )
            assert len(links) == 3
            answer = client.get(links[0])
            digest = hashlib.sha256(answer.content).hexdigest()
            assert digest in {one.sha256 for one in rows(office) if one.unit == ""}
            assert "attachment" in answer.headers["content-disposition"]
        with browsing(url) as client:
            signed_in(client, office, OF_ADVICE)
            shown = client.get("/figures/monitoring").text
            theirs = {one.id for one in rows(office) if one.unit == "Advice"}
            assert set(map(int, re.findall(r"reports/(\d+)\.pdf", shown))) == theirs
            for one in rows(office):
                status = client.get(f"/figures/monitoring/reports/{one.id}.pdf").status_code
                assert status == (200 if one.id in theirs else 404)
        with browsing(url) as client:
            signed_in(client, office, CLERK)
            answers = {
                client.get(f"/figures/monitoring/reports/{n}.pdf").status_code for n in (*theirs, 999, 10**30)
            }
            assert answers == {404}
    with office.store.read() as session:
        assert len(reports(session, ALL)) == 9
        assert len(reports(session, Reach(everywhere=False, units=frozenset({"Advice"})))) == 3


def test_on_the_command_line_they_are_listed_saved_and_verified(
    office: KeyedOffice, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A unit's name leads to no other folder."""
    command = ["monitor", "--sealed", "--data", str(office.folder)]
    with pytest.raises(RevocationUnavailableError):
        make_reports(office)
    assert main(command) == 0
    assert f"not made yet, tries: 1: {RevocationUnavailableError.code}" in capsys.readouterr().out
    let_come(office)
    with AuthorityServer(office.authority.folder):
        make_reports(office)
    with intruder(office.store, guarded=False) as other:
        other.execute("UPDATE monitoring_reports SET unit = '../Advice' WHERE unit = 'Advice'")
    kept = tmp_path / "kept" / "here"
    kept.parent.mkdir()
    assert main([*command, "--unit", "../Advice", "--save", str(kept), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["reports"]
    files = [Path(one["file"]) for one in told]
    assert len(told) == 3
    assert set(files) == set(kept.iterdir())
    assert list(kept.parent.iterdir()) == [kept]
    assert [one["sha256"] for one in told] == [hashlib.sha256(one.read_bytes()).hexdigest() for one in files]
    root = tmp_path / "root.pem"
    root.write_bytes(office.authority.root_pem)
    assert main(["verify", "--trust", str(root), "--no-register", *map(str, files)]) == 0
    assert main(["verify", "--no-register", *map(str, files)]) != 0  # nobody vouches for a development key
    for more in (["--save", str(kept)], ["--goal", "90"], ["--unit", "Advice"]):  # there, of no use, none
        assert main([*command, *more]) == CommandError.status


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("[reports]\nlanguages = ['nl']\n", "reports.profile"),
        ("[reports]\nprofile = 'organisation-seal'\nlanguages = ['fr']\n", "reports.languages"),
        ("[reports]\nprofile = 'organisation-seal'\nhow = 1\n", "reports.how"),
        ("[reports]\nprofile = 'employee'\n", "reports.profile"),
        ("reports = 3\n", "reports"),
    ],
)
def test_settings_that_can_not_be_followed_are_named(office: KeyedOffice, said: str, named: str) -> None:
    (office.folder / FILE).write_text(said, encoding="utf-8")
    with pytest.raises(ProfileError, match=re.escape(f"'{named}'")):
        make_reports(office)
    assert rows(office) == []
