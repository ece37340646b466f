"""The list of requests shows a person exactly what `show` would show them, newest first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.databases import Database
from tests.integration.engine_office import DECLARATION, ELSEWHERE, PEOPLE, PLAN, UNIT, Office, sections
from workflow.commands import Submission
from workflow.errors import NotFound, Refused, SubstitutionRefused
from workflow.listing import RequestFilter
from workflow.substitutes import Substitution, end_substitutions, name_substitute
from workflow.tables import Substitute


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def ids(office: Office, person: str, **wanted: object) -> list[int]:
    found = office.engine.requests(person, RequestFilter(**wanted))  # type: ignore[arg-type]
    return [line.id for line in found]


def fill(office: Office) -> list[int]:
    """Declarations of both units in three variants, and a plan."""
    declarations = [
        office.engine.execute(replace(office.submission(variant), actor=actor)).request_id
        for variant in ("A0", "A3", "A4")
        for actor in ("employee", "outsider")
    ]
    definition = office.catalogue.get(PLAN, "standard")
    data = sections(definition, definition.start)
    plan = office.do("submit", "employee", data=data, submission=Submission(PLAN, "standard"))
    return [*declarations, plan.request_id]


def stand_in(office: Office, principal: str, role: str | None) -> None:
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id=principal,
                substitute_id="colleague",
                role=role,
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )


def test_the_list_and_show_agree_for_everybody(office: Office) -> None:
    numbers = fill(office)
    for principal, role in (
        ("employee", "employee"),
        ("clerk", None),
        ("signer", "clerk"),
        ("auditor", None),
    ):
        stand_in(office, principal, role)
    office.do("withdraw", "outsider", numbers[1])
    some = set()
    for person in PEOPLE:
        shown = []
        for number in sorted(numbers, reverse=True):
            try:
                office.engine.show(number, person)
            except NotFound:
                continue
            shown.append(number)
        assert ids(office, person) == shown, person
        some.add(len(shown))
    assert len(some) > 3  # nobody's, some and all: the comparison compares something


def test_an_auditor_sees_all_and_a_stranger_nothing(office: Office) -> None:
    numbers = fill(office)
    assert ids(office, "auditor") == sorted(numbers, reverse=True)
    assert ids(office, "gone") == []
    assert ids(office, "nobody") == []


def test_the_list_is_narrowed_and_paged(office: Office) -> None:
    numbers = fill(office)
    assert ids(office, "auditor", unit=ELSEWHERE, variant="A3") == [numbers[3]]
    assert ids(office, "auditor", key=PLAN) == [numbers[-1]]
    assert ids(office, "auditor", key=DECLARATION, unit=UNIT) == [numbers[4], numbers[2], numbers[0]]
    office.do("withdraw", "employee", numbers[0])
    assert ids(office, "employee", closed=True) == [numbers[0]]
    assert numbers[0] not in ids(office, "employee", closed=False)
    first = [line.id for line in office.engine.requests("auditor", limit=3)]
    assert first + ids(office, "auditor", below=first[-1]) == sorted(numbers, reverse=True)
    with pytest.raises(Refused):
        office.engine.requests("auditor", limit=0)


def test_a_substitution_is_named_and_ended_on_every_database(office: Office) -> None:
    number = office.submit()
    wanted = Substitution("colleague", "manager", "manager", date(2026, 11, 1), date(2026, 11, 30))
    with office.store.write() as session:
        name_substitute(session, wanted, now=office.now)
    assert ids(office, "colleague") == [number]
    with pytest.raises(SubstitutionRefused), office.store.write() as session:
        name_substitute(session, wanted, now=office.now)
    with office.store.write() as session:
        [ended] = end_substitutions(
            session, "colleague", "manager", None, today=office.now.date(), now=office.now
        )
    assert ended.last == date(2026, 11, 19)
    assert ids(office, "colleague") == []
    assert office.report().ok
