"""The signing folder over HTTP: what waits, chosen and released at once, and what came of each."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import KINDS, fresh
from tests.desk_office import csrf_of, served
from tests.folder_office import Folder, bring_to, folder_of
from tests.steps_office import MANAGER, OTHER_SIGNER, SIGNER, Sample
from workflow.moves import MOVED

CLERKS_ALONE = "P020"
MANY = {"sqlite": 200, "postgresql": 60}


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("folder") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with AuthorityServer(sample.office.authority.folder), served(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture
def folder(place: Place) -> Iterator[Folder]:
    with folder_of(place.url, place.sample) as folder:
        yield folder


def test_many_are_signed_with_one_password_and_the_page_tells_of_each(folder: Folder) -> None:
    numbers = bring_to(folder.sample, "sign", 3, "A1")
    page = folder.page()
    assert "The organisation&#39;s seal, after you accept a text" in page.text
    assert "qualified" not in page.text
    run = folder.choose(numbers)
    assert "I sign it by this click." in run.text
    done = folder.sign(run)
    assert set(folder.results(done)) == set(numbers)
    released = folder.until(done, "Released: 3 of 3.")
    assert under_way(released) == ("Signing is going on", "Still under way: 3.")
    assert not folder.waiting().keys() & set(numbers)
    folder.work()
    assert under_way(folder.client.get(done.url.path)) == ("What came of it", None)
    assert folder.results(done) == dict.fromkeys(numbers, ("good", "Signed and sealed"))
    folder.sample.require_finished(numbers)
    [told] = folder.sample.records(numbers[0], "document_signed")
    assert told["profile"] == "click-seal"


def under_way(page: httpx.Response) -> tuple[str, str | None]:
    """How a go's page is headed, and how many it says are not done."""
    head = re.search("<h1[^>]*>([^<]+)</h1>", page.text)
    going = re.search('id="going"[^>]*"(?: hidden)?>([^<]+)</p>', page.text)
    assert head is not None
    assert going is not None
    return head[1], None if " hidden>" in going[0] else going[1]


def test_who_closed_the_page_is_told_in_the_folder_what_came_of_it(folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A4")
    done = folder.sign(folder.choose([number]))
    folder.until(done, "Released: 1 of 1.")
    assert "Signing is going on." in folder.page().text
    folder.work()
    told = folder.page().text
    assert "Released: 1 of 1. Sealed: 1. Not signed: 0." in told
    assert "Still under way" not in told
    assert "Signing is going on." not in told
    assert f'<a href="{done.url.path}">What came of it</a>' in told
    assert done.url.path not in folder.page().text  # told once


def test_a_wrong_password_signs_nothing_and_is_asked_anew(folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A1")
    run = folder.choose([number])
    refused = folder.sign(run, password="another one")
    assert refused.status_code == 422
    assert "That is not your password." in refused.text
    assert re.search(r'<input id="password"[^>]* autofocus', refused.text), "where it is told is out of sight"
    assert folder.sample.request(number).state == "sign"
    folder.until(folder.sign(run), "Released: 1 of 1.")


def test_no_text_is_accepted_unseen(folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A1")
    run = folder.choose([number])
    form = {"csrf": csrf_of(run), "password": "plainly a sample password", "accepted": "0" * 64}
    refused = folder.client.post(f"{run.url.path}/sign", data=form)
    assert refused.status_code == 422
    assert "Accept each text first." in refused.text
    assert re.search(r'<input type="checkbox"[^>]* autofocus', refused.text)
    assert folder.sample.request(number).state == "sign"


def test_a_seal_is_released_without_a_password_and_a_second_time_by_somebody_else(
    place: Place, folder: Folder
) -> None:
    [one], [two] = (bring_to(folder.sample, "sign", 1, variant) for variant in ("A4", "A4-DUAL"))
    run = folder.choose([one, two])
    assert 'type="password"' not in run.text
    done = folder.sign(run)
    folder.until(done, "Released: 2 of 2.")
    folder.work()
    assert folder.results(done)[one] == ("good", "Signed and sealed")
    assert folder.results(done)[two][1] == "Released; it waits for somebody else&#39;s release"
    assert two not in folder.waiting()
    with folder_of(place.url, place.sample, OTHER_SIGNER) as other:
        second = other.sign(other.choose([two]))
        other.until(second, "Released: 1 of 1.")
        other.work()
        assert other.results(second)[two] == ("good", "Signed and sealed")
    folder.sample.require_finished([one, two])


def test_the_managers_second_signature_waits_in_their_folder(place: Place, folder: Folder) -> None:
    [number] = bring_to(place.sample, "countersign", 1, "A4", temporary=True)
    assert number not in folder.waiting()
    with folder_of(place.url, place.sample, MANAGER) as manager:
        done = manager.sign(manager.choose([number]))
        manager.until(done, "Released: 1 of 1.")
        manager.work()
    place.sample.require_finished([number])


def test_what_changed_since_it_was_looked_at_is_left_out_and_told(folder: Folder) -> None:
    changed, sound = bring_to(folder.sample, "sign", 2, "A4")
    seen = folder.waiting()
    folder.sample.do("return", SIGNER, changed, remark="Look again.")
    while folder.sample.request(changed).state != "sign":
        bring_on(folder.sample, changed)
    run = folder.choose([changed, sound], seen)
    assert "The request has changed" in folder.results(run)[changed][1]
    done = folder.sign(run)
    folder.until(done, "Released: 1 of 2.")
    assert folder.sample.request(changed).state == "sign"


def bring_on(sample: Sample, number: int) -> None:
    if not sample.act([number]):
        asyncio.run(sample.run_steps(sample.waiting(number)))


def test_what_changes_after_it_was_chosen_stops_no_other(folder: Folder) -> None:
    sound, changed = bring_to(folder.sample, "sign", 2, "A1")
    run = folder.choose([sound, changed])
    folder.sample.do("claim", SIGNER, changed)
    done = folder.sign(run)
    folder.until(done, "Released: 1 of 2.")
    assert list(folder.results(done)) == [changed, sound], "what somebody has to look at is told first"
    tone, said = folder.results(done)[changed]
    assert tone == "bad"
    assert "has changed" in said
    folder.sample.do("release", SIGNER, changed)


def test_sent_twice_it_is_done_once(folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A1")
    run = folder.choose([number])
    first, second = folder.sign(run), folder.sign(run)
    assert first.url.path == second.url.path
    folder.until(first, "Released: 1 of 1.")
    moved = [one for one in folder.sample.records(number, MOVED) if one["trigger"] == "sign"]
    assert len(moved) == 1


def test_nothing_chosen_and_given_up_sign_nothing(folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A4")
    page = folder.page()
    nothing = folder.client.post("/folder", data={"csrf": csrf_of(page)})
    assert nothing.status_code == 422
    assert "Nothing was chosen." in nothing.text
    run = folder.choose([number])
    given_up = folder.say(run, "give-up")
    assert "Nothing was signed" in given_up.text
    assert "Nothing was signed" in folder.sign(run).text
    assert folder.sample.request(number).state == "sign"


def test_what_is_somebody_elses_is_not_there(place: Place, folder: Folder) -> None:
    [number] = bring_to(folder.sample, "sign", 1, "A4")
    run = folder.choose([number])
    with folder_of(place.url, place.sample, CLERKS_ALONE) as other:
        assert "Nothing waits for your signature." in other.page().text
        token = csrf_of(other.page())
        version = folder.waiting()[number]
        none = other.client.post("/folder", data={"csrf": token, "chosen": f"{number}-{version}"})
        assert none.status_code == 409
        for path in (f"/folder/documents/{number}", run.url.path, f"{run.url.path}/events"):
            assert_unknown(other.client.get(path))
        for verb in ("sign", "word", "give-up"):
            assert_unknown(other.client.post(f"{run.url.path}/{verb}", data={"csrf": token}))
    assert folder.sample.request(number).state == "sign"
    assert folder.client.post(f"{run.url.path}/sign", data={}).status_code == 403


def assert_unknown(answer: httpx.Response) -> None:
    assert answer.status_code == 404


def test_the_stream_tells_each_in_order_and_goes_on_where_it_broke_off(folder: Folder) -> None:
    numbers = bring_to(folder.sample, "sign", 3, "A4")
    done = folder.sign(folder.choose(numbers))
    folder.until(done, "Released: 3 of 3.")
    folder.work()
    all_told = list(folder.stream(done))
    numbered = [one.id for one in all_told[:-1]]
    assert numbered == sorted(set(numbered))
    assert all_told[-1].kind == "end"
    sealed = [one.data["request"] for one in all_told if one.data.get("text") == "Signed and sealed"]
    assert set(sealed) == set(numbers)
    rest = list(folder.stream(done, after=numbered[0]))
    assert [one.id for one in rest] == [one.id for one in all_told[1:]]


def test_a_document_is_read_and_the_next_is_a_step_away(folder: Folder) -> None:
    first, second = bring_to(folder.sample, "sign", 2, "A4")
    page = folder.client.get(f"/folder/documents/{first}?lang=en")
    assert f'href="/folder/documents/{second}" rel="next"' in page.text
    assert f"/requests/{first}/documents/declaration/pages/1.png" in page.text
    assert f"/requests/{first}/documents/declaration.pdf" in page.text


@pytest.mark.slow
def test_two_hundred_are_signed_by_one_click(folder: Folder) -> None:
    """And each once, in the order in which they waited; counted in the log.

    Sixty on a server: more than one job takes.
    """
    many = MANY[folder.sample.office.store.url.get_backend_name()]
    numbers = bring_to(folder.sample, "sign", many, "A1")
    run = folder.choose(numbers)
    assert f"Sign {many}" in run.text
    done = folder.sign(run)
    folder.until(done, f"Released: {many} of {many}.")
    folder.work()
    page = folder.until(done, f"Sealed: {many}.")
    assert page.text.count("Signed and sealed") == many
    signed = [len(folder.sample.records(number, "document_signed")) for number in numbers]
    assert signed == [1] * many
