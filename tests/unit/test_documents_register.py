import io
from datetime import date
from pathlib import Path

import pytest

from documents.errors import PersonUnknown, RegisterError
from documents.intake import read_rows
from documents.kinds import KINDS
from documents.kinds.national_number import holds_national_number
from documents.register import SAMPLE, Register
from documents.sample import make_register

DAYS = [date(2024, 11, 20), date(2026, 2, 28), date(2030, 1, 1)]


@pytest.fixture(scope="module")
def register() -> Register:
    return Register.load(SAMPLE)


def test_the_sample_is_what_its_script_writes() -> None:
    out = io.StringIO(newline="")
    make_register.write(out)
    assert SAMPLE.read_bytes() == out.getvalue().encode()


def test_the_sample_is_plainly_invented(register: Register) -> None:
    people = register.people()
    assert len(people) == 200
    assert all("Voorbeeld" in person.name for person in people)
    assert all("(sample)" in person.employer_name for person in people)
    assert all(person.postcode.startswith("9999 ") for person in people)
    assert not holds_national_number(SAMPLE.read_text(encoding="utf-8"))


def test_the_sample_has_every_case_that_the_rules_speak_of(register: Register) -> None:
    people = register.people()
    assert 45 <= sum(person.contract == "temporary" for person in people) <= 55
    assert {person.contract for person in people} == {"permanent", "temporary", "flexible"}
    assert {person.pay_slip.periods_a_year for person in people} == {12, 13}
    assert any(person.maiden_name for person in people)
    assert any(person.ikb for person in people)
    assert any(person.probation and person.probation_ended for person in people)
    assert any(person.reorganisation_impact for person in people)
    assert any(person.loan_principal for person in people)
    assert any(person.wage_garnishment_monthly for person in people)
    for duty in ("manager", "clerk", "signer"):
        assert sum(person.has_duty(duty) for person in people) >= 2


def test_everybody_but_the_head_has_another_person_as_manager(register: Register) -> None:
    for person in register.people():
        if person.manager_id is None:
            continue
        assert person.manager_id != person.person_id
        assert register.person(person.manager_id).has_duty("manager")
    assert sum(person.manager_id is None for person in register.people()) == 1


@pytest.mark.parametrize("on", DAYS)
def test_a_prefilled_declaration_is_right_the_first_time(register: Register, on: date) -> None:
    kind = KINDS["employer_declaration"]
    for person in register.people():
        evidence = register.evidence(person.person_id, on=on)
        model = kind.parse(register.prefill(person.person_id, on=on), "request", evidence)
        assert kind.check(model, "request", evidence) == ()
        if person.contract != "temporary":
            kind.parse(kind.json_of(model), "review", evidence)


@pytest.mark.parametrize("on", DAYS)
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("submissions.csv", "employer_declaration", 5),
        ("submissions.json", "employer_declaration", 4),
        ("plans.json", "action_plan", 2),
    ],
)
def test_the_sample_submissions_are_taken_whole(
    register: Register, on: date, name: str, kind: str, count: int
) -> None:
    intake = read_rows(SAMPLE.parent / name, kind, on=on, register=register)
    assert intake.problems == ()
    assert len(intake.rows) == count
    assert all(row.reference and row.person_id and not row.warnings for row in intake.rows)


def test_an_unknown_person_is_said_without_the_id(register: Register) -> None:
    with pytest.raises(PersonUnknown) as caught:
        register.prefill("P-secret", on=DAYS[0])
    assert "secret" not in str(caught.value)


def damaged(tmp_path: Path, old: str, new: str) -> Path:
    path = tmp_path / "register.csv"
    text = SAMPLE.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("P002,", "P001,", "Line 3 of the HR register repeats a person_id"),
        ("P003,", "P003,,", "Line 4 of the HR register has more or fewer cells"),
        ("P003,A", 'P003,"A"x', "Line 4 of the HR register is not well-formed"),
        (",four-weeks,", ",fortnight,", "Line 3 of the HR register, pay_period: Choose one of"),
        ("P004,E. Voorbeeld", "P004,111222333", "Line 5 of the HR register, name: This text shows a number"),
        ("person_id,", "person,", "Line 2 of the HR register, person: There is no field of this name"),
    ],
)
def test_a_damaged_register_is_refused_by_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RegisterError) as caught:
        Register.load(damaged(tmp_path, old, new))
    assert said in str(caught.value)
    assert "111222333" not in str(caught.value)


def test_a_register_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(RegisterError):
        Register.load(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"person_id\nZo\xeb\n")
    with pytest.raises(RegisterError):
        Register.load(tmp_path / "latin.csv")
