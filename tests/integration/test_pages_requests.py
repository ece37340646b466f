"""The list of requests over HTTP: one's own, a team's, all; what came back; pages, filters, empty lists."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.databases import KINDS
from tests.desk_office import browsing, served, signed_in
from tests.queue_office import EMPLOYEE, QueueOffice, link, listed, queue_office
from tests.steps_office import CLERK, MANAGER
from workflow.listing import RequestFilter

OTHER_UNITS_MANAGER = "P008"
HOSTILE = '<img src=x onerror=alert(1)>\n"quoted" {{7*7}}'
Signed = Callable[[str], httpx.Client]


@pytest.fixture(scope="module", params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueOffice]:
    with queue_office(request, tmp_path_factory.mktemp("requests") / "data") as office:
        yield office


@pytest.fixture(scope="module")
def url(office: QueueOffice) -> Iterator[str]:
    with served(office.office) as url:
        yield url


@pytest.fixture
def desk(office: QueueOffice) -> QueueOffice:
    office.clear()
    return office


@pytest.fixture
def client(desk: QueueOffice, url: str) -> Iterator[httpx.Client]:
    with browsing(url) as client:
        yield client


def test_a_requester_finds_their_own_and_what_came_back_first(
    desk: QueueOffice, client: httpx.Client
) -> None:
    first, back, last = desk.crowd(3)
    desk.do("return", MANAGER, back, remark=HOSTILE)
    desk.do("return", MANAGER, first, remark="Look again.")
    desk.do("submit", EMPLOYEE, first)
    signed_in(client, desk.office, EMPLOYEE)
    page = client.get("/requests?open=yes")
    assert "<h1>My requests</h1>" in page.text
    assert listed(page) == [last, back, first]
    page = client.get("/requests")
    waiting, _ = page.text.split('<form class="narrowing"')
    assert f'href="/requests/{back}"' in waiting
    assert f'href="/requests/{first}"' not in waiting
    assert "Came back to you" in waiting
    assert "&lt;img src=x onerror=alert(1)&gt;\n&#34;quoted&#34; {{7*7}}</blockquote>" in waiting
    assert 'href="/requests/new"' in page.text


def test_what_came_back_is_told_however_old_it_is(desk: QueueOffice, client: httpx.Client) -> None:
    number, *_ = desk.crowd(120)
    desk.do("return", MANAGER, number, remark="Look again.")
    signed_in(client, desk.office, EMPLOYEE)
    page = client.get("/requests")
    assert number not in listed(page)
    assert "Look again.</blockquote>" in page.text


def test_who_sees_what(desk: QueueOffice, url: str) -> None:
    numbers = desk.crowd(2)
    auditor = next(one.person_id for one in desk.sample.register.people() if one.has_duty("auditor"))
    colleague = "P040"
    for person, seen, heading in (
        (EMPLOYEE, numbers, "My requests"),
        (MANAGER, numbers, "Requests of my team"),
        (CLERK, numbers, "Requests"),
        (auditor, numbers, "All requests"),
        (OTHER_UNITS_MANAGER, [], "Requests of my team"),
        (colleague, [], "My requests"),
    ):
        with browsing(url) as client:
            signed_in(client, desk.office, person)
            page = client.get("/requests?open=yes")
            assert listed(page) == seen[::-1], person
            assert f"<h1>{heading}</h1>" in page.text
            assert listed(client.get(f"/requests?text={numbers[0]}")) == seen[:1], person


def test_an_administrator_is_promised_nobody_elses_requests(desk: QueueOffice, client: httpx.Client) -> None:
    desk.crowd(1)
    administrator, auditor = (
        next(one.person_id for one in desk.sample.register.people() if one.has_duty(duty))
        for duty in ("administrator", "auditor")
    )
    signed_in(client, desk.office, administrator)
    page = client.get("/requests").text
    assert "<h1>My requests</h1>" in page
    assert "come here as soon as" not in page
    assert "Everybody&#39;s" not in page
    rooms = client.get("/office").text.split('id="rooms"')[1]
    assert "All requests" not in rooms
    signed_in(client, desk.office, auditor)
    assert "All requests" in client.get("/office").text.split('id="rooms"')[1]


def test_pages_lead_through_all_and_back(desk: QueueOffice, client: httpx.Client) -> None:
    numbers = desk.crowd(120)[::-1]
    signed_in(client, desk.office, MANAGER)
    first = client.get("/requests?open=yes&state=manager")
    second = client.get(link(first, "next"))
    third = client.get(link(second, "next"))
    assert [*listed(first), *listed(second), *listed(third)] == numbers
    assert 'rel="next"' not in third.text
    back = client.get(link(third, "prev"))
    assert listed(back) == listed(second)
    assert listed(client.get(link(back, "next"))) == listed(third)
    start = client.get(link(back, "prev"))
    assert listed(start) == listed(first)
    assert 'rel="prev"' not in first.text + start.text


def test_what_is_looked_for_lives_in_the_address(desk: QueueOffice, client: httpx.Client) -> None:
    numbers = desk.crowd(2)
    (other,) = desk.crowd(1, variant="A1", prefix="O")
    desk.do("withdraw", EMPLOYEE, numbers[0])
    reference = desk.sample.request(numbers[1]).reference
    signed_in(client, desk.office, MANAGER)
    for query, found in (
        ("variant=A1&open=yes", [other]),
        (f"text={reference}", [numbers[1]]),
        (f"text={numbers[0]}&open=no", [numbers[0]]),
        ("key=team-action-plan", []),
        ("state=review", []),
        ("unit=Policy&open=yes", [other, numbers[1]]),
        ("mine=yes", []),
    ):
        assert listed(client.get(f"/requests?{query}")) == found, query
    page = client.get("/requests?variant=A1&open=yes")
    assert '<option value="A1" selected>' in page.text
    assert '<option value="yes" selected>' in page.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("below=x", 400),
        ("above=0", 400),
        ("below=9999999999999999999999", 400),
        ("text=%00", 422),
        ("unit=a%0ab", 422),
        ("state=" + "x" * 201, 422),
        ("unit=%0a", 200),  # spaces around are no matter
    ],
)
def test_an_address_that_means_nothing_is_told(
    desk: QueueOffice, client: httpx.Client, query: str, status: int
) -> None:
    signed_in(client, desk.office, MANAGER)
    assert client.get(f"/requests?{query}").status_code == status


def test_an_empty_list_says_what_to_do(desk: QueueOffice, client: httpx.Client) -> None:
    signed_in(client, desk.office, "P040")
    assert "You have asked for nothing yet." in client.get("/requests").text
    assert "No request is like this." in client.get("/requests?variant=A3").text


def test_a_list_can_name_its_requests_and_go_upwards(desk: QueueOffice) -> None:
    numbers = desk.crowd(5)
    engine = desk.office.engine

    def found(person: str = MANAGER, limit: int = 10, **wanted: object) -> list[int]:
        return [line.id for line in engine.requests(person, RequestFilter(**wanted), limit=limit)]  # type: ignore[arg-type]

    assert found(numbers=(numbers[1], numbers[3], 10**9)) == [numbers[3], numbers[1]]
    assert found(OTHER_UNITS_MANAGER, numbers=tuple(numbers)) == []
    assert found(numbers=()) == []
    assert found(above=numbers[0], limit=2) == [numbers[2], numbers[1]]  # the next two, newest first
    assert found(above=numbers[4]) == []
    assert found(requester=MANAGER, closed=False) == []
    assert found(requester=EMPLOYEE, closed=False) == numbers[::-1]
