"""`paraaf definitions check|show|mermaid`: what a person and what a program gets to see."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import pytest

import workflow
from cli import definitions
from workflow.definition import Definition, DefinitionRefused, load_folder
from workflow.definition_show import as_json, mermaid, table
from workflow.names import known_names

FOLDER = Path(workflow.__file__).parent / "definitions"
CATALOGUE = load_folder(known_names())


def paraaf(*words: str) -> int:
    parser = argparse.ArgumentParser()
    definitions.add_parser(parser.add_subparsers())
    return definitions.run(parser.parse_args(["definitions", *words]))


def ways(definition: Definition) -> list[tuple[str, str]]:
    return [
        (state.name, branch.to)
        for state in definition.states.values()
        for trigger in state.triggers.values()
        for branch in trigger.branches
    ]


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_the_diagram_has_every_way(definition: Definition) -> None:
    lines = mermaid(definition).splitlines()
    assert lines[0] == "stateDiagram-v2"
    drawn = [re.fullmatch(r"    s_(\w+) --> s_(\w+) : [\w ()/]+", line) for line in lines]
    assert [found.groups() for found in drawn if found] == ways(definition)
    assert f"    [*] --> s_{definition.start}" in lines
    ends = [name for name, state in definition.states.items() if state.end]
    assert [line for line in lines if line.endswith("--> [*]")] == [f"    s_{name} --> [*]" for name in ends]
    declared = {found.group(1) for line in lines if (found := re.search(r'" as s_(\w+)$', line))}
    assert declared == set(definition.states)


@pytest.mark.parametrize("definition", CATALOGUE.all, ids=lambda one: one.label)
def test_the_table_has_a_line_for_every_way_and_every_end(definition: Definition) -> None:
    _, _, rows = table(definition).partition("─\n")
    ends = [name for name, state in definition.states.items() if state.end]
    assert len(rows.splitlines()) == len(ways(definition)) + len(ends)
    assert all(title in table(definition) for title in definition.roles.values())


def test_the_table_says_who_may_not_and_what_is_asked() -> None:
    shown = table(CATALOGUE.get("employer-declaration", "A1"))
    assert re.search(
        r"review +clerk, not by request or manager +approve +rendering +approved +data for final", shown
    )
    assert re.search(r"sign +signer, not by request or manager, named in signing\.name +sign", shown)
    assert re.search(r"countersign when temporary", shown)
    assert re.search(r"sealing +consent click", shown)


def test_check_names_every_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert paraaf("check") == 0
    printed = capsys.readouterr().out.splitlines()
    names = sorted(path.name for path in FOLDER.glob("*.toml"))
    assert sorted(line.split(":")[0] for line in printed) == names
    assert sum("dropped" in line for line in printed) == 1


def test_a_refused_file_is_an_error_for_people_and_a_document_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    source = (FOLDER / "employer-declaration-a1.toml").read_text(encoding="utf-8")
    path.write_text(source.replace('role = "clerk"', 'role = "clark"'), encoding="utf-8")
    with pytest.raises(DefinitionRefused, match="Did you mean 'clerk'"):
        paraaf("check", str(path))
    assert paraaf("check", str(path), "--json") == 1
    refusal = json.loads(capsys.readouterr().out)["refusals"][0]
    assert (refusal["rule"], refusal["state"], refusal["file"]) == ("nobody-responsible", "review", str(path))
    assert isinstance(refusal["line"], int)


def test_one_diagram_stands_alone_and_several_stand_in_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert paraaf("mermaid", str(FOLDER / "team-action-plan.toml")) == 0
    assert capsys.readouterr().out.startswith("stateDiagram-v2\n")
    assert paraaf("mermaid") == 0
    assert capsys.readouterr().out.count("```mermaid\nstateDiagram-v2") == len(CATALOGUE.all)


@pytest.mark.parametrize("what", ["check", "show", "mermaid"])
def test_json_is_one_document_with_stable_keys(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert paraaf(what, "--json") == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed["refusals"] == []
    assert len(printed["definitions"]) == len(CATALOGUE.all)
    for one in printed["definitions"]:
        assert {"key", "variant", "version", "status", "sha256", "file"} <= one.keys()


def test_json_holds_the_rules_of_a_state() -> None:
    states = as_json(CATALOGUE.get("employer-declaration", "A1"))["states"]
    assert states["sign"]["named_in"] == "signing.name"
    state = states["review"]
    assert state["not_by"] == ["request", "manager"]
    assert (state["due"], state["norm"], state["after"]) == ("PT16H", "PT2M", {"PT8H": ["remind"]})
    assert state["triggers"]["return"] == {"branches": [{"to": "manager"}], "remark": True}


def test_a_folder_can_be_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert paraaf("check", str(FOLDER)) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CATALOGUE.all)
