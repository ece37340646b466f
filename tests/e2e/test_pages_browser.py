"""Pages in Chromium: with and without JavaScript, on a desk's screen and a phone's; axe looks, too."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from certs.serve_authority import AuthorityServer
from tests.desk_office import served
from tests.looking import chromium
from tests.steps_office import Sample


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    sample = Sample.open(tmp_path_factory.mktemp("pages"), {})
    with AuthorityServer(sample.office.authority.folder):
        asyncio.run(sample.run_until("delivered", sample.submit("A3")))
    yield sample
    sample.office.close()


@pytest.fixture(scope="module")
def browser(sample: Sample) -> Iterator[Browser]:
    assert sample  # first: once the browser is there, no other loop runs in this thread
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(sample: Sample) -> Iterator[str]:
    with served(sample.office) as url:
        yield url


@pytest.fixture(scope="module")
def pdf(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (document,) = sample.documents(1)
    file = tmp_path_factory.mktemp("issued") / "declaration.pdf"
    file.write_bytes(sample.office.blobs.get(document.current_sha256))
    return file


@pytest.fixture(params=[True, False], ids=["with-javascript", "without"])
def page(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(base_url=url, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def test_a_recipient_checks_a_file(page: Page, pdf: Path) -> None:
    page.goto("/verify?lang=nl")
    page.get_by_label("De ondertekende pdf").set_input_files(pdf)
    page.get_by_role("button", name="Controleer dit bestand").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("heading", name="Handtekening van een persoon")).to_be_visible()


def test_a_recipient_looks_a_code_up(page: Page, sample: Sample) -> None:
    (document,) = sample.documents(1)
    page.goto("/verify?lang=da")
    page.get_by_label("Kontrolkoden").fill(document.verification_code)
    page.get_by_role("button", name="Slå op").click()
    expect(page.locator("main")).to_contain_text(document.number)


def test_the_file_stays_in_the_browser(browser: Browser, url: str, pdf: Path) -> None:
    page = browser.new_context(base_url=url).new_page()
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    page.goto("/verify")
    page.set_input_files("#local", pdf)
    page.wait_for_function("document.getElementById('sha256').value.length === 64")
    page.get_by_role("button", name="Ask with the SHA-256").click()
    expect(page.get_by_role("status")).to_contain_text("it is the latest")
    assert max(map(len, sent)) < 200
    page.context.close()
