"""The monthly report as a page, as rows and as a PDF: who reads whose, and that all hide the same."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pypdfium2 import PdfDocument

from tests.desk_office import browsing, served, signed_in, words_of
from tests.steps_office import CLERK, Sample
from tests.timed_office import Past
from throughput.monitor_kept import KeptMonths, keep_months, months_kept
from throughput.monitor_settings import FILE, monitor_settings
from workflow.store import Store
from workflow.tables import Grant

AUDITOR, OF_ADVICE = "P192", "P101"
NORMS = 'norms = ["PT6H", "P2D"]\ngoal = 60\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sample, str]]:
    folder = tmp_path_factory.mktemp("monitoring")
    sample = Sample.open(folder, {})
    office = sample.office
    (office.folder / FILE).write_text(NORMS, encoding="utf-8")
    with office.store.write() as session:
        session.add(Grant(person_id=OF_ADVICE, role="auditor", unit="Advice"))
    past = Past(office, "P022")
    past.happen(300, units=("Policy", "Advice"), days=120)
    past.happen(3, units=("Registry",), days=120, still_open=0)
    past.write()
    settings = monitor_settings(office.folder)
    assert keep_months(office.store, settings, office.clock()) > 2
    assert keep_months(office.store, settings, office.clock()) == 0
    with served(office) as url:
        yield sample, url
    office.close()


@pytest.fixture
def client(place: tuple[Sample, str]) -> Iterator[httpx.Client]:
    with browsing(place[1]) as client:
        yield client


def rows(client: httpx.Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/figures/monitoring.csv?{query}")
    assert answer.status_code == 200, answer.text[:500]
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_the_page_its_rows_and_its_pdf_say_the_same(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    query = "norm=PT6H&lang=en"
    told = rows(client, query)
    assert told[-1]["month"] == "period"
    page = client.get(f"/figures/monitoring?{query}")
    cells = re.findall(r'<td class="number" data-label="Started">([^<]+)</td>', page.text)
    assert cells == [one["started"] for one in told]
    assert any(cell.isdigit() and int(cell) > 2 for cell in cells)
    assert "no more than 6.0 h" in words_of(page)
    assert "60% was the goal" in words_of(page)
    pdf = client.get(f"/figures/monitoring.pdf?{query}")
    assert pdf.headers["content-type"] == "application/pdf"
    with PdfDocument(pdf.content) as document:
        figures = json.loads(bytes(document.get_attachment(0).get_data()))
        said = document[0].get_textpage().get_text_bounded()
    assert ["*" if one["started"] is None else str(one["started"]) for one in figures["months"]] == cells[:-1]
    assert "not signed" in " ".join(said.split())


def test_what_one_view_hides_all_hide(place: tuple[Sample, str], client: httpx.Client) -> None:
    """A month alone or among others, a unit or all, one process or all, either norm: each says the same."""
    office = place[0].office
    signed_in(client, office, AUDITOR)
    with office.store.read() as session:
        kept = months_kept(session, monitor_settings(office.folder))
    last = str(max(kept, key=str))
    for unit in ("", "Policy", "Registry"):
        for norm in ("PT6H", "P2D"):
            query = f"unit={unit}&norm={norm}"
            [among] = [row for row in rows(client, query) if row["month"] == last]
            [alone, _period] = rows(client, f"{query}&from={last}&to={last}")
            assert {name: alone[name] for name in alone} == {name: among[name] for name in alone}
    few = [row["started"] for row in rows(client, "unit=Registry")]
    assert set(few) == {"*"}
    assert "*" in [row["started"] for row in rows(client, "unit=Policy")] + [
        row["started"] for row in rows(client, "unit=Advice")
    ]  # else all less these tell it


def test_whoever_looks_after_a_unit_reads_its_report_alone(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    signed_in(client, place[0].office, OF_ADVICE)
    page = words_of(client.get("/figures/monitoring?lang=en"))
    assert "Advice · all processes" in page
    assert "Policy" not in page
    assert "All units together" not in page
    for what in ("", ".csv", ".pdf"):
        assert client.get(f"/figures/monitoring{what}?unit=Policy").status_code == 404


def test_for_which_reasons_requests_end_is_told_of_all_months_whichever_are_shown(
    place: tuple[Sample, str], client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a column that comes and goes would tell in which months there was a process."""
    read = KeptMonths.of

    def with_one_more(store: Store, folder: Path) -> KeptMonths:
        kept = read(store, folder)
        last = [*kept.tables][-1]
        other = replace(kept.tables[last], reasons=kept.tables[last].reasons | {"expired"})
        return replace(kept, tables={**kept.tables, last: other})

    monkeypatch.setattr(KeptMonths, "of", with_one_more)
    signed_in(client, place[0].office, AUDITOR)
    every = [row["month"] for row in rows(client) if row["month"] != "period"]
    one = f"from={every[0]}&to={every[0]}"
    assert "ended: expired" in rows(client)[0]
    assert rows(client, one)[0].keys() == rows(client)[0].keys()


def test_what_no_page_leads_to_is_refused(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    for query, field in {
        "norm=P3D": "Norm, in working time",  # one's own would tell times
        "goal=101": "Goal, in per cent",
        "from=1999-01": "First month",
        "from=2099-01": "First month",
        "to=2026-13": "Last month",
        "from=2026-10&to=2026-09": "Last month",
        "unit=%00": "Unit",
    }.items():
        answer = client.get(f"/figures/monitoring?{query}&lang=en")
        assert (answer.status_code, f"<dt>{field}</dt>" in answer.text) == (400, True), query
        assert '<a href="/figures/monitoring">Begin anew</a>' in answer.text
    for query in ("unit=Nope", f"unit={'u' * 200}", "key=nope"):
        for what in ("", ".csv", ".pdf"):
            assert client.get(f"/figures/monitoring{what}?{query}").status_code == 404, query


def test_a_month_that_no_report_is_of_is_called_by_its_name_too(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """It stands in the address, and so in the form, and at the end of a page on paper."""
    signed_in(client, place[0].office, AUDITOR)
    page = client.get("/figures/monitoring?from=2019-03&lang=nl").text
    assert '<option value="2019-03" selected>maart 2019</option>' in page
    assert ">2019-" not in page
    assert re.search(r'<p class="address">.*/figures/monitoring\?from=2019-03&amp;norm=[A-Z0-9]+</p>', page)


def test_nobody_else_learns_that_it_is_there(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, CLERK)
    for what in ("", ".csv", ".pdf"):
        assert client.get(f"/figures/monitoring{what}?norm=bad").status_code == 404


@pytest.mark.parametrize("language", ["nl", "da", "nb"])
def test_the_page_speaks_its_readers_language(
    place: tuple[Sample, str], client: httpx.Client, language: str
) -> None:
    signed_in(client, place[0].office, AUDITOR)
    page = words_of(client.get(f"/figures/monitoring?lang={language}"))
    assert "Requests by month" not in page
    assert "measured" not in page


def test_settings_that_can_not_be_read_are_the_offices_fault(
    place: tuple[Sample, str], client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    sample, _ = place
    signed_in(client, sample.office, AUDITOR)
    file = sample.office.folder / FILE
    file.write_text("goal = 200", encoding="utf-8")
    try:
        answer, office = client.get("/figures/monitoring"), client.get("/office?lang=en")
    finally:
        file.write_text(NORMS, encoding="utf-8")
    assert answer.status_code == 503
    assert "whoever runs the office" in answer.text
    assert [one.message for one in caplog.records if one.name == "web.asked"] == ["page_failed"]
    assert f"{FILE}: 'goal' is 200" in words_of(office)
    assert "norms can't be read" not in words_of(client.get("/office?lang=en"))
    assert client.get("/figures/monitoring").status_code == 200
