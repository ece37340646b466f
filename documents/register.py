"""The HR register: what is known about an employee before anybody types anything."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from disk import read_file
from documents.addresses import is_address
from documents.errors import PersonUnknown, RegisterError
from documents.kinds.employer_declaration import last_month_end
from documents.kinds.fields import (
    Amount,
    ChamberNumber,
    Choice,
    Day,
    Line,
    Note,
    Percentage,
    Phone,
    Postcode,
    Section,
    YesNo,
)
from documents.kinds.kind import field_problems, shown_name
from documents.kinds.rule import Evidence, PaySlip

SAMPLE = Path(__file__).parent / "sample" / "hr_register.csv"
"""200 plainly invented people; documents/sample/make_register.py writes it."""

DUTIES = ("manager", "clerk", "signer", "auditor", "administrator")
"""What the register may say that somebody does; workflow/people.py gives roles for each."""

_REGISTER_MAX_BYTES = 50_000_000
_CENT = Decimal("0.01")
_MEND = "Have the register corrected."
_ONE_ROW = "Give every person one row."


class Person(Section):
    """One row of the register. Amounts in euros; variable pay is that of the last twelve months.

    Columns with a default may be left out. What they do not say is not filled in: a person says it.
    """

    person_id: Line
    name: Line
    maiden_name: Line | None = None
    address: Line
    postcode: Postcode
    town: Line
    date_of_birth: Day
    unit: Line
    team: Line
    manager_id: Line | None = None
    duties: Line | None = None
    email: Line | None = None
    phone: Phone | None = None
    function: Line
    in_service_since: Day
    contract: Choice[Literal["permanent", "temporary", "flexible"]]
    starts_on: Day
    ends_on: Day | None = None
    probation: YesNo
    probation_ended: YesNo | None = None
    plan_to_end: YesNo | None = None
    plan_to_end_note: Note | None = None
    reorganisation: YesNo | None = None
    reorganisation_impact: Note | None = None
    director_or_shareholder: YesNo | None = None
    share_percentage: Percentage | None = None
    pay_period: Choice[Literal["month", "four-weeks"]]
    pay: Amount
    ikb: YesNo
    holiday_allowance_percentage: Percentage | None = None
    year_end_allowance_percentage: Percentage | None = None
    fixed_is_unconditional: YesNo | None = None
    irregular_hours: Amount | None = None
    overtime: Amount | None = None
    loan: YesNo | None = None
    loan_principal: Amount | None = None
    wage_garnishment: YesNo | None = None
    wage_garnishment_monthly: Amount | None = None
    employer_name: Line
    employer_address: Line
    employer_postcode: Postcode
    employer_town: Line
    chamber_of_commerce_number: ChamberNumber

    @property
    def pay_slip(self) -> PaySlip:
        """The gross pay of one period."""
        return PaySlip(self.pay, 12 if self.pay_period == "month" else 13)

    def has_duty(self, duty: str) -> bool:
        """Say whether the person is a "manager", "clerk" or "signer", or whatever duty the register names."""
        return duty in (self.duties or "").split()


class Register:
    """All people of the register, in its order."""

    def __init__(self, people: Mapping[str, Person]) -> None:
        self._people = dict(people)

    @classmethod
    def load(cls, path: Path) -> "Register":
        """Read a UTF-8 file of comma-separated values. Raises RegisterError naming line and column."""
        people: dict[str, Person] = {}
        lines: dict[str, int] = {}
        rows = csv.DictReader(io.StringIO(_read(path), newline=""), strict=True)
        try:
            _require_columns(rows.fieldnames or ())
            for row in rows:
                person = _person(row, rows.line_num)
                if person.person_id in people:
                    raise _wrong(rows.line_num, "person_id", "Another line has this id.", _ONE_ROW)
                people[person.person_id] = person
                lines[person.person_id] = rows.line_num
        except csv.Error as error:
            raise RegisterError(
                f"Line {rows.reader.line_num} of the HR register is not well-formed: {error}.",
                hint="Export the register as comma-separated values again.",
            ) from error
        if not people:
            raise RegisterError(
                "The HR register names nobody: there is no line after the first.",
                hint="Export the register with its people.",
            )
        for person in people.values():
            _require_manager(person, people, lines[person.person_id])
        return cls(people)

    def person(self, person_id: str) -> Person:
        """Give one person. Raises PersonUnknown."""
        try:
            return self._people[person_id]
        except KeyError:
            raise PersonUnknown(
                "The HR register holds no person of this id.",
                hint="Look the id up in the register, or give all fields yourself.",
            ) from None

    def knows(self, person_id: str) -> bool:
        """Say whether the register holds this person."""
        return person_id in self._people

    def people(self) -> tuple[Person, ...]:
        """Give everybody."""
        return tuple(self._people.values())

    def evidence(self, person_id: str, *, on: date) -> Evidence:
        """Give what a declaration of a day is compared with. Raises PersonUnknown."""
        person = self.person(person_id)
        return Evidence(register_entry=person, pay_slip=person.pay_slip, issued_on=on)

    def prefill(self, person_id: str, *, on: date, kind: str = "employer_declaration") -> dict[str, Any]:
        """Give the data that the register knows for a document of this kind and day. Raises PersonUnknown."""
        person = self.person(person_id)
        if kind == "employer_declaration":
            return _declaration(person, on)
        if kind == "action_plan":
            workplace = f"{person.employer_address}, {person.employer_town}"
            return {"header": {"team": person.team, "workplace": workplace, "drawn_up_on": on.isoformat()}}
        return {}


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _REGISTER_MAX_BYTES:
            raise RegisterError(
                "The HR register is larger than 50 MB.", hint="Give the file of the people concerned."
            )
        return read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegisterError(f"The HR register {path.name} is not UTF-8.", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise RegisterError(
            f"The HR register {path.name} can't be read: {error.strerror}.",
            hint="Give the path of a readable file.",
        ) from error


def _require_columns(names: Sequence[str]) -> None:
    """Refuse a first line that lacks a column, or names one that there is not."""
    fields = Person.model_fields
    for separator, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            raise RegisterError(
                f"Line 1 of the HR register is parted by {word}, and not by commas.",
                hint="Export the register as comma-separated values.",
            )
    lacking = [name for name, field in fields.items() if field.is_required() and name not in names]
    if lacking:
        raise RegisterError(
            f"Line 1 of the HR register lacks the {_columns(lacking)}.",
            hint="The first line names the columns; docs/how-to/load-your-people.md lists them.",
        )
    strange = [shown_name(name) for name in names if name not in fields]
    if strange:
        raise RegisterError(
            f"Line 1 of the HR register names what is no column: {', '.join(strange[:10])}.",
            hint="Take it out; docs/how-to/load-your-people.md lists the columns.",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RegisterError(
            f"Line 1 of the HR register names twice the {_columns(twice)}.", hint="Take one of them out."
        )


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _person(row: Mapping[str | None, Any], line: int) -> Person:
    if None in row or None in row.values():
        raise RegisterError(
            f"Line {line} of the HR register has more or fewer cells than the first line.",
            hint="Export the register again; cells with a comma stand in quotation marks.",
        )
    try:
        person = Person.model_validate({name: value for name, value in row.items() if value})
    except ValidationError as error:
        problem = field_problems(error)[0]
        raise _wrong(line, problem.field, problem.message) from None
    if person.email is not None and not is_address(person.email):
        raise _wrong(line, "email", "Write one address, like name@example.org.")
    if any(duty not in DUTIES for duty in (person.duties or "").split()):
        raise _wrong(line, "duties", f"Only these are duties, parted by blanks: {', '.join(DUTIES)}.")
    return person


def _require_manager(person: Person, people: Mapping[str, Person], line: int) -> None:
    if person.manager_id == person.person_id:
        raise _wrong(line, "manager_id", "Nobody is their own manager; leave it empty for the head.")
    if person.manager_id is not None and person.manager_id not in people:
        raise _wrong(line, "manager_id", "The register holds no person of this id.")


def _wrong(line: int, column: str, sentence: str, hint: str = _MEND) -> RegisterError:
    return RegisterError(f"Line {line} of the HR register, {column}: {sentence}", hint=hint)


def _declaration(person: Person, on: date) -> dict[str, Any]:
    temporary = person.contract != "permanent"
    data: dict[str, Any] = {
        "employer": {
            "name": person.employer_name,
            "address": person.employer_address,
            "postcode": person.employer_postcode,
            "town": person.employer_town,
            "chamber_of_commerce_number": person.chamber_of_commerce_number,
        },
        "employee": {
            "name": person.name,
            "maiden_name": person.maiden_name,
            "address": person.address,
            "postcode": person.postcode,
            "town": person.town,
            "date_of_birth": person.date_of_birth.isoformat(),
            "in_service_since": person.in_service_since.isoformat(),
            "function": person.function,
        },
        "employment": {
            "contract": person.contract,
            "starts_on": person.starts_on.isoformat(),
            "ends_on": person.ends_on.isoformat() if temporary and person.ends_on else None,
            "probation": person.probation,
            "probation_ended": person.probation_ended,
            "plan_to_end": person.plan_to_end,
            "plan_to_end_note": person.plan_to_end_note,
            "reorganisation": _stated(person.reorganisation, person.reorganisation_impact),
            "reorganisation_impact": person.reorganisation_impact,
            "director_or_shareholder": person.director_or_shareholder,
            "share_percentage": _written(person.share_percentage),
        },
        "income": _income(person, on),
        "other": {
            "loan": _stated(person.loan, person.loan_principal),
            "loan_principal": _written(person.loan_principal),
            "wage_garnishment": _stated(person.wage_garnishment, person.wage_garnishment_monthly),
            "wage_garnishment_monthly": _written(person.wage_garnishment_monthly),
        },
    }
    return {
        section: {name: value for name, value in fields.items() if value is not None}
        for section, fields in data.items()
    }


def _income(person: Person, on: date) -> dict[str, Any]:
    """Percentages are of the gross yearly salary; a choice budget comes split."""
    gross = person.pay * person.pay_slip.periods_a_year
    variable = person.irregular_hours is not None or person.overtime is not None
    return {
        "gross_yearly": _written(gross),
        "holiday_allowance": _share(gross, person.holiday_allowance_percentage),
        "year_end_allowance": _share(gross, person.year_end_allowance_percentage),
        "irregular_hours": _written(person.irregular_hours),
        "overtime": _written(person.overtime),
        "variable_until": last_month_end(on).isoformat() if variable else None,
        "fixed_is_unconditional": person.fixed_is_unconditional,
    }


def _stated(answer: bool | None, detail: object) -> bool | None:
    """The register's yes or no; a detail without it means yes, and neither means nothing."""
    return True if answer is None and detail is not None else answer


def _share(gross: Decimal, percentage: Decimal | None) -> str | None:
    return None if percentage is None else _written(gross * percentage / 100)


def _written(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount.quantize(_CENT))
