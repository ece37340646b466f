"""What administrators do on the office's pages, and what auditors take home."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import httpx
import pytest
from lxml import etree
from sqlalchemy import delete, select, text

from certs.serve_authority import AuthorityServer
from tests.desk_office import PASSWORD, browsing, csrf_of, long_ago, served, signed_in
from tests.steps_office import CLERK, Sample
from workflow.errors import StoreUnavailable
from workflow.people import update_people
from workflow.substitutes import Substitution, name_substitute
from workflow.tables import Grant, Hold, Incident, Person, Request, SessionRow, Substitute, WebhookMessage

AUDITOR, ADMINISTRATOR, LOCAL, HELPER = "P192", "P194", "P042", "P024"
UNIT = "Policy"
FORMULA = '=HYPERLINK("http://evil.example","x")'


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample
    delivered: int
    under_way: int
    old: int


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    sample = Sample.open(tmp_path_factory.mktemp("overseeing"), {"PARAAF_WEBHOOK_HOSTS": "hooks.example.org"})
    office = sample.office
    with office.store.write() as session:
        session.add(Grant(person_id=LOCAL, role="administrator", unit=UNIT, source="office"))
    with AuthorityServer(office.authority.folder):
        delivered, under_way = sample.submit("A4"), sample.submit("A3")
        asyncio.run(sample.run_until("delivered", delivered))
        asyncio.run(sample.run_until("review", under_way))
        old = sample.submit("A4")
        asyncio.run(sample.run_until("delivered", old))
    with served(office) as url:
        yield Place(url, sample, delivered, under_way, old)
    office.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as client:
        yield client


def post(client: httpx.Client, path: str, **form: str) -> httpx.Response:
    return client.post(path, data={"csrf": csrf_of(client.get("/password")), **form})


def test_the_start_says_first_what_needs_somebody(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    signed_in(client, office, ADMINISTRATOR)
    assert client.get("/").url.path == "/office"
    assert "steps given up" not in client.get("/office?lang=en").text
    with office.store.write() as session:
        request = session.get_one(Request, place.under_way)
        unit = request.unit
        incident = Incident(
            request_id=request.id,
            state=request.state,
            step_seq=request.step_seq,
            step="render",
            code="document-blob-missing",
            message="The file is gone.",
            opened_at=office.clock(),
        )
        session.add(incident)
    try:
        page = client.get("/office?lang=en").text
        assert "steps given up: 1" in page
        assert "none is at work" in page
        assert "GB free" in page
        dutch = client.get("/office/incidents?lang=nl").text
        assert "Zet het bestand terug uit een back-up, “paraaf blobs restore FILE.tar”" in dutch
        with browsing(place.url) as theirs:
            signed_in(theirs, office, LOCAL)
            own = theirs.get("/office?lang=en").text
        assert ("steps given up" in own) == (unit == UNIT)
        assert "GB free" not in own
    finally:
        with office.store.write() as session:
            session.delete(session.merge(incident))


class TestRoles:
    def test_one_is_granted_told_and_ended(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        signed_in(client, office, ADMINISTRATOR)
        wanted = {"person": HELPER, "role": "clerk", "unit": UNIT}
        page = post(client, "/office/people/roles", **wanted, reason="Helps out until January.")
        assert "They have this role from now on." in page.text
        assert "granted Back-office clerk (Policy)" in page.text
        again = post(client, "/office/people/roles", **wanted, reason="Helps out until January.")
        assert "They have this role from now on." in again.text  # a double click
        assert again.text.count("granted Back-office clerk (Policy)") == 1
        other = post(client, "/office/people/roles", **wanted, reason="Another reason.")
        assert other.status_code == 422
        assert "Helps out until January." in page.text
        with browsing(place.url) as theirs:
            signed_in(theirs, office, HELPER)
            assert theirs.get("/queue").status_code == 200
            assert self.is_clerk(place)
            with office.store.write() as session:  # the register knows nothing of it
                assert office.register is not None
                update_people(session, office.register, now=office.clock())
            assert self.is_clerk(place)
            page = post(client, "/office/people/roles/end", **wanted, reason="January has come.")
            assert "ended Back-office clerk (Policy)" in page.text
            again = post(client, "/office/people/roles/end", **wanted, reason="January has come.")
            assert "They have this role no more" in again.text
            assert again.text.count("ended Back-office clerk (Policy)") == 1
            assert not self.is_clerk(place)
            with office.store.read() as session:
                query = select(SessionRow).where(SessionRow.person_id == HELPER)
                assert session.scalars(query).all() == []
            assert theirs.get("/queue").url.path == "/sign-in"

    @staticmethod
    def is_clerk(place: Place) -> bool:
        with place.sample.office.store.read() as session:
            query = select(Grant.unit).where(Grant.person_id == HELPER, Grant.role == "clerk")
            return UNIT in session.scalars(query).all()

    @pytest.mark.parametrize(
        ("who", "form", "status"),
        [
            (LOCAL, {"person": HELPER, "unit": "*"}, 422),
            (LOCAL, {"person": HELPER, "unit": "Inspection"}, 422),
            (LOCAL, {"person": "P021", "unit": UNIT}, 404),
            (LOCAL, {"person": LOCAL, "unit": UNIT}, 422),
            (ADMINISTRATOR, {"person": ADMINISTRATOR, "unit": "*"}, 422),
            (ADMINISTRATOR, {"person": HELPER, "unit": "Nowhere"}, 422),
            (ADMINISTRATOR, {"person": HELPER, "unit": UNIT, "role": "emperor"}, 422),
            (ADMINISTRATOR, {"person": HELPER, "unit": UNIT, "reason": " "}, 422),
            (AUDITOR, {"person": HELPER, "unit": UNIT}, 404),
        ],
    )
    def test_nobody_grants_more_than_they_may(
        self, place: Place, client: httpx.Client, who: str, form: dict[str, str], status: int
    ) -> None:
        signed_in(client, place.sample.office, who)
        before = self.grants(place)
        form = {"role": "auditor", "reason": "Because.", **form}
        assert post(client, "/office/people/roles", **form).status_code == status
        assert self.grants(place) == before

    def test_who_finds_a_screen_open_gives_and_destroys_nothing(
        self, place: Place, client: httpx.Client
    ) -> None:
        office, number = place.sample.office, place.delivered
        hold = office.holds.place(number, ADMINISTRATOR, "An inquiry.").id
        signed_in(client, office, ADMINISTRATOR)
        long_ago(office)
        before = self.grants(place)
        role = {"person": "P059", "role": "clerk", "unit": UNIT, "reason": 'Helps "out".'}
        release = {"request": str(number), "hold": str(hold), "reason": "It is over."}
        stand_in = {"who": HELPER, "first": "2998-01-01", "last": "2999-12-31"}
        asked = {
            "/office/people/roles": role,
            "/office/people/password": {"person": "P025"},
            "/office/people/means": {"person": "P025", "what": "passkeys"},
            "/office/outgoing/retry": {"hook": "1"},
            "/office/keeping/release": release,
            "/office/keeping/run": {"sure": "yes"},
            "/substitutes": stand_in,
        }
        for path, form in asked.items():
            between = post(client, path, **form)
            assert (between.status_code, "Show that it is you" in between.text) == (403, True), path
        assert self.grants(place) == before
        assert office.holds.open(number)
        assert not office.passwords.has_one("P025")
        with office.store.read() as session:
            named = select(Substitute).where(Substitute.principal_id == ADMINISTRATOR)
            assert session.scalars(named).first() is None
        sent = dict(
            re.findall('name="([a-z]+)" value="([^"]*)"', post(client, "/office/people/roles", **role).text)
        )
        form = {name: unescape(value) for name, value in sent.items()}
        wrong = client.post("/office/people/roles", data={**form, "password": "a wrong one"})
        assert (wrong.status_code, self.grants(place)) == (422, before)
        page = client.post("/office/people/roles?lang=en", data={**form, "password": PASSWORD})
        assert "They have this role from now on." in page.text
        assert 'Helps "out".' in unescape(page.text)
        assert post(client, "/office/people/roles/end", **role).status_code == 200  # not asked again
        assert post(client, "/office/keeping/release", **release).status_code == 200
        assert not office.holds.open(number)

    def test_what_the_register_gives_is_ended_there(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, ADMINISTRATOR)
        before = self.grants(place)
        form = {"person": AUDITOR, "role": "auditor", "unit": "*", "reason": "Because."}
        assert post(client, "/office/people/roles/end", **form).status_code == 422
        assert self.grants(place) == before

    def test_who_stands_in_for_an_administrator_makes_none(self, place: Place, client: httpx.Client) -> None:
        office, today, stand_in = place.sample.office, place.sample.today, "P023"
        swap = Substitution(stand_in, ADMINISTRATOR, "administrator", today, today)
        with office.store.write() as session:
            name_substitute(session, swap, now=office.clock())
        signed_in(client, office, stand_in)
        before = self.grants(place)
        page = client.get(f"/office/person?number={HELPER}").text
        assert '<option value="clerk">' in page
        assert not re.search('<option value="(administrator|auditor)"', page)
        form = {"person": HELPER, "unit": "*", "reason": "Because."}
        for role in ("administrator", "auditor"):
            refused = post(client, "/office/people/roles?lang=en", **form, role=role)
            assert refused.status_code == 422
            assert "makes nobody an administrator or auditor" in refused.text
        days = {"first": today.isoformat(), "last": "2999-12-31"}
        named = {"who": HELPER, "principal": ADMINISTRATOR, "role": "administrator", **days}
        assert post(client, "/substitutes", **named).status_code == 422
        assert self.grants(place) == before
        for path in ("/office/people/roles", "/office/people/roles/end"):
            assert post(client, path, **form, role="clerk").status_code == 200
        with office.store.write() as session:
            session.execute(delete(Substitute).where(Substitute.substitute_id == stand_in))

    @staticmethod
    def grants(place: Place) -> set[tuple[str, str, str | None]]:
        with place.sample.office.store.read() as session:
            return {(one.person_id, one.role, one.unit) for one in session.scalars(select(Grant))}


class TestKeeping:
    def test_a_hold_is_placed_and_released(self, place: Place, client: httpx.Client) -> None:
        office, number = place.sample.office, str(place.delivered)
        signed_in(client, office, ADMINISTRATOR)
        page = post(client, "/office/keeping/hold", request=number, reason=FORMULA, key="a")
        assert "It is on hold" in page.text
        assert "=HYPERLINK(&#34;http" in page.text
        (hold,) = office.holds.open(place.delivered)
        page = post(
            client, "/office/keeping/release", request=number, hold=str(hold.id), reason="Over.", key="b"
        )
        assert "The hold is released." in page.text
        assert office.holds.open(place.delivered) == []

    def test_who_works_with_a_request_does_it_on_its_page(self, place: Place, client: httpx.Client) -> None:
        office, path = place.sample.office, f"/requests/{place.delivered}"
        signed_in(client, office, CLERK)
        page = post(client, f"{path}/hold", reason="A claim.", key="c")
        assert "A claim." in page.text
        (hold,) = office.holds.open(place.delivered)
        with browsing(place.url) as theirs:
            signed_in(theirs, office, AUDITOR)
            shown = theirs.get(path).text
            assert "A claim." in shown
            assert "release-hold" not in shown
            assert post(theirs, f"{path}/release-hold", hold=str(hold.id), reason="No.", key="d").is_error
        assert office.holds.open(place.delivered) == [hold]
        post(client, f"{path}/release-hold", hold=str(hold.id), reason="Over.", key="e")
        assert office.holds.open(place.delivered) == []

    def test_others_requests_are_as_none(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        with office.store.write() as session:
            session.get_one(Request, place.under_way).unit = "Inspection"
        signed_in(client, office, LOCAL)
        answers = [
            post(client, "/office/keeping/hold", request=number, reason="Why not?", key=number)
            for number in (str(place.under_way), "999999", "none")
        ]
        said = [re.findall(r'role="alert">.*?</div>\s*</div>', one.text, re.DOTALL) for one in answers]
        assert [one.status_code for one in answers] == [422] * 3
        assert said[0] == said[1] == said[2] != []
        with office.store.read() as session:
            assert session.scalars(select(Hold).where(Hold.request_id == place.under_way)).all() == []

    def test_what_is_due_is_destroyed_when_somebody_is_sure(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        signed_in(client, office, ADMINISTRATOR)
        with office.store.write() as session:
            session.get_one(Request, place.old).closed_at = office.clock() - timedelta(days=400)
        assert "Destroy what is due now (1)" in re.sub(
            r"</?summary>", "", client.get("/office/keeping?lang=en").text
        )
        assert "tick the box first" in post(client, "/office/keeping/run").text
        with browsing(place.url) as theirs:
            signed_in(theirs, office, LOCAL)
            assert post(theirs, "/office/keeping/run", sure="yes").status_code == 404
        with office.store.read() as session:
            assert session.get_one(Request, place.old).destroyed_at is None
        page = post(client, "/office/keeping/run", sure="yes", clock="right")
        assert "Requests destroyed: 1." in page.text


class TestTakenHome:
    def test_lists_run_no_formula(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        with office.store.write() as session:
            request = session.get_one(Request, place.under_way)
            request.reference = "@SUM(A1)"
            person = session.get_one(Person, request.requester_id)
            before, person.name = person.name, FORMULA
        try:
            signed_in(client, office, AUDITOR)
            lists = [rows(client.get(path)) for path in ("/requests.csv", "/office/people.csv")]
            with browsing(place.url) as theirs:
                signed_in(theirs, office, CLERK)
                lists.append(rows(theirs.get("/queue.csv")))
            for found in lists:
                cells = [cell for row in found for cell in row]
                assert f"'{FORMULA}" in cells
                assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
            assert "'@SUM(A1)" in [cell for row in lists[0] for cell in row]
        finally:
            with office.store.write() as session:
                session.get_one(Person, person.id).name = before

    def test_they_hold_what_their_reader_sees(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, AUDITOR)
        numbers = {row[0] for row in rows(client.get("/requests.csv"))[1:]}
        assert numbers == {str(one) for one in (place.delivered, place.under_way, place.old)}
        assert rows(client.get("/requests.csv?state=review"))[1:][0][0] == str(place.under_way)
        with browsing(place.url) as theirs:
            signed_in(theirs, place.sample.office, ADMINISTRATOR)
            assert rows(theirs.get("/requests.csv"))[1:] == []
            assert theirs.get("/queue.csv?due=never").status_code == 422

    def test_who_acted_is_for_auditors_alone(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, AUDITOR)
        whole = post(client, "/office/log/events").text
        assert f'"actor":"{CLERK}"' in whole.replace("\\", "")
        with browsing(place.url) as theirs:
            signed_in(theirs, place.sample.office, ADMINISTRATOR)
            assert post(theirs, "/office/log/events").status_code == 404

    def test_auditors_save_the_requests_for_process_mining(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, AUDITOR)
        assert 'value="xes"' in client.get("/office/log").text
        saved = {form: post(client, "/office/log/mining", form=form) for form in ("xes", "ocel", "slices")}
        assert len(etree.fromstring(saved["xes"].content).findall("{*}trace")) == 3
        assert {"objects", "events"} <= saved["ocel"].json().keys()
        assert saved["slices"].text.startswith("case_id,activity,")
        for form, answer in saved.items():
            assert "attachment" in answer.headers["content-disposition"]
            assert ("P-" in answer.text) == (form != "slices")  # nobody claimed anything there
            assert CLERK not in answer.text, form
        assert post(client, "/office/log/mining", form="bodies").status_code == 404
        with browsing(place.url) as theirs:
            signed_in(theirs, place.sample.office, ADMINISTRATOR)
            assert 'value="xes"' not in theirs.get("/office/log").text
            assert post(theirs, "/office/log/mining", form="xes").status_code == 404


def rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_what_is_wrong_with_the_log_is_told_in_ones_language(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    signed_in(client, office, AUDITOR)
    change = text("UPDATE requests SET version = version + :by WHERE id = :n")
    with office.store.write() as session:
        session.execute(change, {"n": place.under_way, "by": 7})
    try:
        client.get("/office/log?lang=nl")
        page = post(client, "/office/log/check").text
    finally:
        with office.store.write() as session:
            session.execute(change, {"n": place.under_way, "by": -7})
        client.get("/office?lang=en")
    assert "een rij van de tabellen is niet wat de gebeurtenissen zeggen." in page


class TestWebhooks:
    def test_one_is_added_told_anew_and_removed(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        signed_in(client, office, ADMINISTRATOR)
        refused = post(client, "/office/outgoing/add", url="https://elsewhere.example/x", types="")
        assert refused.status_code == 422
        assert "elsewhere.example:443 is not among the hosts that may be told." in refused.text
        page = post(client, "/office/outgoing/add", url="https://hooks.example.org/x", types="task_claimed")
        assert re.search(r'class="given">whsec_[A-Za-z0-9+/=]+<', page.text)
        (hook,) = office.webhooks.listed()
        assert "whsec_" not in client.get("/office/outgoing").text
        with office.store.write() as session:
            lost = {"webhook_id": hook.id, "event_seq": 2, "tries": 10, "next_at": None, "status": 503}
            session.add(WebhookMessage(**lost, code="not-taken", taken_at=None))
        log = client.get(f"/office/outgoing?hook={hook.id}").text
        assert "it did not take it (HTTP 503); given up" in log
        assert "sent again" in post(client, "/office/outgoing/retry", hook=str(hook.id)).text
        (message,) = office.webhooks.messages(hook.id)
        assert (message.tries, message.next_at is not None) == (0, True)
        with browsing(place.url) as theirs:
            signed_in(theirs, office, AUDITOR)
            assert "https://hooks.example.org/x" in theirs.get("/office/outgoing").text
            assert post(theirs, "/office/outgoing/remove", hook=str(hook.id)).status_code == 404
        assert "told no more" in post(client, "/office/outgoing/remove", hook=str(hook.id)).text
        assert office.webhooks.listed() == []

    def test_who_adds_one_shows_anew_that_it_is_they(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        signed_in(client, office, ADMINISTRATOR)
        long_ago(office)
        typed = {"url": "https://hooks.example.org/y", "types": ""}
        between = post(client, "/office/outgoing/add", **typed)
        assert between.status_code == 403
        assert office.webhooks.listed() == []
        added = post(client, "/office/outgoing/add", **typed, password=PASSWORD)
        assert "whsec_" in added.text
        (hook,) = office.webhooks.listed()
        with browsing(place.url) as elsewhere:  # another browser has shown nothing
            signed_in(elsewhere, office, ADMINISTRATOR)
            long_ago(office)
            assert post(elsewhere, "/office/outgoing/remove", hook=str(hook.id)).status_code == 403
            assert [one.id for one in office.webhooks.listed()] == [hook.id]
            post(elsewhere, "/office/outgoing/remove", hook=str(hook.id), password=PASSWORD)
        assert office.webhooks.listed() == []

    def test_they_are_for_who_looks_after_all_units(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, LOCAL)
        assert client.get("/office/outgoing").status_code == 404
        assert post(client, "/office/check").status_code == 404


def test_what_is_found_is_told_in_the_readers_language(
    place: Place, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = place.sample.office

    def refuse() -> None:
        raise StoreUnavailable("The disk of the blobs is not there.", hint="Mount it.")

    monkeypatch.setattr(office.blobs, "require_writable", refuse)
    signed_in(client, office, ADMINISTRATOR)
    told = {}
    for language in ("en", "nl"):
        client.get(f"/office?lang={language}")
        page = post(client, "/office/check")
        told[language] = re.findall(r'<tr><th scope="row">([^<]+)</th>.*?<td>(.*?)</td></tr>', page.text)
    english, dutch = told["en"], told["nl"]
    assert len(english) == len(dutch) > 20
    assert {one for _, one in english}.isdisjoint(one for _, one in dutch)
    assert "Bewaarde bestanden" in {area for area, _ in dutch}
    [files] = [one for area, one in dutch if area == "Bewaarde bestanden"]
    assert files.startswith("De gegevens zijn nu niet bereikbaar")
    assert '<span class="small" lang="en">The disk of the blobs is not there. Mount it.</span>' in files


def test_a_process_is_drawn_beside_its_table(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, AUDITOR)
    listed = client.get("/office/processes?lang=en").text
    with place.sample.office.store.read() as session:
        pinned = session.get_one(Request, place.under_way).definition_sha256
    assert f"/office/processes/{pinned}" in listed
    page = client.get(f"/office/processes/{pinned}").text
    states = place.sample.office.catalogue.by_hash(pinned).states
    assert page.count('class="state ') == len(states)
    assert page.count("<tr>") == len(states) + 1
    assert client.get("/office/processes/0000").status_code == 404
