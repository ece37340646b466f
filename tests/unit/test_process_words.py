"""What pages say of a request is said in every language, with no identifier and no English left over."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from documents import labels as documents_labels
from documents.kinds import KINDS
from documents.words import words_in
from languages import LANGUAGES
from signing.profile import packaged_profiles
from tests import catalogues
from wording import Sentence
from workflow import labels
from workflow.calendar import parse_duration
from workflow.definition import load_folder
from workflow.definition_model import DELIVERED, ENDS, FACTS, MILESTONES, RESERVED_VERBS, Definition
from workflow.errors import Reason
from workflow.incidents import ADVICE, ELSE
from workflow.machine import GUARDS, STEPS
from workflow.names import known_names
from workflow.words import ProcessWords, process_words

ROOT = Path(__file__).resolve().parents[2]
OTHERS = tuple(language for language in LANGUAGES if language != "en")
DEFINITIONS = tuple(load_folder(known_names()))
# the same in English and in another language
ALIKE = {
    "Administrator",
    "Auditor",
    "Cause",
    "Leader",
    "Model",
    "Post",
    "Postcode",
    "Scan",
    "Start",
    "Team",
    "Title",
}

every_language = pytest.mark.parametrize("language", OTHERS)
every_definition = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.label)


def translated(here: str, there: str) -> bool:
    """Whether a label is neither empty nor left in English."""
    return bool(there.strip()) and (here != there or here in ALIKE)


def said_of(definition: Definition, words: ProcessWords) -> Iterator[str]:
    """All that is said of a definition."""
    yield words.title(definition)
    yield words.process(definition.key)
    yield words.variant(definition.variant)
    yield from (words.role(definition, role) for role in definition.roles)
    for name, state in definition.states.items():
        yield words.state(definition, name)
        yield words.waits(definition, name)
        yield from (words.trigger(definition, name, trigger) for trigger in state.triggers)
    yield from (words.kind(document.kind) for document in definition.documents.values())


@every_language
@every_definition
def test_all_of_a_definition_has_words(definition: Definition, language: str) -> None:
    pairs = zip(
        said_of(definition, process_words("en")), said_of(definition, process_words(language)), strict=True
    )
    assert not [pair for pair in pairs if not translated(*pair)]


@every_definition
def test_no_name_of_a_definition_is_shown_for_want_of_a_label(definition: Definition) -> None:
    states = set(definition.states)
    assert states <= {*labels.STATES, *labels.RELEASES}
    assert {trigger for state in definition.states.values() for trigger in state.triggers} <= {
        *labels.TRIGGERS,
        *labels.OUTCOMES_OF_STEPS,
    }
    assert definition.title in labels.TITLES
    assert set(definition.roles.values()) <= set(labels.ROLES)
    assert set(definition.roles) <= set(labels.DUTIES)
    assert definition.variant in labels.VARIANTS
    assert definition.key in labels.PROCESSES


def test_where_a_seal_is_released_nobody_is_said_to_sign() -> None:
    by_variant = {one.variant: one for one in DEFINITIONS if one.key == "employer-declaration"}
    words = process_words("nl")
    assert words.state(by_variant["A3"], "sign") == "Ondertekening"
    assert words.state(by_variant["A4"], "sign") == "Vrijgave van het zegel"
    assert words.state(by_variant["A4"], "sealing") == "Document wordt verzegeld"
    assert words.trigger(by_variant["A4"], "sign", "release_seal") == "Zegel vrijgeven"


@every_language
def test_profiles_and_lengths_of_time_have_words(language: str) -> None:
    here, there = process_words("en"), process_words(language)
    for profile in packaged_profiles().values():
        assert profile.title in labels.PROFILES
        assert translated(here.profile(profile.title), there.profile(profile.title))
    for text in ("P1Y", "P3M", "P2W", "P5D", "PT16H", "PT3H30M", "PT1S"):
        assert there.length(parse_duration(text)) not in {"", here.length(parse_duration(text))}
    assert here.length(parse_duration("P3M")) == "3 months"
    assert process_words("nl").length(parse_duration("P1Y")) == "1 jaar"


def test_what_a_person_and_a_program_call_signed_differs() -> None:
    by_variant = {one.variant: one for one in DEFINITIONS if one.key == "employer-declaration"}
    words = process_words("en")
    assert words.trigger(by_variant["A0"], "wet_signature", "signed") == "It is signed"
    assert words.trigger(by_variant["A3"], "sealing", "signed") == "The document is signed"


def event_types() -> list[str]:
    """Those of docs/events.md, which another test holds to the code."""
    table = (ROOT / "docs" / "events.md").read_text().split("## Types\n")[1].split("\n## ")[0]
    return [found for row in table.splitlines() for found in re.findall(r"^\| `([a-z_]+)`", row)]


@every_language
def test_every_closed_list_has_words(language: str) -> None:
    here, there = process_words("en"), process_words(language)
    assert len(event_types()) > 30
    for names, say in (
        (event_types(), "event"),
        (ENDS, "outcome"),
        (MILESTONES, "milestone"),
        (FACTS, "fact"),
        (STEPS, "step"),
        (labels.CHANNELS, "channel"),
        (labels.DUTIES, "duty"),
        ({*GUARDS, DELIVERED}, "condition"),
        (KINDS, "kind"),
    ):
        for name in names:
            assert translated(getattr(here, say)(name), getattr(there, say)(name)), (say, name)
    assert set(event_types()) <= set(labels.EVENTS)
    assert set(RESERVED_VERBS) <= set(labels.TRIGGERS)


def test_an_organisations_own_words_are_shown_as_they_are() -> None:
    words = process_words("nl")
    copied = replace(DEFINITIONS[0], title="Own process")
    assert words.title(copied) == "Own process"
    assert words.state(copied, "second_look") == "Second look"
    assert words.trigger(copied, "second_look", "look_again") == "Look again"
    assert words.role(copied, "archivist") == "Archivist"
    assert words.event("something_new") == "Something new"


# a document's data


def paths(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every dotted name of a kind's data, with the values it may have where there are few."""
    for name, field in model.model_fields.items():
        path = f"{above}{name}"
        inner = plain(field.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from paths(inner, f"{path}.")
            continue
        yield path, get_args(inner) if get_origin(inner) is Literal else ()
        if get_origin(inner) is tuple:
            row = plain(get_args(inner)[0])
            if isinstance(row, type) and issubclass(row, BaseModel):
                yield from paths(row, f"{path}.")


def plain(annotation: Any) -> Any:
    """A type without None and metadata."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
            continue
        options = [option for option in get_args(annotation) if option is not NoneType]
        if NoneType not in get_args(annotation) or len(options) != 1:
            return annotation
        annotation = options[0]


@every_language
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_and_value_has_words(kind: str, language: str) -> None:
    here, there = process_words("en"), process_words(language)
    found = dict(paths(KINDS[kind].model))
    assert set(found) == set(documents_labels.FIELDS[kind])
    for path, values in found.items():
        assert translated(here.field(kind, path), there.field(kind, path)), path
        assert set(values) == set(documents_labels.CHOICES[kind].get(path, {})), path
        for value in values:
            assert translated(here.choice(kind, path, value), there.choice(kind, path, value)), (path, value)
    for section in KINDS[kind].model.model_fields:
        assert section in documents_labels.SECTIONS[kind]
        assert translated(here.section(kind, section), there.section(kind, section)), section
    for path in documents_labels.HELP[kind]:
        assert path in found
        assert translated(here.help(kind, path), there.help(kind, path)), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_calls_a_field_as_the_document_does(language: str) -> None:
    words, documents = process_words(language), words_in(language)
    layouts = "".join(path.read_text() for path in (ROOT / "documents" / "layout").glob("*.py"))
    shared = {
        (kind, path, label)
        for kind, fields in documents_labels.FIELDS.items()
        for path, label in fields.items()
        if f'"{label}"' in layouts
    }
    assert len(shared) > 50
    for kind, path, label in shared:
        assert words.field(kind, path) == documents.text(label)


def test_a_place_in_a_list_is_told_where_many_are_listed() -> None:
    words = process_words("nl")
    assert words.field("action_plan", "actions.2.responsible") == "Verantwoordelijk"
    assert words.place("action_plan", "actions.2.responsible") == "Acties, rij 2: Verantwoordelijk"
    assert words.place("employer_declaration", "income.gross_yearly") == "Inkomen per jaar: Bruto jaarsalaris"
    assert words.field("employer_declaration", "reasons.pay-slip-differs") == "Toelichting: Bruto jaarsalaris"
    assert words.field("employer_declaration", "facts.signed_on") == "Ondertekend op"
    assert words.field("employer_declaration", "remark") == "Opmerking"


def marked_in(room: str, names: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """The texts that are said by these calls in a room, and where; by the source, not by the extractor."""
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = names.get(name)
                if place is not None and len(node.args) > place:
                    text = node.args[place]
                    if isinstance(text, ast.Constant) and isinstance(text.value, str):
                        yield text.value, f"{path.relative_to(ROOT)}:{text.lineno}"


@pytest.mark.parametrize(
    ("domain", "names", "least"),
    [
        (catalogues.DOCUMENTS, {"Sentence": 0, "mark": 0, "Rule": 1, "_broken": 1}, 200),
        (catalogues.PROCESS, {"Sentence": 0, "mark": 0, "for_both": 1}, 300),
    ],
    ids=["documents", "process"],
)
def test_no_text_escapes_its_catalogue(
    domain: catalogues.Domain, names: Mapping[str, int], least: int
) -> None:
    known = {str(message.id) for message in catalogues.template(domain)}
    said = [(text, where) for text, where in marked_in(domain.source.name, names) if text]
    assert len({text for text, _ in said}) > least
    assert not [(text, where) for text, where in said if text not in known]


def test_no_command_is_named_on_pages() -> None:
    for_operators = {ELSE, *ADVICE.values()}  # told as such, beside what is told to everybody
    findings = {f"workflow/{name}.py" for name in ("checkup", "preflight", "unheeded")}
    for message in catalogues.template(catalogues.PROCESS):
        if message.id in for_operators or {path for path, _ in message.locations} <= findings:
            continue
        assert "`" not in str(message.id)
        assert "paraaf" not in str(message.id)


def test_a_sentence_that_several_fields_have_is_said_once() -> None:
    missing = Sentence("Fill in this field.")
    reasons = [Reason("missing", missing, field) for field in ("signing.name", "signing.place")]
    assert process_words("nl").reasons(reasons) == [process_words("nl").reason(reasons[0])]
