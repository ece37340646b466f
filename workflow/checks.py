"""What the rules of a request's documents say of its data now: which were looked at, and what each found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from documents.errors import FieldProblem, KindProblems, Severity
from documents.kinds import KINDS
from documents.kinds.kind import Kind, field_problems
from documents.kinds.rule import Evidence, Stage
from wording import Sentence
from workflow.definition_model import Check, Definition
from workflow.reading import RequestView

if TYPE_CHECKING:
    from workflow.office import Office

Outcome = Literal["failed", "asks-reason", "explained", "passed"]


@dataclass(frozen=True)
class Checked:
    """What a rule found at a field; a rule that passed, or was explained, is there once and at no field."""

    rule: str
    outcome: Outcome
    field: str
    message: Sentence
    reason: str = ""

    @property
    def as_problem(self) -> FieldProblem:
        """The same as a problem of its field."""
        severity: Severity = "error" if self.outcome == "failed" else "warning"
        return FieldProblem(self.field, self.rule, self.message, severity)


@dataclass(frozen=True)
class Checks:
    """What was looked at, up to which stage; `readable` is False for data that is not of the right form: then
    the rules that compare fields could not be asked."""

    stage: Check
    found: tuple[Checked, ...]
    readable: bool

    def of(self, outcome: Outcome) -> tuple[Checked, ...]:
        """Those with one outcome."""
        return tuple(one for one in self.found if one.outcome == outcome)

    def alike(self, outcome: Outcome) -> list[list[Checked]]:
        """Those with one outcome: fields in a row of which the same is to be said, together."""
        return [list(same) for _message, same in groupby(self.of(outcome), key=lambda one: one.message)]

    @property
    def in_the_way(self) -> tuple[Checked, ...]:
        """What has to be settled before the request can go on: reasons are asked at the last stage alone."""
        asked = self.of("asks-reason") if self.stage == "final" else ()
        return (*self.of("failed"), *asked)

    @property
    def at_fields(self) -> Mapping[str, tuple[Checked, ...]]:
        """What was found wrong, by field."""
        wrong = [one for one in self.found if one.outcome in {"failed", "asks-reason"}]
        return {one.field: tuple(each for each in wrong if each.field == one.field) for one in wrong}


def checks(office: "Office", view: RequestView, definition: Definition) -> Checks | None:
    """Look at the data as they are kept; None in a state from which nothing leads on that asks for that."""
    stage = stage_of(definition, view.state)
    if stage is None:
        return None
    evidence = office.evidence_of(view.requester_id, definition)
    found: list[Checked] = []
    readable = True
    for document in definition.documents.values():
        kind: Kind[Any] = KINDS[document.kind]
        try:
            found += _asked(kind, view.data, stage, evidence)
        except KindProblems as error:
            found += [_wrong(one) for one in error.problems]
            readable = False
    return Checks(stage, tuple(found), readable)


def stage_of(definition: Definition, state: str) -> Check | None:
    """Up to which stage the rules are asked in a state: that of what leads on from it."""
    return next((one.check for one in definition.states[state].triggers.values() if one.check), None)


def _asked(kind: Kind[Any], data: Mapping[str, Any], stage: Check, evidence: Evidence) -> Iterator[Checked]:
    """Raises KindProblems for data that is not of the right form."""
    try:
        model = kind.model.model_validate(data)
    except ValidationError as error:
        raise KindProblems(kind.name, field_problems(error)) from error
    reached, reasons = Stage[stage.upper()], model.reasons or {}
    for rule in kind.rules:
        if rule.since > reached:
            continue
        problems = rule.problems(model, evidence)
        if not problems:
            yield Checked(rule.id, "passed", "", Sentence(rule.message))
        elif rule.severity == "warning" and rule.id in reasons:
            yield Checked(rule.id, "explained", problems[0].field, problems[0].message, reasons[rule.id])
        else:
            yield from map(_wrong, problems)


def _wrong(problem: FieldProblem) -> Checked:
    outcome: Outcome = "asks-reason" if problem.severity == "warning" else "failed"
    return Checked(problem.rule, outcome, problem.field, problem.message)
