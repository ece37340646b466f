"""A document kind: how data becomes a checked model, and what is asked of it at each stage."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from documents.errors import FieldProblem, KindProblems
from documents.kinds.fields import NATIONAL_NUMBER, NATIONAL_NUMBER_SENTENCE, Note, Section, sentence_of
from documents.kinds.national_number import holds_national_number
from documents.kinds.rule import NOTHING_ELSE, Evidence, Rule, Stage
from wording import Sentence, mark

StageName = Literal["request", "review", "final"]


class Document(Section):
    """Base of every kind's model: reasons settle warnings, keyed by the rule's id."""

    reasons: Mapping[str, Note] | None = None


M = TypeVar("M", bound=Document)
PROBLEMS_MAX = 50


@dataclass(frozen=True)
class Kind(Generic[M]):
    """One kind of document.

    `signatures` names the fields that must be signed, in their order; `example` gives complete,
    plainly invented data; `aliases` are other names of columns, lower case → dotted field;
    `valid_months` is how long a document says it holds, None for as long as it is not replaced.
    `employers_fields` are those for which the employer answers: what the HR register says of them, no
    requester says otherwise; `others_fields` a requester never fills in. Both by dotted name.
    """

    name: str
    title: str
    model: type[M]
    rules: tuple[Rule[M], ...]
    signatures: Callable[[M], tuple[str, ...]]
    example: Callable[..., dict[str, Any]]
    aliases: Mapping[str, str]
    valid_months: int | None = None
    employers_fields: frozenset[str] = frozenset()
    others_fields: frozenset[str] = frozenset()

    def parse(
        self,
        data: Mapping[str, Any],
        stage: StageName = "final",
        evidence: Evidence = NOTHING_ELSE,
    ) -> M:
        """Check data for a stage and give the model.

        Raises KindProblems with every field that breaks a rule. A warning without a reason is an error
        at stage "final" only; before that, `check` shows it.
        """
        try:
            model = self.model.model_validate(data)
        except ValidationError as error:
            raise KindProblems(self.name, field_problems(error)) from None
        except RecursionError as error:
            raise KindProblems(self.name, [_TOO_DEEP]) from error
        refused = [
            problem
            for problem in self.check(model, stage, evidence)
            if problem.severity == "error" or stage == "final"
        ]
        if refused:
            raise KindProblems(self.name, refused)
        return model

    def check(
        self, model: M, stage: StageName = "final", evidence: Evidence = NOTHING_ELSE
    ) -> tuple[FieldProblem, ...]:
        """List the errors and the warnings without a reason that a stage has, errors first."""
        reached = Stage[stage.upper()]
        reasons = model.reasons or {}
        found = [
            problem
            for rule in self.rules
            if rule.since <= reached and not (rule.severity == "warning" and rule.id in reasons)
            for problem in rule.problems(model, evidence)
        ]
        found += self._strange_reasons(reasons)
        return tuple(sorted(found, key=lambda problem: (problem.severity, problem.field, problem.rule)))

    def unfit_to_keep(self, part: Mapping[str, Any]) -> tuple[FieldProblem, ...]:
        """List what must not be kept of a part, not even in a draft: strange fields and characters, and what
        looks like a citizen service number where no field accepts it.

        Fields may be missing or malformed otherwise; null stands for a section that is taken out.
        """
        try:
            self.model.model_validate({name: value for name, value in part.items() if value is not None})
        except ValidationError as error:
            return tuple(_unfit(error))
        except RecursionError:
            return (_TOO_DEEP,)
        return ()

    def required_signatures(self, model: M) -> tuple[str, ...]:
        """Name the signature fields that must be signed, in their order."""
        return self.signatures(model)

    def json_of(self, model: M) -> dict[str, Any]:
        """Give the canonical data: amounts and days as strings, empty fields left out."""
        data: dict[str, Any] = model.model_dump(mode="json", exclude_none=True)
        return data

    def _strange_reasons(self, reasons: Mapping[str, str]) -> Iterator[FieldProblem]:
        warnings = {rule.id for rule in self.rules if rule.severity == "warning"}
        for rule_id in reasons:
            if rule_id not in warnings:
                yield FieldProblem(
                    f"reasons.{shown_name(rule_id)}",
                    "reason-without-rule",
                    Sentence("There is no warning of this name to give a reason for."),
                )


def field_problems(error: ValidationError) -> list[FieldProblem]:
    """Turn what pydantic found into our rules and sentences, without the values; cut short after 50."""
    details = error.errors(include_url=False, include_input=False)
    problems = {
        _field_problem(".".join(_step(step) for step in detail["loc"] if step != "[key]"), detail)
        for detail in details[:PROBLEMS_MAX]
    }
    if len(details) > PROBLEMS_MAX:
        more = Sentence(
            "There are {count} problems more; mend those named first.", count=len(details) - PROBLEMS_MAX
        )
        problems.add(FieldProblem("", "more-problems", more))
    # a list whose only row is bad is not also too short
    parents = {problem.field.rpartition(".")[0] for problem in problems}
    parents |= {parent.rpartition(".")[0] for parent in parents}
    return sorted(p for p in problems if not (p.rule == "row-count" and p.field in parents))


def _unfit(error: ValidationError) -> Iterator[FieldProblem]:
    """The problems for which a field is not even kept in a draft; cut short after 50."""
    details = error.errors(include_url=False)
    found = 0
    for detail in details:
        if detail["type"] == "missing":  # what is there instead was looked at field by field
            continue
        path = ".".join(_step(step) for step in detail["loc"] if step != "[key]")
        problem = _field_problem(path, detail)
        if problem.rule not in _NEVER_KEPT:
            if not any(holds_national_number(text) for text in _texts(detail["input"])):
                continue
            problem = FieldProblem(path, NATIONAL_NUMBER, NATIONAL_NUMBER_SENTENCE)
        yield problem
        found += 1
        if found == PROBLEMS_MAX:
            return


def _texts(value: Any) -> Iterator[str]:
    """Every text and number inside a value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)


_NEVER_KEPT = frozenset({"unknown-field", "text-invisible-character", NATIONAL_NUMBER})
_TOO_DEEP = FieldProblem("", "wrong-type", Sentence("The data is nested too deeply."))


def merged(data: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a part over data, section by section: the part's fields win, a list replaces the list.

    So the manager's and the clerk's parts come on top of the request, and a request on top of the register.
    """
    result = dict(data)
    for name, value in part.items():
        below = result.get(name)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[name] = merged(below, value)
        else:
            result[name] = value
    return result


def shown_name(name: str) -> str:
    """Make a field name that a stranger chose fit to print: short, plain, no citizen service number."""
    if holds_national_number(name[:80]):
        return "(a name with a number in it)"
    plain = "".join(
        character if character.isalnum() or character in "_.- " else "?" for character in name[:60]
    )
    return plain + "…" if len(name) > 60 else plain or "(no name)"


def _step(step: int | str) -> str:
    # people count rows from one
    return str(step + 1) if isinstance(step, int) else shown_name(step)


def _field_problem(path: str, detail: ErrorDetails) -> FieldProblem:
    """Turn pydantic's finding into a rule and a sentence; our own field types bring both along."""
    type_, context = detail["type"], detail.get("ctx", {})
    if (ours := sentence_of(context)) is not None:
        return FieldProblem(path, type_, ours)
    if type_ == "literal_error":
        choices = context["expected"].replace("'", "")
        return FieldProblem(path, "choice", Sentence("Choose one of: {choices:choices}.", choices=choices))
    rule, sentence = _SENTENCES.get(type_, (type_, mark("This is not what this field takes.")))
    values = {name: value for name, value in context.items() if isinstance(value, int | str)}
    return FieldProblem(path, rule, Sentence(sentence, **values))


_SENTENCES = {  # pydantic's error type → our rule and sentence
    "missing": ("missing", mark("Fill in this field.")),
    "extra_forbidden": ("unknown-field", mark("There is no field of this name.")),
    "too_short": ("row-count", mark("Give at least {min_length} of these.")),
    "too_long": ("row-count", mark("Give at most {max_length} of these.")),
    "model_type": ("wrong-type", mark("This part takes fields with names.")),
    "mapping_type": ("wrong-type", mark("This part takes fields with names.")),
    "tuple_type": ("wrong-type", mark("This part takes a list.")),
    "string_type": ("wrong-type", mark("This field takes text.")),
}
