"""Guessing over a network: who waits for it, and who does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import delete, select

from certs.serve_authority import AuthorityServer
from signing.secret import Secret
from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in, with_password
from tests.folder_office import bring_to, folder_of
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample
from workflow.devices import MOST, PEOPLE_MOST, forget_devices, know_device, known_device
from workflow.office_secrets import office_secret
from workflow.tables import Attempts, Device, Grant
from workflow.throttle import Throttle

WRONG = "not this one"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample

    def failures(self, whose: str) -> int:
        with self.sample.office.store.read() as session:
            return session.scalar(select(Attempts.failures).where(Attempts.whose == whose)) or 0


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("strangers") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        for person in (CLERK, MANAGER):
            with_password(sample.office, person)
        with served(sample.office, proxies=["127.0.0.1"]) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture(autouse=True)
def _nothing_failed(place: Place) -> None:
    with place.sample.office.store.write() as session:
        session.execute(delete(Attempts))
        forget_devices(session, [CLERK, MANAGER, SIGNER])


@contextmanager
def come_from(place: Place, address: str) -> Iterator[httpx.Client]:
    """A browser at an address, behind a proxy whose word is believed."""
    with browsing(place.url) as client:
        client.headers["X-Forwarded-For"] = address
        yield client


def attempt(client: httpx.Client, person: str, password: str = WRONG) -> httpx.Response:
    token = csrf_of(client.get("/sign-in"))
    return client.post("/sign-in", data={"csrf": token, "person": person, "password": password})


def lock_out(place: Place, person: str) -> None:
    """As somebody does who has many addresses."""
    for number in range(6):
        with come_from(place, f"192.0.2.{number}") as stranger:
            attempt(stranger, person)
    assert place.failures(person) >= 4


def test_strangers_keep_nobody_from_signing_where_they_have_signed_in_before(place: Place) -> None:
    with (
        AuthorityServer(place.sample.office.authority.folder),
        folder_of(place.url, place.sample) as folder,
    ):
        one, other = bring_to(place.sample, "sign", 2, "A1")
        run, page = folder.choose([one]), folder.client.get(f"/requests/{other}?lang=en")
        lock_out(place, SIGNER)
        assert folder.sign(run).status_code == 200
        form = {
            "csrf": csrf_of(page),
            "trigger": "sign",
            "version": str(place.sample.request(other).version),
            "consent": "click",
            "password": PASSWORD,
            "key": "signed",
        }
        done = folder.client.post(f"/requests/{other}/do", data=form, follow_redirects=False)
        assert done.status_code == 303
        assert place.failures(SIGNER) >= 4  # of strangers: what they have tried still counts for them


def test_strangers_make_nobody_wait_where_they_have_signed_in_before(place: Place) -> None:
    with come_from(place, "198.51.100.1") as own, come_from(place, "198.51.100.1") as other:
        signed_in(own, place.sample.office, CLERK)
        lock_out(place, CLERK)
        assert attempt(other, CLERK, PASSWORD).status_code == 429
        assert attempt(own, CLERK, PASSWORD).url.path != "/sign-in"


def test_what_fails_in_a_known_browser_counts_there(place: Place) -> None:
    with come_from(place, "198.51.100.2") as own, come_from(place, "198.51.100.3") as other:
        signed_in(own, place.sample.office, CLERK)
        assert [attempt(own, CLERK).status_code for _ in range(5)][-1] == 429
        assert place.failures(CLERK) == 0
        assert attempt(other, CLERK, PASSWORD).status_code in {200, 404}


def test_who_signs_in_gives_strangers_no_new_guesses(place: Place) -> None:
    with come_from(place, "198.51.100.4") as own:
        signed_in(own, place.sample.office, CLERK)
        lock_out(place, CLERK)
        before = place.failures(CLERK)
        attempt(own, CLERK, PASSWORD)
        assert place.failures(CLERK) == before


def test_one_address_makes_nobody_wait_for_long(place: Place) -> None:
    """After a few guesses it is not heard any more, and those are not counted."""
    with come_from(place, "203.0.113.5") as stranger:
        answers = [attempt(stranger, MANAGER) for _ in range(20)]
    assert [one.status_code for one in answers[6:]] == [429] * 14
    assert int(answers[-1].headers["retry-after"]) > 60
    assert place.failures(MANAGER) <= 6


def test_an_address_is_only_believed_of_a_proxy(place: Place) -> None:
    with served(place.sample.office) as url, browsing(url) as client:
        answers = []
        for number in range(8):
            client.headers["X-Forwarded-For"] = f"192.0.2.{number}"
            answers.append(attempt(client, "nobody-of-here"))
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 60


def test_a_network_of_version_six_is_one_address(place: Place) -> None:
    answers = []
    for number in range(8):
        with come_from(place, f"2001:db8:1:2::{number + 1:x}") as client:
            answers.append(attempt(client, "nobody-of-here"))
    assert int(answers[-1].headers["retry-after"]) > 60


def test_nobody_works_out_which_strangers_share_a_place(place: Place, tmp_path: Path) -> None:
    """The places of the same names are others in every office."""
    other = Sample.open(tmp_path)
    try:
        names = [f"stranger-{number}" for number in range(8)]
        here, there = (
            [Throttle(office.store, office.moment)._row_of(name) for name in names]
            for office in (place.sample.office, other.office)
        )
        secrets = [office_secret(one.store, "throttle") for one in (place.sample.office, other.office)]
    finally:
        other.office.close()
    assert here != there
    assert secrets[0] != secrets[1]
    assert office_secret(place.sample.office.store, "throttle") == secrets[0], "it stays"


def test_a_known_browser_is_known_to_its_own_people_alone(place: Place) -> None:
    office = place.sample.office
    with office.store.write() as session:
        now = office.moment(session)
        held = know_device(session, "", CLERK, now)
        assert known_device(session, held, CLERK, now)
        assert not known_device(session, held, MANAGER, now)
        both = know_device(session, held, MANAGER, now)
        assert known_device(session, both, CLERK, now)
        assert known_device(session, both, MANAGER, now)
        again = know_device(session, both, CLERK, now)
        assert not known_device(session, held, CLERK, now), "a token that was replaced is worth nothing"
        assert known_device(session, again, CLERK, now)
        assert len(again.split(".")) <= PEOPLE_MOST


def test_known_browsers_are_few(place: Place) -> None:
    office = place.sample.office
    with office.store.write() as session:
        for _ in range(MOST + 3):
            know_device(session, "", CLERK, office.moment(session))
        kept = session.scalars(select(Device.token_sha256).where(Device.person_id == CLERK)).all()
    assert len(kept) == MOST


def test_a_password_that_an_administrator_gives_makes_all_browsers_strange(place: Place) -> None:
    office = place.sample.office
    with office.store.write() as session:
        session.add(Grant(person_id=MANAGER, role="administrator", unit=None))
        held = know_device(session, "", "P010", office.moment(session))
    office.passwords.set("P010", Secret("given by somebody else"), by=MANAGER)
    with office.store.read() as session:
        assert not known_device(session, held, "P010", office.moment(session))


def test_a_browser_that_is_known_lets_nobody_in(place: Place) -> None:
    with come_from(place, "198.51.100.9") as own, come_from(place, "198.51.100.10") as thief:
        signed_in(own, place.sample.office, CLERK)
        thief.cookies.set("paraaf-device", own.cookies["paraaf-device"], domain="127.0.0.1")
        assert thief.get("/account").url.path == "/sign-in"
        assert attempt(thief, CLERK).status_code == 422
