"""What people call the parts, fields and values of each kind of document, on pages and in PDFs.

This file is long on purpose: it is the list. Its texts are of the same catalogue as the layouts': what a page
calls a field, the document does too. Places in lists are left out of dotted names: "income.lines.label".
"""

from collections.abc import Mapping
from typing import Final

from documents.kinds.paths import is_place
from wording import mark

CONTRACTS: Final = {
    "permanent": mark("Permanent"),
    "temporary": mark("Temporary"),
    "flexible": mark("Flexible (on call or through an agency)"),
}
PROSPECTS: Final = {
    "permanent": mark("Continued as a permanent contract"),
    "temporary": mark("Continued as a temporary contract"),
    "none": mark("Not continued"),
}
EXPLAINED: Final[Mapping[str, Mapping[str, str]]] = {  # kind → rule that takes a reason → what it is about
    "employer_declaration": {
        "address-without-number": mark("Address"),
        "name-differs": mark("Name"),
        "birth-date-differs": mark("Date of birth"),
        "address-differs": mark("Address"),
        "variable-period-not-last": mark("Variable parts"),
        "variable-period-before-service": mark("Variable parts"),
        "holiday-allowance-low": mark("Holiday allowance"),
        "pay-slip-differs": mark("Gross salary"),
    },
    "action_plan": {
        "deadline-far": mark("Deadlines"),
        "safety-plan-late": mark("Previous plan"),
    },
}
SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "employer_declaration": {
        "template": mark("Model"),
        "employer": mark("Employer"),
        "employee": mark("Employee"),
        "employment": mark("Employment"),
        "continuation": mark("Continuation of the employment"),
        "income": mark("Income per year"),
        "other": mark("Loan and garnishment"),
        "signing": mark("Signing"),
        "reasons": mark("Explanations"),
    },
    "action_plan": {
        "template": mark("Model"),
        "header": mark("The plan"),
        "actions": mark("Actions"),
        "safety": mark("The problem"),
        "approval": mark("Approval"),
        "reasons": mark("Explanations"),
    },
}
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "employer_declaration": {
        "template": mark("Model"),
        "employer.name": mark("Name"),
        "employer.address": mark("Address"),
        "employer.postcode": mark("Postcode"),
        "employer.town": mark("Town"),
        "employer.chamber_of_commerce_number": mark("Chamber of commerce number"),
        "employee.name": mark("Name"),
        "employee.maiden_name": mark("Name at birth"),
        "employee.address": mark("Address"),
        "employee.postcode": mark("Postcode"),
        "employee.town": mark("Town"),
        "employee.date_of_birth": mark("Date of birth"),
        "employee.in_service_since": mark("In service since"),
        "employee.function": mark("Function"),
        "employment.contract": mark("Contract"),
        "employment.starts_on": mark("Start of the contract"),
        "employment.ends_on": mark("End of the contract"),
        "employment.probation": mark("Probation agreed"),
        "employment.probation_ended": mark("Probation has ended"),
        "employment.plan_to_end": mark("Plan to end the employment"),
        "employment.plan_to_end_note": mark("Explanation"),
        "employment.reorganisation": mark("Reorganisation announced"),
        "employment.reorganisation_impact": mark("Impact on the function"),
        "employment.director_or_shareholder": mark("Director or shareholder"),
        "employment.share_percentage": mark("Share in the company"),
        "continuation.prospect": mark("When the contract ends"),
        "continuation.months": mark("For at least"),
        "continuation.changed_conditions": mark("Changed conditions"),
        "continuation.changed_conditions_text": mark("Which conditions change"),
        "income.gross_yearly": mark("Gross salary"),
        "income.holiday_allowance": mark("Holiday allowance"),
        "income.thirteenth_month": mark("Fixed thirteenth month"),
        "income.year_end_allowance": mark("Fixed year-end allowance"),
        "income.irregular_hours": mark("Irregular-hours allowance"),
        "income.commission": mark("Commission"),
        "income.overtime": mark("Overtime"),
        "income.variable_until": mark("Last day of the twelve months of variable pay"),
        "income.fixed_is_unconditional": mark("The fixed parts are contractual and unconditional"),
        "income.lines": mark("Other parts of the income"),
        "income.lines.label": mark("Part of the income"),
        "income.lines.amount": mark("Gross amount in euros"),
        "income.lines.fixed": mark("Fixed"),
        "other.loan": mark("Private loan from the employer"),
        "other.loan_principal": mark("Principal"),
        "other.loan_starts_on": mark("Start of the loan"),
        "other.loan_months": mark("Term of the loan"),
        "other.loan_yearly_payment": mark("Payment per year"),
        "other.wage_garnishment": mark("Wage garnishment or assignment"),
        "other.wage_garnishment_monthly": mark("Amount per month"),
        "other.wage_garnishment_until": mark("Until"),
        "other.supplementary_statement": mark("Supplementary statement"),
        "signing.name": mark("Signs for the employer"),
        "signing.place": mark("Place"),
        "signing.contact_name": mark("Contact for verification"),
        "signing.contact_phone": mark("Phone number of the contact"),
        "reasons": mark("Explanations"),
    },
    "action_plan": {
        "template": mark("Model"),
        "header.title": mark("Title"),
        "header.team": mark("Team"),
        "header.workplace": mark("Workplace"),
        "header.subject": mark("Kind of plan"),
        "header.drawn_up_on": mark("Drawn up on"),
        "header.evaluate_on": mark("To be evaluated on"),
        "actions": mark("Actions"),
        "actions.focus_area": mark("Focus area"),
        "actions.description": mark("What will be done"),
        "actions.responsible": mark("Responsible"),
        "actions.deadlines": mark("Deadlines"),
        "actions.follow_up": mark("How it is followed up"),
        "actions.goal_reached_when": mark("The goal is reached when"),
        "actions.continuation": mark("How the work goes on"),
        "safety.nature": mark("Nature of the problem"),
        "safety.severity": mark("Severity"),
        "safety.extent": mark("Extent"),
        "safety.cause": mark("Cause"),
        "safety.sickness_absence": mark("Sickness absence"),
        "safety.previous_plan_on": mark("Previous plan"),
        "safety.employee_representative": mark("Employee representative"),
        "approval.name": mark("Approves the plan"),
        "approval.function": mark("Function"),
        "approval.place": mark("Place"),
        "reasons": mark("Explanations"),
    },
}
CHOICES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "employer_declaration": {
        "template": {"nhg-2024-1": mark("NHG model 2024-1")},
        "employment.contract": CONTRACTS,
        "continuation.prospect": PROSPECTS,
    },
    "action_plan": {
        "template": {"action-plan-1": mark("Action plan, model 1")},
        "header.subject": {
            "general": mark("General"),
            "occupational-safety": mark("Occupational safety"),
        },
    },
}
HELP: Final[Mapping[str, Mapping[str, str]]] = {  # what is often got wrong
    "employer_declaration": {
        "employer.name": mark("The legal name, as the HR register has it: not a trade name."),
        "employer.postcode": mark("Four digits and two letters, like 9999 XX."),
        "employer.chamber_of_commerce_number": mark("Eight digits."),
        "employee.address": mark("With the house number."),
        "employee.postcode": mark("Four digits and two letters, like 9999 XX."),
        "employee.in_service_since": mark("The first day of service, as the HR register has it."),
        "employee.function": mark("As it is on the appointment and in the HR register."),
        "employment.starts_on": mark("Of the present contract: not before the first day of service."),
        "employment.ends_on": mark("A temporary contract always has one, a permanent one never."),
        "employment.probation_ended": mark("No declaration is given during probation."),
        "employment.share_percentage": mark("Only for a director or shareholder."),
        "continuation.months": mark("In months; only where the contract goes on as a temporary one."),
        "income.gross_yearly": mark(
            "Twelve times the gross pay of the pay slip, or thirteen times where pay is four-weekly."
        ),
        "income.holiday_allowance": mark("At least 8% of the gross salary; for less, give the reason."),
        "income.thirteenth_month": mark("Only what is in the contract and unconditional."),
        "income.year_end_allowance": mark(
            "Only what is in the contract and unconditional. An individual choice budget (IKB) is split into"
            " holiday allowance and year-end allowance."
        ),
        "income.irregular_hours": mark("What was paid in the last twelve months."),
        "income.commission": mark("What was paid in the last twelve months."),
        "income.overtime": mark("What was paid in the last twelve months."),
        "income.variable_until": mark("Often the end of last month; at most 92 days ago."),
        "income.lines.label": mark("Never an individual choice budget (IKB) as one amount."),
        "other.loan_months": mark("In months."),
        "other.supplementary_statement": mark("Without a citizen service number (BSN): it is printed."),
        "signing.name": mark("As the person is called here: the declaration waits for them."),
        "signing.contact_phone": mark("With its area code; the recipient may call it."),
    },
    "action_plan": {
        "header.subject": mark("A plan for occupational safety describes the problem, too."),
        "header.evaluate_on": mark("A plan for occupational safety is evaluated within three years."),
        "actions.deadlines": mark("From early to late, each once; not before the plan."),
        "actions.goal_reached_when": mark("Something that everybody can see or count."),
        "safety.previous_plan_on": mark("A new one is made at least every third year."),
        "safety.employee_representative": mark("Approves the plan together with the employer."),
        "approval.name": mark("As the person is called here: the plan waits for them."),
    },
}


def without_places(path: str) -> str:
    """A dotted name without its places in lists: "actions.2.deadlines.1" becomes "actions.deadlines"."""
    return ".".join(step for step in path.split(".") if not is_place(step))


def explained(kind: str, path: str) -> str | None:
    """What the rule is about to which a field gives a reason; None for another field."""
    section, _, rule = path.partition(".")
    return EXPLAINED.get(kind, {}).get(rule) if section == "reasons" else None
