"""The queue over HTTP: what its address says, who sees what in it, taking, saving, and many at once."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.databases import KINDS
from tests.desk_office import browsing, csrf_of, served_to_many, signed_in
from tests.queue_office import EMPLOYEE, OTHER_MANAGER, QueueOffice, link, listed, queue_office
from tests.steps_office import CLERK, MANAGER
from workflow.bulk_results import Came, name_of
from workflow.many import Picked
from workflow.queue_filter import QueueFilter
from workflow.saved_filters import saved_filters
from workflow.tables import BulkResult, KeptForm

HOSTILE = "<img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}{{7*7}}"


@pytest.fixture(scope="module", params=KINDS)
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueOffice]:
    with queue_office(request, tmp_path_factory.mktemp("queue") / "data") as office:
        yield office


@pytest.fixture(scope="module")
def url(office: QueueOffice) -> Iterator[str]:
    with served_to_many(office.office) as url:
        yield url


@pytest.fixture
def desk(office: QueueOffice) -> QueueOffice:
    """The office on a Tuesday morning, with nothing in any queue."""
    office.clear()
    return office


@pytest.fixture
def manager(desk: QueueOffice, url: str) -> Iterator[httpx.Client]:
    with browsing(url) as client:
        signed_in(client, desk.office, MANAGER)
        yield client


def picks(page: httpx.Response) -> list[str]:
    return re.findall(r'name="pick" value="([^"]+)"', page.text)


def main_of(text: str, number: int) -> str:
    """What a page says, but for a number, and for the name of results."""
    said = re.sub(r"/queue/bulk/[\w-]+", "/queue/bulk/NAME", text.split("<main")[1])
    return re.sub(rf"\b{number}\b", "N", said)


def kept_under(desk: QueueOffice, page: httpx.Response) -> list[KeptForm]:
    """The question that has this address."""
    return desk.sample.rows(KeptForm, KeptForm.name == page.url.path.rpartition("/")[2])


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return found[1].replace("&amp;", "&")


def in_the_queue(client: httpx.Client, desk: QueueOffice, address: str) -> httpx.Response:
    """A queue's page, as the manager sees it who has just signed in."""
    signed_in(client, desk.office, MANAGER)
    return client.get(address)


def send(client: httpx.Client, page: httpx.Response, do: str, pick: list[str], **more: str) -> httpx.Response:
    """Send the form of many as the page has it, with these selected."""
    form = {name: hidden(page, name) for name in ("csrf", "key", "query")}
    return client.post("/queue/bulk", data={**form, "do": do, "pick": pick, **more})


def approve(client: httpx.Client, page: httpx.Response, pick: list[str]) -> httpx.Response:
    """Approve, and say once more that it is meant."""
    asked = send(client, page, "approve", pick)
    assert "Approve these requests?" in asked.text
    return send(client, asked, "approve", picks(asked), sure="yes")


def counts(page: httpx.Response) -> tuple[int, int]:
    """How many are told as done, and as not done."""
    found = re.search(r"Done: (\d+)\. Not done: (\d+|none)\.", page.text)
    assert found is not None, page.text
    return int(found[1]), 0 if found[2] == "none" else int(found[2])


def test_a_line_tells_what_whose_since_when_and_by_when(desk: QueueOffice, manager: httpx.Client) -> None:
    (number,) = desk.crowd(1)
    desk.clock.later(minutes=50)
    page = manager.get("/queue?lang=en")
    assert listed(page) == [number]
    assert f"<bdi>{desk.sample.request(number).reference}</bdi>" in page.text
    assert desk.sample.register.person(EMPLOYEE).name in page.text
    assert ">50 min</time>" in page.text
    assert "In 1 d 7 h" in page.text  # of sixteen working hours


def test_near_and_past_due_are_said_in_words_beside_a_shape(desk: QueueOffice, url: str) -> None:
    (number,) = desk.crowd(1)  # due in sixteen working hours: on Thursday at ten
    for later, sign, words, due in (
        ({"hours": 29}, "◆", "Due soon, in 3 h", "near"),
        ({"hours": 22}, "▲", "Past due by 3 h", "past"),
    ):
        with browsing(url) as client:
            assert listed(in_the_queue(client, desk, f"/queue?due={due}")) == []
            desk.clock.later(**later)
            page = in_the_queue(client, desk, f"/queue?due={due}")
            assert listed(page) == [number]
            assert f'<span aria-hidden="true">{sign}</span> {words}</time>' in page.text


def test_who_stands_still_is_neither(desk: QueueOffice, manager: httpx.Client) -> None:
    (number,) = desk.crowd(1)
    desk.do("claim", MANAGER, number)
    desk.do("suspend", MANAGER, number, remark="Waits for the lender.")
    page = manager.get("/queue")
    assert "Waits for somebody outside" in page.text
    assert "Due soon, in" not in page.text
    assert 'class="held-by-me">You' in page.text


def test_what_is_looked_for_lives_in_the_address(desk: QueueOffice, manager: httpx.Client) -> None:
    numbers = desk.crowd(3)
    desk.crowd(2, variant="A1", prefix="O")
    desk.do("claim", OTHER_MANAGER, numbers[0])
    address = "/queue?variant=A3&assignee=free&text=C-&sort=-number"
    page = manager.get(address)
    assert listed(page) == [numbers[2], numbers[1]]
    query = parse_qs(hidden(page, "query"))
    assert QueueFilter.from_query(query) == QueueFilter.from_query(parse_qs(urlsplit(address).query))
    assert '<option value="A3" selected>' in page.text
    assert '<option value="free" selected>' in page.text
    assert listed(manager.get(f"/queue?{hidden(page, 'query')}")) == listed(page)


def test_an_address_that_means_nothing_is_told(manager: httpx.Client) -> None:
    assert manager.get("/queue?due=whenever").status_code == 422
    assert manager.get("/queue?after=nonsense").status_code == 422
    assert manager.get("/queue?text=%00").status_code == 422


@pytest.mark.parametrize("sort", ["due", "-due", "age", "-age", "number", "-number"])
def test_pages_lead_through_all_and_back(desk: QueueOffice, manager: httpx.Client, sort: str) -> None:
    desk.crowd(60)
    desk.clock.later(minutes=10)
    desk.crowd(60, prefix="D")
    every = listed(manager.get(f"/queue?size=200&sort={sort}"))
    assert len(every) == 120
    first = manager.get(f"/queue?sort={sort}")
    second = manager.get(link(first, "next"))
    third = manager.get(link(second, "next"))
    assert [*listed(first), *listed(second), *listed(third)] == every
    assert 'rel="next"' not in third.text
    back = manager.get(link(third, "prev"))
    assert listed(back) == listed(second)
    assert listed(manager.get(link(back, "next"))) == listed(third)
    start = manager.get(link(back, "prev"))
    assert listed(start) == listed(first)
    assert 'rel="prev"' not in first.text + start.text


def test_heads_sort_and_turn(desk: QueueOffice, manager: httpx.Client) -> None:
    numbers = desk.crowd(3)
    page = manager.get("/queue")
    assert 'aria-sort="ascending"' in page.text
    once = manager.get("/queue?sort=number")
    assert listed(once) == numbers
    assert 'href="/queue?sort=-number"' in once.text
    assert 'aria-sort="descending"' in manager.get("/queue?sort=-number").text


def test_the_next_one_is_what_is_due_first_and_is_held_then(desk: QueueOffice, manager: httpx.Client) -> None:
    first, second = desk.crowd(2)
    page = manager.get("/queue")
    form = {name: hidden(page, name) for name in ("csrf", "key", "query")}
    assert manager.post("/queue/next", data=form).url.path == f"/requests/{first}"
    # sent again, it is the same one
    assert manager.post("/queue/next", data=form).url.path == f"/requests/{first}"
    held = {item.request_id: item.claimed_by for item in desk.office.engine.queue(MANAGER).items}
    assert held == {first: MANAGER, second: None}
    desk.do("claim", OTHER_MANAGER, second)
    empty = manager.post("/queue/next", data={**form, "key": "another"})
    assert "Nothing is left that you could take here." in empty.text


def test_a_filter_is_saved_used_and_removed(desk: QueueOffice, manager: httpx.Client) -> None:
    desk.crowd(1)
    page = manager.get("/queue?variant=A3&sort=-due")
    form = {"csrf": csrf_of(page), "query": hidden(page, "query"), "name": HOSTILE[:28]}
    saved = manager.post("/queue/saved", data=form)
    assert "The filter is saved." in saved.text
    assert 'href="/queue?variant=A3&amp;sort=-due" aria-current="true"' in saved.text
    assert "<img" not in saved.text
    with desk.office.store.read() as session:
        (kept,) = saved_filters(session, MANAGER)
        assert saved_filters(session, OTHER_MANAGER) == []
    assert kept.wanted == QueueFilter(variant="A3", sort="-due")
    removed = manager.post("/queue/saved/remove", data={"csrf": csrf_of(page), "name": kept.name})
    assert "The filter is removed." in removed.text
    with desk.office.store.read() as session:
        assert saved_filters(session, MANAGER) == []


def test_an_empty_queue_says_what_comes(manager: httpx.Client) -> None:
    assert "Nothing waits for you." in manager.get("/queue").text
    assert "No task is like this." in manager.get("/queue?variant=A3").text


def test_nobody_finds_in_a_queue_what_is_not_theirs(desk: QueueOffice, url: str) -> None:
    desk.crowd(2)
    for person in (EMPLOYEE, CLERK, "P008"):  # the requester, a later step, another unit's manager
        with browsing(url) as client:
            signed_in(client, desk.office, person)
            page = client.get("/queue?text=C-")
            assert listed(page) == []
            assert (
                desk.sample.register.person(EMPLOYEE).name
                not in page.text.replace("</header>", "", 1).split("<main", 1)[1]
            )


def test_names_are_text_and_keep_to_themselves(desk: QueueOffice, manager: httpx.Client) -> None:
    desk.call(EMPLOYEE, HOSTILE)
    (number,) = desk.crowd(1)
    pages = [manager.get("/queue"), manager.get("/requests")]
    pages.append(send(manager, pages[0], "approve", picks(pages[0])))
    pages.append(approve(manager, pages[0], picks(pages[0])))
    for page in pages:
        assert "<img" not in page.text
        assert "<bdi>&lt;img src=x onerror=alert(1)&gt;\N{RIGHT-TO-LEFT OVERRIDE}{{7*7}}</bdi>" in page.text
    assert desk.state(number) == "review"


# --- many at once


def test_two_hundred_are_approved_and_each_has_its_result(desk: QueueOffice, manager: httpx.Client) -> None:
    numbers = desk.crowd(202)
    page = manager.get("/queue?size=500")
    assert len(picks(page)) == 202
    stale, held = numbers[7], numbers[11]
    desk.do("claim", MANAGER, stale)  # its version is another one now
    desk.do("claim", OTHER_MANAGER, held)
    asked = send(manager, page, "approve", picks(page))
    assert f">{stale}</a>" in asked.text
    assert "It has changed since you looked at it." in asked.text
    assert "Fill in and send on" not in asked.text
    assert f"{desk.sample.register.person(OTHER_MANAGER).name} holds this task." in asked.text
    assert {desk.state(number) for number in numbers} == {"manager"}  # nothing was done yet
    done = send(manager, asked, "approve", picks(asked), sure="yes")
    assert counts(done) == (200, 2)
    told = re.findall(r'href="/requests/([0-9]+)"', done.text)
    assert sorted(map(int, told)) == numbers
    left = [number for number in numbers if desk.state(number) != "review"]
    assert left == [stale, held]


def test_sent_again_each_is_done_once_and_told_again(desk: QueueOffice, manager: httpx.Client) -> None:
    numbers = desk.crowd(3)
    page = manager.get("/queue")
    assert counts(approve(manager, page, picks(page))) == (3, 0)
    versions = [desk.sample.request(number).version for number in numbers]
    assert counts(approve(manager, page, picks(page))) == (3, 0)
    assert [desk.sample.request(number).version for number in numbers] == versions


def test_results_can_be_looked_at_again_for_a_day_by_who_did_it_alone(
    desk: QueueOffice, manager: httpx.Client, url: str
) -> None:
    numbers = desk.crowd(3)
    desk.do("claim", OTHER_MANAGER, numbers[2])
    page = manager.get("/queue?sort=number")
    done = send(manager, page, "claim", picks(page))
    assert [one.status_code for one in done.history] == [303]
    desk.do("release", OTHER_MANAGER, numbers[2])  # it is told as it was
    versions = [desk.sample.request(number).version for number in numbers]
    again = manager.get(str(done.url))
    assert main_of(again.text, 0) == main_of(done.text, 0)
    assert counts(again) == (2, 1)
    assert 'href="/queue?sort=number"' in again.text
    assert [desk.sample.request(number).version for number in numbers] == versions
    others = send(manager, page, "claim", picks(page)[:1])  # back, and something else is ticked
    assert counts(others) == (1, 0)
    assert counts(manager.get(str(done.url))) == (2, 1)
    with browsing(url) as client:
        signed_in(client, desk.office, OTHER_MANAGER)
        assert client.get(str(done.url)).status_code == 404
    name = done.url.path.rpartition("/")[2]
    desk.clock.later(hours=23)
    desk.office.bulk_results.forget()
    assert desk.office.bulk_results.find(name, MANAGER) is not None
    desk.clock.later(hours=2)
    signed_in(manager, desk.office, MANAGER)
    assert manager.get(str(done.url)).status_code == 404  # whether or not a worker looked since
    desk.office.bulk_results.forget()
    assert not desk.sample.rows(BulkResult, BulkResult.name == name)


def test_a_question_can_be_gone_back_to_by_who_was_asked_alone(
    desk: QueueOffice, manager: httpx.Client, url: str
) -> None:
    numbers = desk.crowd(2)
    page = manager.get("/queue?sort=number")
    asked = send(manager, page, "approve", picks(page))
    assert [one.status_code for one in asked.history] == [303]
    assert set(asked.url.params) == {"query"}
    assert "Approve 2<" in asked.text
    assert send(manager, page, "approve", picks(page)).url == asked.url
    assert send(manager, page, "approve", picks(page)[:1]).url != asked.url
    desk.do("claim", OTHER_MANAGER, numbers[1])
    again = manager.get(str(asked.url))  # back: it tells what could be done now
    assert "Approve these requests?" in again.text
    assert all(f">{number}</a>" in again.text for number in numbers)
    assert "Approve 1<" in again.text
    with browsing(url) as client:
        signed_in(client, desk.office, OTHER_MANAGER)
        assert client.get(str(asked.url)).status_code == 404
    desk.clock.later(hours=23)
    desk.office.kept_forms.forget()
    signed_in(manager, desk.office, MANAGER)
    assert "Approve these requests?" in manager.get(str(asked.url)).text
    desk.clock.later(hours=2)
    signed_in(manager, desk.office, MANAGER)
    assert manager.get(str(asked.url)).status_code == 404  # whether or not a worker looked since
    assert kept_under(desk, asked)
    desk.office.kept_forms.forget()
    assert not kept_under(desk, asked)


def test_a_question_that_was_answered_is_kept_no_more_and_its_address_tells_what_came_of_it(
    desk: QueueOffice, manager: httpx.Client
) -> None:
    numbers = desk.crowd(2)
    page = manager.get("/queue")
    asked, other = (send(manager, page, "approve", picks(page)) for _ in range(2))  # in two windows
    done = send(manager, asked, "approve", picks(asked), sure="yes")
    assert done.url == asked.url
    assert not kept_under(desk, asked)
    versions = [desk.sample.request(number).version for number in numbers]
    for told in (manager.get(str(asked.url)), send(manager, other, "approve", picks(other), sure="yes")):
        assert counts(told) == (2, 0)
    assert [desk.sample.request(number).version for number in numbers] == versions


def test_a_question_that_another_release_kept_is_told_as_it_was_or_is_none(
    desk: QueueOffice, manager: httpx.Client
) -> None:
    [number] = desk.crowd(1)
    name = "q" * 24
    for content, status in (
        ({"do": "approve", "key": "k", "picked": [[number, 1, None]]}, 200),
        ({"do": "approve", "key": "k", "picked": [[number, 1, None]], "newer": True}, 200),
        ({"do": "no more", "key": "k", "picked": [[number, 1, None]]}, 404),
        ({"what": "approve", "picked": [[number, 1, None]]}, 404),
        ({"do": "approve", "key": "k", "picked": [{"request": number, "version": 1}]}, 404),
    ):
        kept = KeptForm(name=name, person_id=MANAGER, about="bulk", content=content, kept_at=desk.clock())
        desk.office.kept_forms.drop(name)
        with desk.office.store.write() as session:
            session.add(kept)
        assert manager.get(f"/queue/bulk/{name}").status_code == status


def test_sent_several_times_at_the_same_moment_its_results_are_kept_once(desk: QueueOffice) -> None:
    """An impatient finger: each comes to the same address."""
    picked = [Picked(number, 1) for number in range(1, 301)]
    came = [Came(one.request, "review") for one in picked]
    results = desk.office.bulk_results
    with ThreadPoolExecutor(4) as pool:
        for key in ("one", "two", "three"):
            name = name_of(MANAGER, "claim", key, picked)
            sent = [pool.submit(results.keep, name, MANAGER, "claim", came) for _ in range(4)]
            assert {one.result() for one in sent} == {None}
            found = results.find(name, MANAGER)
            assert found is not None
            assert list(found.came) == came


def test_the_same_form_of_somebody_else_or_of_others_has_another_address() -> None:
    """Nor is what came of it kept for who was there first."""
    one, two = Picked(1, 4), Picked(2, 4)
    known = name_of(MANAGER, "claim", "key", [one, two])
    assert name_of(MANAGER, "claim", "key", [two, one]) == known
    others = [
        name_of(OTHER_MANAGER, "claim", "key", [one, two]),
        name_of(MANAGER, "release", "key", [one, two]),
        name_of(MANAGER, "claim", "other", [one, two]),
        name_of(MANAGER, "claim", "key", [one]),
        name_of(MANAGER, "claim", "key", [one, Picked(2, 5)]),
        name_of(MANAGER, "claim", "key", [one, Picked(2, 4, OTHER_MANAGER)]),
    ]
    assert len({known, *others}) == 1 + len(others)


def test_what_was_typed_and_not_sent_goes_along_also_when_sent_again(
    desk: QueueOffice, manager: httpx.Client
) -> None:
    number = desk.sample.submit("A3", temporary=True)
    page = manager.get("/queue")
    asked = send(manager, page, "approve", picks(page))
    assert f'<a href="/requests/{number}/edit">Fill in and send on' in asked.text
    assert counts(approve(manager, page, picks(page))) == (0, 1)  # how the employment goes on is not said
    part = {"continuation": {"prospect": "permanent", "changed_conditions": False}}
    desk.do("save_draft", MANAGER, number, data=part)
    page = manager.get("/queue")
    assert counts(approve(manager, page, picks(page))) == (1, 0)
    assert desk.sample.request(number).data["continuation"]["prospect"] == "permanent"
    assert counts(approve(manager, page, picks(page))) == (1, 0)


def test_several_are_claimed_and_given_back(desk: QueueOffice, manager: httpx.Client) -> None:
    numbers = desk.crowd(3)
    desk.do("claim", OTHER_MANAGER, numbers[2])
    page = manager.get("/queue")
    assert counts(send(manager, page, "claim", picks(page))) == (2, 1)
    page = manager.get("/queue?assignee=mine")
    assert listed(page) == numbers[:2]
    assert counts(send(manager, page, "release", picks(page))) == (2, 0)
    assert listed(manager.get("/queue?assignee=mine")) == []


def test_several_are_suspended_resumed_and_returned_with_one_remark(
    desk: QueueOffice, manager: httpx.Client
) -> None:
    numbers = desk.crowd(3)
    desk.do("claim", OTHER_MANAGER, numbers[2])
    for do, heading, where in (("suspend", "Suspend", "manager"), ("return", "Return", "request")):
        page = manager.get("/queue")
        asked = send(manager, page, do, picks(page))
        assert f"{heading} these requests?" in asked.text
        assert f"{desk.sample.register.person(OTHER_MANAGER).name} holds this task." in asked.text
        without = send(manager, asked, do, picks(asked), sure="yes", remark="  ")
        assert (without.status_code, "Say why in a remark." in without.text) == (422, True)
        assert {desk.state(number) for number in numbers} == {"manager"}
        done = send(manager, without, do, picks(without), sure="yes", remark="Waits for <b>the bank</b>.")
        assert counts(done) == (2, 1)
        said = [desk.office.engine.show(number, MANAGER).history[-1] for number in numbers[:2]]
        assert {(one.body or {})["remark"] for one in said} == {"Waits for <b>the bank</b>."}
        assert [desk.state(number) for number in numbers] == [where, where, "manager"]
        if do == "suspend":
            page = manager.get("/queue?suspended=yes")
            assert counts(send(manager, page, "resume", picks(page))) == (2, 0)


def test_states_and_kinds_are_those_that_one_meets(desk: QueueOffice, manager: httpx.Client) -> None:
    desk.crowd(1)
    states = re.search(r'<select id="state".*?</select>', manager.get("/queue").text, re.DOTALL)
    assert states is not None
    offered = set(re.findall('value="([a-z_]+)"', states[0]))
    assert {"manager", "countersign"} <= offered
    assert offered.isdisjoint({"review", "request", "printing", "stamping"})


def test_what_is_to_be_signed_is_told_and_sent_to_the_folder(desk: QueueOffice, url: str) -> None:
    sample = desk.sample
    plan = sample.submit_plan()
    assert desk.state(plan) == "approve"
    (number,) = desk.crowd(1)
    desk.do("approve", MANAGER, number)
    with browsing(url) as client:
        signed_in(client, desk.office, CLERK)
        page = client.get("/queue")
        asked = send(client, page, "approve", picks(page))
        assert "Can&#39;t be done now" in asked.text  # who signs is not written down yet
        assert counts(send(client, asked, "approve", picks(asked), sure="yes")) == (0, 1)
    assert desk.state(number) == "review"


def test_of_what_they_may_not_see_nobody_learns_anything(desk: QueueOffice, url: str) -> None:
    number = desk.crowd(12)[-1]  # of more than one digit
    with browsing(url) as client:
        signed_in(client, desk.office, "P008")  # a manager of another unit
        page = client.get("/queue")
        form = {"csrf": csrf_of(page), "key": "k", "query": "", "do": "claim"}
        theirs = client.post("/queue/bulk", data={**form, "pick": [f"{number}.1"]}).text
        nobodys = client.post("/queue/bulk", data={**form, "pick": ["987654.1"]}).text
        assert "There is no such request for you any more." in theirs
        assert main_of(theirs, number) == main_of(nobodys, 987654)


@pytest.mark.parametrize("pick", ["", "x", "1", "1.x", "-1.1", "9" * 30 + ".1", "٣.١"])
def test_what_a_queue_never_says_is_refused(desk: QueueOffice, manager: httpx.Client, pick: str) -> None:
    page = manager.get("/queue")
    answer = manager.post("/queue/bulk", data={"csrf": csrf_of(page), "do": "claim", "pick": [pick]})
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["%00", "a" * 23 + "%00", "%F0%9F", "a" * 3000])
def test_what_is_no_name_of_results_leads_nowhere(manager: httpx.Client, name: str) -> None:
    assert manager.get(f"/queue/bulk/{name}").status_code == 404


def test_nothing_selected_and_too_much_are_told(desk: QueueOffice, manager: httpx.Client) -> None:
    page = manager.get("/queue")
    form = {"csrf": csrf_of(page), "do": "claim"}
    assert "You selected no request." in manager.post("/queue/bulk", data=form).text
    many = manager.post("/queue/bulk", data={**form, "pick": [f"{number}.1" for number in range(1, 1002)]})
    assert "Select at most 1000 at once." in many.text
    assert manager.post("/queue/bulk", data={**form, "do": "withdraw", "pick": ["1.1"]}).status_code == 404


def test_another_sites_form_does_nothing(desk: QueueOffice, manager: httpx.Client) -> None:
    (number,) = desk.crowd(1)
    for path in ("/queue/bulk", "/queue/next", "/queue/saved", "/queue/saved/remove", "/keys"):
        assert manager.post(path, data={"do": "claim", "pick": f"{number}.1"}).status_code == 403
    assert desk.sample.request(number).version == 1


def test_keys_are_turned_off_without_javascript(manager: httpx.Client) -> None:
    page = manager.get("/queue")
    assert "Turn keys off" in page.text
    form = {"csrf": csrf_of(page), "keys": "off", "back": hidden(page, "back")}
    off = manager.post("/keys", data=form)
    assert off.url.path == "/queue"
    assert "Turn keys on" in off.text
    assert "Turn keys off" in manager.post("/keys", data={**form, "keys": "on"}).text
    elsewhere = manager.post("/keys", data={**form, "back": "//example.org"}, follow_redirects=False)
    assert elsewhere.headers["location"] == "/"


# --- more who ask than the database has connections for


def test_who_finds_no_connection_free_is_asked_to_come_again(
    desk: QueueOffice, manager: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, pool = desk.office.store, desk.office.store._reader.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)
    with ExitStack() as taken:
        for _ in range(pool.size() + pool._max_overflow):
            taken.enter_context(store.read()).connection()
        for path in ("/", "/queue"):
            answer = manager.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert "There is much to do just now." in answer.text
    assert manager.get("/queue").status_code == 200
