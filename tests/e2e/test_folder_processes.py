"""A go through a signing folder, over desks in processes of their own that are killed: it is gone on with."""

from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import KINDS, fresh
from tests.desk_office import csrf_of
from tests.desk_processes import STEP, desks_of
from tests.folder_office import Folder, bring_to, folder_of, free_port
from tests.integration.test_pages_folder_provider import LOOK_AT_PAGE, answer_on_page, began
from tests.remote_office import PIN, remote_office
from tests.steps_office import Sample

pytestmark = pytest.mark.slow


def look(folder: Folder, url: str, run: httpx.Response) -> httpx.Response:
    """The same go, as another desk tells it."""
    folder.client.base_url = httpx.URL(url)
    return folder.client.get(run.url.path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_desk_released_stays_and_another_goes_on_with_the_rest(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with fresh(kind, data, request) as database:
        sample = Sample.open(data, database.environ)
        with (
            AuthorityServer(sample.office.authority.folder),
            desks_of(data, database.environ) as desks,
        ):
            numbers = bring_to(sample, "sign", STEP + 1, "A1")
            killed, other = desks.start(kill_point="folder.released"), desks.start()
            with folder_of(killed.url, sample) as folder:
                run = folder.choose(numbers)
                with suppress(httpx.HTTPError):  # it may be gone before it answers
                    folder.sign(run)
                killed.wait_killed()
                on = folder.until(look(folder, other.url, run), "Signing broke off")
                assert "Go on with 1" in on.text
                assert "Signing broke off" in folder.page().text
                released = [number for number in numbers if sample.request(number).state != "sign"]
                assert len(released) == STEP
                done = folder.sign(on)
                folder.until(done, f"Released: {len(numbers)} of {len(numbers)}.")
                folder.work()
                assert folder.results(done) == dict.fromkeys(numbers, ("good", "Signed and sealed"))
        sample.require_finished(numbers)
        assert all(len(sample.records(number, "document_signed")) == 1 for number in numbers)
        sample.office.close()


def test_a_question_outlives_its_desk_and_no_hash_is_signed_twice(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample, desks_of(tmp_path, {}) as desks:
        numbers = bring_to(sample, "sign", 3, "A3")
        asked, killed = desks.start(), desks.start(kill_point="authorise.kept")
        with folder_of(asked.url, sample) as folder:
            run = began(folder, numbers)
            asked.kill()
            page = look(folder, killed.url, run)
            assert "With your key" in page.text
            with suppress(httpx.HTTPError):  # until it is killed
                folder.say(page, "word", pin=PIN)
                folder.until(page, "Released: 3 of 3.")
            killed.wait_killed()
            assert [row.value is None for one in numbers for row in sample.signatures(one)] == [False] * 3
            other = desks.start()
            on = folder.until(look(folder, other.url, run), "Signing broke off")
            done = folder.client.post(f"{on.url.path}/sign", data={"csrf": csrf_of(on)})
            folder.until(done, "Released: 3 of 3.")
            folder.work()
            sample.require_finished(numbers)
            assert [row.attempts for one in numbers for row in sample.signatures(one)] == [1, 1, 1]


def test_the_answer_of_a_providers_page_comes_back_to_another_desk(tmp_path: Path) -> None:
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/folder/authorised"
    with (
        remote_office(tmp_path, kind="page", redirect=redirect) as sample,
        desks_of(tmp_path, {}) as desks,
    ):
        numbers = bring_to(sample, "sign", 2, "A3")
        asked, other = desks.start(port=port), desks.start()
        with folder_of(asked.url, sample) as folder:
            run = began(folder, numbers, LOOK_AT_PAGE)
            asked.kill()
            folder.client.base_url = httpx.URL(other.url)
            done = answer_on_page(folder, run)
            folder.until(done, "Released: 2 of 2.")
            folder.work()
            sample.require_finished(numbers)
