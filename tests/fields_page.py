"""Write docs/fields.md: every field of every kind, from the models and rules themselves.

Run `python -m tests.fields_page` after a change of a kind.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

from documents.errors import KindProblems
from documents.intake_row import OWN_FIELDS
from documents.kinds import KINDS, Kind
from documents.kinds.fields import LINE_MAX, NOTE_MAX
from documents.kinds.rule import Evidence

PAGE = Path(__file__).parents[1] / "docs" / "fields.md"
ON = date(2024, 11, 20)

_TYPES = {  # the validator of a field's type → what a person types
    "_line": f"a line of text, at most {LINE_MAX} characters",
    "_note": f"text, at most {NOTE_MAX} characters",
    "_amount": "an amount in euros: 1234.56 or 1.234,56",
    "_percentage": "a percentage: 25 or 12.5",
    "_day": "a day: 2024-12-31 or 31-12-2024",
    "_yes_or_no": "yes or no (ja, nee; in JSON also true, false)",
    "_months": "a number of months, 1 to 600",
    "_postcode": "four digits and two letters: 9999 XX",
    "_chamber_number": "eight digits",
    "_phone": "a phone number with its area code",
}
_INTRODUCTION = """# Fields

What a row of a CSV file or an object of a JSON file may hold, for each kind of document.
`python -m tests.fields_page` writes this page from the models. [Bad input](bad-input.md) lists the rules that
bind fields together, and the answer to what is wrong.

- A column is named by the field's dotted name or by its Dutch name; capitals do not matter. In JSON, the
  dots are nested objects.
- In a list, n is a row's place, counted from 1: `actions.1.focus_area`. In JSON a list is a list.
- With a `person_id`, whatever the row leaves open is filled in from the HR register, as far as that says it.
- What the register says of employer, employment, income and `other`, and of a person's function and first
  day of service, no requester says otherwise (`registered`). The supplementary statement is the clerk's
  (`others`).
- "Needed" says from which stage on: `request` when it is handed in, `review` after the manager's part,
  `final` before it is signed. With the name of a rule, it is needed where that rule says so; "with X" means
  as soon as anything of X is given.
"""


@dataclass(frozen=True)
class Leaf:
    """A field that holds a value; `section` is the optional part that it belongs to, "" when none."""

    path: str
    type: str
    required: bool
    section: str


def leaves(model: type[BaseModel], above: str = "", section: str = "") -> Iterator[Leaf]:
    """Every field with a value, in the order of the model; n stands for a place in a list."""
    for name, field in model.model_fields.items():
        path = f"{above}{name}"
        plain, metadata = _plain(field.annotation, list(field.metadata))
        part = section if field.is_required() else path
        if get_origin(plain) is tuple:
            inner, metadata = _plain(get_args(plain)[0], [])
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from leaves(inner, f"{path}.n.", part)
            else:
                yield Leaf(f"{path}.n", _type(inner, metadata), field.is_required(), section)
        elif get_origin(plain) is Mapping:
            yield Leaf(f"{path}.RULE", _TYPES["_note"], False, section)
        elif isinstance(plain, type) and issubclass(plain, BaseModel):
            yield from leaves(plain, f"{path}.", part)
        else:
            yield Leaf(path, _type(plain, metadata), field.is_required(), section)


def at(path: str, place: str) -> str:
    """A field's name with a place in its lists."""
    return ".".join(place if step == "n" else step for step in path.split("."))


def _plain(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    while True:
        if hasattr(annotation, "__metadata__"):
            metadata += annotation.__metadata__
            annotation = annotation.__origin__
            continue
        options = [option for option in get_args(annotation) if option is not NoneType]
        if NoneType not in get_args(annotation) or len(options) != 1:
            return annotation, metadata
        annotation = options[0]


def _type(plain: Any, metadata: list[Any]) -> str:
    [validator] = [one.func.__name__ for one in metadata if isinstance(one, BeforeValidator)]
    if validator == "_choice":
        return "one of: " + ", ".join(f"`{word}`" for word in get_args(plain))
    return _TYPES[validator]


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION, _table([(name, _dutch(OWN_FIELDS, name), what, "no") for name, what in _OWN])]
    for kind in KINDS.values():
        parts += [f"## {kind.title}\n", _table(_rows(kind)), *_skeletons(kind)]
    return "\n".join(parts)


_OWN = (
    ("reference", f"the sender's own number: {_TYPES['_line']}"),
    ("person_id", "who it is about, as in the HR register"),
)


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["| field | Dutch column | what it takes | needed |", "|---|---|---|---|"]
    lines += [f"| `{path}` | {dutch} | {type_} | {needed} |" for path, dutch, type_, needed in rows]
    return "\n".join(lines) + "\n"


def _dutch(aliases: Mapping[str, str], path: str) -> str:
    return ", ".join(alias for alias, field in aliases.items() if field == path and alias != path)


def _rows(kind: Kind[Any]) -> list[tuple[str, str, str, str]]:
    return [
        (leaf.path, _dutch(kind.aliases, leaf.path), leaf.type, _needed(kind, leaf))
        for leaf in leaves(kind.model)
    ]


def _needed(kind: Kind[Any], leaf: Leaf) -> str:
    """By the model; else by the rules that ask for it once it is taken out of an example."""
    if leaf.required:
        return f"with `{leaf.section}`" if leaf.section else "request"
    asked: dict[str, str] = {}
    for data in _examples(kind):
        less = _without(data, at(leaf.path, "0").split("."))
        if less is None:
            continue
        before, after = _errors(kind, data), _errors(kind, less)
        asked |= {rule: field for rule, field in after.items() if rule not in before}
    stages = {rule.id: rule.since.name.lower() for rule in kind.rules}
    needed = [f"{stages[rule]}, `{rule}`" for rule in sorted(asked) if asked[rule].startswith(leaf.path)]
    return "; ".join(needed) or "no"


def _examples(kind: Kind[Any]) -> list[dict[str, Any]]:
    option = {"employer_declaration": "temporary", "action_plan": "safety"}[kind.name]
    whole = [kind.example(), kind.example(**{option: True})]
    if kind.name == "employer_declaration":
        noted = deepcopy(whole[0])
        noted["employment"] |= {
            "plan_to_end": True,
            "plan_to_end_note": "By agreement.",
            "director_or_shareholder": True,
            "share_percentage": "25",
        }
        whole.append(noted)
    return whole


def _without(data: dict[str, Any], steps: list[str]) -> dict[str, Any] | None:
    less = deepcopy(data)
    inner: Any = less
    for step in steps[:-1]:
        inner = inner[int(step)] if isinstance(inner, list) else inner.get(step, {})
    return less if isinstance(inner, dict) and inner.pop(steps[-1], None) is not None else None


def _errors(kind: Kind[Any], data: dict[str, Any]) -> dict[str, str]:
    """The rules that an example breaks, each with its field."""
    try:
        model = kind.model.model_validate(data)
    except KindProblems:
        return {}
    found = kind.check(model, "final", Evidence(issued_on=ON))
    return {problem.rule: problem.field for problem in found if problem.severity == "error"}


def _skeletons(kind: Kind[Any]) -> list[str]:
    """The least that a row without a register must say, and an object with everything."""
    least = _least(kind)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(["reference", *least])
    writer.writerow(["2026-17", *least.values()])
    whole = {"reference": "2026-18", **kind.example()}
    return [
        "The least as CSV, when nothing comes from the HR register:\n",
        f"```csv\n{out.getvalue()}```\n",
        "Everything as JSON:\n",
        f"```json\n{json.dumps(whole, ensure_ascii=False, indent=2)}\n```\n",
    ]


def _least(kind: Kind[Any]) -> dict[str, str]:
    plain = kind.json_of(kind.model.model_validate(_plainest(kind)))
    least = {}
    for leaf in leaves(kind.model):
        if leaf.required and not leaf.section:
            value: Any = plain
            for step in at(leaf.path, "0").split("."):
                value = value[int(step)] if isinstance(value, list) else value[step]
            least[at(leaf.path, "1")] = (
                {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            )
    return {path: value.replace("\n", " ") for path, value in least.items()}


def _plainest(kind: Kind[Any]) -> dict[str, Any]:
    """The example of whom nothing special is to be said."""
    data: dict[str, Any] = kind.example()
    if kind.name == "employer_declaration":
        data["employment"] |= {"reorganisation": False}
        data["other"] = {"loan": False, "wage_garnishment": False}
    return data


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
