"""A queue that is chosen, put in order and cut into pages by the database; the next of it; kept filters."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from tests.databases import KINDS, Database, fresh, intruder
from tests.integration.engine_office import NAMES, UNIT, Office, sections
from workflow import open_tasks, queue_page, saved_filters
from workflow.commands import Answer, Submission
from workflow.errors import KeyReused, Refused, StoreUnavailable
from workflow.eventlog import Appender
from workflow.listing import RequestFilter
from workflow.people import remove_unneeded
from workflow.queue_filter import SORTS, QueueFilter, Sort
from workflow.queue_page import QueueItem, QueuePage
from workflow.store import Store
from workflow.tables import Person, Request


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


@pytest.fixture
def busy(office: Office) -> Office:
    """A week of work, for one test alone."""
    return worked(office)


@pytest.fixture(scope="module", params=KINDS)
def week(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A week of work on the Tuesday after it, with one more that is suspended and one more that was returned:
    for tests that only look at it."""
    folder = tmp_path_factory.mktemp("week")
    with fresh(request.param, folder, request) as database:
        office = worked(Office.open(folder, database.environ))
        office.now = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
        office.do("suspend", "clerk", 1, remark="Waits.")
        office.do("return", "manager", office.submit(), remark="Look.")  # as well as the eighth: never due
        yield office
        office.store.close()


def worked(office: Office) -> Office:
    """Tasks of managers, clerks and authors, some held, some suspended, one never due."""
    for count in range(9):
        number = office.submit(
            variant="A3" if count % 2 else "A1", reference=f"R-{count}_x" if count else None
        )
        if count % 3 != 1:
            office.fire("approve", "manager", number)
        office.later(hours=7)
    office.do("claim", "clerk", 1)
    office.do("claim", "manager2", 2)
    office.do("suspend", "manager", 5, remark="Waits.")
    office.do("return", "manager", 8, remark="Look.")  # to its requester, by no time
    plan = office.catalogue.get("team-action-plan", "N")
    data = sections(plan, plan.start)
    office.do("submit", "employee", data=data, submission=Submission("team-action-plan", "N"))
    return office


def found(office: Office, person: str, **wanted: object) -> list[int]:
    page = office.engine.queue(person, QueueFilter(**wanted))  # type: ignore[arg-type]
    return [item.request_id for item in page.items]


def pages(office: Office, person: str, wanted: QueueFilter, limit: int) -> Iterator[QueuePage]:
    while True:
        page = office.engine.queue(person, wanted, limit=limit)
        yield page
        if page.after is None:
            return
        wanted = replace(wanted, after=page.after)


FAR = datetime.max.replace(tzinfo=UTC)
ORDER: dict[str, Callable[[QueueItem], tuple[object, ...]]] = {
    "due": lambda item: (item.due_at or FAR, item.offered_at),
    "age": lambda item: (item.offered_at,),
    "number": lambda item: (item.request_id,),
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("person", ["clerk", "manager", "employee", "manager2"])
def test_pages_put_together_are_the_queue_in_its_order(week: Office, sort: Sort, person: str) -> None:
    whole = week.engine.queue(person, QueueFilter(sort=sort))
    assert whole.after is None
    assert len(whole.items) == whole.count
    expected = sorted(whole.items, key=ORDER[sort.removeprefix("-")], reverse=sort.startswith("-"))
    assert list(whole.items) == expected
    for limit in (1, 2, 3):
        cut = list(pages(week, person, QueueFilter(sort=sort), limit))
        assert [item for page in cut for item in page.items] == expected
        assert {page.count for page in cut} == {len(expected)}
        assert {len(page.items) for page in cut[:-1]} <= {limit}


def test_what_came_meanwhile_shifts_no_page(busy: Office) -> None:
    first = busy.engine.queue("clerk", QueueFilter(sort="number"), limit=2)
    before = [item.request_id for item in busy.engine.queue("clerk", QueueFilter(sort="number")).items]
    busy.fire("approve", "clerk", before[0])  # an offset would now leave one out
    second = busy.engine.queue("clerk", QueueFilter(sort="number", after=first.after), limit=2)
    assert [item.request_id for item in second.items] == before[2:4]


Holds = Callable[[QueueItem, datetime], bool]
FILTERS: list[tuple[dict[str, object], Holds]] = [
    ({"kind": "team-action-plan"}, lambda one, _: one.key == "team-action-plan"),
    ({"variant": "A3"}, lambda one, _: one.variant == "A3"),
    ({"state": "review"}, lambda one, _: one.state == "review"),
    ({"unit": UNIT}, lambda one, _: one.unit == UNIT),
    ({"unit": "nowhere"}, lambda _one, _: False),
    ({"assignee": "mine"}, lambda one, _: one.claimed_by == "clerk"),
    ({"assignee": "free"}, lambda one, _: one.claimed_by is None),
    ({"assignee": "others"}, lambda one, _: one.claimed_by not in {None, "clerk"}),
    ({"holder": "clerk"}, lambda one, _: one.claimed_by == "clerk"),
    ({"holder": "manager2"}, lambda one, _: one.claimed_by == "manager2"),
    ({"suspended": True}, lambda one, _: one.suspended_at is not None),
    ({"suspended": False}, lambda one, _: one.suspended_at is None),
    ({"due": "past"}, lambda one, now: _due_by(one, now - timedelta(microseconds=1))),
    ({"due": "near"}, lambda one, now: one.suspended_at is None and (one.near_at or FAR) <= now),
    # a Tuesday morning, and so in eight working hours a day later
    ({"due_within": 8}, lambda one, now: _due_by(one, now + timedelta(days=1))),
    ({"offered_after": date(2026, 11, 22)}, lambda one, _: one.offered_at >= _night(22)),
    ({"offered_before": date(2026, 11, 22)}, lambda one, _: one.offered_at < _night(22)),
    ({"variant": "A1", "assignee": "free"}, lambda one, _: one.variant == "A1" and not one.claimed_by),
]


def _due_by(item: QueueItem, moment: datetime) -> bool:
    return item.suspended_at is None and item.due_at is not None and item.due_at <= moment


def _night(day: int) -> datetime:
    """When this day of November begins in the office."""
    return datetime(2026, 11, day - 1, 23, tzinfo=UTC)


@pytest.mark.parametrize(("wanted", "holds"), FILTERS)
@pytest.mark.parametrize("sort", ["due", "-due", "-age"])
def test_a_filter_finds_what_it_says_and_all_of_it(
    week: Office, wanted: dict[str, object], holds: Holds, sort: Sort
) -> None:
    for person in ("clerk", "manager"):
        if person == "manager" and "assignee" in wanted:
            continue
        everything = week.engine.queue(person, QueueFilter(sort=sort)).items
        expected = [item.request_id for item in everything if holds(item, week.now)]
        assert found(week, person, **wanted, sort=sort) == expected


def test_pages_of_what_is_due_go_on_from_any_place(week: Office) -> None:
    """Also from one that is due never, of a page that asked for more."""
    for sort in ("due", "-due"):
        everything = list(pages(week, "clerk", QueueFilter(sort=sort), 1))
        for place in everything[:-1]:
            here = [one.items[0] for one in everything[everything.index(place) + 1 :]]
            wanted = QueueFilter(due="past", sort=sort, after=place.after)
            expected = [one.request_id for one in here if _due_by(one, week.now - timedelta(microseconds=1))]
            assert [one.request_id for one in week.engine.queue("clerk", wanted).items] == expected


def test_each_filter_finds_something_in_that_week_and_not_all(busy: Office) -> None:
    """Else the test above would say nothing."""
    busy.now = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    for wanted, holds in FILTERS:
        every = [
            holds(item, busy.now)
            for person in ("clerk", "manager")
            for item in busy.engine.queue(person).items
        ]
        assert wanted in ({"unit": UNIT}, {"unit": "nowhere"}, {"holder": "manager2"}) or {*every} == {
            True,
            False,
        }


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", [3]),
        ("R-2", [3]),
        ("R-", [3, 4, 6, 7, 9]),
        ("R-2_", [3]),
        ("R_2", []),
        ("%", []),
        ("employee", [1, 3, 4, 6, 7, 9]),
        ("Empl", [1, 3, 4, 6, 7, 9]),
        ("empl", [1, 3, 4, 6, 7, 9]),
        ("mployee", []),
        ("99999999999999999999", []),
        ("2", []),  # which waits for a manager
    ],
)
def test_a_text_finds_numbers_references_and_requesters(week: Office, text: str, numbers: list[int]) -> None:
    if "R" in text:
        numbers = [number for number in numbers if number != 1]
    reviewed = {item.request_id for item in week.engine.queue("clerk").items}
    assert sorted(found(week, "clerk", text=text)) == [one for one in numbers if one in reviewed]


def test_a_text_finds_nothing_that_the_person_can_not_take(busy: Office) -> None:
    assert found(busy, "outsider", text="employee") == []
    assert found(busy, "auditor", text="3") == []
    assert found(busy, "gone", text="3") == []
    busy.do("release", "manager2", 2)
    busy.do("claim", "manager", 2)
    with intruder(busy.store, guarded=False) as own:  # they move, and hold a task of a unit that was theirs
        own.execute("UPDATE grants SET unit = 'harbour' WHERE person_id = 'manager' AND role = 'manager'")
    [held] = found(busy, "manager", assignee="mine")
    [item] = busy.engine.queue("manager", QueueFilter(assignee="mine")).items
    assert (held, item.requester_id, item.requester_name, item.reference) == (2, "", "", None)
    assert found(busy, "manager", text="employee", assignee="mine") == []


def test_people_are_called_by_their_names(busy: Office) -> None:
    [item] = busy.engine.queue("manager", QueueFilter(holder="manager2")).items
    assert (item.requester_name, item.holder_name, item.claimed_at) == ("Employee", "Manager2", busy.now)


def test_many_are_counted_so_far_and_no_further(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = len(busy.engine.queue("clerk").items)
    monkeypatch.setattr(queue_page, "COUNTED", whole - 1)
    page = busy.engine.queue("clerk", limit=2)
    assert (page.count, page.more) == (whole - 1, True)
    monkeypatch.setattr(queue_page, "COUNTED", whole)
    page = busy.engine.queue("clerk", limit=2)
    assert (page.count, page.more) == (whole, False)
    assert busy.engine.queue("clerk", limit=2, counted=False).count is None


@pytest.mark.parametrize(
    "after", ["x", "é", "W10", "WyJhZ2UiLG51bGwsMV0", "WyJkdWUiLCJub3ciLDFd", "WyJkdWUiLDEsMV0"]
)
def test_a_place_that_is_none_is_refused(office: Office, after: str) -> None:
    with pytest.raises(Refused) as refused:
        office.engine.queue("clerk", QueueFilter(after=after))
    assert [reason.field for reason in refused.value.reasons] == ["after"]


def test_a_place_of_another_order_is_refused(busy: Office) -> None:
    page = busy.engine.queue("clerk", QueueFilter(sort="age"), limit=1)
    with pytest.raises(Refused):
        busy.engine.queue("clerk", QueueFilter(sort="due", after=page.after))


def test_a_filter_that_is_none_is_refused(office: Office) -> None:
    for wanted in (QueueFilter(sort="name"), QueueFilter(due_within=0), QueueFilter(kind="\ud800")):  # type: ignore[arg-type]
        with pytest.raises(Refused):
            office.engine.queue("clerk", wanted)
        with pytest.raises(Refused):
            office.engine.take_next("clerk", wanted, key="k")


# --- the next


def take(office: Office, person: str, key: str | None = None, **wanted: object) -> Answer | None:
    return office.engine.take_next(person, QueueFilter(**wanted), key=key or office.key())  # type: ignore[arg-type]


def test_the_next_is_what_is_due_first_and_nobody_holds(busy: Office) -> None:
    free = found(busy, "clerk", assignee="free")
    taken = [take(busy, "clerk") for _ in free]
    assert [answer.request_id for answer in taken if answer] == free
    assert all(busy.task(number).claimed_by == "clerk" for number in free)
    assert take(busy, "clerk") is None
    assert take(busy, "auditor") is None
    assert busy.report().ok


def test_the_next_skips_what_is_suspended_and_goes_by_the_filter(busy: Office) -> None:
    first, *_ = found(busy, "clerk", assignee="free")
    busy.do("suspend", "clerk", first, remark="Waits.")
    free = found(busy, "clerk", assignee="free", suspended=False)
    assert first not in free
    answer = take(busy, "clerk", sort="-age", assignee="others", holder="clerk2")
    assert answer is not None
    assert answer.request_id == free[0]
    last = take(busy, "clerk", unit=UNIT, text=f"{free[-1]}")
    assert last is not None
    assert last.request_id == free[-1]
    assert take(busy, "clerk", unit="nowhere") is None


def test_a_repeat_claims_nothing_more(busy: Office) -> None:
    first = take(busy, "clerk", "once")
    again = take(busy, "clerk", "once", variant="A1")
    assert first is not None
    assert again == replace(first, repeated=True)
    busy.do("release", "clerk", first.request_id, key="other")
    assert take(busy, "clerk", "once") == again
    with pytest.raises(KeyReused):
        take(busy, "clerk", "other")
    with pytest.raises(Refused):
        take(busy, "clerk", "\x00")


def test_a_substitute_takes_the_next_for_whom_they_stand_in(busy: Office) -> None:
    number = busy.submit()
    answer = take(busy, "substitute")
    assert answer is not None
    assert answer.request_id == number
    task = busy.task(number)
    assert (task.claimed_by, task.claimed_for) == ("substitute", "manager")


def test_clerks_who_ask_at_once_never_get_the_same(office: Office) -> None:
    numbers = [office.to_review() for _ in range(8)]
    barrier = Barrier(6)

    def ask(clerk: int) -> list[int]:
        barrier.wait(30)
        person = ("clerk", "clerk2")[clerk % 2]
        answers = [office.engine.take_next(person, key=f"{clerk}-{turn}") for turn in range(2)]
        return [answer.request_id for answer in answers if answer]

    with ThreadPoolExecutor(6) as pool:
        got = [number for numbers in pool.map(ask, range(6)) for number in numbers]
    assert sorted(got) == numbers
    assert office.report().ok


def test_a_statement_serves_all_who_ask_alike_and_holds_nothing_of_theirs(busy: Office) -> None:
    clerks = [found(busy, person, assignee="mine") for person in ("clerk", "clerk2")]
    made = queue_page._page.cache_info().misses
    others = [found(busy, person, assignee="mine") for person in ("clerk2", "clerk")]
    assert queue_page._page.cache_info().misses == made
    assert (others, clerks) == ([[], [1]], [[1], []])


def test_who_waits_too_long_for_the_log_is_told_so_and_has_claimed_nothing(
    office: Office, database: Database
) -> None:
    number = office.to_review()
    impatient = Store(database.url, busy_timeout_ms=100)
    with closing(impatient), office.store.write() as session:
        Appender.lock(session, bytes)
        with pytest.raises(StoreUnavailable):
            Office(impatient).engine.take_next("clerk", key="too long")
    taken = office.engine.take_next("clerk", key="too long")
    assert taken is not None
    assert (taken.request_id, taken.repeated) == (number, False)


def test_two_who_send_the_same_key_at_once_claim_one(office: Office) -> None:
    for _ in range(4):
        office.to_review()
    barrier = Barrier(4)

    def ask(_: int) -> Answer | None:
        barrier.wait(30)
        return office.engine.take_next("clerk", key="same")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert len({answer.request_id for answer in answers if answer}) == 1
    assert [answer.repeated for answer in answers if answer].count(False) == 1


def test_what_the_queue_does_not_know_of_is_passed_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the first refused for a reason of its own, nobody would get any further."""
    first, second = office.to_review(), office.to_review()
    with office.store.write() as session:
        session.get_one(Request, first).suspended_at = office.now  # and its task does not say so
    answer = take(office, "clerk")
    assert answer is not None
    assert answer.request_id == second


# --- what is kept beside open tasks


def test_an_open_task_repeats_its_request_and_a_closed_one_says_nothing(office: Office) -> None:
    number = office.to_sign()
    task = office.task(number)
    request = office.request(number)
    assert (task.unit, task.definition_sha256) == (request.unit, request.definition_sha256)
    assert task.named == NAMES["signer"]
    assert task.due_at is not None
    with office.store.read() as session:
        query = f"SELECT {', '.join(open_tasks.BESIDE)} FROM tasks WHERE closed_at IS NOT NULL"  # noqa: S608
        rows = session.execute(text(query)).all()
    assert len(rows) == 2
    assert {value for row in rows for value in row} == {None}


@pytest.mark.parametrize("column", open_tasks.BESIDE)
def test_what_an_earlier_release_did_not_keep_is_settled(busy: Office, column: str) -> None:
    busy.do("resume", "manager", 5)
    busy.do("suspend", "manager", 5, remark="Again.")
    before = {person: busy.engine.queue(person).items for person in ("clerk", "manager", "employee")}

    def settle() -> int:
        with busy.store.write() as session:
            connection: Connection = session.connection()
            return open_tasks.settle(connection)

    assert settle() == 0
    with intruder(busy.store, guarded=False) as own:
        changed = own.execute(f"UPDATE tasks SET {column} = NULL WHERE {column} IS NOT NULL").rowcount  # noqa: S608
    assert changed
    assert not busy.report().ok
    assert settle() == changed
    assert busy.report().ok
    assert {person: busy.engine.queue(person).items for person in before} == before


# --- filters that are kept


def test_a_filter_is_kept_under_its_name_and_replaced_by_it(office: Office) -> None:
    wanted = QueueFilter(variant="A3", text="Employee & Sons?", sort="-age", after="WzFd")
    for name, one in (("late", QueueFilter(due="past")), ("mine", wanted), ("late", QueueFilter(due="near"))):
        with office.store.write() as session:
            saved_filters.save_filter(session, "clerk", name, one)
    with office.store.read() as session:
        kept = saved_filters.saved_filters(session, "clerk")
        assert saved_filters.saved_filters(session, "clerk2") == []
    assert [(one.name, one.wanted) for one in kept] == [
        ("late", QueueFilter(due="near")),
        ("mine", replace(wanted, after=None)),
    ]
    with office.store.write() as session:
        assert not saved_filters.remove_filter(session, "clerk2", "mine")
        assert saved_filters.remove_filter(session, "clerk", "mine")


def test_no_more_are_kept_than_a_person_finds_again(office: Office) -> None:
    with office.store.write() as session:
        for count in range(saved_filters.MOST):
            saved_filters.save_filter(session, "clerk", f"{count}", QueueFilter())
        with pytest.raises(Refused) as refused:
            saved_filters.save_filter(session, "clerk", "one more", QueueFilter())
        assert [reason.code for reason in refused.value.reasons] == ["full"]
        saved_filters.save_filter(session, "clerk", "0", QueueFilter(due="past"))
        for who, name in (
            ("nobody", "x"),
            ("gone", "x"),
            ("clerk", ""),
            ("clerk", " x"),
            ("clerk", "a" * 61),
        ):
            with pytest.raises(Refused):
                saved_filters.save_filter(session, who, name, QueueFilter())


def test_a_filter_of_another_release_is_told_and_stops_nobody(office: Office) -> None:
    with office.store.write() as session:
        saved_filters.save_filter(session, "clerk", "old", QueueFilter())
    with intruder(office.store, guarded=False) as own:
        own.execute("UPDATE saved_filters SET query = 'sort=colour'")
    with office.store.read() as session:
        [kept] = saved_filters.saved_filters(session, "clerk")
    assert (kept.name, kept.wanted) == ("old", None)


def test_filters_go_with_their_person(office: Office) -> None:
    with office.store.write() as session:
        saved_filters.save_filter(session, "outsider", "mine", QueueFilter())
        person = session.get_one(Person, "outsider")
        person.active, person.left_at = False, office.now - timedelta(days=40)
        session.flush()
        log = Appender.lock(session, bytes)
        assert remove_unneeded(session, log, office.now, ["outsider"], at=office.now) == 1
        assert saved_filters.saved_filters(session, "outsider") == []


# --- lists of requests


def test_requests_are_found_by_text_too(busy: Office) -> None:
    def listed(person: str, text: str) -> list[int]:
        return [line.id for line in busy.engine.requests(person, RequestFilter(text=text))]

    assert listed("auditor", "R-3") == [4]
    assert listed("auditor", "4") == [4]
    assert listed("auditor", "empl") == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert listed("auditor", "clerk") == []
    assert listed("colleague", "empl") == []
    assert listed("outsider", "4") == []
