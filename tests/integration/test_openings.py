"""Where a profile asks for it, nobody signs what they have not opened: on a page, or by the command line."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from certs.serve_authority import AuthorityServer
from cli.main import main
from tests.databases import KINDS, fresh
from tests.desk_office import served
from tests.folder_office import Folder, bring_to, folder_of
from tests.remote_office import by_pin, remote_office
from tests.steps_office import OTHER_SIGNER, SIGNER, Sample
from workflow.errors import Refused
from workflow.openings import note_opening
from workflow.tables import Opening

SETTINGS = """
development_keys = true
[profiles.click-seal]
kind = "click"
level = "B-LT"
timestampers = ["development"]
opened_first = true
[profiles.organisation-seal]
kind = "seal"
level = "B-LTA"
timestampers = ["development"]
opened_first = true
"""


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("openings") / "data"
    data.mkdir(mode=0o700)
    (data / "signing.toml").write_text(SETTINGS)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with AuthorityServer(sample.office.authority.folder), served(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture
def folder(place: Place) -> Iterator[Folder]:
    with folder_of(place.url, place.sample) as folder:
        yield folder


def reasons(refused: Refused) -> set[str]:
    return {reason.code for reason in refused.reasons}


def look(folder: Folder, number: int, what: str = "pages/1.png") -> httpx.Response:
    name = "declaration.pdf" if what == "pdf" else f"declaration/{what}"
    return folder.client.get(f"/requests/{number}/documents/{name}")


@pytest.mark.parametrize("what", ["pages/1.png", "pdf"])
def test_it_can_be_chosen_once_it_was_opened(folder: Folder, what: str) -> None:
    [number] = to_sign(folder.sample, "A4")
    assert number not in folder.waiting()
    assert "Read it first" in folder.page().text
    with pytest.raises(Refused) as refused:
        folder.sample.do("release_seal", SIGNER, number)
    assert reasons(refused.value) == {"unopened"}
    assert look(folder, number, what).status_code == 200
    assert number in folder.waiting()
    folder.until(folder.sign(folder.choose([number])), "Released: 1 of 1.")


def test_who_is_given_nothing_has_opened_nothing(folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A4")
    [document] = folder.sample.documents(number)
    below = f"/requests/{number}/documents/declaration"
    tag = f'"{document.current_sha256[:32]}-1"'  # as who has the digest works it out
    for address in (f"{below}.pdf", f"{below}/pages/1.png"):
        assert folder.client.head(address).status_code == 200
    assert number not in folder.waiting()
    again = folder.client.get(f"{below}/pages/1.png", headers={"If-None-Match": tag})
    assert (again.status_code, again.content[:4]) == (200, b"\x89PNG")
    assert number in folder.waiting()
    assert folder.client.get(f"{below}/pages/1.png", headers={"If-None-Match": tag}).status_code == 304


def to_sign(sample: Sample, variant: str) -> list[int]:
    return bring_to(sample, "sign", 1, variant)


def test_who_sends_the_form_anyway_is_refused(folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A1")
    version = folder.sample.request(number).version
    done = folder.sign(folder.choose([number], {number: version}))
    folder.until(done, "Not signed: 1.")
    assert "Open the document first" in folder.results(done)[number][1]
    assert folder.sample.request(number).state == "sign"


def test_it_is_each_persons_own_opening_that_counts(place: Place, folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A4-DUAL")
    look(folder, number)
    folder.until(folder.sign(folder.choose([number])), "Released: 1 of 1.")
    with folder_of(place.url, place.sample, OTHER_SIGNER) as other:
        assert number not in other.waiting()
        look(other, number, "pdf")
        assert number in other.waiting()


def test_another_revision_is_opened_anew(folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A4")
    look(folder, number)
    assert number in folder.waiting()
    folder.sample.do("return", SIGNER, number, remark="Look again.")
    for _ in range(10):
        if folder.sample.request(number).state == "sign":
            break
        if not folder.sample.act([number]):
            asyncio.run(folder.sample.run_steps(folder.sample.waiting(number)))
    assert number not in folder.waiting()


def test_who_may_not_see_it_opens_nothing(place: Place, folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A4")
    with folder_of(place.url, place.sample, "P010") as stranger:
        assert look(stranger, number).status_code == 404
    assert folder.sample.rows(Opening, Opening.request_id == number) == []


def test_it_is_kept_once_and_of_the_file_as_it_is_now(folder: Folder) -> None:
    [number] = to_sign(folder.sample, "A4")
    office, [document] = folder.sample.office, folder.sample.documents(number)
    note_opening(office, number, "declaration", "0" * 64, SIGNER)
    assert folder.sample.rows(Opening, Opening.request_id == number) == []
    for _ in range(2):
        note_opening(office, number, "declaration", document.current_sha256, SIGNER)
    [row] = folder.sample.rows(Opening, Opening.request_id == number)
    assert (row.person_id, row.sha256) == (SIGNER, document.current_sha256)


def test_nothing_is_kept_where_nobody_asks(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {})
    with AuthorityServer(sample.office.authority.folder):
        [number] = to_sign(sample, "A4")
    [document] = sample.documents(number)
    note_opening(sample.office, number, "declaration", document.current_sha256, SIGNER)
    assert sample.rows(Opening) == []
    sample.office.close()


def test_the_file_that_a_command_writes_is_opened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "signing.toml").write_text(SETTINGS)
    sample = Sample.open(data, {})
    with AuthorityServer(sample.office.authority.folder):
        [number] = to_sign(sample, "A4")
    arguments = ["show", str(number), "--as", SIGNER, "--data", str(data), "-o", str(tmp_path / "one.pdf")]
    assert main(arguments) == 0
    sample.do("release_seal", SIGNER, number)
    sample.office.close()


def test_a_key_at_a_provider_is_not_used_for_what_was_not_opened(tmp_path: Path) -> None:
    with remote_office(tmp_path) as sample:
        settings = tmp_path / "signing.toml"
        settings.write_text(settings.read_text() + "opened_first = true\n")
        [number] = to_sign(sample, "A3")
        again = Sample.open(tmp_path, {})

        async def authorise() -> str:
            async with again.office.authorising() as authorising:
                [outcome] = await authorising.authorise(SIGNER, [number], by_pin)
                return outcome.code

        assert asyncio.run(authorise()) == Refused.code
        assert sample.signatures(number) == []
        [document] = sample.documents(number)
        note_opening(again.office, number, "declaration", document.current_sha256, SIGNER)
        assert asyncio.run(authorise()) == ""
        again.office.close()
