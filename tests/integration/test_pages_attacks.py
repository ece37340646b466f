"""What somebody tries at the desk who means ill, over HTTP: hosts, streams, headers, paths and names."""

import asyncio
import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from certs.serve_authority import AuthorityServer
from cli.main import main
from signing.secret import Secret
from tests.api_office import program, tokens_of
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in
from tests.folder_office import Folder
from tests.html_forms import form_of_class
from tests.steps_office import CLERK, SIGNER, Sample
from workflow.people import update_people
from workflow.tables import Grant, Hand
from workflow.tokens import SCOPES

OURS = "paraaf.example.org"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample
    to_sign: tuple[int, ...]
    """Requests that wait for somebody's consent."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("attacks")
    sample = Sample.open(folder, {"PARAAF_PUBLIC_URL": f"http://{OURS}"})
    to_sign = tuple(sample.submit("A1") for _ in range(3))
    with AuthorityServer(sample.office.authority.folder):
        for number in to_sign:
            asyncio.run(sample.run_until("sign", number))
    with served(sample.office) as url:
        yield Place(url, sample, to_sign)
    sample.office.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as client:
        yield client


class TestHosts:
    def told(self, place: Place, path: str, *hosts: str) -> http.client.HTTPResponse:
        """The answer to what is asked of these hosts."""
        connection = http.client.HTTPConnection(urlsplit(place.url).netloc, timeout=30)
        connection.putrequest("GET", path, skip_host=True)
        for host in hosts:
            connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    @pytest.mark.parametrize(
        ("host", "status"),
        [
            (OURS, 200),
            (f"{OURS.upper()}.:443", 200),
            ("localhost", 200),
            ("[::1]:8420", 200),
            ("evil.example", 421),
            (f"{OURS}.evil.example", 421),
            (f"evil.example/{OURS}", 400),
            (f"{OURS}@evil.example", 400),
            (f"{OURS}?", 400),
            ("[", 400),
            ("", 400),
        ],
    )
    def test_it_answers_to_its_own_name_alone(self, place: Place, host: str, status: int) -> None:
        assert self.told(place, "/sign-in", host).status == status

    @pytest.mark.parametrize(
        "path", ["/queue/", "/sign-in/", "/api/v1/requests/", "/static/", "//evil.example"]
    )
    def test_a_stroke_too_much_leads_nowhere(self, place: Place, client: httpx.Client, path: str) -> None:
        signed_in(client, place.sample.office, CLERK)
        answer = client.get(f"{place.url}{path}", headers={"host": OURS}, follow_redirects=False)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)


class TestSessions:
    def consent(self, client: httpx.Client, number: int, **more: str) -> httpx.Response:
        """Consent on a request's page; the answer, which leads to it."""
        page = client.get(f"/requests/{number}?lang=en").text
        form = page[page.index('id="act-sign"') :].partition("</form>")[0]
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        fields |= {"consent": "click", "password": PASSWORD} | more
        return client.post(f"/requests/{number}/do", data=fields, follow_redirects=False)

    def test_who_shows_anew_who_they_are_goes_on_under_another_token(
        self, place: Place, client: httpx.Client
    ) -> None:
        sessions = place.sample.office.sessions
        signed_in(client, place.sample.office, SIGNER)
        held, forms = client.cookies["paraaf"], csrf_of(client.get("/password"))
        assert self.consent(client, place.to_sign[0], password="not this one").status_code == 422
        assert client.cookies["paraaf"] == held
        assert self.consent(client, place.to_sign[0]).status_code == 303
        assert client.cookies["paraaf"] != held
        assert sessions.find(held) is not None, "until the other is used: an answer may get lost"
        assert csrf_of(client.get("/password")) == forms, "forms in other tabs are good still"
        assert sessions.find(held) is None
        assert client.get("/account").text.count("this one") == 1

    def test_an_answer_that_got_lost_puts_nobody_out(self, place: Place, client: httpx.Client) -> None:
        """As of a button that is clicked twice: the browser forgets the first answer."""
        sessions = place.sample.office.sessions
        signed_in(client, place.sample.office, SIGNER)
        held = client.cookies["paraaf"]
        self.consent(client, place.to_sign[1])
        lost = client.cookies["paraaf"]
        client.cookies.clear()
        client.cookies.set("paraaf", held, domain="127.0.0.1")
        page = client.get("/account?lang=en")
        assert page.url.path == "/account"
        member = sessions.find(held)
        assert member is not None
        assert sha256(lost.encode()).hexdigest()[:16] not in {one.name for one in sessions.of(member)}
        client.post("/sign-out", data={"csrf": csrf_of(page)})
        assert [sessions.find(one) for one in (held, lost)] == [None, None], "both end when they sign out"

    def test_a_stream_ends_with_its_session(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, SIGNER)
        folder = Folder(client, place.sample)
        run = folder.choose(place.to_sign[2:])
        form = {"csrf": csrf_of(run)}
        with client.stream("GET", f"{run.url.path}/events") as answer:
            heard = answer.iter_lines()
            assert next(heard).startswith("retry:")
            with browsing(place.url) as elsewhere:
                elsewhere.cookies.set("paraaf", client.cookies["paraaf"], domain="127.0.0.1")
                elsewhere.post("/sign-out", data=form)
            beats = [line for line, _ in zip(heard, range(60), strict=False) if line]
        assert len(beats) < 10, "it ends by itself, and says nothing more"

    def test_other_roles_are_signed_in_to_anew(self, place: Place, client: httpx.Client) -> None:
        """Who gets a role by the register goes on under no token of before."""
        office, register = place.sample.office, place.sample.register
        with office.store.write() as session:
            update_people(session, register, now=office.clock())
            added = select(Grant).where(Grant.person_id == CLERK).limit(1)
            session.delete(session.scalars(added).one())
        signed_in(client, office, CLERK)
        assert client.get("/account").url.path == "/account"
        with office.store.write() as session:
            update_people(session, register, now=office.clock())
        assert client.get("/account").url.path == "/sign-in"


def test_a_signer_whom_four_eyes_bar_is_refused_at_the_approval(
    place: Place, client: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By page, program and command alike, with the field that names them."""
    sample, number = place.sample, place.sample.submit("A1")
    asyncio.run(sample.run_until("review", number))
    with sample.office.store.write() as session:
        session.add(Hand(request_id=number, rule="manager|sign", person_id=SIGNER, state="manager"))
    version, words = sample.request(number).version, "so the document must name somebody else"
    _, _, change = sample._clerk(sample.request(number))
    signed_in(client, sample.office, CLERK)
    form = form_of_class(client.get(f"/requests/{number}/edit?lang=en").text, "fields")
    for name, value in change["data"]["signing"].items():
        form.fill(f"signing.{name}", value)
    answer = form.send(client, ("do", "fire:approve"))
    assert (answer.status_code, words in answer.text) == (422, True)
    token, _ = tokens_of(sample.office).make(CLERK, "a test's", SCOPES, password=Secret(PASSWORD))
    with program(place.url, token) as api:
        told = api.command(number, "approve", seen=version, **change).json()
    assert [(one["code"], one["field"]) for one in told["reasons"]] == [("barred-named", "signing.name")]
    patch = tmp_path / "patch.json"
    patch.write_text(json.dumps(change["data"]))
    asked = ["fire", str(number), "approve", "--as", CLERK, "--data-json", str(patch)]
    assert main([*asked, "--data", str(sample.office.folder)]) == 1
    said = capsys.readouterr()
    assert "signing.name: " in said.err + said.out
    assert words in said.err + said.out
    assert sample.request(number).version == version


LINE = "%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a<img%20src=x>"


@pytest.mark.parametrize(
    "address",
    [
        f"/sign-in?lang=nl{LINE}&next=/queue{LINE}&said={LINE}",
        f"/queue?lang=nl{LINE}&search={LINE}",
        f"/requests/{{n}}?said={LINE}&for={LINE}",
        f"/requests/{{n}}/documents/declaration{LINE}.pdf",
        f"/verify/{LINE}?lang=nl{LINE}",
        f"/nothing{LINE}",
        "/requests/{n}/documents/..%2f..%2f..%2fetc%2fpasswd.pdf",
        "/requests/{n}/documents/declaration%00.pdf",
        "/requests/{n}/kept/..%2f..%2fgiven",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/folder/runs/..%2f..%2faccount",
        "/api/v1/requests/{n}%0d%0aX:%20y",
    ],
)
def test_nothing_in_an_address_gets_into_heads_or_out_of_folders(
    place: Place, client: httpx.Client, address: str
) -> None:
    signed_in(client, place.sample.office, CLERK)
    url = f"{place.url}{address.replace('{n}', str(place.to_sign[0]))}"
    answer = client.get(url, follow_redirects=False)
    assert answer.status_code in {200, 303, 401, 404, 422}
    assert "evil" not in " ".join(answer.headers.get_list("set-cookie"))
    assert "\n" not in answer.headers.get("location", "")
    assert "<img src=x" not in answer.text
    assert "root:" not in answer.text
    assert "import " not in answer.text
    assert "no-store" in answer.headers["cache-control"], "what is personal is kept nowhere"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
