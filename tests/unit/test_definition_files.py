"""The packaged definitions say what the office does: who acts, what is marked, what is offered."""

import hashlib
from dataclasses import FrozenInstanceError
from importlib import resources

import pytest

from documents.kinds import KINDS
from workflow.definition import MILESTONES, Catalogue, Definition, DefinitionUnknown, load_folder
from workflow.definition_reader import read
from workflow.names import known_names

CATALOGUE = load_folder(known_names())
SIGNED_HERE = ("A1", "A3", "A4")


def declaration(variant: str) -> Definition:
    return next(one for one in CATALOGUE if (one.key, one.variant) == ("employer-declaration", variant))


def test_all_variants_are_there_and_the_dropped_a2_is_not_offered() -> None:
    assert [(one.key, one.variant, one.version) for one in CATALOGUE] == [
        *(
            ("employer-declaration", *each)
            for each in (("A0", 1), ("A0", 2), ("A1", 1), ("A2", 1), ("A2", 2))
        ),
        *(("employer-declaration", variant, 1) for variant in ("A3", "A4", "A4-DUAL")),
        ("team-action-plan", "N", 1),
        ("team-action-plan", "standard", 2),
    ]
    offered = ["A0", "A1", "A2", "A3", "A4", "A4-DUAL", "N", "standard"]
    assert [one.variant for one in CATALOGUE.offered] == offered
    assert CATALOGUE.get("employer-declaration", "A2").version == 2
    dropped = next(one for one in CATALOGUE if one.status == "dropped")
    with pytest.raises(DefinitionUnknown, match="No longer offered"):
        Catalogue([dropped]).get("employer-declaration", "A2")
    with pytest.raises(DefinitionUnknown, match="There is no process"):
        CATALOGUE.get("employer-declaration", "A9")


def test_the_hash_is_of_the_file_and_finds_it_dropped_or_not() -> None:
    for item in (resources.files("workflow") / "definitions").iterdir():
        sha256_hex = hashlib.sha256(item.read_bytes()).hexdigest()
        found = CATALOGUE.by_hash(sha256_hex)
        assert found.path == item.name
        assert read(found.source, found.path) == found
    with pytest.raises(DefinitionUnknown):
        CATALOGUE.by_hash("0" * 64)


def test_a_definition_cannot_be_changed() -> None:
    definition = declaration("A1")
    with pytest.raises(FrozenInstanceError):
        definition.start = "sign"  # type: ignore[misc]
    with pytest.raises(TypeError):
        definition.states["x"] = definition.states["sign"]  # type: ignore[index]
    with pytest.raises(TypeError):
        del definition.states["sign"].triggers["sign"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_every_definition_sets_all_milestones(definition: Definition) -> None:
    assert definition.milestones == set(MILESTONES) - ({"signed"} if definition.is_unsigned else set())
    assert definition.is_unsigned is (definition.variant == "N")


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_people_edit_every_section_of_the_document_and_nothing_else(definition: Definition) -> None:
    [document] = definition.documents.values()
    edited = {section for state in definition.states.values() for section in state.edits}
    assert edited == set(KINDS[document.kind].model.model_fields)


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_the_fields_are_those_that_the_kind_may_ask_for(definition: Definition) -> None:
    [document] = definition.documents.values()
    kind = KINDS[document.kind]
    examples = [kind.example()] + (
        [kind.example(temporary=True)] if document.kind == "employer_declaration" else []
    )
    asked = {field for data in examples for field in kind.required_signatures(kind.parse(data))}
    assert set(document.signatures) == (set() if definition.is_unsigned else asked)


@pytest.mark.parametrize("variant", SIGNED_HERE)
def test_a_declaration_is_signed_by_others_than_requester_and_manager(variant: str) -> None:
    states = declaration(variant).states
    assert states["review"].not_by == ("request", "manager")
    assert states["sign"].not_by == ("request", "manager")
    assert states["countersign"].not_by == ("request", "sign")
    assert (states["sealing"].field, states["sealing_second"].field) == ("employer", "manager")
    assert (states["sealing"].signs_as, states["sealing_second"].signs_as) == ("sign", "countersign")


def test_the_variants_differ_in_how_they_are_signed() -> None:
    assert {one.variant: one.signing for one in CATALOGUE} == {
        "A0": "paper",
        "A1": "click-seal",
        "A2": "elsewhere",
        "A3": "qualified-remote",
        "A4": "organisation-seal",
        "A4-DUAL": "organisation-seal",
        "N": "unsigned",
        "standard": "approver",
    }


def test_a_click_is_a_consent_with_its_words_in_the_definition() -> None:
    definition = declaration("A1")
    consent = definition.states["sign"].triggers["sign"].consent
    assert consent is not None
    assert set(definition.consents[consent]) == {"en", "nl", "da", "nb"}
    assert len(set(definition.consents[consent].values())) == 4
    assert definition.consent_in(consent, "nl") == ("nl", definition.consents[consent]["nl"])


def test_a_consent_of_an_earlier_release_is_in_english_alone() -> None:
    source = declaration("A1").source
    tables = source[source.index("[consents.click]") : source.index("[documents.")]
    definition = read(source.replace(tables, '[consents]\nclick = "I sign it."\n'), "a1")
    assert set(definition.consents["click"]) == {"en"}
    assert definition.consent_in("click", "da") == ("en", "I sign it.")


def test_paper_asks_people_for_what_happened_outside() -> None:
    states = declaration("A0").states
    assert states["wet_signature"].triggers["signed"].record == ("signed_by", "signed_on")
    assert states["second_wet_signature"].triggers["signed"].record == ("signed_by", "signed_on")
    assert states["posting"].triggers["posted"].record == ("posted_on",)


def test_the_highest_version_is_offered(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("definitions")
    source = declaration("A3").source
    (folder / "a.toml").write_text(source.replace("version = 1", "version = 2"), encoding="utf-8")
    (folder / "b.toml").write_text(source, encoding="utf-8")
    catalogue = load_folder(known_names(), folder)
    assert catalogue.get("employer-declaration", "A3").version == 2
    assert len(catalogue.all) == 2
    assert catalogue.by_hash(declaration("A3").sha256_hex).version == 1
