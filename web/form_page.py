"""What the pages have in common on which a document's data are filled in."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from documents.errors import FieldProblem
from documents.kinds import KINDS, Evidence, Kind, StageName
from web.asked import Asked
from web.bodies import SMALL
from web.field_model import leaves_of, parts_of, value_at
from web.fields import Section, as_problems, id_of, part_id_of, problems_in, sections_of
from web.form_data import data_of, stepped
from web.mistakes import Mistake, mistakes_of
from workflow.definition_model import CHECKS, Definition, State
from workflow.errors import Reason
from workflow.words import process_words

FORM_MOST: Final = 8 * SMALL
"""Bytes of a form: the longest plan that a document takes, each of its letters written as six signs."""
CLEAR: Final = "clear:"
STEPS: Final = ("add:", "remove:", CLEAR)


@dataclass(frozen=True)
class Filling:
    """One document being filled in: its data as they stand, and which parts may be changed.

    `given` are fields of these that may not, by dotted name, as they have to be; `proposed`
    are fields in which something stands that nobody has typed.
    """

    kind: Kind[Any]
    data: dict[str, Any]
    editable: Collection[str]
    stage: StageName
    evidence: Evidence
    register: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    suggestions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    proposed: Collection[str] = ()

    def drawn(self, asked: Asked, problems: Collection[FieldProblem]) -> tuple[list[Section], list[Mistake]]:
        """Its sections, and what is wrong as lines above the form."""
        words = process_words(asked.language)
        sections = sections_of(
            self.kind,
            self._whole,
            words=words,
            language=asked.language,
            problems=problems,
            register=self.register,
            before=self.before,
            editable=self.editable,
            suggestions=self.suggestions,
            given=self.given,
            proposed=self.proposed,
        )
        return sections, mistakes_of(self.kind.name, sections, problems, words)

    def proposing(self, proposals: Mapping[str, Any]) -> "Filling":
        """With these in fields that may be filled in and hold nothing yet."""
        fields = {name for name, _ in leaves_of(tuple(parts_of(self.kind).values()))}
        new = {
            name: value
            for name, value in proposals.items()
            if name in fields
            and name.partition(".")[0] in self.editable
            and value_at(self.data, name) is None
        }
        return replace(self, data=_with(self.data, new), proposed=frozenset(new))

    @property
    def _whole(self) -> dict[str, Any]:
        return _with(self.data, self.given) if self.given else self.data

    def at_first(self) -> list[FieldProblem]:
        """What is told before anything was sent: not that what is still empty has to be filled in."""
        return [
            one
            for one in problems_in(self.kind, self._whole, self.stage, self.evidence)
            if one.severity == "warning" or value_at(self._whole, one.field) is not None
        ]

    def looked_at(self) -> list[FieldProblem]:
        """All that would be told if it were sent."""
        return list(problems_in(self.kind, self._whole, self.stage, self.evidence))

    def refused(self, reasons: Iterable[Reason]) -> list[FieldProblem]:
        """Why it was not taken, and what would be asked next."""
        found = list(as_problems(self.kind, reasons))
        known = {(one.field, one.rule) for one in found}
        return found + [
            one
            for one in self.looked_at()
            if one.severity == "warning" and (one.field, one.rule) not in known
        ]


def sent_data(
    asked: Asked, kind: Kind[Any], below: Mapping[str, Any], editable: Collection[str], *, keep_rows: bool
) -> dict[str, Any]:
    """The data as the form has them, over what was there."""
    return data_of(
        kind, asked.form, below=below, editable=editable, language=asked.language, keep_rows=keep_rows
    )


def given_to_requester(below: Mapping[str, Any], fixed: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands on a requester's form and is not theirs to change, by dotted name: what the register says
    of the employment, and what others have filled in (None where they have not)."""
    return {name: value_at(below, name) if value is None else value for name, value in fixed.items()}


def _with(data: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Data in which these fields are as they have to be."""
    found = dict(data)
    for path, value in given.items():
        part, _, name = path.partition(".")
        inner = found.get(part)
        fields = {**(inner if isinstance(inner, Mapping) else {}), name: value}
        found[part] = {name: value for name, value in fields.items() if value is not None}
    return found


def is_step(do: str) -> bool:
    """Whether a button only changes the form."""
    return do.startswith(STEPS)


def focus_after(kind: Kind[Any], data: dict[str, Any], step: str) -> str:
    """Take a step in the form's data; where in the page to go on."""
    path = stepped(kind, data, step)
    if not path:
        return ""
    return part_id_of(path) if path in parts_of(kind) and step.startswith(CLEAR) else id_of(path)


def kind_of(definition: Definition) -> Kind[Any]:
    """The kind of a process's only document."""
    [document] = definition.documents.values()
    return KINDS[document.kind]


def editable_in(state: State, kind: Kind[Any]) -> tuple[str, ...]:
    """The parts that may be changed in a state, in the order of the kind."""
    return tuple(name for name in parts_of(kind) if name in state.edits)


def stage_of(state: State) -> StageName:
    """How far the document has to be to go on from a state."""
    asked = {trigger.check for trigger in state.triggers.values()}
    return next((stage for stage in reversed(CHECKS) if stage in asked), "request")
