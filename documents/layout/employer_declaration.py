"""The layout of an employer declaration: employment and income, stated by the employer for a recipient."""

from collections.abc import Mapping, Sequence
from typing import Any

from documents.labels import CONTRACTS, EXPLAINED, PROSPECTS
from documents.layout.signing_block import Place, Signing
from documents.sheet import HEADING_HEIGHT, HEADING_RULE, WIDTH, Box, Column, Section, Sheet, fields_height
from documents.words import Words, mark

TITLE = mark("Employer declaration")
LABELS: Mapping[str, str] = {
    "employer": mark("Signature of the employer"),
    "manager": mark("Signature of the manager"),
}
_FIXED = {
    "gross_yearly": mark("Gross salary"),
    "holiday_allowance": mark("Holiday allowance"),
    "thirteenth_month": mark("Fixed thirteenth month"),
    "year_end_allowance": mark("Fixed year-end allowance"),
}
_VARIABLE = {
    "irregular_hours": mark("Irregular-hours allowance"),
    "commission": mark("Commission"),
    "overtime": mark("Overtime"),
}
_EXPLAINED = EXPLAINED["employer_declaration"]
Rows = list[tuple[str, str]]


def sender(data: Mapping[str, Any], words: Words) -> tuple[str, tuple[str, ...]]:
    """The employer's name, and the lines under it."""
    employer = data["employer"]
    number = words.text("Chamber of commerce number {number}", number=employer["chamber_of_commerce_number"])
    return employer["name"], (f"{_address(employer)} · {number}",)


def title(data: Mapping[str, Any], words: Words) -> str:  # noqa: ARG001 (every layout answers for its data)
    """The document's title."""
    return words.text(TITLE)


def signers(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that are signed in ink on paper."""
    return ("employer", "manager") if data["employment"]["contract"] == "temporary" else ("employer",)


def draw(
    sheet: Sheet, data: Mapping[str, Any], words: Words, issued: str, places: Sequence[Place]
) -> list[tuple[Place, Box]]:
    """Draw the declaration; gives where its signatures go."""
    _ = words.text
    sheet.beside(
        [
            Section(_("Employer"), _employer(data["employer"], words)),
            Section(_("Employee"), _employee(data["employee"], words)),
        ]
    )
    sheet.heading(_("Employment"))
    sheet.fields(_employment(data["employment"], words))
    if "continuation" in data:
        _continuation(sheet, data["continuation"], words)
    _income(sheet, data["income"], words)
    other = _other(data["other"], words)
    signing = _signing(data.get("signing", {}), words, issued, places)
    statement = data["other"].get("supplementary_statement")
    reasons = [
        (_(_EXPLAINED.get(rule, rule)), reason) for rule, reason in sorted(data.get("reasons", {}).items())
    ]
    # no page of signatures alone: the last section before them comes along
    behind = HEADING_HEIGHT + signing.height
    last = "reasons" if reasons else "statement" if statement else "other"
    sheet.heading(
        _("Loan and garnishment"),
        keep=HEADING_RULE + fields_height(other) + (behind if last == "other" else 0),
    )
    sheet.fields(other)
    if statement:
        sheet.heading(_("Supplementary statement"), keep=44 + (behind if last == "statement" else 0))
        sheet.paragraph(statement)
    if reasons:
        sheet.heading(_("Explanations"), keep=44 + behind)
        sheet.fields(reasons)
    return signing.draw(sheet)


def _address(party: Mapping[str, Any]) -> str:
    return f"{party['address']}, {party['postcode']} {party['town']}"


def _employer(employer: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    return [
        (_("Name"), employer["name"]),
        (_("Address"), _address(employer)),
        (_("Chamber of commerce number"), employer["chamber_of_commerce_number"]),
    ]


def _employee(employee: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    rows = [(_("Name"), employee["name"])]
    if "maiden_name" in employee:
        rows.append((_("Name at birth"), employee["maiden_name"]))
    return [
        *rows,
        (_("Address"), _address(employee)),
        (_("Date of birth"), words.day(employee["date_of_birth"])),
        (_("In service since"), words.day(employee["in_service_since"])),
        (_("Function"), employee["function"]),
    ]


def _employment(employment: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    contract = CONTRACTS[employment["contract"]]
    rows = [
        (_("Contract"), _(contract)),
        (_("Start of the contract"), words.day(employment["starts_on"])),
    ]
    if "ends_on" in employment:
        rows.append((_("End of the contract"), words.day(employment["ends_on"])))
    rows.append((_("Probation agreed"), words.yes_no(employment["probation"])))
    if "probation_ended" in employment:
        rows.append((_("Probation has ended"), words.yes_no(employment["probation_ended"])))
    rows.append((_("Plan to end the employment"), words.yes_no(employment["plan_to_end"])))
    if "plan_to_end_note" in employment:
        rows.append((_("Explanation"), employment["plan_to_end_note"]))
    rows.append((_("Reorganisation announced"), words.yes_no(employment["reorganisation"])))
    if "reorganisation_impact" in employment:
        rows.append((_("Impact on the function"), employment["reorganisation_impact"]))
    rows.append((_("Director or shareholder"), words.yes_no(employment["director_or_shareholder"])))
    if "share_percentage" in employment:
        rows.append((_("Share in the company"), words.percentage(employment["share_percentage"])))
    return rows


def _continuation(sheet: Sheet, continuation: Mapping[str, Any], words: Words) -> None:
    _ = words.text
    sheet.heading(_("Continuation of the employment"), keep=70)
    sheet.paragraph(
        _("What the employer intends if work and organisation stay as they are on the date of issue.")
    )
    prospect = PROSPECTS[continuation["prospect"]]
    rows = [(_("When the contract ends"), _(prospect))]
    if "months" in continuation:
        rows.append((_("For at least"), words.months(continuation["months"])))
    rows.append((_("Changed conditions"), words.yes_no(continuation["changed_conditions"])))
    if "changed_conditions_text" in continuation:
        rows.append((_("Which conditions change"), continuation["changed_conditions_text"]))
    sheet.fields(rows)


def _income(sheet: Sheet, income: Mapping[str, Any], words: Words) -> None:
    _ = words.text
    fixed, variable = _("Fixed"), _("Variable")
    rows = [
        (_(label), kind, words.amount(income[name]))
        for labels, kind in ((_FIXED, fixed), (_VARIABLE, variable))
        for name, label in labels.items()
        if name in income
    ]
    rows += [
        (line["label"], fixed if line["fixed"] else variable, words.amount(line["amount"]))
        for line in income.get("lines", ())
    ]
    sheet.heading(_("Income per year"), keep=17 + 18 * min(len(rows), 8))
    sheet.table(
        [
            Column(_("Part of the income"), WIDTH - 220),
            Column(_("Kind"), 90),
            Column(_("Gross amount in euros"), 130, right=True),
        ],
        rows,
    )
    sheet.fields(_basis(income, words))


def _basis(income: Mapping[str, Any], words: Words) -> Rows:
    """What the amounts rest on."""
    _ = words.text
    rows = []
    if "fixed_is_unconditional" in income:
        unconditional = income["fixed_is_unconditional"]
        rows.append(
            (
                _("Fixed parts"),
                _("Contractual and unconditional") if unconditional else _("Not all unconditional"),
            )
        )
    if "variable_until" in income:
        period = _("The twelve months up to and including {day}", day=words.day(income["variable_until"]))
        rows.append((_("Variable parts"), period))
    return rows


def _other(other: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    rows = [(_("Private loan from the employer"), words.yes_no(other["loan"]))]
    if "loan_principal" in other:
        rows.append((_("Principal"), words.money(other["loan_principal"])))
    if "loan_starts_on" in other:
        rows.append((_("Start of the loan"), words.day(other["loan_starts_on"])))
    if "loan_months" in other:
        rows.append((_("Term of the loan"), words.months(other["loan_months"])))
    if "loan_yearly_payment" in other:
        rows.append((_("Payment per year"), words.money(other["loan_yearly_payment"])))
    rows.append((_("Wage garnishment or assignment"), words.yes_no(other["wage_garnishment"])))
    if "wage_garnishment_monthly" in other:
        rows.append((_("Amount per month"), words.money(other["wage_garnishment_monthly"])))
    if "wage_garnishment_until" in other:
        rows.append((_("Until"), words.day(other["wage_garnishment_until"])))
    return rows


def _signing(signing: Mapping[str, Any], words: Words, issued: str, places: Sequence[Place]) -> Signing:
    _ = words.text
    rows = [(_("For the employer"), signing["name"])] if "name" in signing else []
    day = issued.replace(" ", "\N{NO-BREAK SPACE}")
    rows.append((_("Place and date"), f"{signing['place']}, {day}" if "place" in signing else day))
    phone = signing.get("contact_phone", "").replace(" ", "\N{NO-BREAK SPACE}")
    contact = ", ".join(one for one in (signing.get("contact_name"), phone) if one)
    if contact:
        rows.append((_("Contact for verification"), contact))
    statement = _("The employer declares that this document has been filled in truthfully.")
    return Signing(_("Signing"), statement, rows, places)
