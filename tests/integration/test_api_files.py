"""The API over HTTP: files that go out to be signed elsewhere or on paper, and come back."""

import asyncio
from collections.abc import Iterator

import pytest

from cli.sample_exchange import scanned_in, signed_at_portal
from signing.outside import ExpectedSigner
from tests.api_office import BASE, Desked, Program, opened, problem, program
from tests.databases import KINDS
from tests.steps_office import CLERK, SIGNER, Sample

OUTSIDER = "P008"  # who leads another team


@pytest.fixture(scope="module")
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    with opened(KINDS[0], tmp_path_factory.mktemp("files"), request) as desked:
        yield desked


@pytest.fixture
def clerk(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(CLERK)) as client:
        yield client


@pytest.fixture
def signer(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(SIGNER)) as client:
        yield client


def version(sample: Sample, number: int) -> int:
    return sample.request(number).version


def test_a_file_goes_out_is_signed_elsewhere_and_comes_back(
    desked: Desked, clerk: Program, signer: Program
) -> None:
    sample = desked.sample
    number = sample.submit("A2")
    asyncio.run(sample.run_until("export", number))
    before = version(sample, number)
    problem(clerk.sent(number, "/given", seen=before - 1), 412, "workflow-stale")
    given = clerk.sent(number, "/given", seen=before, key="out")
    assert (given.status_code, given.headers["etag"]) == (200, f'"{before + 1}"')
    again = clerk.sent(number, "/given", seen=before, key="out")
    assert (again.content, again.headers["idempotency-replayed"]) == (given.content, "true")
    file = clerk.get(f"{BASE}/requests/{number}/files/given")
    assert file.headers["etag"] == f'"{given.json()["sha256"]}"'
    name = sample.register.person(SIGNER).name
    signed = asyncio.run(
        signed_at_portal(
            sample.office,
            file.content,
            [ExpectedSigner("employer", SIGNER, name)],
            profile=sample.office.profiles["qualified-remote"],
            at=sample.office.clock(),
        )
    )
    other = signer.sent(number, "/signed", pdf=file.content, seen=before + 1)
    assert "nobody signed it" in problem(other, 422, "signing-foreign-refused")["detail"]
    stale = signer.sent(number, "/signed", pdf=signed, seen=before)
    problem(stale, 412, "workflow-stale")
    taken = signer.sent(number, "/signed", pdf=signed, seen=before + 1, key="back")
    assert (taken.status_code, taken.json()["version"]) == (200, before + 2)
    assert signer.get(f"{BASE}/requests/{number}/files/signed").content == signed
    [told] = sample.records(number, "document_imported")
    assert told["channel"] == "program"


def test_scans_have_a_result_each(desked: Desked, clerk: Program) -> None:
    sample = desked.sample
    number = sample.submit("A0")
    asyncio.run(sample.run_until("printing", number))
    assert clerk.sent(number, "/given").status_code == 200
    pages = scanned_in(clerk.get(f"{BASE}/requests/{number}/files/given").content)
    headers = {"Content-Type": "image/tiff"}
    early = clerk.post(f"{BASE}/scans", headers=headers, content=pages).json()["results"]
    assert [(one["status"], one["problem"]["code"]) for one in early] == [(422, "workflow-outside-nothing")]
    with program(desked.url, desked.token(OUTSIDER)) as stranger:
        [told] = stranger.post(f"{BASE}/scans", headers=headers, content=pages).json()["results"]
    [document] = sample.documents(number)
    assert told["problem"]["detail"] == f"No document here has the number {document.number}."
    facts = {"signed_by": sample.register.person(SIGNER).name, "signed_on": sample.today.isoformat()}
    sample.do("signed", SIGNER, number, facts=facts)
    sample.do("stamped", CLERK, number)
    for replayed in (False, True):
        [kept] = clerk.post(f"{BASE}/scans", headers=headers, content=pages).json()["results"]
        assert (kept["status"], kept["replayed"], kept["answer"]["request"]) == (200, replayed, number)
    assert kept["document"] == document.number
    assert clerk.get(f"{BASE}/requests/{number}/files/scan").content.startswith(b"%PDF")
    problem(clerk.post(f"{BASE}/scans", headers=headers, content=b"none"), 422, "signing-scan-refused")
    text = clerk.post(f"{BASE}/scans", headers={"Content-Type": "text/plain"}, content=pages)
    problem(text, 415, "web-media-type")
