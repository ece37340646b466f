"""A seal that two people release: never one of them twice, whoever they stand in for, on both databases."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from certs.serve_authority import AuthorityServer
from tests.databases import Database
from tests.steps_office import CLERK, OTHER_SIGNER, SIGNER, Sample
from workflow.commands import Command
from workflow.errors import Refused
from workflow.tables import Hand

VARIANT, AUDITOR = "A4-DUAL", "P192"


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


@pytest.fixture
def released_once(sample: Sample) -> int:
    """A request whose seal the signer that it names has released."""
    number = sample.submit(VARIANT)
    asyncio.run(sample.run_until("second_release", number))
    return number


def rules(refused: Refused) -> set[str]:
    return {reason.code for reason in refused.reasons}


@pytest.mark.parametrize("temporary", [False, True])
def test_two_people_release_and_it_is_sealed(sample: Sample, temporary: bool) -> None:
    number = sample.submit(VARIANT, temporary=temporary)
    asyncio.run(sample.run_until("delivered", number))
    sample.require_sound([number])
    history = sample.office.engine.show(number, AUDITOR).history
    released = [entry for entry in history if entry.record.get("trigger") == "release_seal"]
    assert len(released) == (4 if temporary else 2)
    assert len({entry.body["actor"] for entry in released[:2] if entry.body}) == 2
    assert len(sample.signatures(number)) == (2 if temporary else 1)


def test_who_released_it_first_cant_release_it_again(sample: Sample, released_once: int) -> None:
    with pytest.raises(Refused) as refused:
        sample.do("release_seal", SIGNER, released_once)
    assert "four-eyes" in rules(refused.value)
    assert sample.request(released_once).state == "second_release"
    assert sample.signatures(released_once) == []


def test_not_as_somebodys_substitute_either(sample: Sample, released_once: int) -> None:
    with pytest.raises(Refused) as refused:
        sample.do("release_seal", SIGNER, released_once, on_behalf_of=OTHER_SIGNER)
    assert "four-eyes" in rules(refused.value)


def test_nor_a_substitute_of_who_released_it(sample: Sample, released_once: int) -> None:
    with pytest.raises(Refused) as refused:
        sample.do("release_seal", OTHER_SIGNER, released_once, on_behalf_of=SIGNER)
    assert "four-eyes" in rules(refused.value)


def test_the_database_refuses_it_too(sample: Sample, released_once: int) -> None:
    with sample.office.store.read() as session:
        hands = [hand for hand in session.scalars(select(Hand)) if hand.request_id == released_once]
        [of_both] = [one for one in hands if {"sign", "second_release"} == set(one.rule.split("|"))]
    again = {"request_id": released_once, "rule": of_both.rule, "person_id": SIGNER}
    again["state"] = "second_release"
    with pytest.raises(IntegrityError), sample.office.store.write() as session:
        session.connection().execute(insert(Hand.table()), [again])


def test_of_many_that_are_released_at_once_ones_own_stay(sample: Sample) -> None:
    numbers = [sample.submit(VARIANT) for _ in range(3)]
    for number in numbers:
        asyncio.run(sample.run_until("sign", number))
    asyncio.run(sample.run_until("second_release", numbers[0]))
    asyncio.run(sample.run_until("second_release", numbers[1]))
    commands = [
        replace(
            Command("release_seal", OTHER_SIGNER, f"batch-{number}", number),
            seen_version=sample.request(number).version,
        )
        for number in numbers
    ]
    told = sample.office.engine.execute_batch(commands)
    assert [isinstance(one, Refused) for one in told] == [False, False, True]  # it is not named in the third
    assert [sample.request(number).state for number in numbers] == ["sealing", "sealing", "sign"]


def test_a_return_makes_the_first_release_void(sample: Sample, released_once: int) -> None:
    sample.do("return", OTHER_SIGNER, released_once, remark="The amount is another one.")
    assert sample.request(released_once).state == "review"
    sample.do("approve", CLERK, released_once)
    asyncio.run(sample.run_until("sign", released_once))
    assert sample.signatures(released_once) == []
    with pytest.raises(Refused):
        sample.do("release_seal", OTHER_SIGNER, released_once)  # it names the other
    asyncio.run(sample.run_until("delivered", released_once))
    sample.require_sound([released_once])
