"""The pages about the office: who may see them, of which units, and what can be done there."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select

from audit import verify_log
from certs.serve_authority import AuthorityServer
from signing.secret import Secret
from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in, with_password
from tests.steps_office import CLERK, MANAGER, Sample
from workflow.passwords import PasswordRefused
from workflow.substitutes import Substitution, name_substitute
from workflow.tables import Body, CodeSecret, Event, Grant, PasskeyRow, Person, Substitute

AUDITOR, ADMINISTRATOR, LOCAL, EMPLOYEE = "P192", "P056", "P074", "P022"
PAGES = ("people", "incidents", "processes", "profiles", "keeping", "log", "outgoing")
UNIT = "Policy"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("office-pages") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with sample.office.store.write() as session:
            session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
            session.add(Grant(person_id=LOCAL, role="administrator", unit=UNIT))
        with AuthorityServer(sample.office.authority.folder):
            asyncio.run(sample.run_until("delivered", sample.submit("A4")))
            asyncio.run(sample.office.anchor())
        with served(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as client:
        yield client


@pytest.mark.parametrize("person", [CLERK, MANAGER, EMPLOYEE])
def test_for_others_there_are_no_such_pages(place: Place, client: httpx.Client, person: str) -> None:
    signed_in(client, place.sample.office, person)
    nothing = client.get("/nothing-here").text
    for page in ("", *(f"/{one}" for one in PAGES), "/log/events"):
        answer = client.get(f"/office{page}")
        assert answer.status_code == 404
        assert _same(answer.text, nothing)


def _same(one: str, other: str) -> bool:
    """Whether two pages say the same, but for the address in links to other languages."""
    shown = (re.sub(r'href="[^"]*lang=', "", text) for text in (one, other))
    return len(set(shown)) == 1


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
def test_an_auditor_sees_all_of_them(place: Place, client: httpx.Client, language: str) -> None:
    signed_in(client, place.sample.office, AUDITOR)
    for page in ("", *(f"/{one}" for one in PAGES)):
        assert client.get(f"/office{page}?lang={language}").status_code == 200


def test_an_auditor_changes_nothing(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, AUDITOR)
    token = csrf_of(client.get("/office/people"))
    answer = client.post("/office/people/password", data={"csrf": token, "person": EMPLOYEE})
    assert answer.status_code == 404
    assert not place.sample.office.passwords.has_one("P023")


def test_an_administrator_of_a_unit_sees_its_people_alone(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, LOCAL)
    page = client.get("/office/people").text
    units = set(re.findall(r'data-label="Unit">([^<]+)<', page))
    assert units == {UNIT}
    assert client.get("/office/log").status_code == 404
    token = csrf_of(client.get("/office/people"))
    answer = client.post("/office/people/password", data={"csrf": token, "person": "P026"})
    assert answer.status_code == 404
    assert not place.sample.office.passwords.has_one("P026")


def test_nobody_is_shown_where_nobody_was_asked_for(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, ADMINISTRATOR)
    assert client.get("/office/person").status_code == 404
    token = csrf_of(client.get("/password"))
    assert client.post("/office/people/password", data={"csrf": token}).status_code == 404


def test_a_given_password_is_shown_once(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    signed_in(client, office, ADMINISTRATOR)
    token = csrf_of(client.get("/office/people"))
    answer = client.post("/office/people/password", data={"csrf": token, "person": "P024"})
    given = re.search(r'class="given">([^<]+)<', answer.text)
    assert given is not None
    assert given[1] not in client.get("/office/people").text
    with browsing(place.url) as theirs:
        form = {"csrf": csrf_of(theirs.get("/sign-in")), "person": "P024", "password": given[1]}
        assert "Choose your own password" in theirs.post("/sign-in", data=form).text


def test_who_gives_a_password_is_told_what_stays_and_takes_it_away(
    place: Place, client: httpx.Client
) -> None:
    office, person = place.sample.office, "P028"
    with_password(office, person)
    with office.store.write() as session:
        session.add(
            PasskeyRow(
                credential_id="a key",
                person_id=person,
                handle="handle",
                public_key=b"",
                sign_count=0,
                name="Laptop",
                made_at=office.clock(),
            )
        )
        session.add(CodeSecret(person_id=person, secret=b"", last_step=0, set_at=office.clock()))
    bearer, _ = office.tokens.make(person, "A program", ["people:read"], password=Secret(PASSWORD))
    signed_in(client, office, ADMINISTRATOR)
    form = {"csrf": csrf_of(client.get("/office/people")), "person": person}
    page = client.post("/office/people/password", data=form).text
    assert "stay as they were" in page
    assert "Passkeys with which they sign in: 1" in page
    assert "Tokens with which programs work in their name: 1" in page
    with browsing(place.url) as theirs:
        signed_in(theirs, office, AUDITOR)
        told = theirs.get("/office/person", params={"number": person}).text
        assert "Passkeys with which they sign in" not in told
        refused = theirs.post("/office/people/means", data={**form, "csrf": csrf_of(theirs.get("/mail"))})
        assert refused.status_code == 404
    for what in ("passkeys", "codes", "tokens"):
        page = client.post("/office/people/means", data={**form, "what": what})
        assert "It is taken away." in page.text
    assert "What stays" not in page.text
    assert office.passkeys.of(person) == []
    assert office.one_time_codes.left(person) is None
    assert office.tokens.bearer(bearer) is None


def test_a_new_password_that_is_asked_for_by_loading_again_is_no_other(
    place: Place, client: httpx.Client
) -> None:
    office, person = place.sample.office, "P029"
    signed_in(client, office, ADMINISTRATOR)
    page = client.get("/office/person", params={"number": person}).text
    form = _giving(page)
    given = re.findall(r'class="given">([^<]+)<', client.post("/office/people/password", data=form).text)
    again = client.post("/office/people/password", data=form)
    assert again.status_code == 409
    assert "no other was given" in again.text
    assert 'class="given"' not in again.text
    assert [office.passwords.is_own(person, Secret(one)) for one in given] == [False]  # it is theirs still
    assert 'class="given"' in client.post("/office/people/password", data=_giving(again.text)).text


def _giving(page: str) -> dict[str, str]:
    """The fields of the form that gives a password."""
    form = page.split('action="/office/people/password"')[1].split("</form>", maxsplit=1)[0]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_an_administrator_of_a_unit_does_not_get_hold_of_one_of_all(
    place: Place, client: httpx.Client
) -> None:
    office, today, above = place.sample.office, place.sample.today.isoformat(), "P006"
    with office.store.write() as session:
        assert session.get_one(Person, above).unit == UNIT
        session.add(Grant(person_id=above, role="administrator", unit=None))
    signed_in(client, office, LOCAL)
    token = csrf_of(client.get("/substitutes"))
    form = {"csrf": token, "who": LOCAL, "principal": above, "first": today, "last": today}
    answers = [
        client.post("/office/people/password", data={"csrf": token, "person": above}),
        client.post("/substitutes", data=form),
    ]
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == above, Grant.role == "administrator"))
    assert [one.status_code for one in answers] == [422, 422]
    assert client.get("/office/log").status_code == 404
    assert not office.passwords.has_one(above)


def test_nor_of_somebody_who_stands_in_for_one(place: Place, client: httpx.Client) -> None:
    office, today, stand_in = place.sample.office, place.sample.today, "P006"
    swap = Substitution(stand_in, ADMINISTRATOR, "administrator", today + timedelta(days=7), date.max)
    with office.store.write() as session:
        name_substitute(session, swap, now=office.clock())
    signed_in(client, office, LOCAL)
    form = {"csrf": csrf_of(client.get("/office/people")), "person": stand_in}
    answer = client.post("/office/people/password", data=form)
    means = (office.one_time_codes.remove, office.passkeys.remove)
    for remove in means:
        with pytest.raises(PasswordRefused, match=f"{LOCAL} removes no"):
            remove(stand_in, by=LOCAL)
    with office.store.write() as session:
        session.execute(delete(Substitute).where(Substitute.substitute_id == stand_in))
    assert (answer.status_code, office.passwords.has_one(stand_in)) == (422, False)


def test_people_are_found_by_a_part_of_their_name(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, AUDITOR)
    page = client.get("/office/people", params={"search": "korenb"}).text
    names = re.findall(r'scope="row"><a [^>]+>([^<]+)<', page)
    assert names
    assert all("Korenb" in name for name in names)
    assert "Nobody is called like this" in client.get("/office/people?search=%25").text
    first = client.get("/office/people").text
    onward = re.search(r'href="(/office/people\?[^"]*after=[^"]+)"', first)
    assert onward is not None
    second = client.get(onward[1].replace("&amp;", "&")).text
    assert not set(re.findall(r'Number">([^<]+)<', first)) & set(re.findall(r'Number">([^<]+)<', second))


def test_the_log_is_checked_and_taken_home(place: Place, client: httpx.Client, tmp_path: Path) -> None:
    signed_in(client, place.sample.office, AUDITOR)
    token = csrf_of(client.get("/office/log"))
    assert "Nothing is wrong" in client.post("/office/log/check", data={"csrf": token}).text
    answer = client.get("/office/log/events")
    assert "attachment" in answer.headers["content-disposition"]
    file, root = tmp_path / "events.jsonl", tmp_path / "root.pem"
    file.write_bytes(answer.content)
    root.write_bytes(place.sample.office.authority.root_pem)
    assert verify_log.verify_file(file, trust=[root], anchors=[]).ok
    assert not re.search(rb'"P[0-9]{3}"', answer.content)  # ids alone: proofs hold any letters


class TestStandingIn:
    def test_people_name_who_stands_in_for_them(self, place: Place, client: httpx.Client) -> None:
        office, today = place.sample.office, place.sample.today
        signed_in(client, office, MANAGER)
        until = today + timedelta(days=5)
        form = {"who": "P005", "role": "", "first": today.isoformat(), "last": until.isoformat()}
        token = csrf_of(client.get("/substitutes"))
        page = client.post("/substitutes", data={"csrf": token, **form})
        again = client.post("/substitutes", data={"csrf": token, **form})  # a double click
        assert "It counts from its first day on." in page.text
        assert (again.status_code, again.text) == (page.status_code, page.text)
        with office.store.read() as session:
            row = session.scalars(select(Substitute).where(Substitute.substitute_id == "P005")).one()
            assert (row.principal_id, row.role, row.valid_until) == (MANAGER, None, until)
            named = select(Event).where(Event.type == "substitute_named").order_by(Event.seq)
            event = session.scalars(named).all()[-1]
            assert f'"actor":"{MANAGER}"' in (session.get_one(Body, event.seq).body or "")
        ended = {"csrf": token, "who": "P005", "principal": MANAGER, "role": ""}
        assert "It has ended." in client.post("/substitutes/end", data=ended).text

    def test_nobody_says_it_for_others(self, place: Place, client: httpx.Client) -> None:
        office, today = place.sample.office, place.sample.today.isoformat()
        signed_in(client, office, CLERK)
        token = csrf_of(client.get("/substitutes"))
        form = {"csrf": token, "who": CLERK, "principal": "P001", "first": today, "last": today}
        assert client.post("/substitutes", data=form).status_code == 422
        with office.store.read() as session:
            theirs = select(Substitute).where(Substitute.principal_id == "P001")
            before = len(session.scalars(theirs).all())
        ended = {"csrf": token, "who": "P002", "principal": "P001", "role": ""}
        assert client.post("/substitutes/end", data=ended).status_code == 422
        with office.store.read() as session:
            assert len(session.scalars(theirs).all()) == before

    def test_an_administrator_does_for_those_of_their_unit(self, place: Place, client: httpx.Client) -> None:
        office, today = place.sample.office, place.sample.today.isoformat()
        signed_in(client, office, LOCAL)
        token = csrf_of(client.get("/substitutes"))
        form = {"csrf": token, "who": "P006", "role": "manager", "first": today, "last": today}
        assert client.post("/substitutes", data={**form, "principal": "P007"}).status_code == 200
        assert client.post("/substitutes", data={**form, "principal": "P008"}).status_code == 422

    def test_what_somebody_gets_later_is_given_to_nobody(self, place: Place, client: httpx.Client) -> None:
        today = place.sample.today.isoformat()
        signed_in(client, place.sample.office, LOCAL)
        form = {"csrf": csrf_of(client.get("/substitutes")), "who": "P006", "principal": "P007"}
        form |= {"first": today, "last": today}
        for role, told in (("", "Choose one role."), ("signer", "Choose one of their roles.")):
            page = client.post("/substitutes?lang=en", data={**form, "role": role})
            assert (page.status_code, told in page.text) == (422, True)

    def test_nobody_gets_a_role_by_naming_themselves(self, place: Place, client: httpx.Client) -> None:
        office, today = place.sample.office, place.sample.today.isoformat()
        signed_in(client, office, LOCAL)
        form = {"csrf": csrf_of(client.get("/substitutes")), "who": LOCAL, "principal": "P007"}
        form |= {"role": "manager", "first": today, "last": today}
        page = client.post("/substitutes?lang=en", data=form)
        assert page.status_code == 422
        assert "Nobody names themselves" in page.text

    def test_nor_gives_others_a_role_that_reaches_further(self, place: Place, client: httpx.Client) -> None:
        office, today, signer = place.sample.office, place.sample.today, "P005"
        with office.store.write() as session:
            session.add(Grant(person_id=signer, role="signer", unit=None))
            session.flush()
            theirs = Substitution("P006", signer, "signer", today, today)
            name_substitute(session, theirs, now=office.clock(), by=signer)
        signed_in(client, office, LOCAL)
        found = client.get("/substitutes", params={"whose": signer, "name": "P022", "lang": "en"}).text
        assert '<option value="manager">' in found  # the administrator is none
        assert not re.search(f'name="principal" value="{signer}"', found)  # nothing there for them to end
        form = {"csrf": csrf_of(client.get("/substitutes")), "who": "P022", "principal": signer}
        form |= {"first": today.isoformat(), "last": today.isoformat()}
        answers = {
            role: client.post("/substitutes?lang=en", data={**form, "role": role})
            for role in ("", "signer", "manager")
        }
        ended = client.post("/substitutes/end", data={**form, "who": "P006", "role": ""})
        with office.store.write() as session:
            session.execute(delete(Substitute).where(Substitute.principal_id == signer))
            session.execute(delete(Grant).where(Grant.person_id == signer, Grant.role == "signer"))
        assert {role: one.status_code for role, one in answers.items()} == {
            "": 422,
            "signer": 422,
            "manager": 200,
        }
        assert "Choose one role that does." in answers[""].text
        assert "reaches beyond the units that you administer" in answers["signer"].text
        assert ended.status_code == 422

    @pytest.mark.parametrize(("field", "value"), [("who", ""), ("first", "soon"), ("last", "31-12-2026")])
    def test_what_is_no_day_is_told_where(
        self, place: Place, client: httpx.Client, field: str, value: str
    ) -> None:
        signed_in(client, place.sample.office, MANAGER)
        token = csrf_of(client.get("/substitutes"))
        form = {"csrf": token, "who": "P005", "first": "2026-12-01", "last": "2026-12-02", field: value}
        page = client.post("/substitutes", data=form)
        assert page.status_code == 422
        told = "name" if field == "who" else field
        assert re.search(rf'name="{told}"[^>]*aria-invalid="true"', page.text, re.DOTALL)

    def test_a_colleague_is_found_by_name(self, place: Place, client: httpx.Client) -> None:
        office, today = place.sample.office, place.sample.today
        signed_in(client, office, MANAGER)
        name = place.sample.register.person("P005").name
        assert "Nobody is called like this." in client.get("/substitutes", params={"name": "Qqq"}).text
        found = client.get("/substitutes", params={"name": name[:-3].upper()})
        assert re.search('<option value="P005">', found.text)
        assert f'value="{MANAGER}">' not in client.get("/substitutes", params={"name": "P00"}).text
        form = {"csrf": csrf_of(found), "name": name, "who": "P005", "first": today.isoformat(), "last": ""}
        page = client.post("/substitutes", data=form)
        assert page.status_code == 422
        assert re.search('<option value="P005" selected>', page.text)


@pytest.mark.parametrize(
    "address",
    ["/office/people?after=%00", "/office/person?number=%00", "/substitutes?name=%00", "/folder/runs/%00"],
)
def test_what_is_no_text_to_a_database_is_nothing_that_failed(
    place: Place, client: httpx.Client, address: str
) -> None:
    signed_in(client, place.sample.office, ADMINISTRATOR)
    assert client.get(address).status_code < 500


@pytest.mark.parametrize(
    "path", ["/office/people/means", "/office/people/password", "/substitutes", "/substitutes/end"]
)
def test_nor_is_it_in_a_form(place: Place, client: httpx.Client, path: str) -> None:
    signed_in(client, place.sample.office, ADMINISTRATOR)
    names = ("person", "principal", "name", "substitute")
    form = {"csrf": csrf_of(client.get("/mail")), "what": "tokens"} | dict.fromkeys(names, "\0")
    assert client.post(path, data=form).status_code < 500


def test_nor_is_it_of_somebody_who_signs_in(client: httpx.Client) -> None:
    form = {"csrf": csrf_of(client.get("/sign-in")), "person": "\0", "password": "x"}
    assert client.post("/sign-in", data=form).status_code < 500


def test_what_signs_in_people_of_other_units_is_not_told_by_what_is_taken_away(
    place: Place, client: httpx.Client
) -> None:
    office = place.sample.office
    with_password(office, CLERK)
    office.tokens.make(CLERK, "A program", ["people:read"], password=Secret(PASSWORD))
    signed_in(client, office, LOCAL)
    token = csrf_of(client.get("/mail"))
    for person, what in ((CLERK, "tokens"), (AUDITOR, "tokens"), ("nobody", "tokens"), (EMPLOYEE, "else")):
        form = {"csrf": token, "person": person, "what": what}
        answer = client.post("/office/people/means", data=form, follow_redirects=False)
        assert answer.status_code == 404, (person, what)
