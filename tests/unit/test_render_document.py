"""Rendering from data: what is drawn, refused, and the same every time."""

import copy
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from documents.errors import UnknownKind
from documents.kinds import KINDS
from documents.layout.letterhead import PALE
from documents.render import SAMPLE_NOTE, SignatureSlot, render
from documents.sheet import DocumentTooLong
from documents.words import UnknownLanguage
from fonts import UnprintableText


def example(kind: str, **choice: Any) -> dict[str, Any]:
    made = KINDS[kind]
    return made.json_of(made.parse(made.example(**choice)))


DECLARATION = example("employer_declaration")
TEMPORARY = example("employer_declaration", temporary=True)
PLAN = example("action_plan", safety=True)


def rendered(kind: str, data: Mapping[str, Any], **changes: Any) -> bytes:
    settings: dict[str, Any] = {
        "number": "2024-000123",
        "verification_code": "K7QF-2MZX-9TRB-LW4C-HD6P-V3NA-YS",
        "issued_on": date(2024, 11, 20),
        "valid_until": date(2025, 2, 20),
        "slots": [SignatureSlot("employer")],
        "archive_timestamp": True,
        "verify_url": "https://example.org/v",
        "note": None,
    }
    return render(kind, data, **settings | changes)


def changed(data: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    result: Any = copy.deepcopy(dict(data))
    target = result
    *steps, last = path.split(".")
    for step in steps:
        target = target[int(step)] if step.isdigit() else target[step]
    target[last] = value
    return result


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
@pytest.mark.parametrize(
    ("kind", "data"),
    [("employer_declaration", TEMPORARY), ("action_plan", PLAN)],
    ids=["declaration", "plan"],
)
def test_the_same_input_gives_the_same_bytes(kind: str, data: dict[str, Any], language: str) -> None:
    first = rendered(kind, data, language=language)
    assert first == rendered(kind, copy.deepcopy(data), language=language)
    reordered = dict(reversed(data.items()))
    assert first == rendered(kind, reordered, language=language)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", "2024-000124"),
        ("verification_code", "AAAA"),
        ("issued_on", date(2024, 11, 21)),
        ("valid_until", None),
        ("slots", [SignatureSlot("employer", "Signed for the employer")]),
        ("slots", [SignatureSlot("employer"), SignatureSlot("manager")]),
        ("archive_timestamp", False),
        ("verify_url", "https://example.com/v"),
        ("note", SAMPLE_NOTE),
        ("language", "nl"),
    ],
)
def test_every_argument_shows_in_the_bytes(name: str, value: object) -> None:
    plain = rendered("employer_declaration", DECLARATION)
    assert rendered("employer_declaration", DECLARATION, **{name: value}) != plain


def test_the_unfilled_manager_and_clerk_parts_may_be_absent() -> None:
    data = {name: part for name, part in DECLARATION.items() if name != "signing"}
    assert rendered("employer_declaration", data).startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("kind", "data", "path", "named"),
    [
        ("employer_declaration", DECLARATION, "employee.name", "employee.name"),
        ("employer_declaration", DECLARATION, "income.lines.1.label", "income.lines.2.label"),
        (
            "employer_declaration",
            DECLARATION,
            "other.supplementary_statement",
            "other.supplementary_statement",
        ),
        ("action_plan", PLAN, "actions.0.follow_up", "actions.1.follow_up"),
        ("action_plan", PLAN, "header.title", "header.title"),
    ],
)
def test_unprintable_text_is_refused_with_its_field(
    kind: str, data: dict[str, Any], path: str, named: str
) -> None:
    with pytest.raises(UnprintableText) as caught:
        rendered(kind, changed(data, path, "王小明"))
    assert caught.value.field == named
    assert str(caught.value).startswith(f"{named}: ")


@pytest.mark.parametrize("name", ["number", "verification_code", "verify_url", "note"])
def test_unprintable_arguments_are_refused_too(name: str) -> None:
    with pytest.raises(UnprintableText) as caught:
        rendered("employer_declaration", DECLARATION, **{name: "Ω"})
    assert caught.value.field == name


@pytest.mark.parametrize("character", ["\t", "\r", "\u200b", "\u202e", "e\u0301"])
def test_characters_without_a_look_of_their_own_are_refused(character: str) -> None:
    with pytest.raises(UnprintableText):
        rendered("employer_declaration", changed(DECLARATION, "employee.name", f"A{character}B"))


def test_markup_in_a_name_is_text_in_the_document() -> None:
    """Nothing of it runs, links or is filled in: what was typed stands there, letter by letter."""
    hostile = '=HYPERLINK("http://evil.example") {{7*7}} <img src=x>'
    made = rendered("employer_declaration", changed(DECLARATION, "employee.name", hostile))
    with closing(PdfDocument(made)) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)
    assert hostile in " ".join(text.split())
    assert b"/URI" not in made
    assert b"/JavaScript" not in made


def test_a_kind_without_a_layout_is_refused() -> None:
    with pytest.raises(UnknownKind):
        rendered("letter", {})


def test_a_language_without_words_is_refused() -> None:
    with pytest.raises(UnknownLanguage):
        rendered("employer_declaration", DECLARATION, language="fr")


def test_a_plan_that_is_too_long_is_refused() -> None:
    action = {
        name: ("word " * 400).strip() if name in {"description", "follow_up", "goal_reached_when"} else value
        for name, value in PLAN["actions"][0].items()
    }
    data = changed(PLAN, "actions", [action] * 40)
    with pytest.raises(DocumentTooLong, match="60 pages"):
        rendered("action_plan", changed(data, "actions", [action | {"continuation": "line\n" * 900}] * 40))


def test_a_declaration_stays_small() -> None:
    assert len(rendered("employer_declaration", TEMPORARY, note=SAMPLE_NOTE)) < 70_000


@pytest.mark.parametrize(
    ("slot", "words", "others"),
    [
        (SignatureSlot("employer"), "Handtekening van de werkgever", "Zegel"),
        (SignatureSlot("employer", sealed=True), "Zegel van de werkgever", "Handtekening"),
        (SignatureSlot("employer", consented=True), "Instemming namens de werkgever", "Handtekening"),
    ],
)
def test_a_seal_and_a_consent_are_not_called_a_signature(
    slot: SignatureSlot, words: str, others: str
) -> None:
    with closing(
        PdfDocument(rendered("employer_declaration", DECLARATION, slots=[slot], language="nl"))
    ) as pdf:
        said = "\n".join(page.get_textpage().get_text_range() for page in pdf)
    assert words in said
    assert others not in said


def test_a_draft_says_so_across_every_page_and_in_no_text_of_it() -> None:
    pdf = rendered("action_plan", PLAN, draft=True, language="nl", slots=[SignatureSlot("approver")])
    with closing(PdfDocument(pdf)) as document:
        assert len(document) > 1
        for page in document:
            word = page.render(grayscale=True).to_numpy().squeeze() == round(255 * PALE)
            rows, columns = (length // 2 for length in word.shape)
            assert word[:rows, columns:].sum() > 10_000, "from corner"
            assert word[rows:, :columns].sum() > 10_000, "to corner"
            text = page.get_textpage().get_text_range()
            lines = [line for line in text.splitlines() if line.strip() == "Concept"]
            assert len(lines) == (1 if "Nummer" in text else 0), "the number alone"
        first = " ".join(document[0].get_textpage().get_text_range().split())
        last = " ".join(document[len(document) - 1].get_textpage().get_text_range().split())
    assert "20 november 2024" not in first + last
    assert "Datum van afgifte" in first
    assert "datum van ondertekening" in first
    assert "datum van ondertekening" in last
