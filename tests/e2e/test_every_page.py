"""Every page that there is, by its route, in every language and two sizes: can everybody use it?

What is not listed below is a page of its own and is looked at as it stands, by who works there: a new route
that shows nothing to them, or no page, makes this fail until it is listed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from languages import LANGUAGES
from tests.desk_office import PASSWORD
from tests.looking import forget, index, look
from tests.queue_office import EMPLOYEE
from tests.steps_office import CLERK, MANAGER, SIGNER
from tests.walked_office import ADMINISTRATOR, AUDITOR, FEW, NOTHING, WITH_CODES, Walked, walked

pytestmark = pytest.mark.slow

NO_PAGES = frozenset(
    {
        "/",  # leads on
        "/account/passkeys",  # leads on
        "/figures/monitoring.csv",
        "/figures/monitoring.pdf",
        "/figures/monitoring/reports/{report}.pdf",
        "/figures/{name}.csv",
        "/folder/authorised",  # leads on
        "/folder/runs/{run}/events",
        "/office/log/events",
        "/office/people.csv",
        "/queue.csv",
        "/requests.csv",
        "/requests/{n}/documents/{name}.pdf",
        "/requests/{n}/documents/{name}/pages/{page}.png",
        "/requests/{n}/draft/{name}/pages/{page}.png",
        "/requests/{n}/files/{what}.pdf",
        "/sign-in/elsewhere/back",  # leads on
    }
)
WORKING = (
    ("/office", ADMINISTRATOR),
    ("/figures", ADMINISTRATOR),
    ("/folder", SIGNER),
    ("/verify", ""),
    ("/sign-in", ""),
)
"""Who works at which pages; a clerk at all others."""
NEW, NEW_PLAN = "/requests/new/employer-declaration/A3", "/requests/new/team-action-plan/standard"
STEPS = "/requests/new/{key}/{variant}"
EXPECTED = re.compile(r"status of (40[1349]|422|503)|^\[DOM\]")
"""What a browser says of pages that refuse, and what it would like of forms for its keeper of passwords."""
Act = Callable[[Page], object]


@dataclass(frozen=True)
class Scene:
    """A page to look at: of which route, as whom, at which address, and what is done there first."""

    name: str
    route: str
    person: str
    address: str
    act: Act | None = None
    status: int = 200


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    with walked(tmp_path_factory.mktemp("walked")) as office:
        yield office


@pytest.fixture(scope="module")
def pdf(office: Walked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed document of the office."""
    [document] = office.sample.documents(office.requests["delivered"])
    file = tmp_path_factory.mktemp("issued") / "declaration.pdf"
    file.write_bytes(office.sample.office.blobs.get(document.current_sha256))
    return file


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_use_every_page(office: Walked, pdf: Path, language: str) -> None:
    """Nothing serious by axe, nothing wider than the screen, nothing that the policy stopped."""
    forget(language)
    office.told.clear()
    scenes = list(_scenes(office, pdf))
    for scene in [*scenes, *_plain(office.routes - {one.route for one in scenes})]:
        look(_gone_to(office, scene, language), scene.name, language)
    index()
    assert [one for one in office.told if not EXPECTED.search(one)] == []


def test_on_paper_there_is_nothing_to_press(office: Walked, pdf: Path) -> None:
    """Black on white, whatever the screen's theme: what it says, the lists, and where it was found."""
    told = {"queue": "C-0000", "request-delivered": "B-LTA", "verify-file": "SHA-256", "office-log": "digest"}
    scenes = {one.name: one for one in _scenes(office, pdf)}
    for name, words in told.items():
        page = _gone_to(office, scenes[name], "en")
        page.emulate_media(media="print", color_scheme="dark")
        printed = page.inner_text("body")
        assert words in printed, printed
        assert office.url in printed, printed
        assert page.locator("nav:visible, button:visible, .button:visible, input:visible").count() == 0, name
        paper = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        assert page.evaluate(paper) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
        page.emulate_media(media="screen")


def _gone_to(office: Walked, scene: Scene, language: str) -> Page:
    """The page of a scene: there itself, not led on to another one."""
    office.forgive()
    page = office.page(scene.person)
    page.set_viewport_size({"width": 1440, "height": 900})
    path, _, query = scene.address.partition("?")
    answer = page.goto(f"{path}?{query}{'&' if query else ''}lang={language}")
    assert answer is not None
    assert answer.status == scene.status, scene
    assert answer.headers["content-type"].startswith("text/html"), scene
    assert urlsplit(page.url).path == path, scene
    if scene.act is not None:
        scene.act(page)
    return page


def _plain(routes: frozenset[str]) -> list[Scene]:
    """Routes as they stand, each as who works there."""
    return [
        Scene(
            path.strip("/").replace("/", "-"),
            path,
            next((person for start, person in WORKING if path.startswith(start)), CLERK),
            path,
        )
        for path in sorted(routes - NO_PAGES)
    ]


def _scenes(office: Walked, pdf: Path) -> Iterator[Scene]:
    yield from _of_recipients(office, pdf)
    yield from _of_signing_in()
    yield from _of_accounts()
    yield from _of_queues()
    yield from _of_requests(office)
    yield from _of_forms(office)
    yield from _of_the_folder()
    yield from _of_the_office(office)
    yield Scene("error-404", "", "", "/nothing-of-the-kind", status=404)
    yield Scene("error-404-unseen", "", CLERK, "/requests/999999", status=404)
    yield Scene("error-403", "", "", "/sign-in", _forge("form[action='/sign-in'] [name=csrf]"))


def _of_recipients(office: Walked, pdf: Path) -> Iterator[Scene]:
    [document] = office.sample.documents(office.requests["delivered"])
    code = "/verify/{code}"

    def file(page: Page) -> None:
        page.set_input_files("#file", pdf)
        _click(page, "#file-form button")
        page.click("summary")

    def fingerprint(page: Page) -> None:
        page.fill("#sha256", document.current_sha256)
        _click(page, "#fingerprint-form button")

    def nonsense(page: Page) -> None:
        page.fill("#sha256", "0123")
        _click(page, "#fingerprint-form button")

    yield Scene("verify", "/verify", "", "/verify")
    yield Scene("verify-wrong", "/verify", "", "/verify", nonsense)
    yield Scene("verify-file", "/verify", "", "/verify", file)
    yield Scene("verify-fingerprint", "/verify", "", "/verify", fingerprint)
    yield Scene("verify-code", code, "", f"/verify/{document.verification_code}")
    yield Scene("verify-code-unknown", code, "", "/verify/ABCDEFGHJKMNPQRSTVWXYZ2345", status=404)


def _of_signing_in() -> Iterator[Scene]:
    def sign_in(person: str, password: str) -> Act:
        def act(page: Page) -> None:
            page.fill("#person", person)
            page.fill("#password", password)
            with page.expect_navigation():
                page.press("#password", "Enter")

        return act

    yield Scene("sign-in", "/sign-in", "", "/sign-in")
    yield Scene("sign-in-wrong", "/sign-in", "", "/sign-in", sign_in("P013", "not this one at all"))
    yield Scene("sign-in-code", "/sign-in", "", "/sign-in", sign_in(WITH_CODES, PASSWORD))
    # nobody is there to be asked
    yield Scene("sign-in-elsewhere", "/sign-in/elsewhere", "", "/sign-in/elsewhere", status=503)


def _of_accounts() -> Iterator[Scene]:
    codes = "/account/codes"

    def begin(page: Page) -> None:
        _click(page, "form[action='/account/codes/begin'] button")

    def wrong(page: Page) -> None:
        begin(page)
        page.fill("#code", "000000")
        page.fill("#password", "not this one at all")
        _click(page, "form[action='/account/codes'] button")

    yield Scene("account-changed", "/account", CLERK, "/account?said=password")
    yield Scene("account-codes", codes, CLERK, "/account", begin)
    yield Scene("account-codes-wrong", codes, CLERK, "/account", wrong)


def _of_queues() -> Iterator[Scene]:
    def ask(page: Page) -> None:
        _click(page, "button[value=approve]")

    def refused(page: Page) -> None:
        page.locator("[data-pick]").first.check()
        _click(page, "button[value=release]")  # nobody holds it

    selected = "/queue?select=all&due_within=900"
    yield Scene("queue", "/queue", MANAGER, "/queue?size=200")
    yield Scene("queue-nothing", "/queue", NOTHING, "/queue")
    yield Scene("queue-narrowed", "/queue", FEW, selected)
    yield Scene("queue-keys", "/queue", FEW, "/queue", lambda page: page.click("[data-key='?'] >> nth=0"))
    yield Scene("queue-ask", "/queue", FEW, selected, ask)
    yield Scene("queue-refused", "/queue/bulk/{results}", FEW, "/queue", refused)
    yield Scene("requests", "/requests", EMPLOYEE, "/requests")
    yield Scene("requests-nothing", "/requests", NOTHING, "/requests")


def _of_requests(office: Walked) -> Iterator[Scene]:
    def unfold(page: Page) -> None:
        page.wait_for_load_state("networkidle")
        for summary in page.locator(".act summary, .cannot summary").all():
            summary.click()

    requester = office.requester("delivered")
    who = {"delivered": requester, "sign": SIGNER, "returned": MANAGER, "review": CLERK}
    for state, person in who.items():
        address = f"/requests/{office.requests[state]}"
        yield Scene(f"request-{state}", "/requests/{n}", person, address, unfold)
    verdict = f"/requests/{office.requests['delivered']}/documents/declaration/verify"
    draft = f"/requests/{office.requests['review']}/draft/declaration"
    yield Scene("request-draft", "/requests/{n}/draft/{name}", CLERK, draft)
    yield Scene("request-verdict", "/requests/{n}/documents/{name}/verify", requester, verdict)


def _of_forms(office: Walked) -> Iterator[Scene]:
    def send(page: Page) -> None:
        _open(page)
        if "employer" in page.url:
            page.fill("[name='income.commission']", "1.234")
            _click(page, "button[value='add:income.lines']")
        _click(page, "button[value='send'], button[value='fire:approve']")
        _open(page)

    def send_again(page: Page) -> None:
        _click(page, "button[value='send']")
        if "/requests/new/" not in page.url:  # the first time it was sent
            page.goto(NEW)
            _click(page, "button[value='send']")

    edit = f"/requests/{office.requests['manager']}/edit"
    yield Scene("new", "/requests/new", EMPLOYEE, "/requests/new")
    yield Scene("new-declaration", STEPS, EMPLOYEE, NEW, _open)
    yield Scene("new-declaration-refused", STEPS, EMPLOYEE, NEW, send)
    yield Scene("new-declaration-again", STEPS, EMPLOYEE, NEW, send_again)
    yield Scene("new-plan", STEPS, EMPLOYEE, NEW_PLAN, _open)
    yield Scene("new-plan-refused", STEPS, EMPLOYEE, NEW_PLAN, send)
    yield Scene("edit", "/requests/{n}/edit", MANAGER, edit, _open)
    yield Scene("edit-refused", "/requests/{n}/edit", MANAGER, edit, send)


def _of_the_folder() -> Iterator[Scene]:
    run = "/folder/runs/{run}"
    begun: list[str] = []

    def ask(page: Page) -> None:
        page.locator("input[name=chosen]").first.check()
        ask_provider(page)

    def ask_provider(page: Page) -> None:
        page.locator("fieldset", has_text="provider").locator("input[type=checkbox]").first.check()
        _click(page, ".go button >> nth=0")

    def wrong(page: Page) -> None:
        ask(page)
        for tick in page.locator("input[name=accepted]").all():
            tick.check()
        page.fill("#password", "wrong, and so refused")
        _click(page, "form.card button >> nth=0")

    def word(page: Page) -> None:
        ask_provider(page)
        _click(page, "form.card button >> nth=0")
        page.locator("#pin").wait_for()
        begun.append(page.url)

    def give_up(page: Page) -> None:
        page.goto(begun.pop())
        page.locator("form[action$=give-up] button").click()
        page.locator("#run[data-settled]").wait_for()

    def read(page: Page) -> None:
        _click(page, ".stack a >> nth=0")

    yield Scene("folder", "/folder", SIGNER, "/folder")
    yield Scene("folder-document", "/folder/documents/{n}", SIGNER, "/folder", read)
    yield Scene("folder-asked", run, SIGNER, "/folder", ask)
    yield Scene("folder-wrong", run, SIGNER, "/folder", wrong)
    yield Scene("folder-word", run, SIGNER, "/folder", word)
    yield Scene("folder-over", run, SIGNER, "/folder", give_up)
    yield Scene("folder-nothing", "/folder", NOTHING, "/folder")


def _of_the_office(office: Walked) -> Iterator[Scene]:
    people = "/office/people"
    nobody = f"{people}?search=nobody-is-called-like-this"

    def check(page: Page) -> None:
        _click(page, "form[action='/office/log/check'] button")

    def look(page: Page) -> None:
        _click(page, "form[action='/office/check'] button")

    def give(page: Page) -> None:
        _click(page, "form[action='/office/people/password'] button")

    [process, *_] = office.sample.office.catalogue.offered
    drawn = "/office/processes/{sha256}"
    yield Scene("office-start", "/office", ADMINISTRATOR, "/office")
    yield Scene("office-looked", "/office", ADMINISTRATOR, "/office", look)
    yield Scene("office-person", "/office/person", ADMINISTRATOR, f"/office/person?number={CLERK}", _open)
    given = "/office/person?number=P014"
    yield Scene("office-person-given", "/office/person", ADMINISTRATOR, given, give)
    yield Scene("office-process", drawn, ADMINISTRATOR, f"/office/processes/{process.sha256_hex}")
    yield Scene("office-log", "/office/log", AUDITOR, "/office/log")
    yield Scene("office-log-checked", "/office/log", ADMINISTRATOR, "/office/log", check)
    yield Scene("office-people", people, ADMINISTRATOR, people)
    yield Scene("office-people-nobody", people, ADMINISTRATOR, nobody)
    yield Scene("office-processes-open", "/office/processes", ADMINISTRATOR, "/office/processes", _open)


def _click(page: Page, what: str) -> None:
    """Click on what leads to another page."""
    with page.expect_navigation():
        page.click(what)


def _open(page: Page) -> None:
    """Unfold all that is folded in the content."""
    page.evaluate("document.querySelectorAll('main details').forEach((part) => part.open = true)")


def _forge(token: str) -> Act:
    """Send a form without its token."""

    def act(page: Page) -> None:
        form = page.locator(token).locator("xpath=ancestor::form")
        page.locator(token).evaluate("one => { one.value = 'guessed' }")
        with page.expect_navigation():
            form.evaluate("one => one.submit()")

    return act
