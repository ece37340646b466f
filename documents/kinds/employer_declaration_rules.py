"""What must hold in an employer declaration before review: a function for each rule, and the list.

This file is long on purpose: it is the list.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from documents.kinds.employer_declaration import EmployerDeclaration as Declaration
from documents.kinds.rule import Evidence, Rule, Stage, years_later

HOLIDAY_ALLOWANCE_LEAST = Decimal("0.08")  # of the gross yearly salary: the statutory minimum
PAY_SLIP_TOLERANCE = Decimal("1.00")  # euro a year: rounding of twelve or thirteen periods
YOUNGEST_IN_SERVICE = 13  # years: below it, one of two dates is mistyped
VARIABLE_PAY_OLDEST_DAYS = 92  # the twelve months of variable pay end at most a quarter before the issue

_IKB = re.compile(r"\b(ikb|individueel\s+keuze\s*budget|individual\s+choice\s+budget)\b", re.IGNORECASE)


def _same_words(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


# employee and employment


def _too_young_in_service(model: Declaration, _: Evidence) -> Iterator[str]:
    employee = model.employee
    if employee.in_service_since < years_later(employee.date_of_birth, YOUNGEST_IN_SERVICE):
        yield "employee.date_of_birth"


def _starts_before_service(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.starts_on < model.employee.in_service_since:
        yield "employment.starts_on"


def _service_in_future(model: Declaration, evidence: Evidence) -> Iterator[str]:
    if evidence.issued_on and model.employee.in_service_since > evidence.issued_on:
        yield "employee.in_service_since"


def _address_without_number(model: Declaration, _: Evidence) -> Iterator[str]:
    for field, address in (("employer", model.employer.address), ("employee", model.employee.address)):
        if not any(character.isdigit() for character in address):
            yield f"{field}.address"


def _end_missing(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.contract == "temporary" and model.employment.ends_on is None:
        yield "employment.ends_on"


def _end_not_applicable(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.contract == "permanent" and model.employment.ends_on is not None:
        yield "employment.ends_on"


def _end_before_start(model: Declaration, _: Evidence) -> Iterator[str]:
    ends_on = model.employment.ends_on
    if ends_on is not None and ends_on < model.employment.starts_on:
        yield "employment.ends_on"


def _already_ended(model: Declaration, evidence: Evidence) -> Iterator[str]:
    ends_on = model.employment.ends_on
    if ends_on is not None and evidence.issued_on and ends_on < evidence.issued_on:
        yield "employment.ends_on"


def _probation_end_missing(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.probation and model.employment.probation_ended is None:
        yield "employment.probation_ended"


def _probation_running(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.probation and model.employment.probation_ended is False:
        yield "employment.probation_ended"


def _probation_not_applicable(model: Declaration, _: Evidence) -> Iterator[str]:
    if not model.employment.probation and model.employment.probation_ended is not None:
        yield "employment.probation_ended"


def _plan_to_end_note(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.plan_to_end != (model.employment.plan_to_end_note is not None):
        yield "employment.plan_to_end_note"


def _reorganisation_impact(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.reorganisation != (model.employment.reorganisation_impact is not None):
        yield "employment.reorganisation_impact"


def _share_percentage(model: Declaration, _: Evidence) -> Iterator[str]:
    employment = model.employment
    if employment.director_or_shareholder != (employment.share_percentage is not None):
        yield "employment.share_percentage"


# continuation


def _continuation_missing(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.contract == "temporary" and model.continuation is None:
        yield "continuation"


def _continuation_not_applicable(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.employment.contract != "temporary" and model.continuation is not None:
        yield "continuation"


def _continuation_months(model: Declaration, _: Evidence) -> Iterator[str]:
    continuation = model.continuation
    if continuation and (continuation.prospect == "temporary") != (continuation.months is not None):
        yield "continuation.months"


def _changed_conditions_text(model: Declaration, _: Evidence) -> Iterator[str]:
    continuation = model.continuation
    if continuation and continuation.changed_conditions != (continuation.changed_conditions_text is not None):
        yield "continuation.changed_conditions_text"


# income


def _gross_zero(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.income.gross_yearly == 0:
        yield "income.gross_yearly"


def _fixed_not_unconditional(model: Declaration, _: Evidence) -> Iterator[str]:
    if model.income.fixed_is_unconditional is not True:
        yield "income.fixed_is_unconditional"


def _has_variable_pay(model: Declaration) -> bool:
    income = model.income
    amounts = [income.irregular_hours, income.commission, income.overtime]
    amounts += [line.amount for line in income.lines or () if not line.fixed]
    return any(amounts)


def _variable_period_missing(model: Declaration, _: Evidence) -> Iterator[str]:
    if _has_variable_pay(model) and model.income.variable_until is None:
        yield "income.variable_until"


def _variable_period_not_last(model: Declaration, evidence: Evidence) -> Iterator[str]:
    until = model.income.variable_until
    if until is None or evidence.issued_on is None:
        return
    if not 0 <= (evidence.issued_on - until).days <= VARIABLE_PAY_OLDEST_DAYS:
        yield "income.variable_until"


def _variable_period_before_service(model: Declaration, _: Evidence) -> Iterator[str]:
    until = model.income.variable_until
    if until is not None and until < years_later(model.employee.in_service_since, 1):
        yield "income.variable_until"


def _holiday_allowance_low(model: Declaration, _: Evidence) -> Iterator[str]:
    least = (model.income.gross_yearly * HOLIDAY_ALLOWANCE_LEAST).quantize(Decimal("0.01"))
    if model.income.holiday_allowance < least:
        yield "income.holiday_allowance"


def _ikb_as_one_amount(model: Declaration, _: Evidence) -> Iterator[str]:
    for number, line in enumerate(model.income.lines or (), start=1):
        if _IKB.search(line.label):
            yield f"income.lines.{number}.label"


def _ikb_not_split(model: Declaration, evidence: Evidence) -> Iterator[str]:
    if evidence.register_entry is None or not evidence.register_entry.ikb:
        return
    if not model.income.holiday_allowance:
        yield "income.holiday_allowance"
    if not model.income.year_end_allowance:
        yield "income.year_end_allowance"


def _pay_slip_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    slip = evidence.pay_slip
    if slip and abs(model.income.gross_yearly - slip.gross * slip.periods_a_year) > PAY_SLIP_TOLERANCE:
        yield "income.gross_yearly"


# the HR register


def _name_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and not _same_words(model.employee.name, entry.name):
        yield "employee.name"


def _birth_date_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and model.employee.date_of_birth != entry.date_of_birth:
        yield "employee.date_of_birth"


def _address_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    for name in ("address", "postcode", "town") if entry else ():
        if not _same_words(getattr(model.employee, name), getattr(entry, name)):
            yield f"employee.{name}"


def _function_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and not _same_words(model.employee.function, entry.function):
        yield "employee.function"


def _service_start_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and model.employee.in_service_since != entry.in_service_since:
        yield "employee.in_service_since"


def _contract_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and model.employment.contract != entry.contract:
        yield "employment.contract"


def _employer_differs(model: Declaration, evidence: Evidence) -> Iterator[str]:
    entry = evidence.register_entry
    if entry and not _same_words(model.employer.name, entry.employer_name):
        yield "employer.name"


# other, signing


def _loan_fields(model: Declaration, _: Evidence) -> Iterator[str]:
    other = model.other
    if other.loan and other.loan_principal is None:
        yield "other.loan_principal"
    if not other.loan:
        for name in ("loan_principal", "loan_starts_on", "loan_months", "loan_yearly_payment"):
            if getattr(other, name) is not None:
                yield f"other.{name}"


def _garnishment_fields(model: Declaration, _: Evidence) -> Iterator[str]:
    other = model.other
    if other.wage_garnishment and other.wage_garnishment_monthly is None:
        yield "other.wage_garnishment_monthly"
    if not other.wage_garnishment:
        for name in ("wage_garnishment_monthly", "wage_garnishment_until"):
            if getattr(other, name) is not None:
                yield f"other.{name}"


def _signing_incomplete(model: Declaration, _: Evidence) -> Iterator[str]:
    for name in ("name", "place", "contact_name", "contact_phone"):
        if getattr(model.signing, name) is None:
            yield f"signing.{name}"


RULES: tuple[Rule[Declaration], ...] = (
    Rule(
        "too-young-in-service",
        "The date of birth and the first day of service are less than 13 years apart; correct one of them.",
        _too_young_in_service,
    ),
    Rule(
        "service-in-future",
        "The employee has not started yet; a declaration is given from the first day of service on.",
        _service_in_future,
    ),
    Rule(
        "start-before-service",
        "The contract starts before the employee came into service; correct one of the two dates.",
        _starts_before_service,
    ),
    Rule(
        "address-without-number",
        "The address has no house number or box number; add it, or give the reason.",
        _address_without_number,
        severity="warning",
    ),
    Rule("end-missing", "A temporary contract needs the date on which it ends.", _end_missing),
    Rule("end-not-applicable", "A permanent contract has no end date; clear it.", _end_not_applicable),
    Rule(
        "end-before-start", "The contract ends before it starts; correct one of the dates.", _end_before_start
    ),
    Rule(
        "contract-ended",
        "The contract has ended already; no declaration can be given on it.",
        _already_ended,
    ),
    Rule("probation-end-missing", "Say whether the probation has ended.", _probation_end_missing),
    Rule(
        "probation-running",
        "No declaration is given during probation; submit again when it has ended.",
        _probation_running,
    ),
    Rule(
        "probation-not-applicable",
        "There is no probation, so whether it has ended stays empty.",
        _probation_not_applicable,
    ),
    Rule(
        "plan-to-end-note",
        "A plan to end the employment needs a note, and without a plan the note stays empty.",
        _plan_to_end_note,
    ),
    Rule(
        "reorganisation-impact",
        "A reorganisation needs its impact on this employee, and without one the impact stays empty.",
        _reorganisation_impact,
    ),
    Rule(
        "share-percentage",
        "A director or shareholder needs the percentage of the shares; for others it stays empty.",
        _share_percentage,
    ),
    Rule(
        "continuation-missing",
        "A temporary contract needs the manager's declaration of continued employment.",
        _continuation_missing,
        since=Stage.REVIEW,
    ),
    Rule(
        "continuation-not-applicable",
        "Only a temporary contract has a declaration of continued employment; clear it.",
        _continuation_not_applicable,
    ),
    Rule(
        "continuation-months",
        "Continuing temporarily needs the least number of months; otherwise the months stay empty.",
        _continuation_months,
    ),
    Rule(
        "changed-conditions-text",
        "Changed conditions need a text that says which; without changes the text stays empty.",
        _changed_conditions_text,
    ),
    Rule("gross-zero", "The gross yearly salary can't be zero.", _gross_zero),
    Rule(
        "fixed-not-unconditional",
        "Confirm that the fixed amounts are in the contract and unconditional; "
        "move what is not to variable pay.",
        _fixed_not_unconditional,
        since=Stage.REVIEW,
    ),
    Rule(
        "variable-period-missing",
        "Irregular hours, commission, overtime and other variable pay are those of twelve months: "
        "give the last day of these.",
        _variable_period_missing,
    ),
    Rule(
        "variable-period-not-last",
        "Variable pay is that of the last twelve months: they end at most 92 days before the declaration, "
        "and not after it.",
        _variable_period_not_last,
        severity="warning",
    ),
    Rule(
        "variable-period-before-service",
        "The twelve months of variable pay begin before the employee came into service; "
        "say how it was counted.",
        _variable_period_before_service,
        severity="warning",
    ),
    Rule(
        "holiday-allowance-low",
        "The holiday allowance is less than 8 % of the gross yearly salary; correct it, or give the reason.",
        _holiday_allowance_low,
        severity="warning",
    ),
    Rule(
        "ikb-as-one-amount",
        "An individual choice budget (IKB) is never printed as one amount: "
        "split it into holiday allowance and year-end allowance.",
        _ikb_as_one_amount,
    ),
    Rule(
        "ikb-not-split",
        "This employee has an individual choice budget (IKB): "
        "give both the holiday allowance and the year-end allowance.",
        _ikb_not_split,
    ),
    Rule(
        "pay-slip-differs",
        "The gross yearly salary is not twelve times the monthly pay slip "
        "(thirteen times for four-weekly pay); correct it, or give the reason.",
        _pay_slip_differs,
        severity="warning",
    ),
    Rule(
        "name-differs",
        "The name is not the one in the HR register for this person; correct it, or give the reason.",
        _name_differs,
        severity="warning",
    ),
    Rule(
        "birth-date-differs",
        "The date of birth is not the one in the HR register; correct it, or give the reason.",
        _birth_date_differs,
        severity="warning",
    ),
    Rule(
        "address-differs",
        "The employee's address is not the one in the HR register; correct it, or give the reason.",
        _address_differs,
        severity="warning",
    ),
    Rule(
        "function-differs",
        "The function is not the one in the HR register; have the register corrected, or use its wording.",
        _function_differs,
    ),
    Rule(
        "service-start-differs",
        "The first day of service is not the one in the HR register; "
        "have the register corrected, or use its date.",
        _service_start_differs,
    ),
    Rule(
        "contract-differs",
        "The kind of contract is not the one in the HR register; "
        "have the register corrected, or use its kind.",
        _contract_differs,
    ),
    Rule(
        "employer-differs",
        "The employer is not the legal name in the HR register; a trade name can't stand here.",
        _employer_differs,
    ),
    Rule(
        "loan-fields",
        "A private loan from the employer needs its principal; without a loan its fields stay empty.",
        _loan_fields,
    ),
    Rule(
        "garnishment-fields",
        "A wage garnishment needs its amount a month; without one its fields stay empty.",
        _garnishment_fields,
    ),
    Rule(
        "signing-incomplete",
        "Before signing, the clerk gives the signer, the place, and whom the recipient may call.",
        _signing_incomplete,
        since=Stage.FINAL,
    ),
)
