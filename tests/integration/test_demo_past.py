"""A sample office with an invented past: it has something to tell, holds, and says that it is invented."""

import csv
import io
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree
from pypdfium2 import PdfDocument
from sqlalchemy import select

from cli.past import invent
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.desk_office import browsing, csrf_of, served, signed_in, words_of
from throughput.monitor_kept import keep_months
from throughput.monitor_settings import monitor_settings
from throughput.xes import xes
from workflow.invented import PastTaken, begin
from workflow.office import Office
from workflow.tables import DocumentRow, Event, Request

AUDITOR = "P192"
UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
SAYS = "was invented by a program, and tells of nobody's work."


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nearly four months of some thirty requests: the same ones each time."""
    folder = tmp_path_factory.mktemp("past") / "data"
    folder.mkdir(mode=0o700)
    (folder / "hr_register.csv").write_bytes(SAMPLE.read_bytes())
    invent(folder, until=UNTIL, months=3, per_month=34)
    with closing(Office.open(folder, clock=lambda: UNTIL)) as office:  # as a worker does
        keep_months(office.store, monitor_settings(folder), office.clock())
    return folder


@pytest.fixture(scope="module", autouse=True)
def untouched(data: Path) -> Path:
    """A copy, as nobody has worked in it since."""
    return Path(shutil.copytree(data, data.with_name("untouched")))


@pytest.fixture
def terminal(data: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(data, capsys)


@pytest.fixture
def office(data: Path) -> Iterator[Office]:
    office = Office.open(data, clock=lambda: UNTIL)
    yield office
    office.close()


def test_its_log_verifies_and_no_request_deviates(terminal: Terminal) -> None:
    """By the log alone, and by the tables beside it."""
    assert terminal.office("log", "verify").status == 0
    assert terminal.office("log", "conformance").status == 0


def test_requests_ended_in_every_way_and_some_are_in_hand(office: Office) -> None:
    with office.store.read() as session:
        rows = session.execute(select(Request.key, Request.variant, Request.outcome)).all()
        events = Counter(session.scalars(select(Event.type)))
    assert {variant for _, variant, _ in rows} == {"A0", "A1", "A3", "A4", "standard"}
    assert {outcome for *_, outcome in rows} >= {"done", "withdrawn", None}
    turns = {"request_returned", "request_suspended", "task_released", "document_scanned"}
    assert turns | {"request_destroyed"} <= events.keys()


def test_what_it_says_was_signed_is_signed_and_passes(
    office: Office, terminal: Terminal, tmp_path: Path
) -> None:
    """One of each way: the file that the office holds, judged by nothing but the root."""
    chosen = {}
    with office.store.read() as session:
        query = select(Request.variant, DocumentRow).join(Request, Request.id == DocumentRow.request_id)
        for variant, row in session.execute(query.where(DocumentRow.level_reached.is_not(None))):
            chosen[variant] = (row.number, row.current_sha256)
    assert chosen.keys() == {"A1", "A3", "A4", "standard"}
    for number, sha256 in chosen.values():
        (tmp_path / f"{number}.pdf").write_bytes(office.blobs.get(sha256))
    root = tmp_path / "root.pem"
    root.write_bytes(office.authority.root_pem)
    said = terminal("verify", tmp_path, "--trust", root, "--no-register", "--json")
    assert [one["indication"] for one in said.json["files"]] == ["TOTAL-PASSED"] * 4


def test_its_figures_have_something_to_tell_and_say_what_they_are(office: Office) -> None:
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, AUDITOR)
        figures = client.get("/figures?lang=en")
        assert f"{SAYS} What the demo did right after that was done by a program, too." in words_of(figures)
        assert "is faster than" in words_of(figures)
        assert figures.text.count("<svg") >= 6
        months = client.get("/figures/monitoring?lang=en")
        assert SAYS in words_of(months)
        assert "met the norm" in words_of(months)
        assert "simulated, from the log of an invented past" in words_of(figures)
        assert "Requests by month (simulated)" in words_of(months)
        assert "measured" not in words_of(figures) + words_of(months)
        assert months.text.count("<svg") >= 1
        request = words_of(client.get("/requests/5?lang=en"))
        assert "Simulated, as far as it was invented with the sample data" in request
        assert "Measured from what people did" not in request
        saved = client.get("/figures/lead.csv")
        assert 'filename="sample-figures-lead' in saved.headers["content-disposition"]


def test_commands_and_reports_say_what_they_are(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.office("throughput", "--per-week", 100).out
    assert SAYS in said
    assert "measured" not in said
    assert SAYS in terminal.office("monitor", "--csv", "--to", "2026-10").err
    simulated = tmp_path / "simulated.pdf"
    few = ("--weeks", 4, "--replications", 39)
    said = terminal.office("simulate", "--measured", *few, "--report", simulated).out
    assert SAYS in said
    assert "measured" not in said.replace("oo little was measured", "")
    with PdfDocument(simulated) as pdf:
        for page in pdf:
            assert SAYS in " ".join(page.get_textpage().get_text_range().split())
        attached = json.loads(bytes(pdf.get_attachment(0).get_data()))
    assert attached["invented_until"]
    origins = {one["origin"] for found in attached["scenarios"] for one in found["inputs"].values()}
    assert "simulated" in origins
    assert "measured" not in origins


def test_no_figure_of_it_is_called_measured(office: Office, terminal: Terminal) -> None:
    """Whoever gets a table alone, without the words above it or its name."""
    months = ("--from", "2026-09", "--to", "2026-10")
    for told in (
        terminal.office("throughput", "--csv").out,
        terminal.office("monitor", "--csv", *months).out,
        *_saved(office, "/figures/lead.csv", "/figures/monitoring.csv"),
    ):
        lines = list(csv.DictReader(io.StringIO(told)))
        assert {one["origin"] for one in lines} - {"claimed", "given"} == {"simulated"}
    for command in (("throughput",), ("monitor", *months)):
        assert "measured" not in list(_labels(terminal.office(*command, "--json").json))


def _saved(office: Office, *places: str) -> list[str]:
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, AUDITOR)
        return [client.get(one).content.decode("utf-8-sig") for one in places]


_LABELS = ("origin", "source", "minutes_from", "handling_origin", "per_week_origin")


def _labels(told: object) -> Iterator[object]:
    """What a document says where its figures are from."""
    if isinstance(told, dict):
        yield from (told[name] for name in _LABELS if name in told)
    for one in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from _labels(one)


def test_a_log_for_process_mining_says_what_it_is(office: Office, terminal: Terminal, tmp_path: Path) -> None:
    """Its name is chosen by who saves it, and may say nothing."""
    said = '<date key="paraaf:invented_until" value="2026-11-20T12:00:00.000000+00:00"/>'
    assert terminal.office("export", "xes", "-o", tmp_path / "log.xes").status == 0
    assert (tmp_path / "log.xes").read_text().count(said) == 1
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, AUDITOR)
        token = csrf_of(client.get("/office/log"))
        assert client.post("/office/log/mining", data={"csrf": token, "form": "xes"}).text.count(said) == 1
    assert b"invented" not in b"".join(xes([]))


@pytest.mark.parametrize("name", ["log.xes", "log.json", "log.sqlite", "log.csv"])
def test_each_event_and_slice_of_it_says_what_it_is(terminal: Terminal, tmp_path: Path, name: str) -> None:
    """Which stays when a tool reads the table alone, or a part of it."""
    form = {"log.xes": "xes", "log.csv": "slices"}.get(name, "ocel")
    assert terminal.office("export", form, "-o", tmp_path / name).status == 0
    found = _origins(tmp_path / name)
    assert set(found) == {"simulated"}
    assert len(found) > 300


def _origins(file: Path) -> list[str]:
    if file.suffix == ".csv":
        return [one["origin"] for one in csv.DictReader(io.StringIO(file.read_text()))]
    if file.suffix == ".json":
        attributes = [one["attributes"] for one in json.loads(file.read_text())["events"]]
        return [{each["name"]: each["value"] for each in one}["origin"] for one in attributes]
    if file.suffix == ".xes":
        parts = etree.parse(file).iterfind(".//{*}event/{*}string[@key='paraaf:origin']")
        return [one.attrib["value"] for one in parts]
    with closing(sqlite3.connect(file)) as database:
        tables = database.execute("SELECT ocel_type_map FROM event_map_type").fetchall()
        rows = (database.execute(f'SELECT origin FROM "event_{name}"') for (name,) in tables)  # noqa: S608
        return [origin for found in rows for (origin,) in found]


def test_the_sample_people_go_on_after_it(untouched: Path, terminal: Terminal) -> None:
    """Though of those who were destroyed nobody is known any more."""
    said = terminal("demo", "--data", untouched, "--requests", 1, "--variants", "A4", "--json")
    assert said.status == 0, said
    [sealed, _] = said.json["comparison"]["groups"]  # the plan beside it
    assert (sealed["variant"], sealed["n"]) == ("A4", 1)


def test_only_an_office_that_has_not_begun_gets_one(terminal: Terminal) -> None:
    said = terminal.office("demo", "--history", "1", "--requests", "1")
    assert said.status != 0
    assert "has begun already: no past is invented for it" in said.err


def test_a_log_that_has_begun_is_given_none_wherever_its_keys_are(office: Office) -> None:
    """As of a new folder beside a database that holds an office."""
    with pytest.raises(PastTaken):
        begin(office.store, at=UNTIL, until=UNTIL)
