"""The page of figures: who sees whose, what it says, and what it keeps to itself."""

import csv
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.desk_office import browsing, served, signed_in, words_of
from tests.steps_office import CLERK, Sample
from tests.timed_office import Past
from throughput.compare import Comparison
from throughput.kept import AT_ONCE, RULES, Keeper
from throughput.reporting.words import report_words
from throughput.scope import Scope
from throughput.whole import Given, read_panels
from web import figures_sound
from workflow.tables import Grant, TimingState
from workflow.words import process_words

AUDITOR, ADMINISTRATOR, OF_ADVICE = "P192", "P093", "P101"
BOTH = "P102"
"""Administers all units, and audits one."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sample, str]]:
    sample = Sample.open(tmp_path_factory.mktemp("figures"), {})
    with sample.office.store.write() as session:
        session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        session.add(Grant(person_id=OF_ADVICE, role="auditor", unit="Advice"))
        session.add(Grant(person_id=BOTH, role="administrator", unit=None))
        session.add(Grant(person_id=BOTH, role="auditor", unit="Advice"))
    past = Past(sample.office, "P022")
    past.happen(400, units=("Policy", "Advice"))
    past.happen(8, units=("Front office",), still_open=0)
    past.happen(3, units=("Registry",), days=60, still_open=0)
    past.write()
    Keeper(sample.office.store).catch_up()
    with served(sample.office) as url:
        yield sample, url
    sample.office.close()


@pytest.fixture
def client(place: tuple[Sample, str]) -> Iterator[httpx.Client]:
    with browsing(place[1]) as client:
        yield client


def table(client: httpx.Client, name: str, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/figures/{name}.csv?{query}")
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_it_says_what_to_do_next_before_anything_else(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """As many as are older than nearly all that were delivered."""
    signed_in(client, place[0].office, AUDITOR)
    page = client.get("/figures?lang=en")
    said = words_of(page)
    count = re.search(r"In hand longer than ([0-9.]+) d, within which 95% are delivered: (\d+)\. Begin", said)
    assert count is not None
    assert said.index("What to do next") < said.index("Flow")
    assert 'href="#ageing"' in page.text
    ages = [float(row["age_s"]) / 86_400 for row in table(client, "oldest")]
    older = sum(age > float(count[1]) for age in ages)
    assert int(count[2]) in {older - 1, older, older + 1}  # as the time is rounded


def test_it_first_tells_that_the_log_can_t_be_right(
    place: tuple[Sample, str], client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some requests of this past stop for good: more are in hand than leave in as many days as they take."""
    signed_in(client, place[0].office, AUDITOR)
    page = client.get("/figures?lang=en&by=month")
    said = words_of(page)
    doubt = "Look again before you rely on these figures. Some are in hand for longer than any took that left"
    assert said.index(doubt) < said.index("What is different, and how sure")
    assert 'href="#sound"' in page.text
    monkeypatch.setattr(figures_sound, "FEW", 1)
    units = words_of(client.get("/figures?lang=en&by=unit"))
    assert units.count("”: look again before") == 2  # where they are told one by one
    assert "of 2 groups what is in hand does not fit what leaves" in units
    assert (
        '<td data-label="Second">All others</td>' in client.get("/figures?lang=en&by=unit").text
    )  # no number
    assert "Policy − all others" in units  # in small letters within a sentence, or behind another
    [row] = table(client, "sound", "by=month")
    off = float(row["in_hand"]) / float(row["rate_times_lead"]) - 1
    assert float(row["off_by"]) == pytest.approx(off, abs=0.05)
    assert off > float(row["within"])
    assert [row["group"] for row in table(client, "sound", "by=unit")] == sorted(
        ["Policy", "Advice", "Front office", "Registry"]
    )


def test_months_are_called_by_their_names_where_an_office_is_young(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """Also those from before it began, which stand in the address."""
    signed_in(client, place[0].office, AUDITOR)
    page = client.get("/figures?lang=nl&from=2019-03&to=2019-05")
    assert re.search(r'<option value="2019-03" selected>maart 2019</option>', page.text)
    assert ">2019-" not in page.text


def test_it_says_of_which_requests_it_is_and_where_the_same_is_found(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """On paper there is no form: figures of one unit would look like those of all."""
    signed_in(client, place[0].office, AUDITOR)
    chosen = "key=employer-declaration&variant=A3&unit=Policy&from=2026-09&to=2026-10"
    page = client.get(f"/figures?lang=en&{chosen}")
    [said] = re.findall(r'<p class="about">(.*?):', page.text)
    ways = "With a person&#39;s own key"
    assert said == f"Employer declaration · Policy · {ways} · September 2026 – October 2026"
    [address] = re.findall(r'<p class="address">(.*?)</p>', page.text)
    assert html.unescape(address).endswith(f"/figures?{chosen}&by=variant")
    one = client.get("/figures?lang=en&from=2026-10&to=2026-10").text
    assert '<p class="about">Employer declaration · October 2026:' in one
    signed_in(client, place[0].office, OF_ADVICE)
    assert '<p class="about">Employer declaration · Advice · ' in client.get("/figures").text


def test_what_a_chart_takes_is_said_once(place: tuple[Sample, str], client: httpx.Client) -> None:
    """The table below it would ask for five where the chart asks for fifty."""
    signed_in(client, place[0].office, AUDITOR)
    said = words_of(client.get("/figures?lang=en&unit=Front+office"))
    assert said.count("This takes fifty requests or more") == 2  # for a wide page and a narrow one
    assert "that takes five requests or more" not in said
    assert "Share of requests by hour of the week" not in said


def test_it_first_says_what_is_different_and_how_sure(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    signed_in(client, place[0].office, AUDITOR)
    said = words_of(client.get("/figures?lang=en"))
    assert re.search(
        r"Lead time \(measured\): A3 \(with a person's own key\) is faster than A1 \(by a click\), in the"
        r" median by .* with 95% certainty by .*? Requests: \d*[05] and \d*[05]\.",
        said,
    )
    assert re.search(r"Handling \(measured\): \d*[05] and \d*[05] requests can't tell", said)
    assert "known within 1%, differences of two within 1% of both" in said
    assert said.index("What is different") < said.index("Flow")
    assert "as of" in said
    [slow, fast] = table(client, "lead")
    assert float(slow["median_s"]) > 2 * float(fast["median_s"]) > 0
    [difference] = table(client, "lead-differences")
    assert 0 < float(difference["low_s"]) < float(difference["first_less_second_s"])


@pytest.mark.parametrize("by", ["month", "unit", "definition"])
def test_it_compares_other_things_than_variants(
    place: tuple[Sample, str], client: httpx.Client, by: str
) -> None:
    signed_in(client, place[0].office, AUDITOR)
    rows = table(client, "lead", f"by={by}")
    expected = {"month": "June", "unit": "Policy", "definition": "By a click"}[by]
    assert any(row["group"].startswith(expected) or by == "month" for row in rows)
    assert len(rows) >= 2


def test_definitions_are_called_alike_on_the_page_and_in_reports(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    office, words = place[0].office, report_words("nl")
    signed_in(client, office, AUDITOR)
    of_page = table(client, "lead", "by=definition&lang=nl")
    with office.store.read() as session:
        scope = Scope(key="employer-declaration")
        found = Comparison.of(session, scope, now=office.clock(), by="definition")
    assert {row["group"] for row in of_page} == {words.group(row.variant, "definition") for row in found.rows}


def test_a_month_s_requests_a_week_are_of_its_own_weeks(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """Of all months together as many come a week as of each: not a sixth of that in each of six."""
    signed_in(client, place[0].office, AUDITOR)
    whole = sum(float(row["per_week"]) for row in table(client, "capacity"))
    months = [float(row["per_week"]) for row in table(client, "capacity", "by=month")]
    assert len(months) > 3
    for one in months[1:-1]:
        assert one == pytest.approx(whole, rel=0.4)


def test_whoever_looks_after_a_unit_sees_that_unit_alone(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    signed_in(client, place[0].office, OF_ADVICE)
    page = client.get("/figures?by=unit")
    assert "Advice" in page.text
    assert "Policy" not in page.text
    assert [row["group"] for row in table(client, "lead", "by=unit")] == ["Advice"]
    for path in ("/figures?unit=Policy", "/figures/lead.csv?unit=Policy"):
        assert client.get(path).status_code == 404
    assert client.get("/figures/machine.csv").status_code == 404  # it is of all units together


def test_of_what_there_is_not_no_figures_are_told(place: tuple[Sample, str], client: httpx.Client) -> None:
    """In the words of any address that leads nowhere; a unit of which nobody has asked for anything yet is
    one."""
    signed_in(client, place[0].office, AUDITOR)
    nothing = without_addresses(client.get("/no-such-page"))
    for query in ("unit=Nope", "key=nope", "variant=Z9", "definition=abc"):
        for path in ("/figures", "/figures/lead.csv"):
            answer = client.get(f"{path}?{query}")
            assert (answer.status_code, without_addresses(answer)) == (404, nothing), query
    unasked = place[0].register.person(AUDITOR).unit
    assert client.get("/figures", params={"unit": unasked}).status_code == 200


def test_what_can_not_be_is_told_field_by_field(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    month = "Choose a month from 2000 on that has begun, such as 2024-11."
    for query, told in {
        "from=1999-01": f"Asked for from {month}",
        "from=2026-13": f"Asked for from {month}",
        "to=2099-01": f"Until {month}",
        "from=x&to=2099-01": f"Asked for from {month} Until {month}",
        "from=2026-11&to=2026-10": "Until Choose a month that is not before the first one.",
        "by=nothing": "Compare Choose one of those that are offered.",
        "unit=%00": "Unit It is too long, or holds characters that do not show.",
    }.items():
        for path in ("/figures", "/figures/lead.csv"):
            answer = client.get(f"{path}?{query}&lang=en")
            assert (answer.status_code, told in without_addresses(answer)) == (400, True), query
            assert '<a href="/figures">Begin anew</a>' in answer.text
    assert client.get("/figures?from=2026-11&to=2026-11").status_code == 200
    assert client.get("/figures?from=2000-01").status_code == 200


def test_nobody_else_learns_that_it_is_there(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, CLERK)
    nothing = client.get("/no-such-page")
    for path in ("/figures", "/figures?from=bad", "/figures/lead.csv", "/figures/nothing.csv"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert without_addresses(answer) == without_addresses(nothing)
    assert "/figures" not in client.get("/account").text


def without_addresses(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<address.*|<p class=\"address.*|<[^>]+>|https?://\S+", " ", answer.text).split())


def test_of_few_requests_it_tells_nothing(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    [few] = [row for row in table(client, "lead", "by=unit") if row["group"] == "Registry"]
    assert (few["came"], few["delivered"], few["median_s"]) == ("<5", "<5", "")
    said = words_of(client.get("/figures?unit=Registry&lang=en"))
    assert "Fewer than five requests were delivered" in said
    assert table(client, "distribution", "unit=Registry") == []
    assert table(client, "spans", "unit=Registry") == []
    assert table(client, "control", "unit=Registry") == []
    assert table(client, "load", "unit=Registry") == []


def test_counts_of_outcomes_are_told_to_the_nearest_five(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """So a month that is left out can't be had by subtraction."""
    signed_in(client, place[0].office, AUDITOR)
    for query in ("", "by=month", "by=unit"):
        for name in ("lead", "handling", "distribution", "stages", "spans", "control", "lead-differences"):
            for row in table(client, name, query):
                for column in {
                    "came",
                    "delivered",
                    "ended_otherwise",
                    "not_delivered",
                    "n",
                    "n_a",
                } & row.keys():
                    told = row[column]
                    assert told == "<5" or int(told) % 5 == 0, (name, column, told)


def test_a_share_tells_of_no_few_requests(place: tuple[Sample, str], client: httpx.Client) -> None:
    """Of eight requests a share of twentieths says how many came back. Else it is the report's."""
    signed_in(client, place[0].office, AUDITOR)
    shares = {row["group"]: row["right_first_time"] for row in table(client, "handling", "by=unit")}
    assert shares["Front office"] == ""
    every = {row["group"]: row["right_first_time"] for row in table(client, "handling", "from=2000-01")}
    with place[0].office.store.read() as session:
        rows = Comparison.of(session, now=place[0].office.clock()).rows
    told = {process_words("en").variant(row.variant): row for row in rows}
    assert told.keys() == every.keys() != set()
    for name, row in told.items():
        if every[name] == ">0.90":
            assert row.returned < 5
        else:  # weights are of classes of lengths
            assert abs(float(every[name]) - (row.first_time_right or 0)) < 0.011


def test_capacity_is_of_all_requests_that_came(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    page = {row["group"]: row for row in table(client, "capacity", "from=2000-01")}
    with place[0].office.store.read() as session:
        panels = read_panels(session, Scope(), Given(), now=place[0].office.clock())
    assert panels is not None
    by_variant = {process_words("en").variant(one.variant): one for one in panels.capacity}
    assert by_variant.keys() == page.keys() != set()
    for variant, one in by_variant.items():
        for name, figure in (("hours_per_week", one.hours_per_week), ("fte_by_week", one.fte_by_week)):
            assert float(page[variant][name]) == pytest.approx(figure.value, rel=0.02, abs=0.06)


def test_lists_hold_plain_numbers(place: tuple[Sample, str], client: httpx.Client) -> None:
    """Also those below zero, which a spreadsheet takes for no formula."""
    signed_in(client, place[0].office, AUDITOR)
    rows = [row for by in ("unit", "month") for row in table(client, "lead-differences", f"by={by}")]
    ends = [row[name] for row in rows for name in ("first_less_second_s", "low_s") if row[name]]
    assert min(map(float, ends)) < 0


def test_requests_are_named_to_who_may_see_them(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    oldest = table(client, "oldest")
    assert f'href="/requests/{oldest[0]["request"]}"' in client.get("/figures").text
    assert client.get(f"/requests/{oldest[0]['request']}").status_code == 200
    with browsing(place[1]) as other:
        signed_in(other, place[0].office, ADMINISTRATOR)
        page = other.get("/figures")
        assert page.status_code == 200
        assert re.search(r"/requests/\d", page.text) is None
        assert other.get("/figures/oldest.csv").status_code == 404
    with browsing(place[1]) as other:
        signed_in(other, place[0].office, BOTH)
        some = {row["request"] for row in table(other, "oldest")}
        assert set() < some < {row["request"] for row in oldest}
        assert all(other.get(f"/requests/{number}").status_code == 200 for number in some)


def test_what_is_in_hand_leads_to_the_list_of_the_same_requests(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """Where the list shows who reads no others: for who audits all that the figures are of."""
    signed_in(client, place[0].office, AUDITOR)
    require_lists(client, "")
    require_lists(client, "variant=A1&unit=Policy")
    one_version = (
        f"definition={place[0].office.engine.catalogue.get('employer-declaration', 'A1').sha256_hex}"
    )
    assert table(client, "ageing", one_version)
    assert listed(client, one_version) == []  # the list does not tell versions apart
    signed_in(client, place[0].office, OF_ADVICE)
    require_lists(client, "")
    for reader, unit in ((ADMINISTRATOR, ""), (BOTH, "")):
        signed_in(client, place[0].office, reader)
        assert table(client, "ageing")
        assert listed(client, unit) == []
    require_lists(client, "unit=Advice")  # of all that they look after, this is what they audit


def listed(client: httpx.Client, query: str) -> list[tuple[str, str]]:
    """The states that lead somewhere, and where."""
    page = client.get(f"/figures?{query}").text
    return [
        (html.unescape(name), html.unescape(address))
        for address, name in re.findall(r'<a href="(/requests\?.*?)">(.*?)</a>', page)
    ]


def require_lists(client: httpx.Client, query: str) -> None:
    counts = {row["state"]: int(row["n"]) for row in table(client, "ageing", query)}
    found = listed(client, query)
    assert [name for name, _ in found] == list(counts)
    for name, address in found:
        assert len(set(re.findall(r'href="/requests/(\d+)"', client.get(address).text))) == counts[name] > 0


def test_what_stands_in_the_address_is_only_text(place: tuple[Sample, str], client: httpx.Client) -> None:
    signed_in(client, place[0].office, AUDITOR)
    for query in ("from=2026-13", "to=yesterday", "by=person", "unit=%00", "key=" + "k" * 201):
        assert client.get(f"/figures?{query}").status_code == 400, query
    page = client.get("/figures", params={"unit": "<script>alert(1)</script>", "lang": "en"})
    assert "<script>alert" not in page.text
    assert page.status_code == 404


def test_it_says_when_it_is_behind(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {})
    with sample.office.store.write() as session:
        session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
    with served(sample.office) as url, browsing(url) as client:
        signed_in(client, sample.office, ADMINISTRATOR)
        assert "As soon as people ask for something" in client.get("/figures?lang=en").text
        past = Past(sample.office, "P022")
        past.happen(AT_ONCE // 10)
        past.write()
        assert "Events that are not in these figures yet" in client.get("/figures?lang=en&by=unit").text
    sample.office.close()


def test_it_says_so_where_a_newer_release_keeps_the_times(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {})
    with sample.office.store.write() as session:
        session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        session.merge(TimingState(id=1, after_seq=0, rules=RULES + 1))
    past = Past(sample.office, "P022")
    past.happen(3)
    past.write()
    with served(sample.office) as url, browsing(url) as client:
        signed_in(client, sample.office, ADMINISTRATOR)
        assert "Events that are not in these figures yet" in words_of(client.get("/figures?lang=en"))
    sample.office.close()


def test_months_in_which_nothing_was_asked_for_have_no_page_of_a_process_without_a_name(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    """The form offers the first month of its half-year, whether or not there was an office then."""
    signed_in(client, place[0].office, AUDITOR)
    answer = client.get("/figures?from=2020-01&to=2020-01")
    assert "No request was asked for in these months" in answer.text
    assert '<p class="about">:' not in answer.text


def test_the_chance_that_the_first_is_done_sooner_is_a_plain_share_in_a_table_that_is_saved(
    place: tuple[Sample, str], client: httpx.Client
) -> None:
    signed_in(client, place[0].office, AUDITOR)
    rows = table(client, "lead-differences")
    assert rows
    assert all(re.fullmatch(r"[01]\.\d\d(–[01]\.\d\d)?", row["first_faster"]) for row in rows)
