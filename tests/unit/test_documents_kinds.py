from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from documents.errors import FieldProblem, KindProblems, UnknownKind
from documents.kinds import KINDS, Evidence, Kind, PaySlip, kind_named, merged
from documents.kinds.employer_declaration import EmployerDeclaration
from documents.register import SAMPLE, Register

DECLARATION = KINDS["employer_declaration"]
PLAN = KINDS["action_plan"]
EXAMPLES: list[tuple[Kind[Any], dict[str, Any]]] = [
    (DECLARATION, DECLARATION.example()),
    (DECLARATION, DECLARATION.example(temporary=True)),
    (PLAN, PLAN.example()),
    (PLAN, PLAN.example(safety=True)),
]


def problems_of(kind: Kind[Any], data: Any, stage: Any = "final", **known: Any) -> list[tuple[str, str]]:
    try:
        kind.parse(data, stage, Evidence(**known))
    except KindProblems as caught:
        return [(problem.field, problem.rule) for problem in caught.problems]
    return []


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *sections, name = path.split(".")
    part: dict[str, Any] = {name: value}
    for section in reversed(sections):
        part = {section: part}
    return merged(data, part)


@pytest.mark.parametrize(("kind", "data"), EXAMPLES)
def test_examples_pass_every_rule_and_come_back_unchanged(kind: Kind[Any], data: dict[str, Any]) -> None:
    model = kind.parse(data, "final", Evidence(issued_on=date(2024, 11, 20)))
    assert kind.json_of(model) == data
    assert kind.parse(kind.json_of(model)) == model
    assert kind.check(model) == ()


def test_canonical_data_has_amounts_as_strings() -> None:
    model = DECLARATION.parse(changed(DECLARATION.example(), "income.gross_yearly", Decimal("50400")))
    assert DECLARATION.json_of(model)["income"]["gross_yearly"] == "50400.00"


def test_a_temporary_contract_needs_the_manager_to_sign_too() -> None:
    permanent = DECLARATION.parse(DECLARATION.example())
    temporary = DECLARATION.parse(DECLARATION.example(temporary=True))
    assert DECLARATION.required_signatures(permanent) == ("employer",)
    assert DECLARATION.required_signatures(temporary) == ("employer", "manager")
    assert PLAN.required_signatures(PLAN.parse(PLAN.example(safety=True))) == ("approver",)


def test_parts_come_one_after_the_other() -> None:
    whole = DECLARATION.example(temporary=True)
    requested = {name: part for name, part in whole.items() if name not in {"continuation", "signing"}}
    assert problems_of(DECLARATION, requested, "request") == []
    assert problems_of(DECLARATION, requested, "review") == [("continuation", "continuation-missing")]
    reviewed = merged(requested, {"continuation": whole["continuation"]})
    assert problems_of(DECLARATION, reviewed, "review") == []
    assert {rule for _, rule in problems_of(DECLARATION, reviewed, "final")} == {"signing-incomplete"}
    assert problems_of(DECLARATION, merged(reviewed, {"signing": whole["signing"]}), "final") == []


def test_a_warning_is_shown_until_it_has_a_reason_and_refused_at_the_end() -> None:
    low = changed(DECLARATION.example(), "income.holiday_allowance", "10.00")
    model = DECLARATION.parse(low, "review")
    assert [(p.rule, p.severity) for p in DECLARATION.check(model, "review")] == [
        ("holiday-allowance-low", "warning")
    ]
    assert problems_of(DECLARATION, low) == [("income.holiday_allowance", "holiday-allowance-low")]
    settled = merged(low, {"reasons": {"holiday-allowance-low": "Paid out monthly."}})
    assert DECLARATION.check(DECLARATION.parse(settled)) == ()


def test_an_error_can_not_be_reasoned_away() -> None:
    data = changed(DECLARATION.example(), "income.gross_yearly", "0")
    settled = merged(data, {"reasons": {"gross-zero": "A volunteer."}})
    assert ("income.gross_yearly", "gross-zero") in problems_of(DECLARATION, settled)
    assert ("reasons.gross-zero", "reason-without-rule") in problems_of(DECLARATION, settled)


@pytest.mark.parametrize(
    ("gross", "slip", "fits"),
    [
        ("42000.00", PaySlip(Decimal("3500.00"), 12), True),
        ("42000.99", PaySlip(Decimal("3500.00"), 12), True),
        ("42001.01", PaySlip(Decimal("3500.00"), 12), False),
        ("42000.00", PaySlip(Decimal("3500.00"), 13), False),
        ("45500.00", PaySlip(Decimal("3500.00"), 13), True),
    ],
)
def test_the_salary_is_twelve_or_thirteen_pay_slips(gross: str, slip: PaySlip, *, fits: bool) -> None:
    data = changed(DECLARATION.example(), "income.gross_yearly", gross)
    found = problems_of(DECLARATION, data, pay_slip=slip)
    assert (("income.gross_yearly", "pay-slip-differs") not in found) is fits


def test_holiday_allowance_of_exactly_eight_percent_is_enough() -> None:
    data = changed(DECLARATION.example(), "income.gross_yearly", "50000.00")
    assert problems_of(DECLARATION, changed(data, "income.holiday_allowance", "4000.00")) == []
    assert problems_of(DECLARATION, changed(data, "income.holiday_allowance", "3999.99")) != []


def test_the_register_is_compared_by_words_not_by_spelling_of_spaces() -> None:
    register = Register.load(SAMPLE)
    person = register.person("P020")
    data = register.prefill("P020", on=date(2024, 11, 20))
    evidence = register.evidence("P020", on=date(2024, 11, 20))
    loud = changed(data, "employee.function", f"  {person.function.upper()}")
    assert isinstance(DECLARATION.parse(loud, "request", evidence), EmployerDeclaration)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1234", "1234.00"),
        ("1234.5", "1234.50"),
        ("1234,56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        (" 12,00\u00a0", None),
        (1234, "1234.00"),
        (1234.56, "1234.56"),
        (Decimal("0.10"), "0.10"),
        (-0.0, "0.00"),
        ("-0", "0.00"),
        ("1.234", None),
        ("1,234", None),
        ("12.34,56", None),
        ("1e3", None),
        ("\u0661", None),
        ("", None),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("sNaN"), None),
        (Decimal("1e999999"), None),
        (Decimal("1e-999999"), None),
        ("-0.01", None),
        ("0.001", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_amounts(written: Any, amount: str | None) -> None:
    data = changed(PLAN_FREE, "income.commission", written)
    if amount is None and written is not None:
        assert [field for field, _ in problems_of(DECLARATION, data)] == ["income.commission"]
    else:
        income = DECLARATION.json_of(DECLARATION.parse(data))["income"]
        assert income.get("commission") == amount


PLAN_FREE = DECLARATION.example()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-02-29", "2024-02-29"),
        ("29-02-2024", "2024-02-29"),
        ("1-2-2020", "2020-02-01"),
        (date(2020, 2, 1), "2020-02-01"),
        ("2023-02-29", None),
        ("0000-01-01", None),
        ("1899-12-31", None),
        ("2101-01-01", None),
        ("01/02/2020", None),
        ("2020-2-1", None),
        ("2020-02-01T00:00:00", None),
        (20200201, None),
    ],
)
def test_days(written: Any, day: str | None) -> None:
    data = changed(DECLARATION.example(), "other.loan_starts_on", written)
    if day is None:
        assert [field for field, _ in problems_of(DECLARATION, data)] == ["other.loan_starts_on"]
    else:
        assert DECLARATION.json_of(DECLARATION.parse(data))["other"]["loan_starts_on"] == day


def test_html_stays_the_text_that_it_is() -> None:
    html = "<b>36 hours</b> & <img src='x'> {{ 7*7 }} =SUM(A1)"
    model = DECLARATION.parse(changed(DECLARATION.example(), "other.supplementary_statement", html))
    assert model.other.supplementary_statement == html


def test_text_is_brought_to_one_form() -> None:
    data = changed(DECLARATION.example(), "employee.name", " Zoe\u0308\u00a0Voorbeeld ")
    assert DECLARATION.parse(data).employee.name == "Zo\u00eb Voorbeeld"
    note = changed(data, "other.supplementary_statement", "one\r\ntwo\n")
    assert DECLARATION.parse(note).other.supplementary_statement == "one\ntwo"


def test_messages_never_repeat_what_was_typed() -> None:
    secret = "Geheimstraat 111222333"
    data = changed(DECLARATION.example(), "employee.address", secret)
    data = changed(data, "employee.secretgeheim 111222333", "x")
    data = changed(data, "employee.date_of_birth", "geheim")
    data = changed(data, "employment.contract", "geheim")
    data = changed(data, "income.gross_yearly", "geheim")
    with pytest.raises(KindProblems) as caught:
        DECLARATION.parse(data)
    assert len(caught.value.problems) == 5
    assert "111222333" not in f"{caught.value}{caught.value.problems!r}"
    assert "eheim" not in f"{caught.value}"
    assert caught.value.__cause__ is None


def test_every_bad_field_is_named_at_once() -> None:
    found = problems_of(
        DECLARATION, {"income": {"lines": [{"label": ""}]}, "colour": 1, "reasons": {"x": []}}
    )
    assert ("colour", "unknown-field") in found
    assert ("employer", "missing") in found
    assert ("income.lines.1.label", "missing") in found
    assert ("income.lines.1.amount", "missing") in found
    assert ("income.lines", "row-count") not in found
    assert ("reasons.x", "wrong-type") in found


@pytest.mark.parametrize("data", [None, 1, "text", [], [{}], object()])
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_is_no_data_is_a_problem(kind: Kind[Any], data: Any) -> None:
    assert problems_of(kind, data) != []


def test_field_problems_are_shown_as_field_and_sentence() -> None:
    assert str(FieldProblem("a.b", "missing", "Fill in this field.")) == "a.b: Fill in this field."
    assert str(FieldProblem("", "missing", "Fill in this field.")) == "Fill in this field."


def test_an_unknown_kind_is_refused() -> None:
    assert kind_named("action_plan") is PLAN
    with pytest.raises(UnknownKind) as caught:
        kind_named("invoice")
    assert "employer_declaration" in caught.value.hint


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals()
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_any_value_in_any_field_is_taken_whole_or_refused_by_name(
    example: tuple[Kind[Any], dict[str, Any]], data: st.DataObject
) -> None:
    """Whatever stands in a field: our own error, or canonical JSON that gives the same model again."""
    kind, whole = example
    section = data.draw(st.sampled_from(sorted(set(whole) - {"template", "actions"})))
    name = data.draw(st.sampled_from(sorted(whole[section])))
    changed_data = merged(whole, {section: {name: data.draw(ANYTHING)}})
    try:
        model = kind.parse(changed_data, "request")
    except KindProblems:
        return
    again = kind.parse(kind.json_of(model), "request")
    assert again == model
    assert rfc8785.dumps(kind.json_of(again)) == rfc8785.dumps(kind.json_of(model))


@given(st.text(max_size=200))
def test_text_that_is_taken_is_taken_for_good(text: str) -> None:
    data = changed(DECLARATION.example(), "other.supplementary_statement", text)
    try:
        model = DECLARATION.parse(data)
    except KindProblems:
        return
    kept = model.other.supplementary_statement
    again = DECLARATION.parse(changed(DECLARATION.example(), "other.supplementary_statement", kept))
    assert again == model
    assert all(character.isprintable() or character == "\n" for character in kept)
