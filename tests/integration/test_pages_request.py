"""The page of a request, over HTTP: what each who has to do with it sees and does, and what is refused."""

import asyncio
import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import httpx
import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import delete, insert, select, update

from certs.serve_authority import AuthorityServer
from cli.sample_exchange import AT_PORTAL, scanned_in, signed_at_portal
from documents.render import render
from documents.words import words_in
from languages import WRITING
from signing.profile import Level
from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in
from tests.steps_office import CLERK, MANAGER, OTHER_SIGNER, SIGNER, Sample
from web.request_documents import disposition
from web.request_timing import timing
from workflow import outside_given, outside_signed, previews
from workflow.commands import StepTrouble
from workflow.outside import By
from workflow.previews import Preview
from workflow.tables import Event, PasswordRow, Task

HOSTILE = "<img src=x onerror=alert(1)> {{7*7}}"


@dataclass
class Desk:
    """An office and its people, each with a browser of their own that has signed in."""

    sample: Sample
    url: str
    stack: ExitStack
    people: dict[str, httpx.Client] = field(default_factory=dict)

    def client(self, person: str) -> httpx.Client:
        if person not in self.people:
            self.people[person] = self.stack.enter_context(browsing(self.url))
            signed_in(self.people[person], self.sample.office, person)
        return self.people[person]

    def page(self, person: str, number: int, **query: str) -> httpx.Response:
        return self.client(person).get(f"/requests/{number}", params=query)

    def do(self, person: str, number: int, trigger: str, **typed: str) -> httpx.Response:
        """Look at the request, and send the form of one act."""
        form = form_of(self.page(person, number), trigger)
        return self.client(person).post(f"/requests/{number}/do", data=form | typed)

    def auditor(self) -> str:
        return next(one.person_id for one in self.sample.register.people() if one.has_duty("auditor"))

    def outsider(self) -> str:
        """Somebody of another unit, with no duty."""
        unit = self.sample.register.person(MANAGER).unit
        return next(
            one.person_id for one in self.sample.register.people() if not one.duties and one.unit != unit
        )

    def events(self, number: int) -> list[str]:
        return [one.type for one in self.sample.rows(Event, Event.request_id == number)]


def form_of(page: httpx.Response, trigger: str) -> dict[str, str]:
    """The hidden fields of the form that does this."""
    found = re.search(
        rf'<input type="hidden" name="trigger" value="{trigger}">(.*?)</form>', page.text, re.DOTALL
    )
    assert found is not None, f"no way to {trigger}"
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', found[1]))
    return {"csrf": csrf_of(page), "trigger": trigger, **hidden}


@pytest.fixture(scope="module", params=KINDS)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    data = tmp_path_factory.mktemp("requests") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database, ExitStack() as stack:
        sample = Sample.open(data, database.environ)
        stack.callback(sample.office.close)
        stack.enter_context(AuthorityServer(sample.office.authority.folder))
        yield Desk(sample, stack.enter_context(served(sample.office)), stack)


@pytest.fixture(scope="module")
def delivered(desk: Desk) -> int:
    number = desk.sample.submit("A3")
    asyncio.run(desk.sample.run_until("delivered", number))
    return number


def to_state(desk: Desk, state: str, variant: str = "A3") -> int:
    number = desk.sample.submit(variant)
    asyncio.run(desk.sample.run_until(state, number))
    return number


def test_everybody_concerned_sees_it(desk: Desk, delivered: int) -> None:
    requester = desk.sample.request(delivered).requester_id
    for person in (requester, MANAGER, CLERK, SIGNER, desk.auditor()):
        answer = desk.page(person, delivered)
        assert answer.status_code == 200
        assert "PAdES B-LTA" in answer.text
        assert f"/requests/{delivered}/documents/declaration/pages/1.png" in answer.text


@pytest.mark.parametrize(
    "below",
    [
        "",
        "/documents/declaration.pdf",
        "/documents/declaration/pages/1.png",
        "/documents/declaration/verify",
        "/files/given.pdf",
        "/draft/declaration",
        "/draft/declaration/pages/1.png",
    ],
)
def test_to_who_may_not_see_it_there_is_none(desk: Desk, delivered: int, below: str) -> None:
    client, unknown = desk.client(desk.outsider()), 987_654
    unseen = client.get(f"/requests/{delivered}{below}")
    assert unseen.status_code == 404
    there_is_none = client.get(f"/requests/{unknown}{below}")
    assert there_is_none.status_code == 404
    assert without_numbers(unseen) == without_numbers(there_is_none)


def test_before_it_is_approved_they_see_how_it_would_look(desk: Desk) -> None:
    number = to_state(desk, "review")
    office = desk.sample.office
    page = desk.page(CLERK, number).text
    assert f"/requests/{number}/draft/declaration/pages/1.png" in page
    assert page.index('value="claim"') < page.index("/draft/declaration/pages/1.png")  # acts come first
    every = desk.client(CLERK).get(f"/requests/{number}/draft/declaration").text
    pages = int(re.findall(r"Page \d+ of (\d+)", every)[-1])
    assert every.count("/draft/declaration/pages/") == pages
    picture = desk.client(CLERK).get(f"/requests/{number}/draft/declaration/pages/1.png")
    assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")
    assert "no-store" in picture.headers["cache-control"]
    assert desk.client(CLERK).get(f"/requests/{number}/draft/declaration/pages/9.png").status_code == 404
    assert desk.client(CLERK).get(f"/requests/{number}/draft/nothing").status_code == 404
    for person in (MANAGER, desk.sample.request(number).requester_id):
        assert desk.client(person).get(f"/requests/{number}/draft/declaration").status_code == 200
    drawn = list(PdfDocument(Preview.find(office, number, "declaration", CLERK).pdf))
    text = " ".join(drawn[0].get_textpage().get_text_range().split())
    assert "Draft – not approved, not signed, and no document yet" in text
    assert "Verification code" not in text
    assert "date of signature" in text
    assert words_in("en").day(desk.sample.today) not in text
    assert desk.sample.documents(number) == []  # and nothing of it is kept


def test_a_drafts_page_draws_it_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number, drawn = to_state(desk, "review"), []
    monkeypatch.setattr(previews, "render", lambda *a, **more: drawn.append(a) or render(*a, **more))
    page = desk.client(CLERK).get(f"/requests/{number}/draft/declaration")
    assert (page.status_code, len(drawn)) == (200, 1)


def test_why_it_can_not_be_drawn_stands_in_its_place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    number = to_state(desk, "review")
    monkeypatch.setattr("documents.sheet.PAGES_MAX", 1)
    why = "The texts fill more pages than one document may have."
    draft = desk.client(CLERK).get(f"/requests/{number}/draft/declaration")
    assert (draft.status_code, why in draft.text, "<img" in draft.text) == (422, True, False)
    page = desk.page(CLERK, number).text
    assert why in page
    assert "/draft/declaration/pages/1.png" not in page


def test_once_there_is_a_document_there_is_no_draft_of_it(desk: Desk, delivered: int) -> None:
    assert "/draft/" not in desk.page(CLERK, delivered).text
    assert desk.client(CLERK).get(f"/requests/{delivered}/draft/declaration").status_code == 404


def without_numbers(page: httpx.Response) -> str:
    return re.sub(r"[\d,.]+", "", page.text)


@pytest.mark.parametrize("below", ["/do", "/file", "/evidence"])
def test_nor_can_anything_be_done_by_them(desk: Desk, delivered: int, below: str) -> None:
    client = desk.client(desk.outsider())
    form = {"csrf": csrf_of(client.get("/requests/new")), "trigger": "withdraw", "key": "k", "version": "1"}
    assert client.post(f"/requests/{delivered}{below}", data=form).status_code == 404


def test_a_forged_form_does_nothing(desk: Desk) -> None:
    number = to_state(desk, "manager")
    before = desk.events(number)
    form = form_of(desk.page(MANAGER, number), "claim") | {"csrf": "0" * 64}
    assert desk.client(MANAGER).post(f"/requests/{number}/do", data=form).status_code == 403
    assert desk.events(number) == before


def test_claim_and_start_are_two_events_and_once_for_two_clicks(desk: Desk) -> None:
    number = to_state(desk, "review")
    form = form_of(desk.page(CLERK, number), "take")
    first, second = (desk.client(CLERK).post(f"/requests/{number}/do", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert "Done: Claim and start." in first.text
    assert desk.events(number)[-2:] == ["task_claimed", "task_started"]
    assert desk.events(number).count("task_claimed") == 1
    assert form_of(first, "release")


def test_a_return_without_a_remark_is_told_at_its_field(desk: Desk) -> None:
    number = to_state(desk, "review")
    before = desk.events(number)
    answer = desk.do(CLERK, number, "return", remark="  ")
    assert answer.status_code == 422
    assert 'id="return-remark-mistake"' in answer.text
    assert 'aria-describedby="return-remark-mistake"' in answer.text
    assert desk.events(number) == before
    done = desk.do(CLERK, number, "return", remark="Look at the pay slip.\nPlease.")
    assert done.status_code == 200
    page = desk.page(MANAGER, number).text
    assert "Returned by" in page
    assert "Look at the pay slip.\nPlease." in page


def test_what_was_typed_is_kept_when_it_is_refused(desk: Desk) -> None:
    number = to_state(desk, "review")
    answer = desk.do(CLERK, number, "return", remark="with a bell \x07 <b>in</b> it")
    assert answer.status_code == 422
    assert "&lt;b&gt;in&lt;/b&gt; it</textarea>" in answer.text


def test_who_looked_at_an_older_version_is_told_so(desk: Desk) -> None:
    number = to_state(desk, "manager")
    form = form_of(desk.page(MANAGER, number), "approve")
    desk.sample.do("claim", MANAGER, number)
    answer = desk.client(MANAGER).post(f"/requests/{number}/do", data=form)
    assert answer.status_code == 409
    assert "has changed since you looked at it" in answer.text
    assert desk.sample.request(number).state == "manager"


def test_what_a_program_did_is_told_as_nobodys_time(desk: Desk, delivered: int) -> None:
    page = desk.page(MANAGER, delivered).text
    assert "A program did a person&#39;s part in it: this tells nothing of people." in page
    assert "Measured from what people did here" not in page
    by_program = desk.sample.office.engine.show(delivered, MANAGER).history
    by_people = [
        replace(one, record={**one.record, "channel": "person"})
        if one.record.get("channel") == "program"
        else one
        for one in by_program
    ]
    now = desk.sample.office.clock()
    told = [timing(one, now=now, closed_at=now) for one in (by_program, by_people)]
    assert [one.by_program for one in told if one] == [True, False]


def test_what_changed_since_the_return_is_told_field_by_field(desk: Desk) -> None:
    number = to_state(desk, "manager")
    requester, data = desk.sample.request(number).requester_id, desk.sample.request(number).data
    desk.sample.do("return", MANAGER, number, remark="Your address?")
    employee = {**data["employee"], "address": HOSTILE}
    desk.sample.do("submit", requester, number, data={"employee": employee})
    page = desk.page(MANAGER, number).text
    assert "Since the return on" in page
    assert '<a href="#f-employee-address">Employee: Address</a>' in page
    assert re.search(rf"Before the return:</span> {re.escape(data['employee']['address'])}", page)
    body = desk.sample.office.engine.show(number, MANAGER).history[-1].body
    assert body is not None
    assert body["before"] == {"employee.address": data["employee"]["address"]}


def test_hostile_data_is_only_shown(desk: Desk) -> None:
    number = to_state(desk, "manager")
    data = desk.sample.request(number).data
    desk.sample.do("return", MANAGER, number, remark=HOSTILE)
    desk.sample.do(
        "submit",
        desk.sample.request(number).requester_id,
        number,
        data={"employee": {**data["employee"], "address": f'{HOSTILE}"><script>alert(1)</script>'}},
    )
    page = desk.page(MANAGER, number, said="<script>alert(2)</script>").text
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; {{7*7}}" in page


def test_what_is_others_to_do_is_not_told_as_refused(desk: Desk) -> None:
    number = to_state(desk, "review")
    page = desk.page(desk.auditor(), number).text
    assert "You can look at this, and do nothing with it now." in page
    assert f'action="/requests/{number}/do"' not in page
    for person in (desk.auditor(), desk.sample.request(number).requester_id):
        page = desk.page(person, number).text
        assert "Why can&#39;t I?" not in page
        assert "Still open:" in page
        assert not re.search(r'class="(failed|told error)', page)


def test_a_colleague_sees_who_holds_it_and_why_they_can_not_approve(desk: Desk) -> None:
    number = to_state(desk, "review")
    desk.do(CLERK, number, "claim")
    other = next(
        one.person_id
        for one in desk.sample.register.people()
        if one.has_duty("clerk") and one.person_id != CLERK
    )
    page = desk.page(other, number).text
    name = desk.sample.register.person(CLERK).name
    assert f"<dd>{name}, not started yet</dd>" in page
    assert re.search(
        rf'<span class="disabled">Approve.*?Why can&#39;t I\?.*?{name} holds this task', page, re.DOTALL
    )


def test_what_is_past_due_or_soon_due_is_told_so(desk: Desk) -> None:
    number, now = to_state(desk, "review"), desk.sample.office.clock()
    for near, due, said in (
        (now - timedelta(days=30), now - timedelta(days=20), "past due by"),
        (now - timedelta(days=1), now + timedelta(days=20), "due soon"),
        (now + timedelta(days=10), now + timedelta(days=20), "of working time left"),
    ):
        with desk.sample.office.store.write() as session:
            of_it = update(Task).where(Task.request_id == number, Task.closed_at.is_(None))
            session.execute(of_it.values(near_at=near, due_at=due))
        page = desk.page(CLERK, number).text
        assert [one for one in ("past due by", "due soon") if one in page] == [
            one for one in (said,) if one != "of working time left"
        ]
        assert said in page


def test_what_is_to_be_filled_in_first_is_offered_first(desk: Desk) -> None:
    number = to_state(desk, "review")
    page = desk.page(CLERK, number).text
    assert f'href="/requests/{number}/edit"' in page
    assert "Fill in and send on" in page
    assert "the clerk gives the signer, the place" in page
    assert 'class="failed"' in page
    with pytest.raises(AssertionError, match="no way to approve"):
        form_of(desk.page(CLERK, number), "approve")


def test_what_only_wants_a_reason_later_is_in_nobodys_way(desk: Desk) -> None:
    number = to_state(desk, "manager")
    data = desk.sample.request(number).data
    desk.sample.do("return", MANAGER, number, remark="Your address?")
    employee = {**data["employee"], "address": "Elsewhere 1"}
    desk.sample.do("submit", desk.sample.request(number).requester_id, number, data={"employee": employee})
    page = desk.page(MANAGER, number)
    assert "Asks for a reason:" in page.text
    assert desk.do(MANAGER, number, "approve").status_code == 200
    assert desk.sample.request(number).state == "review"


def test_suspending_asks_why_and_resuming_goes_on(desk: Desk) -> None:
    number = to_state(desk, "review")
    assert desk.do(CLERK, number, "suspend").status_code == 422
    page = desk.do(CLERK, number, "suspend", remark="The bank has to answer.").text
    assert "it waits for somebody outside" in page
    assert "The bank has to answer." in page
    assert "Suspended since" not in desk.do(CLERK, number, "resume").text


def test_a_step_that_was_given_up_is_told_and_repaired(desk: Desk) -> None:
    number = to_state(desk, "rendering")
    engine, (ref,) = desk.sample.office.engine, desk.sample.waiting(number)
    with desk.sample.office.store.write() as session:
        engine.report_trouble(session, [StepTrouble(ref, "document-blob", "The disk of <b>E</b> is full.")])
    page = desk.page(CLERK, number).text
    assert "A step was given up on" in page
    assert "The disk of &lt;b&gt;E&lt;/b&gt; is full." in page
    assert "A step was given up on" not in desk.do(CLERK, number, "repair").text
    assert desk.events(number)[-1] == "incident_resolved"


def test_signing_by_click_asks_for_consent_and_password(desk: Desk) -> None:
    number = to_state(desk, "sign", "A1")
    page = desk.page(SIGNER, number)
    assert "I sign it by this click." in page.text
    assert desk.do(SIGNER, number, "sign").status_code == 422
    wrong = desk.do(SIGNER, number, "sign", consent="click", password="certainly not it")
    assert wrong.status_code == 422
    assert 'id="sign-proof-mistake"' in wrong.text
    assert "certainly not it" not in wrong.text
    assert desk.sample.request(number).state == "sign"
    done = desk.do(SIGNER, number, "sign", consent="click", password=PASSWORD)
    assert done.status_code == 200
    assert desk.sample.request(number).state == "sealing"
    body = desk.sample.office.engine.show(number, SIGNER).history[-1].body
    assert body is not None
    assert (body["consent_through"], body["reauthenticated"]["method"]) == ("page", "password")


def test_who_has_nothing_to_show_that_it_is_they_is_told_before_they_sign(desk: Desk) -> None:
    number = to_state(desk, "sign", "A1")
    assert "neither a password nor a passkey" not in desk.page(SIGNER, number).text
    with without_password(desk, SIGNER):
        pages = [desk.client(SIGNER).get(path) for path in (f"/requests/{number}", "/folder")]
    for page in pages:
        assert "You would have to show that it is you, and have neither" in page.text
        assert re.search('<a[^>]* href="/account"[^>]*>How you sign in</a>', page.text)
    assert 'name="trigger" value="sign"' not in pages[0].text
    assert f'value="{number}-' not in pages[1].text


@contextmanager
def without_password(desk: Desk, person: str) -> Iterator[None]:
    """Somebody who has signed in through the organisation."""
    table = PasswordRow.table()
    theirs = table.c.person_id == person
    with desk.sample.office.store.write() as session:
        row = session.execute(select(table).where(theirs)).one()
        session.execute(delete(table).where(theirs))
    yield
    with desk.sample.office.store.write() as session:
        session.execute(insert(table), [row._asdict()])


def test_a_substitute_acts_for_whom_the_document_names(desk: Desk) -> None:
    number = to_state(desk, "sign", "A3")
    page = desk.page(OTHER_SIGNER, number)
    assert "You act as the substitute of" in page.text
    done = desk.do(OTHER_SIGNER, number, "sign")
    assert done.status_code == 200
    body = desk.sample.office.engine.show(number, SIGNER).history[-1].body
    assert body is not None
    assert (body["actor"], body["on_behalf_of"]) == (OTHER_SIGNER, SIGNER)


def test_for_themselves_they_are_told_why_not(desk: Desk) -> None:
    number = to_state(desk, "sign", "A3")
    page = desk.page(OTHER_SIGNER, number, **{"for": "-"}).text
    assert "You act as the substitute of" not in page
    assert '<span class="disabled">Sign</span>' in page
    assert f"The document names {desk.sample.register.person(SIGNER).name} for this" in page


def test_standing_in_for_who_did_not_ask_is_refused(desk: Desk) -> None:
    number = to_state(desk, "sign", "A3")
    form = form_of(desk.page(SIGNER, number), "sign") | {"for": MANAGER}
    assert desk.client(SIGNER).post(f"/requests/{number}/do", data=form).status_code == 422
    assert desk.sample.request(number).state == "sign"


def test_the_document_is_a_file_and_never_a_page(desk: Desk, delivered: int) -> None:
    answer = desk.client(CLERK).get(f"/requests/{delivered}/documents/declaration.pdf")
    (document,) = desk.sample.documents(delivered)
    assert answer.content == desk.sample.office.blobs.get(document.current_sha256)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="Employer-declaration-{document.number}.pdf";'
        f" filename*=UTF-8''Employer%20declaration%20{document.number}.pdf"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("; sandbox")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "no-store" in answer.headers["cache-control"]


def test_a_files_name_breaks_out_of_nothing() -> None:
    said = disposition('a"\r\nX: y\u202e/../\\é.pdf')
    assert said == "attachment; filename=\"aX-y..e.pdf\"; filename*=UTF-8''aX%20y..%C3%A9.pdf"


def test_a_page_is_a_picture_for_this_browser_alone(desk: Desk, delivered: int) -> None:
    client, address = desk.client(CLERK), f"/requests/{delivered}/documents/declaration/pages"
    answer = client.get(f"{address}/1.png")
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(answer.content[16:20], "big") == 1200
    assert answer.headers["cache-control"] == "private, no-cache"
    again = client.get(f"{address}/1.png", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for page in ("0", "99", "x", "9" * 30):
        assert client.get(f"{address}/{page}.png").status_code == 404


def test_before_a_document_is_there_it_is_told_when_it_is_made(desk: Desk) -> None:
    number = to_state(desk, "manager")
    assert "There is no document yet." in desk.page(MANAGER, number).text
    client = desk.client(MANAGER)
    assert client.get(f"/requests/{number}/documents/declaration.pdf").status_code == 404
    assert client.get(f"/requests/{number}/documents/declaration/pages/1.png").status_code == 404


def test_the_verdict_on_it_in_a_sentence(desk: Desk, delivered: int) -> None:
    page = desk.client(CLERK).get(f"/requests/{delivered}/documents/declaration/verify").text
    assert "In the register: document" in page
    assert "PAdES B-LTA" in page


def test_evidence_is_for_who_audits_once_the_log_is_anchored(desk: Desk, delivered: int) -> None:
    def asked(person: str) -> httpx.Response:
        client = desk.client(person)
        form = {"csrf": csrf_of(client.get(f"/requests/{delivered}"))}
        return client.post(f"/requests/{delivered}/evidence", data=form)

    assert asked(CLERK).status_code == 404
    assert "Download the evidence package" not in desk.page(CLERK, delivered).text
    assert "Download the evidence package" in desk.page(desk.auditor(), delivered).text
    asyncio.run(desk.sample.office.anchor())
    package = asked(desk.auditor())
    assert package.headers["content-disposition"].startswith("attachment; ")
    with zipfile.ZipFile(BytesIO(package.content)) as archive:
        assert json.loads(archive.read("manifest.json"))["request"]["id"] == delivered


def test_without_an_anchor_there_is_no_evidence_yet(desk: Desk) -> None:
    number = to_state(desk, "delivered")
    client = desk.client(desk.auditor())
    form = {"csrf": csrf_of(client.get(f"/requests/{number}"))}
    answer = client.post(f"/requests/{number}/evidence", data=form)
    assert answer.status_code == 409
    assert "no evidence package of this request yet" in answer.text


def uploaded(desk: Desk, person: str, number: int, trigger: str, content: bytes) -> httpx.Response:
    form = form_of(desk.page(person, number), trigger)
    return desk.client(person).post(f"/requests/{number}/file", data=form, files={"file": ("file", content)})


def test_a_file_goes_out_and_that_one_signed_comes_back_and_no_other(desk: Desk) -> None:
    number = to_state(desk, "export", "A2")
    form = form_of(desk.page(CLERK, number), "exported")
    for _ in range(2):
        given = desk.client(CLERK).post(f"/requests/{number}/file", data=form)
        assert "Download what was given out" in given.text
    assert desk.events(number).count("document_exported") == 1
    pdf = desk.client(SIGNER).get(f"/requests/{number}/files/given.pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-disposition"].startswith("attachment; ")
    before = desk.events(number)
    for content in (b"", b"no PDF", pdf.content):
        answer = uploaded(desk, SIGNER, number, "imported", content)
        assert answer.status_code == 422
        assert 'id="imported-file-mistake"' in answer.text
    assert desk.events(number) == before
    office = desk.sample.office
    people = outside_signed.who_signs(office, number, By(SIGNER))
    profile = replace(office.profiles[AT_PORTAL], level=Level.B_LTA)
    signed = asyncio.run(signed_at_portal(office, pdf.content, people, profile=profile, at=datetime.now(UTC)))
    answer = uploaded(desk, SIGNER, number, "imported", signed)
    assert answer.status_code == 200
    assert "PAdES B-LTA" in answer.text
    asyncio.run(desk.sample.run_steps(desk.sample.waiting(number)))
    assert desk.sample.request(number).state == "delivered"
    kept = desk.client(SIGNER).get(f"/requests/{number}/documents/declaration.pdf")
    assert kept.content == signed


def test_paper_goes_out_and_its_scan_comes_back_and_no_other(desk: Desk) -> None:
    number = to_state(desk, "printing", "A0")
    desk.client(CLERK).post(f"/requests/{number}/file", data=form_of(desk.page(CLERK, number), "printed"))
    pdf = desk.client(CLERK).get(f"/requests/{number}/files/given.pdf").content
    name = desk.sample.register.person(SIGNER).name
    signed = {"facts.signed_by": name, "facts.signed_on": desk.sample.today.isoformat()}
    assert desk.do(SIGNER, number, "signed", **signed).status_code == 200
    assert desk.do(CLERK, number, "stamped").status_code == 200
    before = desk.events(number)
    other = to_state(desk, "printing", "A0")
    strange = outside_given.give(desk.sample.office, other, By(CLERK)).pdf  # which waits for its scan as well
    desk.sample.do("signed", SIGNER, other, facts={"signed_by": name, "signed_on": f"{desk.sample.today}"})
    desk.sample.do("stamped", CLERK, other)
    for content in (b"no scan", scanned_in(strange)):
        answer = uploaded(desk, CLERK, number, "scanned", content)
        assert answer.status_code in (409, 422)
        assert 'id="scanned-file-mistake"' in answer.text
    assert desk.events(number) == before
    answer = uploaded(desk, CLERK, number, "scanned", scanned_in(pdf))
    assert answer.status_code == 200
    assert "document_scanned" in desk.events(number)
    asyncio.run(desk.sample.run_steps(desk.sample.waiting(number)))
    page = desk.page(CLERK, number).text
    assert "sealed copy" in page
    assert f"Signed on: {WRITING['en'].day(desk.sample.today)}<" in page


def test_of_a_destroyed_request_it_shows_what_stays(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In an office of its own: its clock goes on for years."""
    sample = Sample.open(tmp_path_factory.mktemp("destroyed"), {})
    request.addfinalizer(sample.office.close)
    with AuthorityServer(sample.office.authority.folder):
        number = sample.submit("A3")
        asyncio.run(sample.run_until("delivered", number))
    name = sample.request(number).data["employee"]["name"]
    later = sample.office.clock() + timedelta(days=400)
    retention = sample.office.retention
    retention._clock = lambda: later
    assert retention.run(clock_is_right=True).requests == 1
    with served(sample.office) as url, browsing(url) as client:
        signed_in(client, sample.office, CLERK)
        page = client.get(f"/requests/{number}")
        assert page.status_code == 200
        assert "was destroyed at the end of its term" in page.text
        assert name not in page.text
        for below in (".pdf", "/pages/1.png", "/verify"):
            assert client.get(f"/requests/{number}/documents/declaration{below}").status_code == 404
