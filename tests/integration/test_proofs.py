"""Who consents shows anew who they are: what a proof is good for, how passwords are kept, who may try."""

import hashlib
import json
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from documents.register import SAMPLE, Register
from signing.profile import packaged_profiles
from signing.secret import Secret
from tests.databases import Database, only_sqlite
from tests.integration.engine_office import Office
from tests.proving import PASSWORD, QUICK
from workflow.commands import Command
from workflow.errors import NotFound, Refused
from workflow.eventlog import Appender
from workflow.passwords import (
    HASHER,
    REMOVED,
    SET,
    NotAuthenticated,
    PasswordGiven,
    PasswordRefused,
    Passwords,
)
from workflow.people import remove_unneeded, update_people
from workflow.proofs import FRESH, Proof
from workflow.reauthentication import is_asked, prove_by_password
from workflow.tables import Attempts, Base, Body, Event, Grant, PasswordRow, Person, ProofRow, Substitute
from workflow.throttle import FREE, LONGEST_WAIT, Throttle, Throttled, forget_attempts, wait_after

OTHER = Secret("quite another password")


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


@pytest.fixture
def passwords(office: Office) -> Passwords:
    return office.proving.passwords


def proof(office: Office, person: str, *numbers: int) -> Proof:
    seen = {number: office.version(number) or 0 for number in numbers}
    made = office.proving.prove(person, seen)
    assert made is not None
    return made


def signing(office: Office, number: int, shown: Proof | None, actor: str = "signer", **more: Any) -> Command:
    return office.command("sign", actor, number, consent="click", proof=shown, **more)


def codes(office: Office, command: Command) -> list[str]:
    with pytest.raises(Refused) as caught:
        office.engine.execute(command)
    return [reason.code for reason in caught.value.reasons]


def tried(passwords: Passwords, person: str, password: Secret) -> type[Exception] | None:
    try:
        passwords.check(person, password, lambda _session, _now: None)
    except (NotAuthenticated, PasswordGiven, Throttled) as error:
        return type(error)
    return None


# --- what a proof is good for


def test_a_consent_says_which_text_where_when_and_how_it_was_shown_who_did_it(office: Office) -> None:
    number = office.to_sign("A1")
    assert codes(office, signing(office, number, None)) == ["proof-missing"]
    assert codes(office, signing(office, number, Proof("made up"))) == ["proof-unfit"]
    shown = proof(office, "signer", number)
    office.later(seconds=90)
    office.engine.execute(signing(office, number, shown, through="page"))
    body = office.records(number)[-1]["body"]
    words = office.catalogue.by_hash(office.request(number).definition_sha256).consents["click"]["en"]
    digest = hashlib.sha256(unicodedata.normalize("NFC", words).encode("utf-8")).hexdigest()
    assert (body["consent"], body["consent_language"], body["consent_sha256"]) == ("click", "en", digest)
    assert body["consent_through"] == "page"
    assert body["reauthenticated"] == {"method": "password", "at": "2026-11-20T09:00:00.000000Z"}
    assert office.report().ok


def test_a_proof_is_for_its_request_its_person_its_version_and_once(office: Office) -> None:
    number, other = office.to_sign("A1"), office.to_sign("A1")
    earlier = proof(office, "signer", number)
    for each in (number, other):
        office.do("claim", "signer", each)
    elsewhere, theirs = proof(office, "signer", other), proof(office, "signer2", number)
    for unfit in (elsewhere, theirs, earlier):
        assert codes(office, signing(office, number, unfit)) == ["proof-unfit"]
    used = proof(office, "signer", number)
    office.engine.execute(signing(office, number, used))
    with office.store.read() as session:
        assert used.sha256_hex not in session.scalars(select(ProofRow.token_sha256)).all()


def test_a_used_proof_does_not_come_back_with_its_request(office: Office) -> None:
    """Even where somebody puts the request back into the very version that was seen."""
    number = office.to_sign("A1")
    used = proof(office, "signer", number)
    office.engine.execute(signing(office, number, used))
    office.finish(office.deferred.pop(), "failed")
    assert codes(office, signing(office, number, used)) == ["proof-unfit"]


@pytest.mark.parametrize("how", ["late", "changed", "removed", "given"])
def test_a_proof_is_void_once_it_is_old_or_the_password_gone(office: Office, how: str) -> None:
    number = office.to_sign("A1")
    shown, passwords = proof(office, "signer", number), office.proving.passwords
    if how == "late":
        office.now += FRESH + timedelta(seconds=1)
    elif how == "changed":
        passwords.set("signer", OTHER, by="signer", present=PASSWORD)
    elif how == "removed":
        passwords.remove("signer", by="administrator")
    else:
        passwords.set("signer", OTHER, by="administrator")
    assert codes(office, signing(office, number, shown)) == ["proof-unfit"]


def test_what_a_leaver_showed_is_void_also_when_they_come_back(office: Office) -> None:
    number = office.to_sign("A1")
    shown = proof(office, "signer", number)
    with office.store.write() as session:
        grants = [(one.person_id, one.role, one.unit) for one in session.scalars(select(Grant))]
        update_people(session, Register.load(SAMPLE), now=office.now)  # in which nobody of this office is
    with pytest.raises(NotFound):
        office.engine.execute(signing(office, number, shown))
    with office.store.write() as session:
        session.execute(update(Person).values(active=True))
        session.add_all(Grant(person_id=who, role=role, unit=unit) for who, role, unit in grants)
    assert codes(office, signing(office, number, shown)) == ["proof-unfit"]


def test_one_password_is_enough_for_many_requests(office: Office) -> None:
    numbers = [office.to_sign("A1") for _ in range(3)]
    shown = proof(office, "signer", *numbers[:2])
    results = office.engine.execute_batch([signing(office, number, shown) for number in numbers])
    assert [isinstance(one, Refused) for one in results] == [False, False, True]


def test_the_same_command_sent_again_needs_no_other_proof(office: Office) -> None:
    number = office.to_sign("A1")
    command = signing(office, number, proof(office, "signer", number))
    first = office.engine.execute(command)
    assert office.engine.execute(replace(command, proof=None)) == replace(first, repeated=True)


def test_a_substitute_shows_who_they_are_by_their_own_password(office: Office) -> None:
    number = office.to_sign("A1")
    with office.store.write() as session:
        days = {"valid_from": date(2026, 11, 1), "valid_until": date(2026, 11, 30)}
        session.add(Substitute(principal_id="signer", substitute_id="signer2", role="signer", **days))
    of_principal, own = proof(office, "signer", number), proof(office, "signer2", number)
    more = {"actor": "signer2", "on_behalf_of": "signer"}
    assert codes(office, signing(office, number, of_principal, **more)) == ["proof-unfit"]
    office.engine.execute(signing(office, number, own, **more))
    body = office.records(number)[-1]["body"]
    assert (body["actor"], body["on_behalf_of"]) == ("signer2", "signer")
    assert body["reauthenticated"]["method"] == "password"


def test_where_it_is_asked(office: Office) -> None:
    profiles, definition = packaged_profiles(), office.catalogue.get("employer-declaration", "A1")
    click = profiles["click-seal"]
    assert click.reauthenticate
    assert is_asked(definition, profiles=profiles)
    assert not is_asked(definition, profiles={"click-seal": replace(click, reauthenticate=False)})
    assert is_asked(definition, profiles={}), "what is not known is not taken for leave"
    assert not is_asked(office.catalogue.get("employer-declaration", "A3"), profiles=profiles)


def test_a_digest_that_is_not_the_definitions_is_found(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.to_sign("A1")
    monkeypatch.setattr("workflow.moves.consent_sha256", lambda _text: "0" * 64)
    office.fire("sign", "signer", number)
    [finding] = office.report().findings
    assert finding.fault == "impossible"
    assert "is not the one of its definition" in finding.message


# --- who may try how often


def test_who_fails_waits_and_longer_each_time(office: Office, passwords: Passwords) -> None:
    passwords.set("signer", PASSWORD, by="signer")
    elsewhere = Passwords(office.store, moment=lambda _session: office.now, hasher=QUICK)
    assert [tried(passwords, "signer", OTHER) for _ in range(FREE + 1)] == [NotAuthenticated] * (FREE + 1)
    assert tried(elsewhere, "signer", PASSWORD) is Throttled, "all processes count together"
    office.now += wait_after(FREE + 1)
    assert tried(passwords, "signer", OTHER) is NotAuthenticated
    office.now += wait_after(FREE + 1)
    assert tried(passwords, "signer", PASSWORD) is Throttled, "the wait has grown"
    office.now += wait_after(FREE + 2)
    assert tried(passwords, "signer", PASSWORD) is None
    assert [tried(passwords, "signer", OTHER) for _ in range(FREE)] == [NotAuthenticated] * FREE
    assert tried(passwords, "signer", PASSWORD) is None, "what failed before is forgotten"
    waits = [wait_after(failures) for failures in range(40)]
    assert waits == sorted(waits)
    assert max(waits) == LONGEST_WAIT


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(
    office: Office, passwords: Passwords
) -> None:
    passwords.set("signer", PASSWORD, by="signer")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: tried(passwords, "signer", OTHER), range(16)))
    assert results.count(NotAuthenticated) == FREE + 1
    assert results.count(Throttled) == 16 - FREE - 1


class CountingHasher(PasswordHasher):
    """Says by which settings something was hashed."""

    hashed: list[str]

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002 (argon2's name)
        self.hashed.append(str(hash).rsplit("$", 2)[0])
        return super().verify(hash, password)


def test_an_attempt_counts_where_another_one_has_just_succeeded(
    office: Office, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who showed who they are has their earlier failures forgotten: between two looks at them, too."""
    usual, between = Throttle._row_of, [True]

    def row_of(self: Throttle, person: str, *rest: str) -> str:
        whose = usual(self, person, *rest)
        if between.pop() if between else False:
            with office.store.write() as session:
                forget_attempts(session, person)
        return whose

    passwords.set("signer", PASSWORD, by="signer")
    monkeypatch.setattr(Throttle, "_row_of", row_of)
    assert tried(passwords, "signer", OTHER) is NotAuthenticated
    with office.store.read() as session:
        assert session.scalars(select(Attempts.failures).where(Attempts.whose == "signer")).one() == 1


def test_a_password_that_was_replaced_meanwhile_sets_no_other(
    office: Office, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator gives somebody another one because somebody else knows the present one."""
    passwords.set("signer", PASSWORD, by="signer")
    usual = Passwords.check

    def check(self: Passwords, person: str, password: Secret, *rest: Any, **more: Any) -> Any:
        done = usual(self, person, password, *rest, **more)
        with office.store.write() as session:
            row = session.get_one(PasswordRow, "signer")
            row.phc, row.own = QUICK.hash(b"given by an administrator"), False
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "check", check)
        for change in (
            lambda: passwords.set("signer", OTHER, by="signer", present=PASSWORD),
            lambda: passwords.remove("signer", by="signer", present=PASSWORD),
        ):
            with office.store.write() as session:
                session.get_one(PasswordRow, "signer").phc = QUICK.hash(PASSWORD.reveal())
            with pytest.raises(PasswordRefused, match="just set"):
                change()
    assert tried(passwords, "signer", Secret("given by an administrator")) is PasswordGiven


def test_nobody_learns_who_works_here(office: Office) -> None:
    """Unknown, without a password, gone, or another password: the same said, the same done, the same wait."""
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(office.store, moment=lambda _session: office.now, hasher=hasher)
    passwords.set("signer", PASSWORD, by="signer")
    told: dict[str, list[str]] = {}
    for person in ("signer", "clerk", "gone", "nobody-at-all"):
        hasher.hashed = []
        said = []
        for _ in range(FREE + 2):
            with pytest.raises((NotAuthenticated, Throttled)) as caught:
                passwords.check(person, OTHER, lambda _session, _now: None)
            said.append(f"{caught.value} {caught.value.hint}")
        told[person] = [*said, *hasher.hashed]
    assert told["signer"] == told["clerk"] == told["gone"] == told["nobody-at-all"]
    assert len(hasher.hashed) == FREE + 1


def test_names_of_nobody_fill_no_disk(office: Office, passwords: Passwords) -> None:
    for number in range(30):
        tried(passwords, f"nobody{number}", OTHER)
    with office.store.read() as session:
        kept = session.scalars(select(Attempts.whose)).all()
    assert not [one for one in kept if "nobody" in one]
    assert all(len(one) <= 5 for one in kept)


# --- how passwords are kept and who sets them


def test_who_sets_whose(office: Office, passwords: Passwords) -> None:
    for person, by, word in (
        ("signer", "clerk", "sets no password"),
        ("gone", "administrator", "does not work here"),
        ("signer", "nobody", "does not work here"),
    ):
        with pytest.raises(PasswordRefused, match=word):
            passwords.set(person, PASSWORD, by=by)
    passwords.set("signer", PASSWORD, by="signer")
    with pytest.raises(PasswordRefused, match="only who knows it"):
        passwords.set("signer", OTHER, by="signer")
    with pytest.raises(NotAuthenticated):
        passwords.set("signer", OTHER, by="signer", present=OTHER)
    assert tried(passwords, "signer", PASSWORD) is None
    for short in ("short", "aaaaaaaaaaaaaaaaaaaa", "long" * 300, "".join(map(chr, range(0xD800, 0xD820)))):
        with pytest.raises(PasswordRefused, match="no password that is kept"):
            passwords.set("clerk", Secret(short), by="clerk")


def test_what_somebody_else_knows_shows_nobody_who_it_is(office: Office, passwords: Passwords) -> None:
    number = office.to_sign("A1")
    passwords.set("signer", PASSWORD, by="administrator")
    with pytest.raises(PasswordGiven):
        prove_by_password(passwords, "signer", PASSWORD, {number: 1})
    passwords.set("signer", OTHER, by="signer", present=PASSWORD)
    assert tried(passwords, "signer", OTHER) is None
    assert tried(passwords, "signer", PASSWORD) is NotAuthenticated


def test_with_a_person_goes_what_was_kept_of_their_password(office: Office, passwords: Passwords) -> None:
    number = office.to_sign("A1")
    passwords.set("auditor", PASSWORD, by="auditor")
    passwords.set("clerk", PASSWORD, by="clerk")
    proof(office, "auditor", number)
    tried(passwords, "auditor", OTHER)
    with office.store.write() as session:
        update_people(session, Register.load(SAMPLE), now=office.now)
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        assert remove_unneeded(session, log, office.now, ["auditor", "clerk"], at=office.now) == 1
        log.write()
    with office.store.read() as session:
        for column in (PasswordRow.person_id, ProofRow.person_id, Attempts.whose):
            assert "auditor" not in session.scalars(select(column)).all()
        told = session.scalars(select(Body.body).where(Body.body.contains('"person":'))).all()
    assert [json.loads(one or "")["person"] for one in told] == ["clerk"], "whom a request names still"
    assert office.report().ok


def test_an_accent_is_the_same_however_it_was_typed(passwords: Passwords) -> None:
    passwords.set("signer", Secret("cafe\u0301 au lait, two"), by="signer")
    assert tried(passwords, "signer", Secret("caf\u00e9 au lait, two")) is None


def test_a_password_is_hashed_anew_once_the_settings_are_others(office: Office, passwords: Passwords) -> None:
    passwords.set("signer", PASSWORD, by="signer")
    stronger = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    later = Passwords(office.store, moment=lambda _session: office.now, hasher=stronger)
    assert tried(later, "signer", PASSWORD) is None
    with office.store.read() as session:
        kept = session.get_one(PasswordRow, "signer").phc
    assert kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    assert tried(later, "signer", PASSWORD) is None


@only_sqlite
def test_an_office_hashes_at_the_cost_that_is_recommended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source: RFC 9106, 4. Other tests' offices hash at no cost."""
    monkeypatch.setattr("workflow.passwords.HASHER", HASHER)
    usual = Passwords(office.store, moment=lambda _session: office.now)
    usual.set("signer", PASSWORD, by="signer")
    with office.store.read() as session:
        kept = session.get_one(PasswordRow, "signer").phc
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert tried(usual, "signer", PASSWORD) is None


def test_no_secret_is_kept_logged_or_shown(
    office: Office, passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    number = office.to_sign("A1")
    caplog.set_level("DEBUG")
    shown = proof(office, "signer", number)
    tried(passwords, "signer", OTHER)
    command = signing(office, number, shown)
    office.engine.execute(command)
    passwords.set("signer", OTHER, by="signer", present=PASSWORD)
    passwords.remove("signer", by="administrator")
    with office.store.read() as session:
        tables = [str(session.execute(select(table)).all()) for table in Base.metadata.tables.values()]
    for secret in (PASSWORD.reveal(), OTHER.reveal(), shown.token):
        for text in (*tables, caplog.text, repr(command), repr(shown), repr(PASSWORD)):
            assert secret not in text
    with office.store.read() as session:
        query = select(Event.type).where(Event.request_id.is_(None)).order_by(Event.seq)
        assert list(session.scalars(query)) == [SET, SET, REMOVED]
    assert office.report().ok
