"""Tokens of programs: made by their person alone, known by a digest; ended by time, by hand, by leaving."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from documents.register import SAMPLE, Register
from signing.secret import Secret
from tests.databases import Database
from tests.integration.engine_office import Office
from tests.proving import PASSWORD
from workflow.eventlog import Appender
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.people import remove_unneeded, update_people
from workflow.tables import ApiToken, Body, Event, Person
from workflow.tokens import (
    LONGEST,
    MADE,
    MOST,
    READ,
    REVOKED,
    VERIFY,
    TokenRefused,
    Tokens,
    is_formed,
)


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    for person in ("clerk", "colleague", "auditor"):
        office.proving.passwords.set(person, PASSWORD, by=person)
    yield office
    office.store.close()


@pytest.fixture
def tokens(office: Office) -> Tokens:
    return Tokens(office.store, moment=lambda _session: office.now, passwords=office.proving.passwords)


def made(tokens: Tokens, person: str = "clerk", *scopes: str) -> str:
    return tokens.make(person, "nightly import", scopes or [READ], password=PASSWORD)[0]


def bodies(office: Office) -> list[dict[str, object]]:
    with office.store.read() as session:
        query = select(Body.body).join(Event, Event.seq == Body.seq).where(Event.type.in_([MADE, REVOKED]))
        return [json.loads(body) for body in session.scalars(query.order_by(Event.seq)) if body]


def test_a_token_speaks_for_its_person_with_its_scopes(office: Office, tokens: Tokens) -> None:
    bearer = tokens.bearer(made(tokens, "clerk", VERIFY, READ))
    assert bearer is not None
    assert (bearer.person, bearer.scopes) == ("clerk", {READ, VERIFY})
    assert bearer.expires_at == office.now + timedelta(days=90)


def test_a_token_is_known_by_its_form_and_its_checksum(tokens: Tokens) -> None:
    token = made(tokens)
    assert is_formed(token)
    assert len(token) == len("paraaf_") + 49
    assert not is_formed(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert not is_formed(token.removeprefix("paraaf_"))
    assert not is_formed(token.swapcase())
    assert tokens.bearer(token[:20] + "x" + token[21:]) is None


def test_of_a_token_only_its_digest_is_kept(office: Office, tokens: Tokens) -> None:
    token = made(tokens)
    with office.store.read() as session:
        row = session.scalars(select(ApiToken)).one()
        kept = [str(getattr(row, column.name)) for column in ApiToken.table().columns]
    core = token.removeprefix("paraaf_")
    assert not [value for value in kept if core[:10] in value]
    assert core[:10] not in json.dumps(bodies(office))


def test_only_who_knows_the_persons_own_password_makes_one(office: Office, tokens: Tokens) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.make("clerk", "x", [READ], password=Secret("some other password"))
    with pytest.raises(NotAuthenticated):  # who has none
        tokens.make("signer", "x", [READ], password=PASSWORD)
    office.proving.passwords.set("signer", PASSWORD, by="administrator")
    with pytest.raises(PasswordGiven):
        tokens.make("signer", "x", [READ], password=PASSWORD)
    assert not tokens.listed()


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", [READ], 1),
        ("two\nlines", [READ], 1),
        ("x" * 61, [READ], 1),
        ("x", [], 1),
        ("x", ["everything"], 1),
        ("x", [READ], 0),
        ("x", [READ], LONGEST.days + 1),
    ],
)
def test_a_token_without_sense_is_refused(tokens: Tokens, name: str, scopes: list[str], days: int) -> None:
    with pytest.raises(TokenRefused):
        tokens.make("clerk", name, scopes, password=PASSWORD, kept=timedelta(days=days))
    assert not tokens.listed()


def test_a_person_has_so_many_at_most(office: Office, tokens: Tokens) -> None:
    for _ in range(MOST):
        made(tokens)
    with pytest.raises(TokenRefused):
        made(tokens)
    tokens.revoke(tokens.listed()[0].id, by="clerk")
    made(tokens)


def test_a_token_ends_by_time(office: Office, tokens: Tokens) -> None:
    token = made(tokens)
    office.later(days=89, hours=23)
    assert tokens.bearer(token) is not None
    office.later(hours=1)
    assert tokens.bearer(token) is None


def test_a_token_that_ended_long_ago_is_removed_when_another_is_made(office: Office, tokens: Tokens) -> None:
    made(tokens)
    office.later(days=181)
    made(tokens, "colleague")
    assert [one.person for one in tokens.listed()] == ["colleague"]


def test_a_token_is_revoked_by_its_person_or_an_administrator_and_nobody_else(
    office: Office, tokens: Tokens
) -> None:
    first, second = made(tokens), made(tokens)
    older, newer = sorted(one.id for one in tokens.listed())
    for other in ("colleague", "auditor", "gone"):
        with pytest.raises(TokenRefused) as refused:
            tokens.revoke(older, by=other)
        with pytest.raises(TokenRefused) as unknown:
            tokens.revoke(999, by=other)
        assert str(refused.value).replace(str(older), "N") == str(unknown.value).replace("999", "N")
    tokens.revoke(older, by="clerk")
    tokens.revoke(newer, by="administrator")
    assert [tokens.bearer(first), tokens.bearer(second)] == [None, None]
    assert [one["actor"] for one in bodies(office)] == ["clerk", "clerk", "clerk", "administrator"]
    assert office.report().ok


def test_a_token_is_revoked_once(office: Office, tokens: Tokens) -> None:
    made(tokens)
    [one] = tokens.listed()
    assert tokens.revoke(one.id, by="clerk") == tokens.revoke(one.id, by="clerk")
    assert len(bodies(office)) == 2


def test_the_day_of_its_last_use_is_kept_and_no_hour(office: Office, tokens: Tokens) -> None:
    token = made(tokens)
    assert tokens.listed()[0].last_used_on is None
    tokens.bearer(token)
    assert tokens.listed()[0].last_used_on == office.now.date()
    office.later(days=1)
    tokens.bearer(token)
    assert tokens.listed()[0].last_used_on == office.now.date()


def test_whoever_leaves_has_no_token_any_more_also_when_they_come_back(
    office: Office, tokens: Tokens
) -> None:
    office.proving.passwords.set("employee", PASSWORD, by="employee")
    token = made(tokens, "employee")
    with office.store.write() as session:
        update_people(session, Register.load(SAMPLE), now=office.now)  # which knows nobody of these
    assert tokens.bearer(token) is None
    with office.store.write() as session:
        person = session.get_one(Person, "employee")
        person.active, person.left_at = True, None
    assert tokens.bearer(token) is None


def test_with_a_person_go_their_tokens_and_what_the_log_says_of_them(office: Office, tokens: Tokens) -> None:
    made(tokens, "auditor")
    made(tokens, "clerk")
    with office.store.write() as session:
        session.get_one(Person, "auditor").active = False
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        assert remove_unneeded(session, log, office.now, ["auditor"], at=office.now) == 1
        log.write()
    with office.store.read() as session:
        assert session.scalar(select(func.count()).select_from(ApiToken)) == 1
    assert [one["person"] for one in bodies(office)] == ["clerk"]
    assert office.report().ok


def test_what_is_listed_is_never_the_token(tokens: Tokens) -> None:
    token, told = tokens.make("clerk", "nightly import", [READ], password=PASSWORD)
    [listed] = tokens.listed("clerk")
    assert listed == replace(told, last_used_on=None)
    assert token not in repr(listed)
    assert tokens.listed("auditor") == []
