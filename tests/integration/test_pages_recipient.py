"""The recipient's check, over HTTP, of an office that issued some: what it says, and what it does not."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.util import get_temp_dir
from pathlib import Path

import httpx
import pytest
from markupsafe import escape

from certs.serve_authority import AuthorityServer
from documents.words import LANGUAGES
from tests.databases import KINDS, fresh
from tests.desk_office import browsing, served
from tests.steps_office import Sample
from web.bodies import MIB
from web.rates import Rate, Rates
from workflow.codes import CODE_BYTES, as_printed, code_of


@dataclass(frozen=True)
class Issued:
    url: str
    office: Sample
    pdf: bytes
    number: str
    code: str
    employee: str


@pytest.fixture(scope="module", params=KINDS)
def issued(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    data = tmp_path_factory.mktemp("desk") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            made = sample.submit("A4")
            asyncio.run(sample.run_until("delivered", made))
        (document,) = sample.documents(made)
        employee = sample.request(made).data["employee"]["name"]
        with served(sample.office) as url:
            yield Issued(
                url,
                sample,
                sample.office.blobs.get(document.current_sha256),
                document.number,
                document.verification_code,
                employee,
            )
        sample.office.close()


@pytest.fixture
def client(issued: Issued) -> Iterator[httpx.Client]:
    with browsing(issued.url) as client:
        yield client


def sent(client: httpx.Client, pdf: bytes, *, name: str = "file.pdf", language: str = "en") -> httpx.Response:
    return client.post(f"/verify/file?lang={language}", files={"file": (name, pdf, "application/pdf")})


def test_a_file_as_issued_is_called_so(issued: Issued, client: httpx.Client) -> None:
    page = sent(client, issued.pdf).text
    assert f"In the register: document {issued.number}" in page
    assert "Authentic as issued." in page
    assert "Seal of an organisation" in page
    assert "PAdES B-LTA" in page


def test_who_works_here_finds_the_way_back_from_every_answer(issued: Issued, client: httpx.Client) -> None:
    back = '<a href="/">You work here: go to your own work.</a>'
    assert back in sent(client, issued.pdf).text
    assert back in client.post("/verify/fingerprint?lang=en", data={"sha256": 64 * "a"}).text
    assert back in client.post("/verify/code?lang=en", data={"code": 26 * "A"}).text


def test_a_development_key_is_no_good_news(issued: Issued, client: httpx.Client) -> None:
    page = sent(client, issued.pdf).text
    assert 'class="banner mixed"' in page
    assert "For trials: this office signs with development keys" in page


def test_a_changed_file_is_not_what_was_signed(issued: Issued, client: httpx.Client) -> None:
    middle = issued.pdf.index(b"stream") + 40
    changed = issued.pdf[:middle] + bytes([issued.pdf[middle] ^ 1]) + issued.pdf[middle + 1 :]
    page = sent(client, changed).text
    assert 'class="banner bad"' in page
    assert "Not what was signed" in page
    assert "Authentic" not in page


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.pdf", "{{7*7}}.pdf", "\u202efdp.exe"])
def test_a_files_name_is_only_shown(issued: Issued, client: httpx.Client, name: str) -> None:
    answer = sent(client, b"no PDF", name=name)
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert "\u202e" not in answer.text
    assert "49.pdf" not in answer.text


def test_a_name_without_end_is_refused(client: httpx.Client) -> None:
    assert sent(client, b"no PDF", name="a" * 100_000).status_code == 400


def test_no_file_is_asked_for_again(client: httpx.Client) -> None:
    for answer in (
        sent(client, b""),
        client.post("/verify/file", data={"file": "text"}),
        client.post("/verify/file"),
    ):
        assert answer.status_code == 422
        assert "Choose a file that is not empty." in answer.text


def test_a_file_is_on_no_disk_under_a_name(
    issued: Issued, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_temp_dir()  # which this process makes once, and keeps
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sent(client, issued.pdf + b"\n" * 3_000_000)  # more than stays in memory
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def test_what_is_too_long_is_refused(client: httpx.Client) -> None:
    answer = sent(client, bytes(33 * MIB))
    assert answer.status_code == 413
    assert "32 MB at most" in answer.text
    assert client.post("/verify/code", data={"code": "A" * 100_000}).status_code == 413


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fingerprint_tells_what_the_register_knows(
    issued: Issued, client: httpx.Client, language: str
) -> None:
    digest = hashlib.sha256(issued.pdf).hexdigest()
    page = client.post(f"/verify/fingerprint?lang={language}", data={"sha256": f" {digest.upper()}\n"}).text
    assert 'class="banner good"' in page
    assert issued.number in page
    assert issued.employee not in page


def test_an_unknown_fingerprint_tells_nothing(client: httpx.Client) -> None:
    page = client.post("/verify/fingerprint", data={"sha256": "0" * 64}).text
    assert 'class="banner open"' in page
    assert "No document of this SHA-256 is known here." in page


@pytest.mark.parametrize("typed", ["", "0" * 63, "g" * 64, "'; DROP TABLE documents; --"])
def test_what_is_no_fingerprint_is_asked_for_again(client: httpx.Client, typed: str) -> None:
    answer = client.post("/verify/fingerprint", data={"sha256": typed})
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="sha256-mistake"' in answer.text
    assert f'value="{escape(typed)}" autofocus' in answer.text


def test_a_code_that_was_mistyped_is_not_typed_anew(client: httpx.Client) -> None:
    typed = '"><b>LHZW-KJBE'
    assert f'value="{escape(typed)}" autofocus' in client.post("/verify/code", data={"code": typed}).text


@pytest.mark.parametrize(
    "form", [str, str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")]
)
def test_a_code_leads_to_what_the_paper_shows_and_to_nobody(
    issued: Issued, client: httpx.Client, form
) -> None:  # type: ignore[no-untyped-def]
    answer = client.post("/verify/code", data={"code": form(issued.code)})
    assert answer.request.method == "GET"
    assert answer.url.path == f"/verify/{issued.code}"
    assert "it is the latest, and was not withdrawn" in answer.text
    assert issued.number in answer.text
    assert "electronic, in the PDF (B-LTA)" in answer.text
    assert issued.employee not in answer.text


def test_unknown_codes_have_one_answer(client: httpx.Client) -> None:
    answers = [client.get(f"/verify/{code_of(bytes([n]) * CODE_BYTES)}") for n in range(3)]
    answers.append(client.get("/verify/nothing"))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content.replace(str(answer.url.path).encode(), b"") for answer in answers}) == 1


def test_a_document_that_was_not_handed_over_has_no_code(issued: Issued, client: httpx.Client) -> None:
    sample = issued.office
    with AuthorityServer(sample.office.authority.folder):
        made = sample.submit("A4")
        asyncio.run(sample.run_until("sign", made))
    (document,) = sample.documents(made)
    assert client.get(f"/verify/{document.verification_code}").status_code == 404


def test_who_asks_too_often_waits() -> None:
    now = [0.0]
    rates = Rates(now=lambda: now[0])
    request = httpx_request("192.0.2.1")
    for _ in range(3):
        rates.require(request, Rate("x", 3, 30.0))
    with pytest.raises(Exception, match="429") as refused:
        rates.require(request, Rate("x", 3, 30.0))
    assert refused.value.headers == {"Retry-After": "11"}  # type: ignore[attr-defined]
    rates.require(httpx_request("192.0.2.2"), Rate("x", 3, 30.0))  # another one asks
    now[0] = 10.0
    rates.require(request, Rate("x", 3, 30.0))


def test_a_network_of_the_sixth_version_is_one_asker() -> None:
    rates = Rates(now=lambda: 0.0)
    rates.require(httpx_request("2001:db8::1"), Rate("x", 1, 30.0))
    with pytest.raises(Exception, match="429"):
        rates.require(httpx_request("2001:db8::2"), Rate("x", 1, 30.0))
    rates.require(httpx_request("2001:db8:1::1"), Rate("x", 1, 30.0))


def httpx_request(address: str):  # type: ignore[no-untyped-def]
    from starlette.requests import Request

    return Request({"type": "http", "client": (address, 1), "headers": []})


def test_only_a_named_proxy_says_who_asks(issued: Issued) -> None:
    def refused(url: str) -> int:
        with browsing(url) as client:
            askers = [{"X-Forwarded-For": f"192.0.2.{n}"} for n in range(61)]
            answers = [client.post("/verify/code", data={"code": "x"}, headers=asker) for asker in askers]
            return [answer.status_code for answer in answers].count(429)

    with served(issued.office.office) as url:
        assert refused(url) == 1
    with served(issued.office.office, proxies=["127.0.0.1"]) as url:
        assert refused(url) == 0


def test_every_answer_keeps_the_browser_in_bounds(client: httpx.Client) -> None:
    for answer in (client.get("/verify"), client.get("/nothing"), client.get("/static/paraaf.css")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
    assert client.get("/verify").headers["cache-control"] == "no-store"
    assert "immutable" in client.get("/static/paraaf.css").headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("no", "nb"),
        ("nn-NO, en;q=0.1", "nb"),
        ("fr, da;q=0.4, en;q=0.3", "da"),
        ("fr", "en"),
        ("", "en"),
        ("nl;q=0", "en"),
        ("*;q=oops,,;", "en"),
    ],
)
def test_the_browsers_language_is_used(client: httpx.Client, asked: str, language: str) -> None:
    answer = client.get("/verify", headers={"Accept-Language": asked})
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language


def test_a_language_that_is_not_there_is_no_error(client: httpx.Client) -> None:
    assert client.get("/verify?lang=../../etc").status_code == 200
    assert client.get("/verify?lang=nl&lang=xx").status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/verify/..%2fsecret", "/data/paraaf.sqlite3"]
)
def test_no_other_file_is_given(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code in (404, 405)


def test_a_code_is_read_however_it_is_typed() -> None:
    code = code_of(b"\xff" * CODE_BYTES)
    assert as_printed(code) == code
    assert as_printed(f" {code.lower()} ") == code
    assert as_printed("IO0L1B8") is None
    letters = code_of(bytes(range(16)))
    misread = letters.replace("O", "0").replace("I", "1").replace("B", "8")
    assert as_printed(misread) == letters


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "utf-7", '"Punycode"', "é"])
@pytest.mark.parametrize("address", ["/verify/file", "/verify/fingerprint", "/sign-in"])
def test_a_form_in_characters_that_take_long_to_read_is_refused(
    client: httpx.Client, address: str, charset: str
) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n%s\r\n--x--\r\n' % (b"9" * 60_000)
    kind = f"multipart/form-data; boundary=x; charset={charset}".encode("latin-1")
    assert client.post(address, content=body, headers={b"Content-Type": kind}).status_code == 415


def test_a_form_may_say_that_it_is_in_the_usual_ones(client: httpx.Client) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n%s\r\n--x--\r\n' % (b"9" * 64)
    kind = "multipart/form-data; boundary=x; charset=UTF-8"
    assert client.post("/verify/fingerprint", content=body, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [b"//evil.example/", b"/%2Fevil.example", b"/%5Cevil.example", b"/%09/evil.example", b"///evil.example"],
)
def test_no_language_leads_to_another_host(issued: Issued, client: httpx.Client, path: bytes) -> None:
    page = client.get(httpx.URL(issued.url).copy_with(raw_path=path))
    assert page.status_code == 404
    links = re.findall(r'href="([^"]*lang=[^"]*)"', page.text)
    assert len(links) == len(LANGUAGES)
    assert all(re.match(r"/[A-Za-z0-9%]", link) for link in links)
