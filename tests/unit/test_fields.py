"""A document's data as fields: each goes into a form and comes back the same, and nothing in it is markup."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from starlette.datastructures import FormData

from documents.errors import FieldProblem
from documents.kinds import KINDS, Evidence, Kind
from languages import LANGUAGES
from tests.html_forms import HtmlForm, form_of_class
from web.cookies import Cookies
from web.field_model import (
    ASKED_WHEN,
    NEEDED_BY_RULE,
    Spec,
    leaves_of,
    parts_of,
    specs_of,
    value_at,
)
from web.fields import every_field, problems_in, sections_of
from web.form_data import changes, data_of, stepped
from web.languages import translations
from web.mistakes import mistakes_of
from web.pages import Pages
from web.typed import read, shown, typed
from wording import Sentence
from workflow.words import process_words

ON = date(2024, 11, 20)
OTHER_VALUES = {
    "line": "Rue d’Exemple 3, <b>Voorbeeld</b> & “Zoon” \\ {{7*7}}",
    "note": "First line.\nSecond line: =1+1\n\n  Fourth, indented.",
    "amount": "1234567.05",
    "percentage": "12.50",
    "day": "2025-03-04",
    "yes-no": False,
    "months": 36,
    "postcode": "1234 AB",
    "number": "01234567",
    "phone": "070 000 0000",
}


def whole(kind: Kind[Any]) -> dict[str, Any]:
    """The example with everything that a kind has."""
    option = {"employer_declaration": "temporary", "action_plan": "safety"}[kind.name]
    data = kind.example(**{option: True})
    data["reasons"] = {rule.id: "Looked into (sample)." for rule in kind.rules if rule.severity == "warning"}
    return kind.json_of(kind.model.model_validate(data))


def first(path: str) -> str:
    """A field in the first row of its lists."""
    return ".".join("1" if step == "n" else step for step in path.split("."))


def fields(kind: Kind[Any]) -> list[tuple[str, Spec]]:
    """Every field that a person fills in."""
    return [(first(path), spec) for path, spec in leaves_of(specs_of(kind.model)) if not spec.is_constant]


TEMPLATE = Pages(trial=False, cookies=Cookies(secure=False))._environment.from_string(
    '{% from "fields.html" import data_form, data_view with context %}'
    '<form class="fields" action="/">{{ data_form(sections) }}</form>{{ data_view(sections) }}'
)


def drawn(kind: Kind[Any], data: dict[str, Any], language: str, **more: Any) -> str:
    """A page with the form and the reading view of the same data."""
    sections = sections_of(kind, data, words=process_words(language), language=language, **more)
    return TEMPLATE.render(sections=sections, _=translations(language).gettext)


def sent(kind: Kind[Any], data: dict[str, Any], language: str, **more: Any) -> HtmlForm:
    return form_of_class(drawn(kind, data, language, editable=list(parts_of(kind)), **more), "fields")


def back(kind: Kind[Any], form: HtmlForm, language: str, **more: Any) -> dict[str, Any]:
    below = {"template": parts_of(kind)["template"].choices[0]}
    return data_of(
        kind, FormData(form.fields), below=below, editable=list(parts_of(kind)), language=language, **more
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_whole_of_a_document_comes_back_from_its_form(kind: Kind[Any], language: str) -> None:
    data = whole(kind)
    assert back(kind, sent(kind, data, language), language) == data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_comes_back_from_its_form(kind: Kind[Any], language: str) -> None:
    """With another value than in the example; and each that is left empty is left out."""
    form = sent(kind, whole(kind), language)
    values = {
        path: spec.choices[-1] if spec.choices else OTHER_VALUES[spec.type] for path, spec in fields(kind)
    }
    for path, spec in fields(kind):
        form.fill(path, typed(spec, values[path], language))
    come = back(kind, form, language)
    for path, spec in fields(kind):
        assert value_at(come, path) == spec.canonical(values[path]) == values[path]
    for path, _ in fields(kind):
        less = sent(kind, come, language)
        less.fill(path, "")
        assert value_at(back(kind, less, language), path) != values[path], path


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_empty_form_is_no_data(kind: Kind[Any]) -> None:
    needed = {name for name, spec in parts_of(kind).items() if spec.needed}
    data = back(kind, sent(kind, {}, "en"), "en")
    del data["template"]
    assert set(data) == needed
    assert not any(data.values())


@pytest.mark.parametrize(
    ("language", "text", "canonical"),
    [
        ("nl", "50.400,00", "50400.00"),
        ("nl", "€ 50.400,00", "50400.00"),
        ("da", "50.400,5 €", "50400.50"),
        ("nb", "50 400,00", "50400.00"),
        ("nb", "1\N{NO-BREAK SPACE}250\N{NARROW NO-BREAK SPACE}400,00 €", "1250400.00"),
        ("en", "€50,400.00", "50400.00"),
        ("en", "50400", "50400.00"),
        ("nl", "1.234", "1.234"),  # two meanings: the model says so
        ("nl", "5 04", "5 04"),
        ("nl", "veel", "veel"),
    ],
)
def test_amounts_are_taken_as_people_write_them(language: str, text: str, canonical: str) -> None:
    spec = leaf("employer_declaration", "income.gross_yearly")
    assert read(spec, text, language) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2024-12-31", "2024-12-31"),
        ("31-12-2024", "2024-12-31"),
        (" 1/2/2024 ", "2024-02-01"),
        ("31.12.2024", "2024-12-31"),
        ("31. 12. 2024", "2024-12-31"),
        ("31. desember 2024", "2024-12-31"),
        ("3 maart 2024", "2024-03-03"),
        ("3 March 2024", "2024-03-03"),
        ("31-02-2024", "31-2-2024"),
        ("next week", "next week"),
        ("31 brumaire 2024", "31 brumaire 2024"),
    ],
)
def test_days_are_taken_as_people_write_them(text: str, canonical: str) -> None:
    assert read(leaf("employer_declaration", "employment.starts_on"), text, "en") == canonical


def test_answers_are_taken_in_the_words_of_the_language() -> None:
    spec = leaf("employer_declaration", "employment.probation")
    assert (read(spec, "Nej", "da"), read(spec, "nei", "nb"), read(spec, "nee", "nl")) == (False,) * 3


def test_values_are_shown_as_the_language_writes_them() -> None:
    amount, day = (
        leaf("employer_declaration", path) for path in ("income.gross_yearly", "employment.starts_on")
    )
    assert [shown(amount, "50400.00", language) for language in ("en", "nl")] == [
        "€50,400.00",
        "€\N{NO-BREAK SPACE}50.400,00",
    ]
    assert [typed(day, "2024-03-01", language) for language in ("en", "nl", "nb")] == [
        "01/03/2024",
        "01-03-2024",
        "01.03.2024",
    ]


def leaf(kind: str, path: str) -> Spec:
    return dict(leaves_of(specs_of(KINDS[kind].model)))[path]


SHOWN = 5
HOSTILE = [  # the first are text like any other; the rest no field takes
    "<img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "{{7*7}}{% raw %}",
    '=HYPERLINK("http://evil.example","x")',
    "</textarea></form><script>alert(1)</script>",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "a\x00b\x1b[2J",
    "\ud800",
    "x" * 100_000,
]


PARTS = [
    pytest.param(kind, part, id=f"{kind.name}-{part}")
    for kind in KINDS.values()
    for part in dict.fromkeys(path.split(".")[0] for path, _ in fields(kind))
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(("kind", "part"), PARTS)
def test_what_is_hostile_comes_out_as_text(kind: Kind[Any], part: str, value: str) -> None:
    """In the form and in the reading view; and the model refuses what does not show, and what is too long."""
    theirs = [(path, spec) for path, spec in fields(kind) if path.split(".")[0] == part]
    form = sent(kind, whole(kind), "en")
    for path, _ in theirs:
        form.fill(path, value)
    come = back(kind, form, "en")
    problems = problems_in(kind, come, "request", Evidence(issued_on=ON))
    page = drawn(kind, come, "en", editable=list(parts_of(kind)), problems=problems)
    assert "<script" not in page
    assert "<img" not in page
    assert '"" autofocus' not in page
    again, named = form_of_class(page, "fields"), {problem.field for problem in problems}
    for path, spec in theirs:
        assert value_at(come, path) == spec.canonical(value)
        if spec.type not in {"yes-no", "choice"}:
            assert again.value(path) in {value, spec.canonical(value)}
        if spec.takes(value):
            assert value in HOSTILE[:SHOWN]
        else:
            assert path in named, path
            assert f'id="f-{path.replace(".", "-")}-told1"' in page


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_problem_stands_at_its_field_and_is_linked(kind: Kind[Any]) -> None:
    """An empty document, one with everything wrong, and each rule at the fields that it names."""
    words, editable = process_words("en"), list(parts_of(kind))
    rules = [
        FieldProblem(first(path), "x", Sentence(f"Wrong: {path}"), "error")
        for path, spec in leaves_of(specs_of(kind.model))
        if not spec.is_constant
    ]
    for data, problems in (
        ({}, problems_in(kind, {}, "final", Evidence())),
        (whole(kind), rules),
    ):
        sections = sections_of(kind, data, words=words, language="en", problems=problems, editable=editable)
        page = drawn(kind, data, "en", problems=problems, editable=editable)
        told = mistakes_of(kind.name, sections, problems, words)
        assert len(told) == len(problems)
        for one in told:
            assert f'id="{one.id}"' in page, one
            assert one.words in page


def test_what_has_no_place_in_the_form_is_told_all_the_same() -> None:
    kind = KINDS["employer_declaration"]
    words, problem = (
        process_words("en"),
        FieldProblem("employer.name", "x", Sentence("It differs."), "warning"),
    )
    sections = sections_of(kind, whole(kind), words=words, language="en", editable=["signing"])
    [told] = mistakes_of(kind.name, sections, [problem], words)
    assert (told.id, told.severity) == ("", "warning")
    assert "It differs." in told.words


def test_a_warning_asks_for_its_reason_there() -> None:
    kind = KINDS["employer_declaration"]
    data = whole(kind)
    del data["reasons"]
    data["income"]["holiday_allowance"] = "1.00"
    problems = problems_in(kind, data, "request", Evidence())
    page = drawn(kind, data, "en", problems=problems, editable=list(parts_of(kind)))
    assert 'href="#f-reasons-holiday-allowance-low"' in page
    form = form_of_class(page, "fields")
    form.fill("reasons.holiday-allowance-low", "Agreed in writing.")
    data = back(kind, form, "en")
    assert data["reasons"] == {"holiday-allowance-low": "Agreed in writing."}
    assert not [one for one in problems_in(kind, data, "request", Evidence()) if one.severity == "warning"]


def test_rows_are_added_and_removed() -> None:
    kind = KINDS["action_plan"]
    form = sent(kind, whole(kind), "en")
    assert {("do", "add:actions"), ("do", "remove:actions.2"), ("do", "add:actions.1.deadlines")} <= set(
        form.buttons
    )
    data = back(kind, form, "en", keep_rows=True)
    assert stepped(kind, data, "add:actions") == "actions.3"
    assert stepped(kind, data, "add:actions.1.deadlines") == "actions.1.deadlines.3"
    again = sent(kind, data, "en")
    assert {"actions.3.focus_area", "actions.3.deadlines.1", "actions.1.deadlines.3"} <= again.names
    assert back(kind, again, "en") == whole(kind)  # empty rows are no rows
    assert stepped(kind, data, "remove:actions.1") == "actions"
    assert [row.get("focus_area") for row in data["actions"]] == ["Administrative burden", None]
    assert stepped(kind, data, "clear:safety") == "safety"
    assert "safety" not in data


@pytest.mark.parametrize(
    "step",
    [
        "",
        "add:",
        "add:header",
        "add:header.title",
        "add:actions.9.deadlines",
        "add:nothing.at.all",
        "add:actions.x.deadlines",
        "remove:actions.0",
        "remove:actions.99999999999999999999",
        "remove:actions.²",
        "remove:header.title",
        "clear:__class__",
        "drop:actions",
    ],
)
def test_no_other_step_does_anything(step: str) -> None:
    kind = KINDS["action_plan"]
    data = whole(kind)
    before = deepcopy(data)
    assert stepped(kind, data, step) == ""
    assert data == before


def test_more_rows_than_a_list_takes_are_told() -> None:
    kind = KINDS["employer_declaration"]
    data = whole(kind)
    data["income"]["lines"] = [{"label": "L", "amount": "1.00", "fixed": True}] * 11
    form = sent(kind, data, "en")
    assert ("do", "add:income.lines") not in form.buttons
    form.fill("income.lines.rows", "999")
    come = back(kind, form, "en")
    assert len(come["income"]["lines"]) == 11
    problems = problems_in(kind, come, "request", Evidence())
    assert [(one.field, one.rule) for one in problems] == [("income.lines", "row-count")]


def test_only_what_may_be_changed_is_read() -> None:
    kind = KINDS["employer_declaration"]
    data = whole(kind)
    form = FormData(
        [("part", "employer"), ("part", "signing"), ("employer.name", "Mine"), ("signing.name", "Me")]
    )
    come = data_of(kind, form, below=data, editable=["signing"], language="en")
    assert come["employer"] == data["employer"]
    assert changes(come, data, ["signing"]) == {"signing": {"name": "Me"}}


def test_a_part_that_is_emptied_is_taken_out() -> None:
    kind = KINDS["employer_declaration"]
    data = whole(kind)
    form = FormData([("part", "continuation"), ("continuation.prospect", "")])
    come = data_of(kind, form, below=data, editable=["continuation"], language="en")
    assert changes(come, data, ["continuation"]) == {"continuation": None}


def test_the_register_and_what_it_was_before_stand_beside_what_differs() -> None:
    kind = KINDS["employer_declaration"]
    data = whole(kind)
    other = deepcopy(data)
    other["income"]["gross_yearly"] = 60000  # however it is written
    other["employee"] |= {"name": "Somebody Else"}
    del other["employee"]["maiden_name"]
    sections = sections_of(kind, data, words=process_words("nl"), language="nl", register=other, before=other)
    told = {field.path: (field.register, field.before) for field in every_field(sections) if field.is_noted}
    money = "€\N{NO-BREAK SPACE}60.000,00"
    assert told == {
        "income.gross_yearly": (money, money),
        "employee.name": ("Somebody Else", "Somebody Else"),
        "employee.maiden_name": (None, "–"),
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_is_asked_only_at_times_are_fields_of_the_kind(kind: Kind[Any]) -> None:
    leaves = dict(leaves_of(specs_of(kind.model)))
    for path, (other, values) in ASKED_WHEN[kind.name].items():
        assert path in leaves or path in parts_of(kind)
        assert values <= {*leaves[other].choices, *(["yes", "no"] if leaves[other].type == "yes-no" else [])}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_rules_need_is_what_they_ask_for(kind: Kind[Any]) -> None:
    """Of a complete document, what the model leaves open but can't be taken out."""
    asked = set()
    for path, spec in leaves_of(specs_of(kind.model)):
        data = whole(kind)
        above, _, name = first(path).rpartition(".")
        holder = value_at(data, above) if above else data
        if spec.needed or not isinstance(holder, dict) or path in ASKED_WHEN[kind.name]:
            continue
        holder.pop(name, None)
        problems = problems_in(kind, data, "final", Evidence())
        if any(one.field == first(path) for one in problems):
            asked.add(path)
    assert {path for path in asked if path not in CONDITIONAL} == NEEDED_BY_RULE[kind.name]


CONDITIONAL = {
    "income.variable_until",  # with variable pay only
    "header.evaluate_on",  # of a safety plan only
}


def test_a_part_that_does_not_apply_is_not_asked() -> None:
    kind = KINDS["employer_declaration"]
    data = kind.example()
    names = [
        one.name
        for one in sections_of(
            kind, data, words=process_words("en"), language="en", editable=["continuation"]
        )
    ]
    assert "continuation" not in names
    temporary = kind.example(temporary=True)
    del temporary["continuation"]
    [part] = [
        one
        for one in sections_of(
            kind, temporary, words=process_words("en"), language="en", editable=["continuation"]
        )
        if one.editable
    ]
    assert part.is_open
