"""The employer declaration: its fields. What they must satisfy together is in employer_declaration_rules.

The date of the declaration is no field: it is the day on which the document is rendered, which the layout
prints. When it was signed, the signature and its timestamp say.
"""

from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field

from documents.kinds.fields import (
    Amount,
    ChamberNumber,
    Choice,
    Day,
    Line,
    Months,
    Note,
    Percentage,
    Phone,
    Postcode,
    Section,
    YesNo,
)
from documents.kinds.kind import Document

TEMPLATE = "nhg-2024-1"
OTHER_LINES_MAX = 10
VALID_MONTHS = 3  # usual among lenders; some take two

# Column names of a Dutch spreadsheet.
DUTCH = {
    "werkgever": "employer.name",
    "kvk-nummer": "employer.chamber_of_commerce_number",
    "naam": "employee.name",
    "geboortenaam": "employee.maiden_name",
    "adres": "employee.address",
    "postcode": "employee.postcode",
    "woonplaats": "employee.town",
    "geboortedatum": "employee.date_of_birth",
    "in dienst sinds": "employee.in_service_since",
    "functie": "employee.function",
    "dienstverband": "employment.contract",
    "begindatum": "employment.starts_on",
    "einddatum": "employment.ends_on",
    "proeftijd": "employment.probation",
    "proeftijd verstreken": "employment.probation_ended",
    "reorganisatie": "employment.reorganisation",
    "bruto jaarsalaris": "income.gross_yearly",
    "vakantietoeslag": "income.holiday_allowance",
    "onregelmatigheidstoeslag": "income.irregular_hours",
    "dertiende maand": "income.thirteenth_month",
    "provisie": "income.commission",
    "eindejaarsuitkering": "income.year_end_allowance",
    "overwerk": "income.overtime",
    "variabel tot en met": "income.variable_until",
    "onderhandse lening": "other.loan",
    "loonbeslag": "other.wage_garnishment",
}


class Employer(Section):
    """Who declares: the legal person, not its trade name."""

    name: Line
    address: Line
    postcode: Postcode
    town: Line
    chamber_of_commerce_number: ChamberNumber


class Employee(Section):
    """About whom."""

    name: Line
    maiden_name: Line | None = None
    address: Line
    postcode: Postcode
    town: Line
    date_of_birth: Day
    in_service_since: Day
    function: Line


class Employment(Section):
    """The appointment as it is today."""

    contract: Choice[Literal["permanent", "temporary", "flexible"]]
    starts_on: Day
    ends_on: Day | None = None
    probation: YesNo
    probation_ended: YesNo | None = None
    plan_to_end: YesNo
    plan_to_end_note: Note | None = None
    reorganisation: YesNo
    reorganisation_impact: Note | None = None
    director_or_shareholder: YesNo
    share_percentage: Percentage | None = None


class Continuation(Section):
    """The manager's part, for temporary contracts: what happens when the contract ends."""

    prospect: Choice[Literal["permanent", "temporary", "none"]]
    months: Months | None = None
    changed_conditions: YesNo
    changed_conditions_text: Note | None = None


class OtherIncome(Section):
    """A free line of income, in euros a year."""

    label: Line
    amount: Amount
    fixed: YesNo


class Income(Section):
    """Euros a year. Variable pay is that of the twelve months up to and including `variable_until`."""

    gross_yearly: Amount
    holiday_allowance: Amount
    thirteenth_month: Amount | None = None
    year_end_allowance: Amount | None = None
    irregular_hours: Amount | None = None
    commission: Amount | None = None
    overtime: Amount | None = None
    variable_until: Day | None = None
    fixed_is_unconditional: YesNo | None = None
    lines: tuple[OtherIncome, ...] | None = Field(default=None, min_length=1, max_length=OTHER_LINES_MAX)


class Other(Section):
    """A private loan from the employer; wage garnishment; the clerk's supplementary statement."""

    loan: YesNo
    loan_principal: Amount | None = None
    loan_starts_on: Day | None = None
    loan_months: Months | None = None
    loan_yearly_payment: Amount | None = None
    wage_garnishment: YesNo
    wage_garnishment_monthly: Amount | None = None
    wage_garnishment_until: Day | None = None
    supplementary_statement: Note | None = None


class Signing(Section):
    """The clerk's part: who signs for the employer and where, and whom the recipient may ask."""

    name: Line | None = None
    place: Line | None = None
    contact_name: Line | None = None
    contact_phone: Phone | None = None


class EmployerDeclaration(Document):
    """A declaration of employment and income, after the public model 2024-1."""

    template: Choice[Literal["nhg-2024-1"]] = "nhg-2024-1"
    employer: Employer
    employee: Employee
    employment: Employment
    continuation: Continuation | None = None
    income: Income
    other: Other
    signing: Signing = Signing()


EMPLOYERS_FIELDS = frozenset(
    {
        *(f"employer.{name}" for name in Employer.model_fields),
        *("employee.in_service_since", "employee.function"),
        *(f"employment.{name}" for name in Employment.model_fields),
        *(f"income.{name}" for name in Income.model_fields),
        *(f"other.{name}" for name in Other.model_fields),
    }
)
"""For these the employer answers. Who they are and where they live, people may correct themselves."""
CLERKS_FIELDS = frozenset({"other.supplementary_statement"})


def last_month_end(day: date) -> date:
    """Give the last day of the month before, where the twelve months of variable pay usually end."""
    return day.replace(day=1) - timedelta(days=1)


def required_signatures(model: EmployerDeclaration) -> tuple[str, ...]:
    """A temporary contract's continuation is signed for a second time, by the manager."""
    return ("employer", "manager") if model.employment.contract == "temporary" else ("employer",)


def example(*, temporary: bool = False, issued_on: date = date(2024, 11, 20)) -> dict[str, Any]:
    """Give the complete data of a plainly invented employee, nearly every optional part filled."""
    data: dict[str, Any] = {
        "template": TEMPLATE,
        "employer": {
            "name": "Ministerie van Voorbeelden (sample)",
            "address": "Voorbeeldplein 1",
            "postcode": "9999 XX",
            "town": "Voorbeeldstad",
            "chamber_of_commerce_number": "00000001",
        },
        "employee": {
            "name": "J. Voorbeeld-Zonnebloem",
            "maiden_name": "Zonnebloem",
            "address": "Proefstraat 12",
            "postcode": "9999 XZ",
            "town": "Voorbeeldstad",
            "date_of_birth": "1986-02-14",
            "in_service_since": "2017-09-01",
            "function": "Policy adviser",
        },
        "employment": {
            "contract": "permanent",
            "starts_on": "2017-09-01",
            "probation": False,
            "plan_to_end": False,
            "reorganisation": True,
            "reorganisation_impact": "The function moves to another directorate; the appointment stays.",
            "director_or_shareholder": False,
        },
        "income": {
            "gross_yearly": "50400.00",
            "holiday_allowance": "4032.00",
            "thirteenth_month": "1200.00",
            "year_end_allowance": "4183.20",
            "irregular_hours": "350.00",
            "overtime": "275.50",
            "commission": "80.00",
            "variable_until": last_month_end(issued_on).isoformat(),
            "fixed_is_unconditional": True,
            "lines": [
                {"label": "Function allowance", "amount": "900.00", "fixed": True},
                {"label": "Stand-by allowance", "amount": "410.25", "fixed": False},
            ],
        },
        "other": {
            "loan": True,
            "loan_principal": "2500.00",
            "loan_starts_on": "2023-03-01",
            "loan_months": 36,
            "loan_yearly_payment": "833.33",
            "wage_garnishment": True,
            "wage_garnishment_monthly": "125.00",
            "wage_garnishment_until": "2025-06-30",
            "supplementary_statement": "The employee works 36 hours a week.",
        },
        "signing": {
            "name": "A. Voorbeeld-Esdoorn",
            "place": "Voorbeeldstad",
            "contact_name": "Personnel desk (sample)",
            "contact_phone": "070 000 0000",
        },
    }
    if temporary:
        data["employment"] |= {
            "contract": "temporary",
            "ends_on": issued_on.replace(year=issued_on.year + 2, day=1).isoformat(),
            "probation": True,
            "probation_ended": True,
        }
        data["continuation"] = {
            "prospect": "temporary",
            "months": 12,
            "changed_conditions": True,
            "changed_conditions_text": "From next year on 32 hours a week.",
        }
    return data
