"""One's own page: where one is signed in, and codes, over HTTP."""

import re
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import delete
from starlette.requests import Request

from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in
from tests.steps_office import CLERK, MANAGER, Sample
from web.letting_in import browser_of
from workflow.one_time_codes import _totp
from workflow.tables import Attempts, CodeSecret, RecoveryCode, SessionRow


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("account") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with served(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture(autouse=True)
def _as_new(place: Place) -> None:
    with place.sample.office.store.write() as session:
        for table in (SessionRow, Attempts, CodeSecret, RecoveryCode):
            session.execute(delete(table))


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as client:
        client.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
        yield client


def named(page: httpx.Response) -> list[str]:
    return re.findall(r'name="session" value="([^"]+)"', page.text)


def is_in(client: httpx.Client) -> bool:
    return client.get("/account").url.path == "/account"


class TestSessions:
    def test_one_is_ended_from_another(self, place: Place, client: httpx.Client) -> None:
        with browsing(place.url) as elsewhere, browsing(place.url) as third:
            for one in (elsewhere, third, client):
                signed_in(one, place.sample.office, CLERK)
            page = client.get("/account?lang=en")
            assert "Firefox, Linux" in page.text
            assert len(named(page)) == 2
            assert client.cookies["paraaf"] not in page.text
            for name in named(page)[:1]:
                client.post("/account/sessions/end", data={"csrf": csrf_of(page), "session": name})
            assert sorted((is_in(elsewhere), is_in(third))) == [False, True]
            assert is_in(client)

    def test_all_others_are_ended_and_a_copy_of_this_one(self, place: Place, client: httpx.Client) -> None:
        with browsing(place.url) as elsewhere, browsing(place.url) as thief:
            signed_in(elsewhere, place.sample.office, CLERK)
            signed_in(client, place.sample.office, CLERK)
            thief.cookies.set("paraaf", client.cookies["paraaf"], domain="127.0.0.1")
            assert is_in(thief)
            page = client.get("/account")
            client.post("/account/sessions/end-others", data={"csrf": csrf_of(page)})
            assert is_in(client)
            assert not is_in(elsewhere)
            assert not is_in(thief)

    def test_nobody_ends_those_of_others(self, place: Place, client: httpx.Client) -> None:
        with browsing(place.url) as other, browsing(place.url) as again:
            signed_in(other, place.sample.office, MANAGER)
            signed_in(again, place.sample.office, MANAGER)
            theirs = named(again.get("/account"))[0]
            signed_in(client, place.sample.office, CLERK)
            page = client.get("/account")
            assert theirs not in page.text
            client.post("/account/sessions/end", data={"csrf": csrf_of(page), "session": theirs})
            client.post("/account/sessions/end-others", data={"csrf": csrf_of(client.get("/account"))})
            assert is_in(other)
            assert is_in(again)

    def test_what_a_browser_says_of_itself_is_not_shown(self) -> None:
        for said, told in (
            ("<img src=x> Chrome/1 Windows", "Chrome, Windows"),
            ("Mozilla/5.0 (iPhone) CriOS/9 Safari/604", "Safari, iPhone"),
            ("curl/8 \u202e", ""),
        ):
            headers = [(b"user-agent", said.encode("latin-1", "replace"))]
            assert browser_of(Request({"type": "http", "headers": headers})) == told


class TestCodes:
    def begun(self, client: httpx.Client) -> httpx.Response:
        return client.post("/account/codes/begin", data={"csrf": csrf_of(client.get("/account?lang=en"))})

    def form(self, page: httpx.Response, code: str, password: str = PASSWORD) -> dict[str, str]:
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert token is not None, page.text
        return {"csrf": csrf_of(page), "token": token[1], "code": code, "password": password}

    def secret(self, page: httpx.Response) -> bytes:
        found = re.search(r'class="code">([A-Z2-7 ]+)<', page.text)
        assert found is not None
        return b32decode(found[1].replace(" ", ""))

    def code(self, place: Place, secret: bytes, ahead: int = 0) -> str:
        office = place.sample.office
        with office.store.read() as session:
            now = office.moment(session)
        return _totp(secret).generate(int(now.timestamp()) + 30 * ahead).decode()

    def test_from_setting_them_up_to_removing_them(self, place: Place, client: httpx.Client) -> None:
        office = place.sample.office
        with browsing(place.url) as elsewhere:
            signed_in(elsewhere, office, CLERK)
            signed_in(client, office, CLERK)
            page = self.begun(client)
            secret = self.secret(page)
            assert "otpauth://totp/" in page.text
            wrong = client.post("/account/codes", data=self.form(page, "not"))
            assert (wrong.status_code, self.secret(wrong)) == (422, secret)
            wrong = client.post(
                "/account/codes", data=self.form(page, self.code(place, secret), "not this one")
            )
            assert wrong.status_code == 422
            shown = client.post("/account/codes", data=self.form(wrong, self.code(place, secret, -1)))
            recovery = re.findall(r'<li class="code">([^<]+)</li>', shown.text)
            assert len(recovery) == 10
            assert is_in(client), "a new session"
            assert not is_in(elsewhere)
            assert client.post("/sign-out", data={"csrf": csrf_of(shown)}).url.path == "/sign-in"
        with browsing(place.url) as again:
            form = {"csrf": csrf_of(again.get("/sign-in?lang=en")), "person": CLERK, "password": PASSWORD}
            asked = again.post("/sign-in", data={**form, "next": "/account"})
            assert not is_in(again)
            wrong = again.post("/sign-in/code", data={**self.form(asked, "000"), "next": "/account"})
            assert (wrong.status_code, "does not count" in wrong.text) == (422, True)
            code = self.code(place, secret)
            page = again.post("/sign-in/code", data={**self.form(wrong, code), "next": "//evil.example"})
            assert "evil" not in str(page.url)
            page = again.get("/account?lang=en")
            assert "with a password and a code" in page.text
            form = {"csrf": csrf_of(again.get("/account/codes/remove")), "password": "not this one"}
            assert again.post("/account/codes/remove", data=form).status_code == 422
            removed = again.post("/account/codes/remove", data={**form, "password": PASSWORD})
            assert "You are asked for no codes any more." in removed.text
        signed_in(client, office, CLERK)

    def test_half_a_sign_in_is_worth_nothing_in_another_browser(
        self, place: Place, client: httpx.Client
    ) -> None:
        signed_in(client, place.sample.office, CLERK)
        page = self.begun(client)
        secret = self.secret(page)
        client.post("/account/codes", data=self.form(page, self.code(place, secret, -1)))
        with browsing(place.url) as owner, browsing(place.url) as thief:
            form = {"csrf": csrf_of(owner.get("/sign-in")), "person": CLERK, "password": PASSWORD}
            asked = owner.post("/sign-in", data=form)
            theirs = {"csrf": csrf_of(thief.get("/sign-in"))}
            stolen = self.form(asked, self.code(place, secret)) | theirs
            assert thief.post("/sign-in/code", data=stolen).status_code == 422
            assert not is_in(thief)

    def test_a_set_up_is_of_the_session_that_began_it(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, CLERK)
        page = self.begun(client)
        with browsing(place.url) as other:
            signed_in(other, place.sample.office, CLERK)
            assert other.get("/account/codes", params=dict(page.url.params)).url.path == "/account"

    def test_nobody_is_made_to_set_them_up_by_another_site(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, CLERK)
        for path in ("/account/codes/begin", "/account/codes", "/account/codes/remove"):
            assert client.post(path, data={"password": PASSWORD}).status_code == 403
