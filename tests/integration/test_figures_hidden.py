"""Whoever administers a unit and reads no request has no count of the figures that the report hides."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import product
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete

from tests.desk_office import browsing, served, signed_in
from tests.steps_office import DECLARATION, Sample
from tests.timed_office import FAST, SLOW, Past
from throughput.monitor_kept import keep_months
from throughput.monitor_settings import monitor_settings
from workflow.tables import Grant, TimingGroup

UNIT = "Advice"
OF_UNIT, AUDITOR, BOTH, MIXED = "P093", "P101", "P102", "P103"
"""Administers the unit; audits it; does both; audits it, and administers another one."""
NOW = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
AGO = 150
"""So many days ago few requests began: as many as the offices differ by."""
RARE, RARE_NOW, NEVER = "A2", "A4", "A0"
"""Ways of signing: in which one request was delivered, one is in hand, none ever was."""
COUNTED = ("flow", "capacity", "load", "distribution", "ageing", "oldest", "machine", "control", "sound")
TIMES = ("lead", "lead-differences", "handling", "handling-differences", "stages", "spans", "in-hand")


@contextmanager
def office(folder: Path, few: int) -> Iterator[tuple[Sample, str]]:
    sample = Sample.open(folder, {})
    sample.office = replace(sample.office, clock=lambda: NOW)
    with sample.office.store.write() as session:
        session.add(Grant(person_id=OF_UNIT, role="administrator", unit=UNIT))
        session.add(Grant(person_id=AUDITOR, role="auditor", unit=UNIT))
        session.add(Grant(person_id=BOTH, role="administrator", unit=UNIT))
        session.add(Grant(person_id=BOTH, role="auditor", unit=UNIT))
        session.add(Grant(person_id=MIXED, role="auditor", unit=UNIT))
        session.add(Grant(person_id=MIXED, role="administrator", unit="Policy"))
    for seed, count, days in [(1, 250, 100), *((seed, 1, AGO) for seed in range(2, few + 2))]:
        past = Past(sample.office, "P022", seed=seed)
        past.happen(count, days=days, units=(UNIT,), still_open=0.06 if count > 1 else 0)
        past.write()
    for seed, days, variant in [(50, 60, RARE), (51, 1, RARE_NOW)]:
        past = Past(sample.office, "P022", seed=seed)
        past.happen(1, days=days, units=(UNIT,), variants=(variant,), still_open=0 if days > 1 else 9)
        past.write()
    settings = monitor_settings(sample.office.folder)
    keep_months(sample.office.store, settings, sample.office.clock())
    with served(sample.office) as url:
        yield sample, url
    sample.office.close()


@pytest.fixture(scope="module")
def offices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Sample, str]]]:
    """Two that are alike, but for one request of the month of which both hide how many there were."""
    with (
        office(tmp_path_factory.mktemp("one"), 1) as one,
        office(tmp_path_factory.mktemp("two"), 2) as two,
    ):
        yield [one, two]


def views(place: tuple[Sample, str], person: str) -> dict[str, str]:
    """Pages and lists of several choices, as somebody sees them."""
    sample, url = place
    few, since = (f"{NOW - timedelta(days=days):%Y-%m}" for days in (AGO, 70))
    months = [("", ""), (few, few), (few, since), (since, since)]
    found = {}
    with browsing(url) as client:
        signed_in(client, sample.office, person)
        for (first, last), more in product(months, ("by=month", f"variant={SLOW}")):
            query = f"from={first}&to={last}&{more}&key={DECLARATION}&lang=en"
            found[query] = seen(client.get(f"/figures?{query}"))
            for name in ("lead", "handling", "stages", "spans"):
                found[f"{name} {query}"] = client.get(f"/figures/{name}.csv?{query}").text
        found["report"] = client.get("/figures/monitoring.csv").text
    return found


def seen(answer: httpx.Response) -> str:
    """A page without what is of its office: its words and drawings."""
    assert answer.status_code == 200
    drawn = re.findall(r"<svg.*?</svg>", answer.text, re.DOTALL)
    words = unescape(re.sub(r"<[^>]+>|http://\S+", " ", answer.text)).split()
    return " ".join(words + drawn)


def test_no_view_differs_by_a_request_of_which_the_report_is_silent(
    offices: list[tuple[Sample, str]],
) -> None:
    """So nothing that is reckoned from such views tells of it."""
    one, two = (views(place, OF_UNIT) for place in offices)
    assert one["report"] == two["report"]
    assert {name for name, text in one.items() if text != two[name]} == set()


def test_one_request_signed_in_some_way_is_told_like_none(offices: list[tuple[Sample, str]]) -> None:
    """To who reads none: no row without times, no choice for one request's sake, nothing in hand of it."""
    sample, url = offices[0]
    digests = {
        one.sha256_hex
        for one in sample.office.engine.catalogue
        if (one.key, one.variant) == (DECLARATION, RARE)
    }
    with browsing(url) as client:
        signed_in(client, sample.office, OF_UNIT)
        pages = {}
        for variant in (RARE, RARE_NOW, NEVER):
            query = f"key={DECLARATION}&variant={variant}&lang=en"
            page = seen(client.get(f"/figures?{query}"))
            pages[variant] = page.replace(f"variant={variant}", "")
            assert client.get(f"/figures/in-hand.csv?{query}").status_code == 404
            assert len(client.get(f"/figures/lead.csv?{query}").text.splitlines()) == 1
        assert len(set(pages.values())) == 1
        for by in ("variant", "definition"):
            for name in ("lead", "handling"):
                listed = client.get(f"/figures/{name}.csv?key={DECLARATION}&by={by}&lang=en").text
                assert "By a click" in listed
                assert "portal" not in listed
        offered = set(re.findall(r'<option value="([0-9a-f]{64})"', client.get("/figures").text))
        assert client.get(f"/figures/in-hand.csv?definition={digests.pop()}").status_code == 404
    catalogue = sample.office.engine.catalogue
    assert offered == {one.sha256_hex for one in catalogue if one.key == DECLARATION}


def test_who_reads_the_requests_is_told_of_them(offices: list[tuple[Sample, str]]) -> None:
    for person in (AUDITOR, BOTH):
        sample, url = offices[0]
        with browsing(url) as client:
            signed_in(client, sample.office, person)
            for name in COUNTED:
                expected = 404 if name == "machine" else 200  # of all units together
                assert client.get(f"/figures/{name}.csv").status_code == expected, name


def test_who_reads_no_request_is_told_times_and_no_counts(offices: list[tuple[Sample, str]]) -> None:
    sample, url = offices[0]
    with browsing(url) as client:
        signed_in(client, sample.office, OF_UNIT)
        columns = {}
        for name in TIMES:
            answer = client.get(f"/figures/{name}.csv")
            assert answer.status_code == 200, name
            columns[name], *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
            if name == "in-hand":  # whoever looks often would see single ones come and go
                assert {count for _, count, _ in rows} <= {"<5", *(str(n) for n in range(5, 1000, 5))}
                assert len(rows) > 3
                states = {state for state, _, _ in rows}
                assert not states & {"Delivered", "Withdrawn"}  # where nothing is in hand
        for name in COUNTED:
            assert client.get(f"/figures/{name}.csv").status_code == 404, name
        page = seen(client.get("/figures?lang=en"))
    assert columns["lead"] == ["group", "median_s", "p90_s", "origin"]
    assert columns["handling"] == ["group", "median_s", "p90_s", "right_first_time", "origin"]
    assert columns["in-hand"] == ["state", "n", "origin"]
    told = {column for name, some in columns.items() if name != "in-hand" for column in some}
    assert not told & {"n", "n_a", "n_b", "came", "open", "delivered", "ended_otherwise"}
    assert "These are times alone" in page
    assert re.search(r"A3 \(with a person's own key\) is faster than A1 \(by a click\)", page), FAST
    assert "Requests: " not in page


def test_what_is_not_theirs_stays_so(offices: list[tuple[Sample, str]]) -> None:
    sample, url = offices[0]
    with browsing(url) as client:
        signed_in(client, sample.office, OF_UNIT)
        assert client.get("/figures/lead.csv?unit=Policy").status_code == 404


@pytest.mark.parametrize(("person", "units"), [(OF_UNIT, [UNIT]), (MIXED, [UNIT, "Policy"])])
def test_their_units_are_offered_whether_or_not_something_was_asked_for_there(
    offices: list[tuple[Sample, str]], person: str, units: list[str]
) -> None:
    """Else a choice that comes would tell of the first request."""
    sample, url = offices[0]
    with browsing(url) as client:
        signed_in(client, sample.office, person)
        for query in ("", f"unit={UNIT}"):
            choices = client.get(f"/figures?{query}").text.partition('name="unit"')[2]
            said = re.findall(r'<option value="([^"]+)"', choices.partition("</select>")[0])
            assert said == units, query


def test_that_there_were_requests_by_what_is_not_offered_any_more_is_told_of_counted_units(
    offices: list[tuple[Sample, str]],
) -> None:
    """Else an address would tell that one was asked for elsewhere, or that the report hides one here."""
    (sample, url), of_old = offices[0], {"key": "old", "variant": "OLD", "definition_sha256": "01d"}
    elsewhere = {name: f"{one}2" for name, one in of_old.items()}
    with sample.office.store.write() as session:
        session.add(TimingGroup(id=901, unit=UNIT, **of_old))
        session.add(TimingGroup(id=902, unit="Policy", **elsewhere))
        for number, unit, old in ((903, UNIT, of_old), (904, "Policy", elsewhere)):
            session.add(TimingGroup(id=number, unit=unit, **old | {"key": DECLARATION, "variant": SLOW}))
    queries = ("key=old", "variant=OLD", "definition=01d")
    for person, expected in {AUDITOR: 200, BOTH: 200, MIXED: 200, OF_UNIT: 404}.items():
        with browsing(url) as client:
            signed_in(client, sample.office, person)
            for query in queries:
                assert client.get(f"/figures?{query}").status_code == expected, (person, query)
                assert client.get(f"/figures?{query}2").status_code == 404, (person, query)
            assert client.get("/figures/monitoring?key=old").status_code == expected
            assert client.get("/figures/monitoring?key=old2").status_code == 404
            page = client.get(f"/figures?unit={UNIT}&key={DECLARATION}").text
            offered = re.findall(r'<option value="(01d2?)"', page)
            assert offered == ([] if person == OF_UNIT else ["01d"]), person
    with sample.office.store.write() as session:
        session.execute(delete(TimingGroup).where(TimingGroup.id > 900))
