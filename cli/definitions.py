"""`paraaf definitions`: check process definitions, show them as tables, draw them as Mermaid or BPMN."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cli.errors import ChoiceNeeded
from cli.printing import print_json
from workflow.definition import Definition, DefinitionRefused, load, load_folder
from workflow.definition_bpmn import bpmn
from workflow.definition_show import as_json, mermaid, table
from workflow.names import known_names


def add_parser(subparsers: Any) -> None:
    """Add `paraaf definitions check|show|mermaid|bpmn [FILE]`."""
    parser = subparsers.add_parser(
        "definitions",
        description="Check, show or draw process definitions. Exit status 1 when one is refused.",
    )
    parser.add_argument("what", choices=tuple(_SHOWN), help="what to do with them")
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help="a TOML file, or a folder of them (default: ours)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print what is asked; 0, or 1 when a definition is refused."""
    try:
        definitions = _load(args.file)
    except DefinitionRefused as refused:
        if not args.json:
            raise
        refusals = [asdict(refusal) for refusal in refused.refusals]
        print_json({"definitions": [], "refusals": refusals})
        return 1
    if args.json:
        shown = [_JSON[args.what](definition) for definition in definitions]
        print_json({"definitions": shown, "refusals": []})
    else:
        print(_SHOWN[args.what](definitions))
    return 0


def _load(file: Path | None) -> Sequence[Definition]:
    names = known_names()
    if file is None or file.is_dir():
        return load_folder(names, file).all
    return (load(file, names),)


def _checked(definitions: Sequence[Definition]) -> str:
    return "\n".join(
        f"{definition.path}: {definition.label}, {len(definition.states)} states, {definition.status}: sound"
        for definition in definitions
    )


def _tables(definitions: Sequence[Definition]) -> str:
    return "\n\n\n".join(table(definition) for definition in definitions)


def _diagrams(definitions: Sequence[Definition]) -> str:
    """One diagram as it is; several as Markdown, which holds more than one."""
    if len(definitions) == 1:
        return mermaid(definitions[0])
    return "\n\n".join(f"## {one.label}\n\n```mermaid\n{mermaid(one)}\n```" for one in definitions)


def _one_bpmn(definitions: Sequence[Definition]) -> str:
    if len(definitions) != 1:
        raise ChoiceNeeded(
            "A BPMN document holds one process.", hint="Name the definition's file, or say --json."
        )
    return bpmn(definitions[0])


def _summary(definition: Definition) -> dict[str, Any]:
    whole = as_json(definition)
    return {key: whole[key] for key in ("key", "variant", "version", "status", "sha256", "file")}


_SHOWN: Mapping[str, Callable[[Sequence[Definition]], str]] = {
    "check": _checked,
    "show": _tables,
    "mermaid": _diagrams,
    "bpmn": _one_bpmn,
}
_JSON: Mapping[str, Callable[[Definition], dict[str, Any]]] = {
    "check": _summary,
    "show": as_json,
    "mermaid": lambda definition: _summary(definition) | {"mermaid": mermaid(definition)},
    "bpmn": lambda definition: _summary(definition) | {"bpmn": bpmn(definition)},
}
