"""Mail, handed to a real mail server on loopback: who is told what, how often, and what becomes of it."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import delete, select, update

from documents.register import Register
from languages import LANGUAGES
from signing.secret import Secret
from tests.databases import KINDS, fresh
from tests.desk_office import browsing, csrf_of, served, signed_in
from tests.steps_office import MANAGER, Sample
from workflow.errors import Refused, SettingRefused
from workflow.identity_events import EVERY, tell
from workflow.mail import OUTBOX, WAITS, Post, handed_over_now
from workflow.mail_choices import Choice, choice_of, choose
from workflow.mail_settings import MailSettings
from workflow.mail_text import (
    SIGN_IN,
    SUBJECTS,
    Envelope,
    Line,
    a_test,
    about_many,
    about_one,
    about_report,
    about_sign_in,
)
from workflow.outbox import JITTER
from workflow.people import update_people
from workflow.report_mail import tell_of_report
from workflow.tables import Grant, MailRow, MonitoringReport, Person

BASE = "https://paraaf.example"
WEDNESDAY = datetime(2026, 11, 25, 5, tzinfo=UTC)  # six in the morning there


@dataclass
class Server:
    """A mail server that keeps what it takes, and answers with `says` where that is set."""

    says: str = ""
    taken: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.says:
            return self.says
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.to += envelope.rcpt_tos
        return "250 OK"


@dataclass
class Place:
    sample: Sample
    server: Server
    settings: MailSettings
    now: datetime = WEDNESDAY

    def post(self) -> Post:
        office = self.sample.office
        return Post(office.store, office.engine, self.settings, lambda: self.now, self.now.date)

    def choose(self, person: str, **choice: str) -> None:
        with self.sample.office.store.write() as session:
            choose(session, person, Choice(**choice))

    def subjects(self) -> list[str]:
        self.post().run()
        found = [str(one["subject"]) for one in self.server.taken]
        self.server.taken.clear()
        return found

    def rows(self) -> list[tuple[int, str, datetime | None, datetime | None]]:
        with self.sample.office.store.read() as session:
            query = select(MailRow).order_by(MailRow.id)
            return [(one.tries, one.code, one.next_at, one.sent_at) for one in session.scalars(query)]


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    kept = Server()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, server: tuple[Server, int]) -> Iterator[Place]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with sample.office.store.write() as session:
            for person in session.scalars(select(Person)):
                person.email = f"{person.id.lower()}@voorbeeld.example"
        environ = {
            "PARAAF_MAIL": f"smtp://127.0.0.1:{server[1]}",
            "PARAAF_MAIL_FROM": "paraaf@voorbeeld.example",
        }
        settings = MailSettings.of({**environ, "PARAAF_MAIL_LANGUAGE": "en"}, BASE)
        assert settings is not None
        place = Place(sample, server[0], settings)
        place.post().run()
        yield place
        sample.office.close()


def manager_of(place: Place, number: int) -> str:
    requester = place.sample.register.person(place.sample.request(number).requester_id)
    assert requester.manager_id is not None
    return requester.manager_id


def test_who_asked_is_told_that_it_came_back_and_that_it_ended(place: Place) -> None:
    sample = place.sample
    number = sample.submit("A4")
    requester, manager = sample.request(number).requester_id, manager_of(place, number)
    assert place.subjects() == []
    sample.do("return", manager, number, remark="Something personal: the pay slip.")
    place.post().run()
    (mail,) = place.server.taken
    assert str(mail["subject"]) == f"Request {number} came back to you"
    assert place.server.to == [f"{requester.lower()}@voorbeeld.example"]
    text = mail.get_content()
    assert f"{BASE}/requests/{number}" in text
    assert "pay slip" not in mail.as_string()
    place.server.taken.clear()
    sample.do("withdraw", requester, number)
    assert place.subjects() == [f"Request {number} was withdrawn"]
    assert place.subjects() == []


def test_each_that_waits_is_told_to_those_who_want_it_and_could_do_it(place: Place) -> None:
    sample = place.sample
    place.choose("P004", work="each")
    place.choose("P008", work="each")
    number = next(one for one in iter(lambda: sample.submit("A4"), 0) if sample.request(one).unit == "Policy")
    assert f"Request {number} waits for you" in place.subjects()
    assert set(place.server.to) == {"p004@voorbeeld.example"}


def test_once_a_working_day_people_hear_what_waits_for_them(place: Place) -> None:
    sample = place.sample
    number = sample.submit("A4")
    manager = manager_of(place, number)
    place.choose("P005", work="none")
    assert place.subjects() == []
    place.now += timedelta(hours=2)
    place.post().run()
    mine = [one for one in place.server.taken if manager.lower() in str(one["to"])]
    (mail,) = mine
    assert str(mail["subject"]) == "1 request waits for you"
    assert f"- {number}: " in mail.get_content()
    assert not [one for one in place.server.taken if "p005@" in str(one["to"])]
    assert not [one for one in place.server.taken if "p022@" in str(one["to"])], "nothing waits for them"
    place.server.taken.clear()
    assert place.subjects() == [], "once a day"
    place.now += timedelta(days=3)
    assert place.subjects() == [], "nobody works on a Saturday"


def test_what_changes_of_how_they_sign_in_is_told_to_its_person_whatever_they_chose(place: Place) -> None:
    office, person = place.sample.office, "P010"
    with office.store.write() as session:
        session.add(Grant(person_id=MANAGER, role="administrator", unit=None))
    place.choose(person, own="none", work="none")
    office.passwords.set(person, Secret("plainly a sample password"), by=person)
    place.post().run()
    (mail,) = place.server.taken
    assert str(mail["subject"]) == "Your password has been changed"
    assert place.server.to == [f"{person.lower()}@voorbeeld.example"]
    assert f"{BASE}/account" in mail.get_content()
    assert "tell an administrator of your office at once" in " ".join(mail.get_content().split())
    place.server.taken.clear()
    office.passwords.set(person, Secret("another sample password"), by=MANAGER)
    assert place.subjects() == ["An administrator has given you a password"]
    with office.store.write() as session:
        for kind in EVERY:
            tell(session, kind, person=person, by=MANAGER, at=place.now)
    assert sorted(place.subjects()) == sorted(SIGN_IN[kind] for kind in EVERY)


def test_mail_goes_to_the_address_that_the_register_says(place: Place) -> None:
    """Of who is new, of who has another one now, and of none for who has none any more."""
    office, person = place.sample.office, place.sample.register.person
    addresses = {"P900": "new@voorbeeld.example", "P010": "other@voorbeeld.example", "P011": None}
    known = {one.person_id: one for one in place.sample.register.people()} | {"P900": person("P010")}
    said = {
        who: one.model_copy(update={"person_id": who, "email": addresses.get(who)})
        for who, one in known.items()
    }
    with office.store.write() as session:
        update_people(session, Register(said), now=office.clock())
    for who in addresses:
        office.passwords.set(who, Secret("plainly a sample password"), by=who)
    place.post().run()
    assert sorted(place.server.to) == sorted(one for one in addresses.values() if one)


def test_who_wants_none_gets_none(place: Place) -> None:
    sample = place.sample
    number = sample.submit("A4")
    requester = sample.request(number).requester_id
    place.choose(requester, own="none", work="none")
    sample.do("return", manager_of(place, number), number, remark="Again.")
    assert place.subjects() == []


def test_who_may_read_a_sealed_report_and_wants_to_hear_of_it_is_told_that_it_is_there(place: Place) -> None:
    """Of which month and unit it is, and where: none of its figures. Who may read it no more is not told."""
    office, report = (
        place.sample.office,
        {"month": "2026-10", "language": "nl", "norms": "", "profile": "seal"},
    )
    with office.store.write() as session:
        session.add(Grant(person_id="P101", role="auditor", unit="Advice"))
        session.add(Grant(person_id="P102", role="auditor", unit="Advice"))
        for number, unit in enumerate(("", "Advice"), 1):
            due = {"next_at": place.now, "tries": 1, "code": ""}
            session.add(MonitoringReport(id=number, unit=unit, **report, **due))
    for person in ("P101", "P102", "P192"):
        place.choose(person, reports="each", work="none")
    with office.store.write() as session:
        for number, unit in enumerate((None, "Advice"), 1):
            tell_of_report(session, number, unit, today=place.now.date(), now=place.now)
        session.execute(delete(Grant).where(Grant.person_id == "P102"))
    assert place.post().run() == 3  # one of them said nothing
    told = {one["to"].addresses[0].addr_spec: one for one in place.server.taken}
    assert set(told) == {"p101@voorbeeld.example", "p192@voorbeeld.example"}
    advice, whole = (told[one] for one in sorted(told))
    assert str(advice["subject"]) == str(whole["subject"]) == "The monthly report of October 2026 is there"
    assert "Unit: Advice" in advice.get_content()
    assert f"{BASE}/figures/monitoring?unit=Advice#sealed" in advice.get_content()
    assert "all units together" in whole.get_content()
    assert f"{BASE}/figures/monitoring#sealed" in whole.get_content()


def test_what_is_not_taken_now_is_tried_again(place: Place) -> None:
    place.server.says = "451 later"
    number = place.sample.submit("A4")
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    for wait in WAITS:
        place.post().run()
        (_, _, next_at, _) = place.rows()[0]
        assert next_at is not None
        assert wait <= next_at - place.now <= wait * (1 + JITTER)
        place.now = next_at
    place.post().run()
    tries, code, next_at, sent_at = place.rows()[0]
    assert (tries, code, next_at, sent_at) == (len(WAITS) + 1, "later", None, None)


def test_an_address_that_there_is_not_is_given_up_at_once(place: Place) -> None:
    place.server.says = "550 nobody here"
    number = place.sample.submit("A4")
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    place.post().run()
    assert [(code, next_at) for _, code, next_at, _ in place.rows()] == [("not-taken", None)]


def test_a_server_that_is_away_is_waited_for(place: Place) -> None:
    away = replace(place.settings, port=9)
    number = place.sample.submit("A4")
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    replace(place.post(), settings=away).run()
    assert [code for _, code, _, _ in place.rows()] == ["unreachable"]
    place.now += WAITS[0] * (1 + JITTER)
    assert len(place.subjects()) == 1


def test_what_was_being_sent_when_a_worker_died_is_sent_by_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = place.sample.submit("A4")
    place.sample.do("return", manager_of(place, number), number, remark="Again.")

    async def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Post, "_send", killed)
        with pytest.raises(KeyboardInterrupt):
            place.post().run()
    assert place.subjects() == [], "it may be on its way still"
    place.now += OUTBOX.put_off
    assert len(place.subjects()) == 1
    assert [(tries, code) for tries, code, _, _ in place.rows()] == [(1, "")]


def test_nobody_is_told_of_what_happened_before_there_was_mail(place: Place) -> None:
    number = place.sample.submit("A4")
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    silent = replace(place.post(), settings=None)
    assert silent.run() == 0
    assert place.rows() == []


def test_who_has_left_gets_nothing_any_more(place: Place) -> None:
    number = place.sample.submit("A4")
    requester = place.sample.request(number).requester_id
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    place.server.says = "451 later"
    place.post().run()
    place.server.says = ""
    with place.sample.office.store.write() as session:
        session.execute(update(Person).where(Person.id == requester).values(active=False))
    place.now += WAITS[0] * (1 + JITTER)
    assert place.subjects() == []


def test_names_put_nothing_into_heads(place: Place) -> None:
    number = place.sample.submit("A4")
    requester = place.sample.request(number).requester_id
    name = "=HYPERLINK(1)\u202e {{7*7}} <img src=x>, Bcc: other@evil.example"
    with place.sample.office.store.write() as session:
        session.execute(update(Person).where(Person.id == requester).values(name=name))
    place.sample.do("return", manager_of(place, number), number, remark="Again.")
    assert len(place.subjects()) == 1
    assert place.server.to == [f"{requester.lower()}@voorbeeld.example"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_mail_is_in_the_language_of_who_gets_it(language: str) -> None:
    envelope = Envelope(Address("X", addr_spec="x@voorbeeld.example"), "y@voorbeeld.example", BASE, language)
    made = [about_one(kind, Line(7, "T"), envelope) for kind in SUBJECTS]
    made += [about_sign_in(kind, envelope) for kind in SIGN_IN]
    made += [
        a_test(envelope),
        about_report("2026-05", None, envelope),
        about_report("2026-05", "Advice", envelope),
        about_many([Line(7, "T", late=True)], 12, envelope),
        about_many([Line(7, "T")], 1, envelope),
    ]
    for mail in made:
        assert mail["content-language"] == language
        assert mail["auto-submitted"] == "auto-generated"
        assert "{" not in mail.get_content() + str(mail["subject"])
    if language != "en":
        english = [
            str(about_one(kind, Line(7, "T"), replace(envelope, language="en"))["subject"])
            for kind in SUBJECTS
        ]
        english += [str(about_sign_in(kind, replace(envelope, language="en"))["subject"]) for kind in SIGN_IN]
        assert not set(english) & {str(mail["subject"]) for mail in made}


@pytest.mark.parametrize(
    "environ",
    [
        {"PARAAF_MAIL": "mail.example.org", "PARAAF_MAIL_FROM": "x@example.org"},
        {"PARAAF_MAIL": "http://mail.example.org", "PARAAF_MAIL_FROM": "x@example.org"},
        {"PARAAF_MAIL": "smtp://user:secret@mail.example.org", "PARAAF_MAIL_FROM": "x@example.org"},
        {"PARAAF_MAIL": "smtp://mail.example.org"},
        {"PARAAF_MAIL": "smtp://mail.example.org", "PARAAF_MAIL_FROM": "a\r\nBcc: b@example.org"},
        {
            "PARAAF_MAIL": "smtp://mail.example.org",
            "PARAAF_MAIL_FROM": "x@example.org",
            "PARAAF_MAIL_LANGUAGE": "fr",
        },
        {
            "PARAAF_MAIL": "smtp://mail.example.org",
            "PARAAF_MAIL_FROM": "x@example.org",
            "PARAAF_MAIL_PASSWORD_FILE": "/nowhere",
        },
    ],
)
def test_wrong_settings_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingRefused):
        MailSettings.of(environ, BASE)


def test_mail_needs_an_address_that_its_links_lead_to() -> None:
    with pytest.raises(SettingRefused, match="PARAAF_PUBLIC_URL"):
        MailSettings.of({"PARAAF_MAIL": "smtp://mail.example.org", "PARAAF_MAIL_FROM": "x@example.org"}, "")


def test_nothing_is_said_in_the_open_to_another_machine(server: tuple[Server, int]) -> None:
    settings = MailSettings.of(
        {"PARAAF_MAIL": "smtp://mail.example.org", "PARAAF_MAIL_FROM": "x@example.org"}, BASE
    )
    assert settings is not None
    assert settings.enciphered == "starttls"
    envelope = Envelope(Address("X", addr_spec="x@voorbeeld.example"), "y@voorbeeld.example", BASE, "en")
    there = replace(settings, host="127.0.0.1", port=server[1])  # a server that can't encipher
    code, said = asyncio.run(handed_over_now(there, a_test(envelope)))
    assert (code, server[0].taken) == ("not-taken", []), said


def test_people_choose_on_a_page(place: Place) -> None:
    office = place.sample.office
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, "P022")
        page = client.get("/mail")
        form = {"csrf": csrf_of(page), "own": "none", "work": "each", "language": "da"}
        client.post("/mail", data=form)
        page = client.get("/mail").text
        assert 'value="none" checked' in page
        assert 'name="reports"' not in page  # they may read none
        assert client.post("/mail", data={**form, "work": "always"}).status_code == 422
    with served(office) as url, browsing(url) as client:
        signed_in(client, office, "P192")  # an auditor
        page = client.get("/mail")
        assert 'name="reports"' in page.text
        form["csrf"] = csrf_of(page)
        for more in ({"reports": "each"}, {}):  # what says nothing of it leaves it as it is
            client.post("/mail", data={**form, **more})
            with office.store.read() as session:
                assert choice_of(session, "P192") == Choice("none", "each", "da", "each")
    with pytest.raises(Refused):
        place.choose("P022", work="hourly")
