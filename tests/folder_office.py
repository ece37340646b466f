"""A signing folder gone through over HTTP, as a browser without scripts does."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.desk_office import PASSWORD, browsing, csrf_of, signed_in
from tests.steps_office import SIGNER, Sample

BEATS_MOST, SILENT_MOST = 15, 3
_SEEN = re.compile(r'name="seen" value="(\d+)-(\d+)"')
_ACCEPTED = re.compile(r'name="accepted" value="([0-9a-f]{64})"')
_TURN = re.compile(r'name="turn" value="(\d+)"')
_ROW = re.compile(r'<li class="(\w+)" id="r(\d+)">.*?class="said">([^<]*)<', re.DOTALL)


@dataclass(frozen=True)
class Told:
    """An event of a stream."""

    id: int
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Folder:
    """Somebody's folder, and the browser that they look at it with."""

    client: httpx.Client
    sample: Sample

    def page(self) -> httpx.Response:
        return self.client.get("/folder?lang=en")

    def waiting(self) -> dict[int, int]:
        """What can be chosen: request and the version that the page shows."""
        return {int(number): int(version) for number, version in _SEEN.findall(self.page().text)}

    def choose(self, numbers: Sequence[int], versions: dict[int, int] | None = None) -> httpx.Response:
        """The page that asks for the chosen."""
        page = self.page()
        seen = versions or self.waiting()
        form = {"csrf": csrf_of(page), "chosen": [f"{number}-{seen[number]}" for number in numbers]}
        return self.client.post("/folder", data=form)

    def sign(self, run: httpx.Response, password: str = PASSWORD) -> httpx.Response:
        """Accept what is asked, and release."""
        form = {
            "csrf": csrf_of(run),
            "accepted": _ACCEPTED.findall(run.text),
            "password": password,
        }
        return self.client.post(f"{run.url.path}/sign", data=form)

    def say(self, run: httpx.Response, verb: str, **form: str) -> httpx.Response:
        """Answer a question of a go, or give it up."""
        turn = _TURN.search(run.text)
        shown = {"csrf": csrf_of(run), "turn": turn[1] if turn else ""}
        return self.client.post(f"{run.url.path}/{verb}", data={**shown, **form})

    def until(self, run: httpx.Response, words: str) -> httpx.Response:
        """Look again until the page says so: after each event of its stream."""
        after, silent = 0, 0
        while silent < SILENT_MOST:
            page = self.client.get(run.url.path)
            if words in page.text:
                return page
            silent += 1
            for told in self.stream(run, after=after, beats=BEATS_MOST):
                after = told.id
                if told.kind == "turn":
                    silent = 0
                    break
        raise AssertionError(page.text)

    def stream(self, run: httpx.Response, *, after: int = 0, beats: int = 60) -> Iterator[Told]:
        """The events of a go after one of them, as long as somebody reads them, or it only shows life."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        kind, number = "", 0
        with self.client.stream("GET", f"{run.url.path}/events", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                beats -= line == ": here"
                if not beats:
                    return
                if name == "event":
                    kind = value
                elif name == "id":
                    number = int(value)
                elif name == "data":
                    yield Told(number, kind, json.loads(value))
                    if kind == "end":
                        return

    def results(self, run: httpx.Response) -> dict[int, tuple[str, str]]:
        """What the page says of each: its tone, and the words."""
        page = self.client.get(run.url.path)
        return {int(number): (tone, said) for tone, number, said in _ROW.findall(page.text)}

    def work(self) -> None:
        """Have a worker do what waits."""
        asyncio.run(self.sample.work())


@contextmanager
def folder_of(url: str, sample: Sample, person: str = SIGNER) -> Iterator[Folder]:
    """Somebody's folder, who has signed in."""
    with browsing(url) as client:
        signed_in(client, sample.office, person)
        yield Folder(client, sample)


def bring_to(sample: Sample, state: str, count: int, variant: str, **how: Any) -> list[int]:
    """Declarations that wait in a state."""
    numbers = [sample.submit(variant, **how) for _ in range(count)]
    for _ in range(20):
        elsewhere = [number for number in numbers if sample.request(number).state != state]
        if not elsewhere:
            return numbers
        if not sample.act(elsewhere):
            asyncio.run(sample.run_steps(sample.waiting(*elsewhere)))
    raise AssertionError(sample.request(numbers[0]).state)


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
