"""Programs that use an office's API in somebody's name, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.proving import PASSWORD, Proving
from workflow.office import Office
from workflow.tokens import SCOPES, ListedToken, Tokens

BASE = "/api/v1"


def tokens_of(office: Office) -> Tokens:
    """The office's tokens, with passwords that cost nothing to hash."""
    proving = Proving(office.store, office.clock)
    return Tokens(office.store, moment=lambda _session: office.clock(), passwords=proving.passwords)


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


@contextmanager
def program(url: str, token: str) -> Iterator[Program]:
    """A program with a token."""
    with Program(base_url=url, headers=bearing(token), trust_env=False, timeout=60) as client:
        yield client
