"""Webhooks: what other systems are told, over real HTTP, and what becomes of messages that nobody takes."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from certs.hosts import AllowedHosts
from signing.secret import Secret
from tests.databases import KINDS, fresh
from tests.steps_office import MANAGER, Sample
from workflow.logcheck import verify
from workflow.outbox import JITTER
from workflow.tables import Grant, WebhookMessage
from workflow.webhook_sending import Sender
from workflow.webhooks import WAITS, WebhookRefused, Webhooks

ADMINISTRATOR = "P056"
_HOW_TO = (Path(__file__).parents[2] / "docs/how-to/tell-other-systems.md").read_text(encoding="utf-8")


@dataclass
class Listener:
    """Somebody who is told, and answers with `status`."""

    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    location: str = ""
    url: str = ""

    @property
    def place(self) -> str:
        return self.url.removeprefix("http://").partition("/")[0]

    def verified(self, secret: Secret) -> list[dict[str, object]]:
        """What came, checked by the function that the how-to gives to whoever takes it."""
        given: dict[str, Any] = {}
        exec(_HOW_TO.split("```python\n")[1].split("```")[0], given)  # noqa: S102 (our own page)
        now = int(self.got[0][0]["webhook-timestamp"])
        given["time"] = SimpleNamespace(time=lambda: now)
        told = []
        for headers, body in self.got:
            now = int(headers["webhook-timestamp"])
            assert given["is_ours"](headers, body, secret.reveal())
            assert not given["is_ours"](headers, body + b" ", secret.reveal())
            told.append(json.loads(body))
        return told


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            listener.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(listener.status)
            if listener.location:
                self.send_header("Location", listener.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_port}/told"
    yield listener
    server.shutdown()
    server.server_close()


@dataclass
class Place:
    sample: Sample
    now: datetime = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def webhooks(self, *hosts: str) -> Webhooks:
        return replace(self.sample.office.webhooks, hosts=AllowedHosts.parse(hosts))

    def sender(self, *hosts: str) -> Sender:
        office = self.sample.office
        return Sender(office.store, self.webhooks(*hosts), "https://paraaf.example", lambda: self.now)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with sample.office.store.write() as session:
            session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        yield Place(sample)
        sample.office.close()


def test_what_happens_is_told_once_signed_and_names_nobody(place: Place, listener: Listener) -> None:
    webhooks, sender = place.webhooks(listener.place), place.sender(listener.place)
    before = place.sample.submit("A4")
    number, secret = webhooks.add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    request = place.sample.submit("A4")
    assert sender.run() == 1
    assert sender.run() == 0
    (told,) = listener.verified(secret)
    assert told["type"] == "paraaf.request_submitted"
    assert told["subject"] == f"requests/{request}" != f"requests/{before}"
    assert told["specversion"] == "1.0"
    assert told["source"] == "https://paraaf.example"
    text = listener.got[0][1].decode()
    person = place.sample.request(request).requester_id
    assert person not in text
    assert place.sample.register.person(person).name not in text
    (message,) = webhooks.messages(number)
    assert (message.status, message.tries, message.code) == (204, 1, "")


def test_only_wanted_types_are_told(place: Place, listener: Listener) -> None:
    webhooks = place.webhooks(listener.place)
    _, secret = webhooks.add(listener.url, ["task_claimed"], by=ADMINISTRATOR, at=place.now)
    request = place.sample.submit("A4")
    manager = next(
        one
        for one in place.sample.register.people()
        if any(item.request_id == request for item in place.sample.office.engine.queue(one.person_id).items)
    ).person_id
    place.sample.do("claim", manager, request)
    assert place.sender(listener.place).run() == 1
    assert [one["type"] for one in listener.verified(secret)] == ["paraaf.task_claimed"]


def test_what_is_not_taken_is_tried_again_ever_more_rarely(place: Place, listener: Listener) -> None:
    listener.status = 500
    webhooks, sender = place.webhooks(listener.place), place.sender(listener.place)
    number, secret = webhooks.add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    for wait in WAITS:
        assert sender.run() == 0
        (message,) = webhooks.messages(number)
        assert message.next_at is not None
        assert wait <= message.next_at - place.now <= wait * (1 + JITTER)
        place.now = message.next_at
    sender.run()
    (message,) = webhooks.messages(number)
    assert (message.next_at, message.tries, message.status) == (None, len(WAITS) + 1, 500)
    assert [hook.given_up for hook in webhooks.listed()] == [1]
    place.now += timedelta(days=9)
    sender.run()
    assert len(listener.got) == len(WAITS) + 1
    ids = {headers["webhook-id"] for headers, _ in listener.got}
    assert len(ids) == 1
    assert len(listener.verified(secret)) == len(WAITS) + 1


def test_who_says_that_they_are_gone_is_told_no_more(place: Place, listener: Listener) -> None:
    listener.status = 410
    webhooks, sender = place.webhooks(listener.place), place.sender(listener.place)
    webhooks.add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    sender.run()
    place.sample.submit("A4")
    sender.run()
    assert len(listener.got) == 1
    (hook,) = webhooks.listed()
    assert hook.stopped_at == place.now


def test_nobody_is_led_elsewhere(place: Place, listener: Listener) -> None:
    listener.status, listener.location = 307, listener.url + "/elsewhere"
    webhooks, sender = place.webhooks(listener.place), place.sender(listener.place)
    number, _ = webhooks.add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    sender.run()
    assert len(listener.got) == 1
    assert webhooks.messages(number)[0].status == 307


def test_a_host_that_is_allowed_no_more_is_asked_no_more(place: Place, listener: Listener) -> None:
    number, _ = place.webhooks(listener.place).add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    place.sender().run()
    assert not listener.got
    assert place.webhooks().messages(number)[0].code == "host-not-allowed"


@pytest.mark.parametrize(
    "addresses", [["10.0.0.7"], ["169.254.169.254"], ["93.184.216.34", "127.0.0.1"], ["::1"]]
)
def test_a_name_that_leads_inside_is_not_asked(
    place: Place, addresses: list[str], listener: Listener
) -> None:
    sender = replace(place.sender("hooks.example"), resolve=lambda _host, _port, _seconds: addresses)
    number, _ = sender.webhooks.add("https://hooks.example/x", [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    sender.run()
    assert sender.webhooks.messages(number)[0].code == "address-refused"
    assert not listener.got


def test_a_name_is_looked_up_once_and_that_very_address_is_asked(
    place: Place, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere a moment later leads nowhere."""
    asked: list[str] = []

    def resolve(host: str, _port: int, _seconds: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.7"]

    def nobody(*_: object, **__: object) -> None:
        raise AssertionError("the system was asked")

    here = listener.place.replace("127.0.0.1", "localhost")
    sender = replace(place.sender(here), resolve=resolve)
    number, _ = sender.webhooks.add(f"http://{here}/told", [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", nobody)
        assert sender.run() == 1
    assert asked == ["localhost"]
    place.sample.submit("A4")
    assert sender.run() == 0
    assert sender.webhooks.messages(number)[0].code == "address-refused"
    assert (len(asked), len(listener.got)) == (2, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://elsewhere.example/x",
        "https://hooks.example:8443/x",
        "https://user:secret@hooks.example/x",
        "https://hooks.example@evil.example/x",
        "ftp://hooks.example/x",
        "https://127.1/x",
        "https://hooks.example/" + "x" * 600,
        "",
    ],
)
def test_an_address_that_may_not_be_told_is_refused(place: Place, url: str) -> None:
    with pytest.raises(WebhookRefused):
        place.webhooks("hooks.example").add(url, [], by=ADMINISTRATOR, at=place.now)
    assert place.webhooks().listed() == []


def test_others_set_none(place: Place) -> None:
    webhooks = place.webhooks("hooks.example")
    number, _ = webhooks.add("https://hooks.example/x", [], by=ADMINISTRATOR, at=place.now)
    for refused in (
        lambda: webhooks.add("https://hooks.example/y", [], by=MANAGER, at=place.now),
        lambda: webhooks.remove(number, by=MANAGER, at=place.now),
        lambda: webhooks.add("https://hooks.example/y", ["No Type"], by=ADMINISTRATOR, at=place.now),
    ):
        with pytest.raises(WebhookRefused):
            refused()
    webhooks.remove(number, by=ADMINISTRATOR, at=place.now)
    assert webhooks.listed() == []
    with place.sample.office.store.read() as session:
        assert verify(session).ok


def test_two_workers_send_nothing_at_the_same_time(place: Place, listener: Listener) -> None:
    place.webhooks(listener.place).add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    for _ in range(20):
        place.sample.submit("A4")
    threads = [threading.Thread(target=place.sender(listener.place).run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listener.got) == 20
    assert len({headers["webhook-id"] for headers, _ in listener.got}) == 20


def test_what_was_being_sent_when_a_worker_died_is_sent_by_the_next(
    place: Place, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.webhooks(listener.place).add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    dying = place.sender(listener.place)

    async def died(*_: object) -> list[bool]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sender, "_sent", died)
    with pytest.raises(KeyboardInterrupt):
        dying.run()
    monkeypatch.undo()
    assert place.sender(listener.place).run() == 0
    place.now += timedelta(minutes=2)
    assert place.sender(listener.place).run() == 1


def test_what_became_of_messages_is_forgotten_after_a_month(place: Place, listener: Listener) -> None:
    webhooks, sender = place.webhooks(listener.place), place.sender(listener.place)
    webhooks.add(listener.url, [], by=ADMINISTRATOR, at=place.now)
    place.sample.submit("A4")
    sender.run()
    place.now += timedelta(days=31)
    sender.forget()
    with place.sample.office.store.read() as session:
        assert session.scalars(select(WebhookMessage)).all() == []
