"""Requests begun and filled in over HTTP, without JavaScript: nothing that was typed is lost."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, update

from documents.kinds import KINDS as DOCUMENTS
from tests.databases import KINDS, fresh
from tests.desk_office import browsing, csrf_of, served_to_many, signed_in
from tests.html_forms import HtmlForm, form_of_class
from tests.steps_office import CLERK, DECLARATION, MANAGER, PLAN, SIGNER, Sample
from workflow.beginnings import KEPT
from workflow.errors import Refused
from workflow.kept_forms import MOST
from workflow.preflight import settings_sha256
from workflow.proposals import proposed
from workflow.tables import (
    Beginning,
    CommandKey,
    Draft,
    Event,
    Grant,
    KeptForm,
    Person,
    ProfileCheck,
    Request,
    Substitute,
)

NEW = f"/requests/new/{DECLARATION}/A3"
NEW_PLAN = f"/requests/new/{PLAN}/standard"
SEND, SAVE, APPROVE = ("do", "send"), ("do", "save"), ("do", "fire:approve")
SAVE_DRAFT = ("do", "save_draft")


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample

    def requester(self, *, temporary: bool = False) -> str:
        """Somebody of the manager's unit who can ask for a declaration."""
        return self.sample.request(self.sample.submit("A3", temporary=temporary)).requester_id

    def events(self) -> int:
        return len(self.sample.rows(Event))


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("forms") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with served_to_many(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with place.sample.office.store.write() as session:  # nobody sent the same before
        session.execute(delete(CommandKey))
        session.execute(delete(KeptForm))
    with browsing(place.url) as client:
        client.cookies.set("paraaf-language", "en", domain="127.0.0.1")
        yield client


def opened(place: Place, client: httpx.Client, person: str, address: str) -> HtmlForm:
    """A page's form, for somebody who has signed in."""
    signed_in(client, place.sample.office, person)
    page = client.get(address)
    assert page.status_code == 200, page.text
    return form_of_class(page.text, "fields")


def number_in(answer: httpx.Response) -> int:
    assert answer.status_code == 303, re.findall('<section class="mistakes".*?</section>', answer.text, re.S)
    return int(answer.headers["location"].split("/")[2].split("?")[0])


# --- beginning


def test_who_may_begin_what_and_why_not(place: Place, client: httpx.Client) -> None:
    office, person = place.sample.office, place.requester()
    profile = office.profiles[office.catalogue.get(DECLARATION, "A4").signing]
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == person, Grant.role == "author"))
        session.add(
            ProfileCheck(
                profile=profile.name,
                settings_sha256=settings_sha256(office.signing, profile),
                checked_at=office.clock(),
                code="key-gone",
                message="",
                may_pass=False,
            )
        )
    try:
        signed_in(client, office, person)
        page = client.get("/requests/new").text
        assert f'href="{NEW}"' in page
        assert f'href="/requests/new/{DECLARATION}/A1"' in page
        assert "Not now:" in page
        assert f'href="/requests/new/{DECLARATION}/A4"' not in page
        assert f'href="{NEW_PLAN}"' not in page
        assert client.get(NEW_PLAN).status_code == 422
        assert client.get(f"/requests/new/{DECLARATION}/A4").status_code == 422
    finally:
        with office.store.write() as session:
            session.execute(delete(ProfileCheck).where(ProfileCheck.profile == profile.name))
            session.add(Grant(person_id=person, role="author", unit=None))


@pytest.mark.parametrize("address", [f"/requests/new/{DECLARATION}/A9", "/requests/new/x/y"])
def test_there_is_no_form_for_a_process_that_there_is_not(
    place: Place, client: httpx.Client, address: str
) -> None:
    signed_in(client, place.sample.office, CLERK)
    assert client.get(address).status_code == 404


def test_the_form_holds_what_the_register_says_and_becomes_a_request(
    place: Place, client: httpx.Client
) -> None:
    person = place.requester()
    form = opened(place, client, person, NEW)
    form.fill("language", "da")
    made = place.sample.request(number_in(form.send(client, SEND, follow=False)))
    kind = DOCUMENTS["employer_declaration"]
    filled_in = place.sample.register.prefill(person, on=place.sample.today)
    assert made.data == kind.json_of(kind.model.model_validate(filled_in))
    assert (made.requester_id, made.language, made.state) == (person, "da", "manager")


def test_sent_twice_it_is_one_request(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, place.requester(), NEW)
    first = number_in(form.send(client, SEND, follow=False))
    events = place.events()
    assert number_in(form.send(client, SEND, follow=False)) == first
    assert place.events() == events


def test_who_sends_again_is_asked_whether_another_is_meant(place: Place, client: httpx.Client) -> None:
    person, another = place.requester(), ("do", "another")
    form = opened(place, client, person, NEW)
    first, events = number_in(form.send(client, SEND, follow=False)), place.events()
    form.fill("employee.town", "Elsewhere")  # after going back
    told = form.send(client, SEND)
    assert (told.status_code, place.events()) == (409, events)
    assert f"You sent this form before, as request {first}." in told.text
    assert f'<a href="/requests/{first}">' in told.text
    again = form_of_class(told.text, "fields")
    assert again.value("employee.town") == "Elsewhere"
    assert SEND not in again.buttons
    second = number_in(again.send(client, another, follow=False))
    assert place.sample.request(second).data["employee"]["town"] == "Elsewhere"
    assert number_in(again.send(client, another, follow=False)) == second
    anew = opened(place, client, person, NEW)
    assert f'<a href="/requests/{second}">' in client.get(NEW).text  # what is open is told at once
    events = place.events()
    told = anew.send(client, SEND)
    assert (told.status_code, place.events()) == (409, events)
    assert f"You sent the same before, as request {first}, which is still open." in told.text
    third = number_in(form_of_class(told.text, "fields").send(client, another, follow=False))
    assert third not in {first, second}


def test_who_has_it_looked_over_is_told_where_nothing_is_wrong(place: Place, client: httpx.Client) -> None:
    look, said = ("do", "look"), "nothing is wrong or missing. It has not been sent yet."
    form, events = opened(place, client, place.requester(), NEW), place.events()
    assert said not in client.get(NEW).text
    assert said in form.send(client, look).text
    name = form.value("employee.name")
    form.fill("employee.name", "Somebody Else")
    told = form.send(client, look).text
    assert "This can be sent, but has to be settled before anybody signs" in told
    assert "This can&#39;t be sent yet" not in told
    form.fill("employee.name", name)
    form.fill("employee.town", "")
    told = form.send(client, look).text
    assert said not in told
    assert "This can&#39;t be sent yet" in told
    assert place.events() == events
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    assert said not in form.send(client, look).text  # nobody is named who signs
    form.fill("signing.name", place.sample.register.person(place.sample.signer).name)
    form.fill("signing.contact_phone", "070 000 0000")
    for field in form.names:
        if field.startswith(("reasons.", "signing.")) and not form.value(field):
            form.fill(field, "Looked into.")
    assert said in form.send(client, look).text


def test_a_form_that_was_looked_over_can_be_gone_back_to_until_it_is_sent(
    place: Place, client: httpx.Client
) -> None:
    """And it has not been saved; nobody else sees it, and the address says nothing of what was typed."""
    look, person = ("do", "look"), place.requester()
    form = opened(place, client, person, NEW)
    form.fill("employee.town", "")
    form.fill("employee.maiden_name", "Proefwoord")
    form.fill("language", "da")
    told = form.send(client, look)
    assert [one.status_code for one in told.history] == [303]
    assert (told.url.path, set(told.url.params)) == (NEW, {"form"})
    assert "Proefwoord" not in str(told.url)
    for page in (told, client.get(str(told.url))):
        assert "This can&#39;t be sent yet" in page.text
        assert form_of_class(page.text, "fields").value("employee.maiden_name") == "Proefwoord"
    longer = form_of_class(told.text, "fields").send(client, ("do", "add:income.lines"))
    assert longer.url == told.url
    again = form_of_class(longer.text, "fields")
    assert (again.value("key"), again.value("language")) == (form.value("key"), "da")
    for address in (NEW, f"/requests/new/{DECLARATION}/A1?form={told.url.params['form']}"):
        assert "Proefwoord" not in client.get(address).text
    signed_in(client, place.sample.office, CLERK)
    assert "Proefwoord" not in client.get(str(told.url)).text
    form = opened(place, client, person, str(told.url))
    form = form_of_class(form.send(client, ("do", "remove:income.lines.1")).text, "fields")
    form.fill("employee.town", "Voorbeeldstad")
    assert number_in(form.send(client, SEND, follow=False))
    assert "Proefwoord" not in client.get(str(told.url)).text


def test_of_what_is_looked_over_little_is_kept_and_nothing_that_a_draft_may_not_hold(
    place: Place, client: httpx.Client
) -> None:
    person = place.requester()
    signed_in(client, place.sample.office, person)
    names = []
    for _ in range(MOST + 2):
        told = form_of_class(client.get(NEW).text, "fields").send(client, ("do", "look"))
        names.append(told.url.params["form"])
    assert len(place.sample.rows(KeptForm)) == MOST
    assert {one.name for one in place.sample.rows(KeptForm)} == set(names[2:])
    form = form_of_class(client.get(NEW).text, "fields")
    form.fill("employee.town", "\N{RIGHT-TO-LEFT OVERRIDE}")
    told = form.send(client, ("do", "look"))
    assert (told.status_code, told.history) == (422, [])
    assert len(place.sample.rows(KeptForm)) == MOST


def test_a_request_that_was_looked_over_can_be_gone_back_to_while_it_is_there(
    place: Place, client: httpx.Client
) -> None:
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    form.fill("signing.contact_phone", "070 000 0000")
    told = form.send(client, ("do", "look"))
    assert [one.status_code for one in told.history] == [303]
    assert (
        form_of_class(client.get(str(told.url)).text, "fields").value("signing.contact_phone")
        == "070 000 0000"
    )
    place.sample.do("claim", CLERK, number)  # what was looked over is of what was seen then
    again = form_of_class(client.get(str(told.url)).text, "fields")
    assert again.value("version") == form.value("version")
    place.sample.do("return", CLERK, number, remark="Again.")
    assert [row for row in place.sample.rows(KeptForm) if row.request_id == number]
    assert client.get(str(told.url)).status_code != 200


def test_looking_a_form_over_does_not_make_it_one_of_the_version_that_came_meanwhile(
    place: Place, client: httpx.Client
) -> None:
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    form.fill("signing.contact_phone", "070 000 0000")
    place.sample.do("claim", CLERK, number)
    told = form_of_class(form.send(client, ("do", "look")).text, "fields").send(client, APPROVE)
    assert told.status_code == 409
    assert place.sample.request(number).state == "review"


def test_what_was_looked_over_goes_with_the_form_that_is_sent_and_is_nobody_elses_to_replace(
    place: Place, client: httpx.Client
) -> None:
    number, others = at_review(place), opened(place, client, place.requester(), NEW)
    others.send(client, ("do", "look"))
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    form.fill("signing.name", place.sample.register.person(place.sample.signer).name)
    form.fill("signing.contact_phone", "070 000 0000")
    for field in form.names:
        if field.startswith(("reasons.", "signing.")) and not form.value(field):
            form.fill(field, "Looked into.")
    told = form_of_class(form.send(client, ("do", "look")).text, "fields")
    assert len(place.sample.rows(KeptForm)) == 2
    assert number_in(told.send(client, APPROVE, follow=False)) == number
    (kept,) = place.sample.rows(KeptForm)
    again = opened(place, client, CLERK, NEW)
    again.fill("key", others.value("key"))
    again.send(client, ("do", "look"))
    assert kept.name in {one.name for one in place.sample.rows(KeptForm)}
    assert len(place.sample.rows(KeptForm)) == 2


def test_a_mistake_changes_nothing_and_loses_nothing(place: Place, client: httpx.Client) -> None:
    person = place.requester()
    form = opened(place, client, person, NEW)
    form.fill("income.commission", "1.234")
    form.fill("employee.town", "<img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}")
    form.fill("employee.address", "")
    form.fill("employee.name", '=HYPERLINK("x")')
    form.fill("language", "nb")
    events = place.events()
    answer = form.send(client, SEND)
    assert answer.status_code == 422
    assert place.events() == events
    again = form_of_class(answer.text, "fields")
    for name in ("income.commission", "employee.town", "employee.address", "employee.name", "language"):
        assert again.value(name) == form.value(name)
    assert "<img" not in answer.text
    for name in ("income-commission", "employee-town", "employee-address"):
        assert f'<a href="#f-{name}">' in answer.text
        assert f'id="f-{name}-told1"' in answer.text
    known = opened(place, client, person, NEW)
    for name in ("income.commission", "employee.town", "employee.address", "employee.name"):
        again.fill(name, known.value(name) or "")
    again.fill("employee.maiden_name", "{{7*7}} Voorbeeld")
    again.fill("employee.town", '=HYPERLINK("x")')
    again.fill("csrf", known.value("csrf") or "")
    assert again.value("key") == form.value("key")
    made = place.sample.request(number_in(again.send(client, SEND, follow=False)))
    assert made.data["employee"]["maiden_name"] == "{{7*7}} Voorbeeld"
    assert made.data["employee"]["town"] == '=HYPERLINK("x")'


def test_what_is_too_long_is_refused_by_name(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, place.requester(), NEW)
    form.fill("employee.address", "x" * 100_000)
    answer = form.send(client, SEND)
    assert answer.status_code == 422
    assert '<a href="#f-employee-address">' in answer.text
    form.fill("employee.address", "x" * 600_000)
    assert form.send(client, SEND).status_code == 413


def test_rows_come_and_go_by_buttons(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, place.requester(), NEW)
    form.fill("employee.maiden_name", "Kept meanwhile")
    for number in (1, 2):
        form = form_of_class(form.send(client, ("do", "add:income.lines")).text, "fields")
        form.fill(f"income.lines.{number}.label", f"Line {number}")
        form.fill(f"income.lines.{number}.amount", f"{number}00")
        form.fill(f"income.lines.{number}.fixed", "yes")
    form = form_of_class(form.send(client, ("do", "remove:income.lines.1")).text, "fields")
    made = place.sample.request(number_in(form.send(client, SEND, follow=False)))
    assert made.data["income"]["lines"] == [{"label": "Line 2", "amount": "200.00", "fixed": True}]
    assert made.data["employee"]["maiden_name"] == "Kept meanwhile"


def test_a_plan_is_written_from_an_empty_form(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, place.requester(), NEW_PLAN)
    answer = form.send(client, SEND)
    assert answer.status_code == 422
    assert '<a href="#f-actions">' in answer.text
    form = form_of_class(answer.text, "fields")
    for name, value in {
        "header.title": "Plan",
        "header.subject": "general",
        "actions.1.focus_area": "Area",
        "actions.1.description": "First.\r\nSecond.",
        "actions.1.responsible": "A. Voorbeeld",
        "actions.1.deadlines.1": "1 december 2027",
        "actions.1.follow_up": "Monthly.",
        "actions.1.goal_reached_when": "Done.",
        "approval.name": place.sample.register.person(MANAGER).name,
    }.items():
        form.fill(name, value)
    made = place.sample.request(number_in(form.send(client, SEND, follow=False)))
    assert made.data["actions"][0]["description"] == "First.\nSecond."
    assert made.data["actions"][0]["deadlines"] == ["2027-12-01"]
    assert "safety" not in made.data


# --- leaving it, and coming back


def test_what_was_begun_is_there_again_for_its_person_alone(place: Place, client: httpx.Client) -> None:
    person = place.requester()
    form = opened(place, client, person, NEW)
    form.fill("income.commission", "not yet known")
    form.fill("language", "da")
    events = place.events()
    saved = form.send(client, SAVE)
    assert saved.status_code == 200
    assert "It is saved." in saved.text
    assert place.events() == events
    with browsing(place.url) as elsewhere:
        again = opened(place, elsewhere, person, NEW)
        assert (again.value("income.commission"), again.value("language")) == ("not yet known", "da")
        assert all("You have begun" in elsewhere.get(path).text for path in ("/requests", "/requests/new"))
    with browsing(place.url) as other:
        assert opened(place, other, MANAGER, NEW).value("income.commission") != "not yet known"
    form.fill("income.commission", "")
    number_in(form.send(client, SEND, follow=False))
    assert place.sample.rows(Beginning) == []
    assert not any("You have begun" in client.get(path).text for path in ("/requests", "/requests/new"))


def test_what_was_begun_can_be_thrown_away_or_grows_old(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    form = opened(place, client, place.requester(), NEW)
    form.fill("employee.address", "Typed")
    form = form_of_class(form.send(client, SAVE).text, "fields")
    again = form_of_class(form.send(client, ("do", "drop")).text, "fields")
    assert again.value("employee.address") != "Typed"
    assert place.sample.rows(Beginning) == []
    again.fill("employee.address", "Typed")
    again.send(client, SAVE)
    with office.store.write() as session:
        session.execute(update(Beginning).values(saved_at=office.clock() - KEPT + timedelta(hours=1)))
    office.retention.run()
    assert len(place.sample.rows(Beginning)) == 1
    with office.store.write() as session:
        session.execute(update(Beginning).values(saved_at=office.clock() - KEPT))
    assert form_of_class(client.get(NEW).text, "fields").value("employee.address") != "Typed"
    office.retention.run()
    assert place.sample.rows(Beginning) == []


def test_with_what_is_thrown_away_goes_what_was_looked_over_of_it(place: Place, client: httpx.Client) -> None:
    """In any window; of another process, or by somebody else, it stays."""
    look, another = ("do", "look"), NEW.replace("A3", "A1")
    opened(place, client, MANAGER, NEW).send(client, look)
    form = opened(place, client, place.requester(), NEW)
    form.send(client, SAVE)
    looked = [form_of_class(client.get(address).text, "fields").send(client, look) for address in (NEW, NEW)]
    left = form_of_class(client.get(another).text, "fields").send(client, look)
    form_of_class(client.get(NEW).text, "fields").send(client, ("do", "drop"))
    kept = {row.name for row in place.sample.rows(KeptForm)}
    assert kept.isdisjoint(told.url.params["form"] for told in looked)
    assert left.url.params["form"] in kept
    assert len(kept) == 2


def test_a_form_that_another_release_kept_is_told_as_far_as_it_fits(
    place: Place, client: httpx.Client
) -> None:
    person, name, about = place.requester(), "k" * 24, f"new:{DECLARATION}:A3"
    signed_in(client, place.sample.office, person)
    for content, typed in (
        ({"key": "k", "data": {"employee": {"town": "Typed"}}, "newer": [1]}, True),
        ({"key": "k", "data": {"employee": {"town": "Typed"}, "gone": 1, "income": 3}}, True),
        ({"key": "k", "data": {"employee": {"town": "Typed"}}, "version": "seven"}, False),
        ({"data": {"employee": {"town": "Typed"}}}, False),
    ):
        place.sample.office.kept_forms.drop(name)
        kept = KeptForm(
            name=name, person_id=person, about=about, content=content, kept_at=place.sample.office.clock()
        )
        with place.sample.office.store.write() as session:
            session.add(kept)
        page = client.get(f"{NEW}?form={name}")
        assert (page.status_code, "Typed" in page.text) == (200, typed), content


def test_what_was_begun_goes_with_its_person(place: Place) -> None:
    office = place.sample.office
    long_ago = office.clock() - timedelta(days=400)
    with office.store.write() as session:
        session.add(Person(id="leaver", name="L", unit="U", active=False, left_at=long_ago))
        session.flush()
        session.add(
            Beginning(
                person_id="leaver",
                key=DECLARATION,
                variant="A3",
                language="en",
                data={},
                saved_at=office.clock(),
            )
        )
    assert office.retention.run().people == 1
    assert place.sample.rows(Beginning) == []


def test_not_even_a_beginning_keeps_a_national_number(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, place.requester(), NEW)
    form.fill("employee.address", "111222333")
    answer = form.send(client, SAVE)
    assert answer.status_code == 422
    assert '<a href="#f-employee-address">' in answer.text
    assert place.sample.rows(Beginning) == []


# --- filling in what there is


def test_the_manager_declares_the_continuation(place: Place, client: httpx.Client) -> None:
    number = place.sample.submit("A3", temporary=True)
    form = opened(place, client, MANAGER, f"/requests/{number}/edit")
    assert {name.split(".")[0] for name in form.names if "." in name} == {"continuation"}
    answer = form.send(client, APPROVE)
    assert answer.status_code == 422
    assert place.sample.request(number).state == "manager"
    form = form_of_class(answer.text, "fields")
    form.fill("continuation.prospect", "temporary")
    form.fill("continuation.changed_conditions", "no")
    answer = form.send(client, APPROVE)
    assert '<a href="#f-continuation-months">' in answer.text
    form = form_of_class(answer.text, "fields")
    assert form.value("continuation.prospect") == "temporary"
    form.fill("continuation.months", "12")
    assert number_in(form.send(client, APPROVE, follow=False)) == number
    made = place.sample.request(number)
    assert made.state == "review"
    assert made.data["continuation"] == {"prospect": "temporary", "months": 12, "changed_conditions": False}
    events = place.events()
    assert number_in(form.send(client, APPROVE, follow=False)) == number  # sent twice, done once
    assert place.events() == events


def test_a_draft_comes_back_to_who_saved_it(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    address = f"/requests/{number}/edit"
    form = opened(place, client, CLERK, address)
    form.fill("signing.place", "Voorbeeldstad")
    form.fill("signing.contact_phone", "not a number yet")
    saved = form.send(client, SAVE_DRAFT)
    assert "Your draft is saved." in saved.text
    [draft] = place.sample.rows(Draft, Draft.request_id == number)
    assert (
        draft.data["signing"].items()
        >= {"place": "Voorbeeldstad", "contact_phone": "not a number yet"}.items()
    )
    with browsing(place.url) as elsewhere:
        form = opened(place, elsewhere, CLERK, address)
        assert form.value("signing.contact_phone") == "not a number yet"
    with browsing(place.url) as other:
        colleague = other_clerk(place)
        assert opened(place, other, colleague, address).value("signing.contact_phone") == ""


def test_the_clerk_gives_reasons_and_names_the_signer(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    name = place.sample.register.person(place.sample.signer).name
    page = client.get(f"/requests/{number}/edit").text
    assert f'<option value="{html.escape(name)}">' in page
    assert re.search(rf"Choose from: [^<]*{html.escape(name)}", page)
    missing = "Before signing, the clerk gives the signer, the place, and whom the recipient may call."
    found = client.get(f"/requests/{number}").text.split('<ul class="found">')[1].split("</ul>")[0]
    assert found.count(missing) == 1
    assert found.count('<a href="#f-signing-') == 4
    for field, value in {
        "signing.name": name,
        "signing.place": "Voorbeeldstad",
        "signing.contact_name": "Desk",
        "signing.contact_phone": "070 000 0000",
        "other.supplementary_statement": "36 hours a week.",
    }.items():
        form.fill(field, value)
    for field in form.names:
        if field.startswith("reasons."):
            form.fill(field, "Looked into.")
    assert number_in(form.send(client, APPROVE, follow=False)) == number
    made = place.sample.request(number)
    assert made.state == "rendering"
    assert made.data["other"]["supplementary_statement"] == "36 hours a week."


def test_place_and_contact_are_proposed_to_the_clerk(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    data, clerk = place.sample.request(number).data, place.sample.register.person(CLERK)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    assert form.value("signing.place") == data["employer"]["town"]
    assert form.value("signing.contact_name")
    assert "This is a proposal: change it if it is wrong." in client.get(f"/requests/{number}/edit").text
    for field, value in {
        "signing.name": place.sample.register.person(place.sample.signer).name,
        "signing.contact_name": "Personnel desk",
        "signing.contact_phone": "070 000 0001",
        **{name: "Looked into." for name in form.names if name.startswith("reasons.")},
    }.items():
        form.fill(field, value)
    assert clerk.phone is None
    number_in(form.send(client, APPROVE, follow=False))
    again = opened(place, client, CLERK, f"/requests/{at_review(place)}/edit")
    known = [again.value(f"signing.{name}") for name in ("contact_name", "contact_phone")]
    assert known == ["Personnel desk", "070 000 0001"]
    office = place.sample.office
    view = replace(office.engine.show(number, CLERK), state="review")
    known_of, today = office.engine.definition, place.sample.today
    with office.store.write() as session:  # who is no clerk any more sees it no more
        session.execute(delete(Grant).where(Grant.person_id == CLERK, Grant.role == "clerk"))
        found = proposed(session, view, CLERK, {}, None, definition_of=known_of, today=today)
        session.rollback()
    assert "signing.contact_phone" not in found


def test_the_requester_answers_a_return(place: Place, client: httpx.Client) -> None:
    number = place.sample.submit("A3")
    place.sample.do("return", MANAGER, number, remark="<b>The function</b> is wrong.")
    form = opened(place, client, place.sample.request(number).requester_id, f"/requests/{number}/edit")
    assert "<dt>Whose turn it is</dt><dd>you</dd>" in client.get(f"/requests/{number}").text
    page = client.get(f"/requests/{number}/edit").text
    assert "&lt;b&gt;The function&lt;/b&gt; is wrong." in page
    form.fill("employee.maiden_name", "Another name")
    form.fill("remark", "It says so <i>in the letter</i>.")
    assert form.send(client, ("do", "save_draft")).status_code == 200
    signed_in(client, place.sample.office, MANAGER)
    assert "in the letter" not in client.get(f"/requests/{number}").text
    form = opened(place, client, place.sample.request(number).requester_id, f"/requests/{number}/edit")
    assert form.value("remark") == "It says so <i>in the letter</i>."
    assert number_in(form.send(client, ("do", "fire:submit"), follow=False)) == number
    made = place.sample.request(number)
    assert (made.state, made.data["employee"]["maiden_name"]) == ("manager", "Another name")
    signed_in(client, place.sample.office, MANAGER)
    page = client.get(f"/requests/{number}").text
    assert page.count("It says so &lt;i&gt;in the letter&lt;/i&gt;.") == 2  # above, and in what happened
    assert not any("in the letter" in one.record for one in place.sample.rows(Event))


def test_what_the_employer_answers_for_no_requester_changes(place: Place, client: httpx.Client) -> None:
    person = place.requester()
    opened(place, client, person, NEW)
    page = client.get(NEW).text
    for name in ("income.gross_yearly", "employment.contract", "employee.function", "employer.name"):
        assert f'<input type="hidden" name="{name}"' in page
    for name, said in (
        ("income.gross_yearly", "99,000.00"),
        ("employment.contract", "flexible"),
        ("other.supplementary_statement", "Mine."),
    ):
        forged = opened(place, client, person, NEW)
        forged.fill(name, said)
        answer = forged.send(client, SEND)
        assert answer.status_code == 422
        assert f'<a href="#f-{name.replace(".", "-")}">' in answer.text
    number = number_in(opened(place, client, person, NEW).send(client, SEND, follow=False))
    place.sample.do("return", MANAGER, number, remark="The salary?")
    income = {**place.sample.request(number).data["income"], "gross_yearly": "99000.00"}
    with pytest.raises(Refused) as refused:
        place.sample.do("submit", person, number, data={"income": income})
    assert ("registered", "income.gross_yearly") in [(one.code, one.field) for one in refused.value.reasons]


def test_what_the_requester_changed_is_marked_for_the_manager(place: Place, client: httpx.Client) -> None:
    number = place.sample.submit("A3", temporary=True)
    request = place.sample.request(number)
    place.sample.do("return", MANAGER, number, remark="Your name at birth?")
    changed = {"employee": {**request.data["employee"], "maiden_name": "Another"}}
    place.sample.do("submit", request.requester_id, number, data=changed)
    opened(place, client, MANAGER, f"/requests/{number}/edit")
    assert client.get(f"/requests/{number}/edit").text.count("Changed; before:") == 1


def test_a_change_by_somebody_else_is_shown_beside_what_was_typed(place: Place, client: httpx.Client) -> None:
    number = place.sample.submit("A3", temporary=True)
    form = opened(place, client, MANAGER, f"/requests/{number}/edit")
    form.fill("continuation.prospect", "permanent")
    form.fill("continuation.changed_conditions", "no")
    place.sample.do("claim", MANAGER, number)
    answer = form.send(client, APPROVE)
    assert answer.status_code == 409
    assert "What you typed is still here." in answer.text
    assert "Now in the request:" in answer.text
    again = form_of_class(answer.text, "fields")
    assert again.value("continuation.prospect") == "permanent"
    number_in(again.send(client, APPROVE, follow=False))
    assert place.sample.request(number).state == "review"


def test_what_was_typed_is_shown_where_the_request_has_gone_on(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    form.fill("signing.place", "<i>Voorbeeldstad</i>")
    place.sample.do("return", CLERK, number, remark="Once more.")
    answer = form.send(client, SAVE_DRAFT)
    assert answer.status_code == 409
    assert "&lt;i&gt;Voorbeeldstad&lt;/i&gt;" in answer.text
    assert "Changed; before:" not in answer.text
    assert place.sample.rows(Draft, Draft.request_id == number) == []


def test_what_was_typed_stays_where_a_colleague_took_the_task(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    form = opened(place, client, CLERK, f"/requests/{number}/edit")
    form.fill("signing.place", "Typed before")
    place.sample.do("claim", other_clerk(place), number)
    answer = form.send(client, APPROVE)
    assert answer.status_code == 409
    assert form_of_class(answer.text, "fields").value("signing.place") == "Typed before"


def test_a_substitute_fills_it_in_for_the_manager(place: Place, client: httpx.Client) -> None:
    number = place.sample.submit("A3", temporary=True)
    substitute = another(place, of=number)
    with place.sample.office.store.write() as session:
        session.add(
            Substitute(
                principal_id=MANAGER,
                substitute_id=substitute,
                role="manager",
                valid_from=place.sample.today,
                valid_until=place.sample.today,
            )
        )
    form = opened(place, client, substitute, f"/requests/{number}/edit")
    name = html.escape(place.sample.register.person(MANAGER).name)
    assert f"You stand in for {name}." in client.get(f"/requests/{number}/edit").text
    form.fill("continuation.prospect", "permanent")
    form.fill("continuation.changed_conditions", "no")
    number_in(form.send(client, APPROVE, follow=False))
    assert place.sample.request(number).state == "review"
    assert place.sample.records(number, "request_advanced")


def test_who_may_not_see_a_request_is_told_as_of_one_that_there_is_not(
    place: Place, client: httpx.Client
) -> None:
    seen = str(place.sample.submit("A3"))
    signed_in(client, place.sample.office, stranger(place))
    token = csrf_of(client.get("/requests/new"))
    told = set()
    for number in (seen, "999999"):
        form = {"csrf": token, "do": "save_draft", "key": "k", "state": "manager", "version": "1"}
        for answer in (
            client.get(f"/requests/{number}/edit"),
            client.post(f"/requests/{number}/edit", data=form),
        ):
            assert answer.status_code == 404
            main = answer.text.split("<main")[1]
            told.add(main)  # it repeats no number
    assert len(told) == 1


@pytest.mark.parametrize("number", ["x", "²", "1e9", "0", "-1", "9" * 40])
def test_no_other_address_is_a_request(place: Place, client: httpx.Client, number: str) -> None:
    signed_in(client, place.sample.office, CLERK)
    assert client.get(f"/requests/{number}/edit").status_code == 404


@pytest.mark.parametrize("below", ["", "/edit", "/documents/declaration.pdf"])
def test_a_number_that_nobody_counts_to_is_no_request(place: Place, client: httpx.Client, below: str) -> None:
    address = f"/requests/{'9' * 5000}{below}"
    assert client.get(address, follow_redirects=False).status_code == 303
    signed_in(client, place.sample.office, CLERK)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", [NEW, "/requests/{number}/edit", "/substitutes"])
def test_a_link_fills_in_no_form(place: Place, client: httpx.Client, address: str) -> None:
    signed_in(client, place.sample.office, MANAGER)
    number = place.sample.submit("A3")
    names = ("remark", "key", "who", "principal", "role", "first", "last", "version", "state", "do")
    query = "&".join(f"{name}=planted" for name in names)
    page = client.get(f"{address.format(number=number)}?{query}")
    assert page.status_code == 200
    assert "planted" not in re.sub(r'(href|name="back" value)="[^"]*"', "", page.text)


def test_a_version_that_nobody_counts_to_is_none(place: Place, client: httpx.Client) -> None:
    form = opened(place, client, MANAGER, f"/requests/{place.sample.submit('A3')}/edit")
    form.fill("version", "9" * 5000)
    assert form.send(client, SAVE_DRAFT).status_code < 500


def test_who_can_only_look_has_no_form(place: Place, client: httpx.Client) -> None:
    number = at_review(place)
    signed_in(client, place.sample.office, place.sample.request(number).requester_id)
    assert client.get(f"/requests/{number}/edit").status_code == 422


# --- people


def at_review(place: Place) -> int:
    number = place.sample.submit("A3")
    place.sample.do("approve", MANAGER, number)
    return number


def other_clerk(place: Place) -> str:
    return next(
        one.person_id
        for one in place.sample.register.people()
        if one.has_duty("clerk") and one.person_id != CLERK
    )


def another(place: Place, *, of: int) -> str:
    """Somebody of the request's unit without duties, whose request it is not."""
    request: Request = place.sample.request(of)
    return next(
        one.person_id
        for one in place.sample.register.people()
        if one.unit == request.unit and not one.duties and one.person_id != request.requester_id
    )


def stranger(place: Place) -> str:
    """Somebody of another unit without duties."""
    unit: Any = place.sample.register.person(MANAGER).unit
    return next(
        one.person_id for one in place.sample.register.people() if one.unit != unit and not one.duties
    )


def test_a_signer_is_proposed_unless_four_eyes_keep_them_from_it(place: Place, client: httpx.Client) -> None:
    office, name = place.sample.office, place.sample.register.person(MANAGER).name
    number = place.sample.submit("A3")
    place.sample.do("approve", MANAGER, number)
    with office.store.write() as session:
        session.add(Grant(person_id=MANAGER, role="signer", unit=None))
    try:
        signed_in(client, office, CLERK)
        page = client.get(f"/requests/{number}/edit").text
        assert f'<option value="{place.sample.register.person(SIGNER).name}">' in page
        assert f'<option value="{name}">' not in page
    finally:
        with office.store.write() as session:
            session.execute(delete(Grant).where(Grant.person_id == MANAGER, Grant.role == "signer"))


def test_who_approves_a_plan_is_proposed_at_once(place: Place, client: httpx.Client) -> None:
    person = place.requester()
    signed_in(client, place.sample.office, person)
    page = client.get(NEW_PLAN).text
    assert f'<option value="{place.sample.register.person(MANAGER).name}">' in page
    assert f'<option value="{place.sample.register.person(person).name}">' not in page


def test_what_was_sent_is_confirmed(place: Place, client: httpx.Client) -> None:
    person = place.requester()
    signed_in(client, place.sample.office, person)
    form = form_of_class(client.get(NEW).text, "fields")
    answer = form.send(client, SEND, follow=False)
    page = client.get(answer.headers["location"]).text
    assert "Done: Submit." in page
    assert "Waits for: Manager of the employee." in page
