"""What somebody tries at the desk who means ill, over HTTP: hosts, streams, headers, paths and names."""

import http.client
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from tests.desk_office import browsing, served, signed_in
from tests.steps_office import CLERK, Sample

OURS = "paraaf.example.org"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("attacks")
    sample = Sample.open(folder, {"PARAAF_PUBLIC_URL": f"http://{OURS}"})
    with served(sample.office) as url:
        yield Place(url, sample)
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

    @pytest.mark.parametrize("path", ["/queue/", "/sign-in/", "/api/v1/requests/", "/static/", "//evil.example"])
    def test_a_stroke_too_much_leads_nowhere(self, place: Place, client: httpx.Client, path: str) -> None:
        signed_in(client, place.sample.office, CLERK)
        answer = client.get(f"{place.url}{path}", headers={"host": OURS}, follow_redirects=False)
        assert (answer.status_code, answer.headers.get("location")) == (404, None)
