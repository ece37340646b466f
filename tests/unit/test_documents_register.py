import csv
import io
import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from documents.errors import KindProblems, PersonUnknown, RegisterError
from documents.intake import read_rows
from documents.kinds import KINDS
from documents.kinds.national_number import holds_national_number
from documents.register import DUTIES, SAMPLE, Person, Register
from documents.sample import make_register
from workflow.duties import DUTY_ROLES

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
    assert any(person.has_duty("auditor") for person in people)
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
        ("P002,", "P001,", "Line 3 of the HR register, person_id: Another line has this id."),
        ("P003,", "P003,,", "Line 4 of the HR register has more or fewer cells"),
        ("P003,A", 'P003,"A"x', "Line 4 of the HR register is not well-formed"),
        (",four-weeks,", ",fortnight,", "Line 3 of the HR register, pay_period: Choose one of"),
        ("P004,E. Voorbeeld", "P004,111222333", "Line 5 of the HR register, name: This text shows a number"),
        ("person_id,", "person,", "Line 1 of the HR register lacks the column person_id."),
        ("pay_period,pay,", "period,salary,", "Line 1 of the HR register lacks the columns pay_period, pay."),
        (",overtime,", ",tips,", "Line 1 of the HR register names what is no column: tips."),
        (",overtime,", ",ikb,", "Line 1 of the HR register names twice the column ikb."),
        (",manager signer,", ",boss,", "Line 2 of the HR register, duties: Only these are duties"),
        (
            ",manager signer,",
            ',"manager, signer",',
            "Line 2 of the HR register, duties: Only these are duties",
        ),
        (
            ",P001,",
            ",P999,",
            "Line 3 of the HR register, manager_id: The register holds no person of this id",
        ),
        (",P001,", ",P002,", "Line 3 of the HR register, manager_id: Nobody is their own manager"),
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


def test_a_register_that_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(SAMPLE.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(RegisterError, match="names nobody"):
        Register.load(path)
    path.write_text("", encoding="utf-8")
    with pytest.raises(RegisterError, match="Line 1 of the HR register lacks the columns person_id, name"):
        Register.load(path)


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_register_parted_otherwise_is_told_so(tmp_path: Path, separator: str, word: str) -> None:
    path = tmp_path / "register.csv"
    path.write_text(SAMPLE.read_text(encoding="utf-8").replace(",", separator), encoding="utf-8")
    with pytest.raises(RegisterError, match=f"Line 1 of the HR register is parted by {word}"):
        Register.load(path)


def test_every_duty_gives_roles() -> None:
    assert tuple(DUTY_ROLES) == DUTIES


STATED = {
    "holiday_allowance_percentage": ("income", "holiday_allowance"),
    "year_end_allowance_percentage": ("income", "year_end_allowance"),
    "fixed_is_unconditional": ("income", "fixed_is_unconditional"),
    "plan_to_end": ("employment", "plan_to_end"),
    "reorganisation": ("employment", "reorganisation"),
    "director_or_shareholder": ("employment", "director_or_shareholder"),
    "loan": ("other", "loan"),
    "wage_garnishment": ("other", "wage_garnishment"),
}


def without_columns(tmp_path: Path, names: Collection[str]) -> Register:
    """The sample register, without what these columns say."""
    path = tmp_path / "register.csv"
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        kept = [name for name in rows[0] if name not in names]
        writer = csv.DictWriter(file, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return Register.load(path)


def test_nothing_is_filled_in_that_the_register_does_not_say(tmp_path: Path) -> None:
    silent = without_columns(tmp_path, STATED)
    data = silent.prefill("P020", on=DAYS[0])
    assert all(name not in data[section] for section, name in STATED.values())
    evidence = silent.evidence("P020", on=DAYS[0])
    with pytest.raises(KindProblems) as caught:
        KINDS["employer_declaration"].parse(data, "request", evidence)
    asked = {problem.field for problem in caught.value.problems if problem.rule == "missing"}
    assert asked == {
        "employment.plan_to_end",
        "employment.reorganisation",
        "employment.director_or_shareholder",
        "income.holiday_allowance",
        "other.loan",
        "other.wage_garnishment",
    }


@pytest.mark.parametrize("column", STATED)
def test_what_the_register_says_is_filled_in(register: Register, tmp_path: Path, column: str) -> None:
    section, name = STATED[column]
    assert name in register.prefill("P020", on=DAYS[0])[section]
    assert name not in without_columns(tmp_path, {column}).prefill("P020", on=DAYS[0])[section]


def test_percentages_are_of_the_gross_yearly_salary(register: Register) -> None:
    for person in (register.person("P020"), register.person("P022")):
        income = register.prefill(person.person_id, on=DAYS[0])["income"]
        gross = Decimal(income["gross_yearly"])
        assert gross == person.pay * (13 if person.pay_period == "four-weeks" else 12)
        assert income["holiday_allowance"] == f"{gross * 8 / 100:.2f}"
        assert income["year_end_allowance"] == f"{gross * Decimal('8.3') / 100:.2f}"


def test_an_amount_without_a_yes_means_yes(tmp_path: Path) -> None:
    silent = without_columns(tmp_path, {"loan", "reorganisation"})
    with_loan = next(person for person in silent.people() if person.loan_principal)
    assert silent.prefill(with_loan.person_id, on=DAYS[0])["other"]["loan"] is True


def test_the_how_to_describes_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "load-your-people.md").read_text("utf-8")
    described = re.findall(r"^\| `(\w+)` \| (required|may be left out) \|", page, re.MULTILINE)
    assert described == [
        (name, "required" if field.is_required() else "may be left out")
        for name, field in Person.model_fields.items()
    ]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("name", "Q. Voorbeeld-Ander", "name-differs"),
        ("date_of_birth", "1970-01-01", "birth-date-differs"),
        ("address", "Testplein 999", "address-differs"),
        ("postcode", "9998 XX", "address-differs"),
        ("town", "Elders", "address-differs"),
    ],
)
def test_somebody_elses_facts_need_a_reason(register: Register, field: str, value: str, rule: str) -> None:
    kind = KINDS["employer_declaration"]
    data = register.prefill("P075", on=DAYS[0])
    data["employee"][field] = value
    evidence = register.evidence("P075", on=DAYS[0])
    model = kind.parse(data, "request", evidence)
    [warning] = kind.check(model, "request", evidence)
    assert (warning.field, warning.rule, warning.severity) == (f"employee.{field}", rule, "warning")
    settled = kind.parse({**data, "reasons": {rule: "Moved last week."}}, "request", evidence)
    assert kind.check(settled, "request", evidence) == ()
