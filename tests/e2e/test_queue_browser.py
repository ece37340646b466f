"""The queue in Chromium: by keyboard alone, without JavaScript, on a desk's screen and on a phone's."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.desk_office import browser_signed_in, served
from tests.looking import chromium
from tests.queue_office import EMPLOYEE, OTHER_MANAGER, QueueOffice
from tests.steps_office import MANAGER

NO_NAME = '<img src=x onerror="document.title=1">\N{RIGHT-TO-LEFT OVERRIDE}'
Signed = Callable[..., Page]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueOffice]:
    office = QueueOffice(tmp_path_factory.mktemp("queue"))
    yield office
    office.close()


@pytest.fixture(scope="module")
def browser(office: QueueOffice) -> Iterator[Browser]:
    assert office  # first: once the browser is there, no other loop runs in this thread
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(office: QueueOffice) -> Iterator[str]:
    with served(office.office) as url:
        yield url


@pytest.fixture
def desk(office: QueueOffice) -> QueueOffice:
    office.clear()
    return office


@pytest.fixture
def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers that have not met; what they were told on their consoles must be nothing."""
    opened: list[BrowserContext] = []
    told: list[str] = []

    def new(**more: object) -> BrowserContext:
        context = browser.new_context(**more)  # type: ignore[arg-type]
        context.on("console", lambda message: told.append(message.text))
        context.on("weberror", lambda error: told.append(str(error.error)))
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()
    # the request's own page is another room's
    assert [one for one in told if "404" not in one] == []


@pytest.fixture
def queue(contexts: Callable[..., BrowserContext], desk: QueueOffice, url: str) -> Signed:
    """The manager's queue, as they see it who have just signed in."""

    def opened(person: str = MANAGER, address: str = "/queue", **more: object) -> Page:
        page = browser_signed_in(contexts(base_url=url, **more), desk.office, person)
        page.goto(address)
        return page

    return opened


def here(page: Page) -> str:
    """What has the focus, in text."""
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_whole_queue_is_worked_through_by_keyboard_alone(desk: QueueOffice, queue: Signed) -> None:
    numbers = desk.crowd(4)
    page = queue()
    press(page, "j", "j", "k")
    assert here(page) == str(numbers[0])
    press(page, "x", "j", "x", "c")  # claims what is selected
    expect(page.get_by_role("heading", name="Claimed", exact=True)).to_be_visible()
    page.goto("/queue?assignee=mine")
    assert page.locator("[data-row]").count() == 2

    press(page, "/")
    assert page.evaluate("document.activeElement.id") == "text"
    press(page, "j", "a", "x", "?")  # typed, and nothing else
    expect(page.locator("#text")).to_have_value("jax?")
    press(page, "Control+A")
    page.keyboard.type(str(numbers[0]))
    press(page, "Enter")
    page.wait_for_url("**text=*")
    assert page.locator("[data-row]").count() == 1

    page.goto("/queue")
    press(page, "j", "x", "j", "x", "j", "x", "j", "x", "a")  # asks first
    expect(page.get_by_role("heading", name="Approve these requests?")).to_be_visible()
    assert {desk.state(number) for number in numbers} == {"manager"}
    press(page, "a")  # only goes there
    assert here(page) == "Approve 4"
    assert {desk.state(number) for number in numbers} == {"manager"}
    press(page, "Enter")
    expect(page.get_by_role("status")).to_contain_text("Done: 4. Not done: none.")
    assert "Done: 4." in here(page)
    assert {desk.state(number) for number in numbers} == {"review"}
    page.goto("/queue")
    expect(page.get_by_text("Nothing waits for you.")).to_be_visible()


def test_a_row_is_opened_returned_and_the_next_taken_by_a_key(desk: QueueOffice, queue: Signed) -> None:
    numbers = desk.crowd(2)
    for keys, address in (
        (("j", "o"), f"/requests/{numbers[0]}"),
        (("j", "j", "Enter"), f"/requests/{numbers[1]}"),
        (("j", "j", "r"), f"/requests/{numbers[1]}#key-r"),
        (("n",), f"/requests/{numbers[0]}"),
    ):
        page = queue()
        press(page, *keys)
        page.wait_for_url(f"**{address}")
    assert {number: desk.state(number) for number in numbers} == dict.fromkeys(numbers, "manager")


def test_a_key_alone_claims_the_row_that_one_stands_on(desk: QueueOffice, queue: Signed) -> None:
    first, second = desk.crowd(2)
    page = queue()
    press(page, "j", "j", "c")
    expect(page.get_by_role("heading", name="Claimed", exact=True)).to_be_visible()
    held = {item.request_id: item.claimed_by for item in desk.office.engine.queue(MANAGER).items}
    assert held == {first: None, second: MANAGER}
    press(page, "?")  # and what came of it goes on by keys: help names those that do something there
    told = page.get_by_role("dialog", name="Keys").locator("dt:visible").all_inner_texts()
    assert told == ["j k", "o Enter", "a", "r", "?", "Esc"]
    press(page, "Escape", "j", "a")
    page.wait_for_url(f"**/requests/{second}#key-a")
    page.go_back()
    press(page, "j", "o")
    page.wait_for_url(f"**/requests/{second}")


def test_no_key_does_anything_with_a_modifier_or_before_a_row_is_chosen(
    desk: QueueOffice, queue: Signed
) -> None:
    (number,) = desk.crowd(1)
    page = queue()
    press(page, "a", "c", "x", "r", "Control+c", "Alt+n", "Meta+a", "Shift+J")
    assert page.url.endswith("/queue")
    assert desk.sample.request(number).version == 1


def test_help_opens_closes_and_keeps_the_keys_to_itself(desk: QueueOffice, queue: Signed) -> None:
    desk.crowd(1)
    page = queue()
    press(page, "?")
    help_of_keys = page.get_by_role("dialog", name="Keys")
    expect(help_of_keys).to_be_visible()
    press(page, "j", "x", "n")
    assert page.url.endswith("/queue")
    assert page.locator("[data-pick]:checked").count() == 0
    press(page, "Escape")
    expect(help_of_keys).to_be_hidden()


def test_keys_are_turned_off_and_on(desk: QueueOffice, queue: Signed) -> None:
    desk.crowd(1)
    page = queue()
    turn(page, "off")
    press(page, "j", "n", "?")
    assert page.locator(".at").count() == 0
    assert page.url.endswith("/queue")
    turn(page, "on")
    press(page, "j")
    assert page.locator(".at").count() == 1


def turn(page: Page, how: str) -> None:
    """Turn keys on or off, and wait for the page that comes of it."""
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name=f"Turn keys {how}").click()


def test_all_on_a_page_are_selected_at_once_and_counted(desk: QueueOffice, queue: Signed) -> None:
    desk.crowd(3)
    page = queue()
    page.locator("#pick-all").check()
    expect(page.locator("#picked")).to_have_text("3 selected")
    page.locator("[data-pick]").first.uncheck()
    expect(page.locator("#picked")).to_have_text("2 selected")
    assert page.locator("#pick-all").evaluate("one => one.indeterminate")


def test_two_hundred_are_approved_without_javascript(desk: QueueOffice, queue: Signed) -> None:
    numbers = desk.crowd(200)
    page = queue(java_script_enabled=False)
    page.get_by_text("More to choose from").click()
    page.get_by_label("So many on a page").select_option("200")
    page.get_by_role("button", name="Show these").click()
    page.get_by_role("link", name="Select all on this page").click()
    desk.do("claim", MANAGER, numbers[3])
    desk.do("claim", OTHER_MANAGER, numbers[5])
    page.get_by_role("button", name="Approve …").click()
    page.get_by_role("button", name="Approve 198").click()
    expect(page.get_by_role("status")).to_contain_text("Done: 198. Not done: 2.")
    assert page.locator(".results li").count() == 200
    assert page.locator(".results li.failed").count() == 2
    assert [number for number in numbers if desk.state(number) != "review"] == [numbers[3], numbers[5]]


def test_the_address_has_what_is_looked_for_and_no_more(desk: QueueOffice, queue: Signed) -> None:
    desk.crowd(2)
    page = queue()
    page.get_by_label("Held by").first.select_option("free")
    page.get_by_role("button", name="Show these").click()
    page.wait_for_url("**/queue?assignee=free&**")
    assert "text=" not in page.url
    expect(page.get_by_label("Held by").first).to_have_value("free")
    page.reload()
    assert page.locator("[data-row]").count() == 2
    page.get_by_role("link", name="Waiting").click()
    page.wait_for_url("**/queue?assignee=free&sort=age*")


def test_a_name_is_a_name_whatever_is_in_it(desk: QueueOffice, queue: Signed) -> None:
    desk.call(EMPLOYEE, NO_NAME)
    desk.crowd(1)
    page = queue()
    expect(page.get_by_text(NO_NAME)).to_be_visible()
    assert page.locator("main img").count() == 0
    # what turns the direction of text ends with the name
    name = page.locator("[data-row] bdi", has_text="onerror")
    assert name.evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate"


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_the_head_is_one_line_with_a_menu_on_a_phone(
    desk: QueueOffice, queue: Signed, javascript: bool
) -> None:
    desk.crowd(1)
    page = queue(viewport={"width": 390, "height": 844}, java_script_enabled=javascript)
    rooms = page.get_by_role("navigation", name="Rooms")
    expect(rooms).to_be_hidden()
    assert (page.locator(".top").bounding_box() or {})["height"] < 60
    page.get_by_text("Menu", exact=True).press("Enter")
    rooms.get_by_role("link", name="Standing in").click()
    page.wait_for_url("**/substitutes")
    page.get_by_role("navigation", name="Language").get_by_text("English").first.click()
    page.get_by_role("link", name="Nederlands").click()
    expect(page.locator("html")).to_have_attribute("lang", "nl")


def test_on_a_desk_the_menu_lies_open_on_one_line(desk: QueueOffice, queue: Signed) -> None:
    desk.crowd(1)
    page = queue(viewport={"width": 1440, "height": 900})
    expect(page.get_by_role("link", name="To sign", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert (page.locator(".top").bounding_box() or {})["height"] < 60


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
def test_how_much_time_is_left_stands_on_one_line(desk: QueueOffice, queue: Signed, language: str) -> None:
    desk.crowd(3)
    page = queue(address=f"/queue?lang={language}", viewport={"width": 1440, "height": 900})
    left = page.locator(".due time")
    expect(left).to_have_count(3)
    assert left.evaluate_all("all => all.map(one => one.getClientRects().length)") == [1, 1, 1]
