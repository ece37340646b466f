"""The signing folder with keys at a provider: asked once for many, by PIN or on the provider's own page."""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from html import unescape
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import httpx
import pytest

from certs.csc_http import LONGEST_LINE
from certs.csc_sandbox import Sandbox
from signing.csc import Authorisation, CscClient
from signing.csc_errors import RemoteUncertainError
from tests.desk_office import csrf_of, served
from tests.folder_office import Folder, bring_to, folder_of, free_port
from tests.remote_office import MANAGER, OTHER_SIGNER, PIN, SIGNER, remote_office
from web.streams import MOST
from workflow.folder import Waiting, waiting_for
from workflow.keys import SignerMissing

LOOK_AT_PAGE = "Go to the provider&#39;s page"
_PAGE = re.compile(r'class="button" href="([^"]+)"')


@pytest.fixture(scope="module")
def by_pin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with (
        remote_office(tmp_path_factory.mktemp("by-pin")) as sample,
        served(sample.office) as url,
        folder_of(url, sample) as folder,
    ):
        yield folder


@pytest.fixture
def on_page(tmp_path: Path) -> Iterator[Folder]:
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/folder/authorised"
    with (
        remote_office(tmp_path, kind="page", redirect=redirect) as sample,
        served(sample.office, port=port) as url,
        folder_of(url, sample) as folder,
    ):
        yield folder


def began(folder: Folder, numbers: Sequence[int], words: str = "With your key") -> httpx.Response:
    """The page that asks for one's word."""
    return folder.until(folder.sign(folder.choose(numbers)), words)


def answer_on_page(folder: Folder, page: httpx.Response, decision: str = "yes") -> httpx.Response:
    """Say it on the provider's page, as its owner; where that leads back to."""
    found = _PAGE.search(page.text)
    assert found is not None
    query = asyncio.run(say_as_signer(unescape(found[1]), decision))
    return folder.client.get("/folder/authorised", params=query)


async def say_as_signer(url: str, decision: str) -> dict[str, str]:
    async with aiohttp.ClientSession(max_line_size=LONGEST_LINE) as browser:
        form = {"user_id": SIGNER, "password": "password", "decision": decision}
        async with browser.post(url, data=form, allow_redirects=False) as answer:
            return dict(aiohttp.client.URL(answer.headers["Location"]).query)


def test_one_pin_signs_all_and_they_are_sealed(by_pin: Folder) -> None:
    numbers = bring_to(by_pin.sample, "sign", 4, "A3")
    page = by_pin.page()
    assert "Your own signature, with your key at provider (PAdES B-LTA)" in page.text
    asked = began(by_pin, numbers)
    assert "Signatures: 4." in asked.text
    assert all(by_pin.sample.request(number).state == "sign" for number in numbers)
    done = by_pin.say(asked, "word", pin=PIN)
    by_pin.until(done, "Released: 4 of 4.")
    by_pin.work()
    assert by_pin.results(done) == dict.fromkeys(numbers, ("good", "Signed and sealed"))
    by_pin.sample.require_finished(numbers)
    [told] = by_pin.sample.records(numbers[0], "document_signed")
    assert (told["provider"], told["way"]) == ("provider", "pin")


def test_at_the_request_they_are_led_to_the_folder_or_told_that_they_have_no_key(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be refused there is not offered there."""
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    page = by_pin.client.get(f"/requests/{number}?lang=en").text
    assert 'href="/folder" data-key="a">Sign it in the signing folder</a>' in page
    assert 'name="trigger" value="sign"' not in page
    monkeypatch.setattr("workflow.folder.remote_key", Mock(side_effect=SignerMissing("none")))
    for address in (f"/requests/{number}", "/folder"):
        page = by_pin.client.get(f"{address}?lang=en").text
        assert "No key is set up for who signs here. Tell whoever runs the office." in page
        assert 'name="trigger" value="sign"' not in page


def test_a_wrong_pin_is_asked_anew_and_signs_nothing(by_pin: Folder) -> None:
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    asked = began(by_pin, [number])
    by_pin.say(asked, "word", pin="000000")
    again = by_pin.until(asked, "Nothing was signed.")
    assert by_pin.sample.request(number).state == "sign"
    assert [row.attempts for row in by_pin.sample.signatures(number)] == [0]
    by_pin.until(by_pin.say(again, "word", pin=PIN), "Released: 1 of 1.")


def test_a_pin_answers_the_question_that_it_was_typed_for_alone(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    tried: list[object] = []
    usual: Callable[..., Any] = CscClient.authorise

    async def authorise(self: CscClient, *args: Any, **how: Any) -> Authorisation:
        tried.append(args)
        return await usual(self, *args, **how)

    monkeypatch.setattr(CscClient, "authorise", authorise)
    asked = began(by_pin, [number])
    by_pin.say(asked, "word", pin="000000")
    again = by_pin.until(asked, "Nothing was signed.")
    late = by_pin.say(asked, "word", pin="000000")
    assert "Your word for the signatures" in late.text
    by_pin.until(by_pin.say(again, "word", pin=PIN), "Released: 1 of 1.")
    assert len(tried) == 2, "sent twice, a wrong PIN counts once at the provider"


def test_what_is_given_up_before_the_word_signs_nothing(by_pin: Folder) -> None:
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    asked = began(by_pin, [number])
    over = by_pin.until(by_pin.say(asked, "give-up"), "Not signed: 1.")
    assert "You gave it up: nothing was signed." in over.text
    assert number in by_pin.waiting()
    assert "PIN" not in by_pin.say(asked, "word", pin=PIN).text
    assert by_pin.sample.request(number).state == "sign"


def test_a_clicks_password_and_a_provider_are_asked_in_one_go(by_pin: Folder) -> None:
    [own] = bring_to(by_pin.sample, "sign", 1, "A3")
    [click] = bring_to(by_pin.sample, "sign", 1, "A1")
    asked = began(by_pin, [own, click])
    assert by_pin.results(asked)[click][1] == "Released; it is being sealed"
    assert by_pin.results(asked)[own][1] == "Not released yet"
    by_pin.until(by_pin.say(asked, "word", pin=PIN), "Released: 2 of 2.")


def test_an_answer_that_the_provider_lost_is_told_of_its_document_alone(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, lost = bring_to(by_pin.sample, "sign", 2, "A3")
    usual: Callable[..., Any] = CscClient.sign_hashes

    async def sign(
        self: CscClient, authorisation: Authorisation, hashes: Sequence[bytes], **how: Any
    ) -> list[bytes]:
        await usual(self, authorisation, hashes[:1], **how)
        raise RemoteUncertainError("The provider's answer was lost.", hint="Sign again.", hashes=hashes[1:])

    monkeypatch.setattr(CscClient, "sign_hashes", sign)
    asked = began(by_pin, [sound, lost])
    done = by_pin.say(asked, "word", pin=PIN)
    by_pin.until(done, "Released: 1 of 2.")
    assert "its answer did not arrive" in by_pin.results(done)[lost][1]
    monkeypatch.undo()
    again = by_pin.say(began(by_pin, [lost]), "word", pin=PIN)
    page = by_pin.until(again, "Released: 1 of 1.")
    assert "used before on the same bytes" in page.text


def test_what_was_signed_and_not_sent_on_goes_on_without_a_word(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = bring_to(by_pin.sample, "sign", 2, "A3")
    asked = began(by_pin, numbers)

    def broken(*_: object) -> None:
        raise OSError("the machine stopped")

    with monkeypatch.context() as patched:  # between the provider's values and the command
        patched.setattr("workflow.authorising.Authorising._go_on", broken)
        by_pin.until(by_pin.say(asked, "word", pin=PIN), "It broke off")
    assert all(by_pin.sample.request(number).state == "sign" for number in numbers)
    page = by_pin.page()
    assert "Signed at the provider, and not sent on" in page.text
    assert not by_pin.waiting().keys() & set(numbers)
    run = by_pin.client.post("/folder/go-on", data={"csrf": csrf_of(page)})
    by_pin.until(run, "Released: 2 of 2.")
    by_pin.work()
    by_pin.sample.require_finished(numbers)
    assert [row.attempts for number in numbers for row in by_pin.sample.signatures(number)] == [1, 1]


def test_what_is_sent_on_asks_for_no_word_that_nobody_accepted(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")

    def as_kept(*asked: Any) -> list[Waiting]:  # and it is not, when it comes to it
        return [replace(one, kept=one.request_id == number) for one in waiting_for(*asked)]

    with monkeypatch.context() as patched:
        patched.setattr("web.folder_runs.waiting_for", as_kept)
        run = by_pin.client.post("/folder/go-on", data={"csrf": csrf_of(by_pin.page())})
    over = by_pin.until(run, "Not signed: 1.")
    assert "PIN" not in over.text
    assert number in by_pin.waiting()


def test_the_oldest_of_too_many_streams_of_one_person_is_ended(by_pin: Folder) -> None:
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    asked = began(by_pin, [number])
    with ExitStack() as opened:
        address = f"{asked.url.path}/events"
        lines = []
        for _ in range(MOST + 1):
            lines.append(opened.enter_context(by_pin.client.stream("GET", address)).iter_lines())
            assert next(lines[-1]) == "retry: 2000"
        assert "event: crowded" in islice(lines[0], 40)
        for going_on in (lines[1], lines[-1]):
            assert all(": here" in going_on for _ in range(2))
    by_pin.say(asked, "give-up")


def test_on_the_providers_page_and_back(on_page: Folder) -> None:
    numbers = bring_to(on_page.sample, "sign", 2, "A3")
    asked = began(on_page, numbers, LOOK_AT_PAGE)
    done = answer_on_page(on_page, asked)
    assert done.url.path == asked.url.path
    on_page.until(done, "Released: 2 of 2.")
    on_page.work()
    on_page.sample.require_finished(numbers)
    [told] = on_page.sample.records(numbers[0], "document_signed")
    assert told["way"] == "page"


def test_who_says_no_there_signs_nothing(on_page: Folder) -> None:
    [number] = bring_to(on_page.sample, "sign", 1, "A3")
    done = answer_on_page(on_page, began(on_page, [number], LOOK_AT_PAGE), "no")
    page = on_page.until(done, "Not signed: 1.")
    assert "The signatures were not authorised." in page.text
    assert on_page.sample.request(number).state == "sign"


def test_an_answer_counts_only_where_it_was_asked(on_page: Folder) -> None:
    """Neither a stranger's state, nor another person's browser, nor another sign-in of the same one."""
    [number] = bring_to(on_page.sample, "sign", 1, "A3")
    asked = began(on_page, [number], LOOK_AT_PAGE)
    found = _PAGE.search(asked.text)
    assert found is not None
    query = asyncio.run(say_as_signer(unescape(found[1]), "yes"))
    url = str(on_page.client.base_url)
    for person in (MANAGER, SIGNER):
        with folder_of(url, on_page.sample, person) as other:
            refused = other.client.get("/folder/authorised?lang=en", params=query)
            assert (refused.status_code, "Nothing was asked" in refused.text) == (404, True)
    strangers = on_page.client.get("/folder/authorised", params={"state": "x", "code": query["code"]})
    assert strangers.status_code == 404
    assert on_page.sample.request(number).state == "sign"
    assert on_page.client.get("/folder/authorised", params=query).status_code == 200
    on_page.until(asked, "Released: 1 of 1.")
    again = on_page.client.get("/folder/authorised", params=query)
    assert again.status_code == 404


def test_more_than_one_page_takes_is_asked_page_by_page(
    on_page: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signing.csc._ADDRESS_BESIDE_HASHES", 8000 - 50)  # one hash fits
    numbers = bring_to(on_page.sample, "sign", 3, "A3")
    page = began(on_page, numbers, LOOK_AT_PAGE)
    for place in (1, 2, 3):
        page = on_page.until(page, f"This is question {place} of 3.")
        page = answer_on_page(on_page, page)
    on_page.until(page, "Released: 3 of 3.")


def test_a_question_that_nobody_answers_is_over_after_a_while(
    by_pin: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.signing_runs.PATIENCE", timedelta())
    [number] = bring_to(by_pin.sample, "sign", 1, "A3")
    over = by_pin.until(by_pin.sign(by_pin.choose([number])), "stood unanswered for too long")
    assert "nothing of it was signed" in over.text
    assert by_pin.sample.request(number).state == "sign"


async def never(*_: object, **__: object) -> None:
    await asyncio.Event().wait()


def test_a_code_is_sent_asked_anew_when_wrong_and_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whose key waits for a device of theirs types nothing."""
    with (
        remote_office(tmp_path, kind="code", others={OTHER_SIGNER: "device"}) as sample,
        served(sample.office) as url,
        folder_of(url, sample) as folder,
    ):
        numbers = bring_to(sample, "sign", 2, "A3")
        asked = began(folder, numbers)
        sent = folder.until(folder.say(asked, "word", send="yes"), "A code is on its way to you.")
        wrong = folder.say(sent, "word", pin=PIN, code="none")
        again = folder.until(wrong, "Nothing was signed.")
        assert all(sample.request(number).state == "sign" for number in numbers)
        code = httpx.get(f"{Sandbox.open(sample.office.authority.folder).base_url}/telephone/{SIGNER}-code")
        folder.until(folder.say(again, "word", pin=PIN, code=code.text), "Released: 2 of 2.")
        [by_device] = bring_to(sample, "sign", 1, "A3")
        with folder_of(url, sample, OTHER_SIGNER) as other:
            with monkeypatch.context() as patched:  # a telephone that lies at home
                patched.setattr(CscClient, "authorise", never)
                waits = other.until(other.sign(other.choose([by_device])), "Confirm it on your device")
                assert "You gave it up" in other.say(waits, "give-up").text
            assert not sample.signatures(by_device)[0].attempts
            other.until(other.sign(other.choose([by_device])), "Released: 1 of 1.")
            other.work()
        sample.require_finished([*numbers, by_device])
        ways = [sample.records(number, "document_signed")[0]["way"] for number in (numbers[0], by_device)]
        assert ways == ["pin and otp", "device"]
