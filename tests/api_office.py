"""Programs that use an office's API in somebody's name, for tests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import fresh
from tests.desk_office import PLAIN, served
from tests.proving import PASSWORD, Proving
from tests.steps_office import Sample
from workflow.office import Office
from workflow.tables import Grant
from workflow.tokens import SCOPES, ListedToken, Tokens

BASE = "/api/v1"
ADMINISTRATOR = "P150"


def tokens_of(office: Office, *, days_ago: int = 0) -> Tokens:
    """The office's tokens, with passwords that cost nothing to hash; as of some days ago."""
    proving, ago = Proving(office.store, office.clock), timedelta(days=days_ago)
    return Tokens(office.store, moment=lambda _session: office.clock() - ago, passwords=proving.passwords)


def made_token(office: Office, person: str, *scopes: str) -> tuple[str, ListedToken]:
    """A token of somebody, for these scopes or for all."""
    passwords = Proving(office.store, office.clock).passwords
    if not passwords.has_one(person):
        passwords.set(person, PASSWORD, by=person)
    return tokens_of(office).make(person, "a test's", scopes or SCOPES, password=PASSWORD)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Program(httpx.Client):
    """A client of the API that sends one token; with its own keys for commands."""

    count = 0

    def command(self, number: int, trigger: str, *, seen: object, **rest: Any) -> httpx.Response:
        """Send a command; `key` is a new one unless it is given."""
        Program.count += 1
        key = rest.pop("key", f"test-{Program.count}")
        headers = {"Idempotency-Key": f'"{key}"', "If-Match": seen if seen == "*" else f'"{seen}"'}
        sent = {"trigger": trigger, **rest}
        return self.post(f"{BASE}/requests/{number}/commands", headers=headers, json=sent)

    def sent(
        self, number: int, path: str, *, pdf: bytes | None = None, seen: object = "*", **body: Any
    ) -> httpx.Response:
        """Post to an address of a request, with a new key: a file, or JSON."""
        Program.count += 1
        key = body.pop("key", f"test-{Program.count}")
        headers = {"Idempotency-Key": f'"{key}"', "If-Match": seen if seen == "*" else f'"{seen}"'}
        address = f"{BASE}/requests/{number}{path}"
        if pdf is not None:
            return self.post(address, headers={**headers, "Content-Type": "application/pdf"}, content=pdf)
        return self.post(address, headers=headers, json=body or None)


@contextmanager
def program(url: str, token: str) -> Iterator[Program]:
    """A program with a token."""
    with Program(base_url=url, headers=bearing(token), trust_env=False, timeout=60, verify=PLAIN) as client:
        yield client


@dataclass(frozen=True)
class Desked:
    """An office that is served, with one request that was delivered, and a token of each who asks."""

    url: str
    sample: Sample
    requester: str
    delivered: int
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, person: str) -> str:
        if person not in self.tokens:
            self.tokens[person] = made_token(self.sample.office, person)[0]
        return self.tokens[person]


@contextmanager
def opened(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Desked]:
    """An office on a kind of database."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    with fresh(kind, data, request) as database:
        sample = Sample.open(data, database.environ)
        with sample.office.store.write() as session:
            session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        with AuthorityServer(sample.office.authority.folder):
            delivered = sample.submit("A4")
            asyncio.run(sample.run_until("delivered", delivered))
            with served(sample.office) as url:
                yield Desked(url, sample, sample.request(delivered).requester_id, delivered)
        sample.office.close()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer is, in its form."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said: dict[str, Any] = answer.json()
    assert (said["status"], said["code"], said["type"]) == (status, code, f"{BASE}/problems/{code}")
    assert said["title"]
    assert "Traceback" not in answer.text
    return said
