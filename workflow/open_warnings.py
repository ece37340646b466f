"""Rules that want a reason before a document is signed, and under which name the reason is given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from documents.errors import FieldProblem, KindProblems
from documents.kinds import KINDS
from workflow.definition import Definition

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for
    from workflow.reading import RequestView


def how_to_settle(rule: str) -> str:
    """Under which name a warning's reason is given."""
    return f"A reason is given as reasons.{rule}."


def warning_rules(definition: Definition) -> frozenset[str]:
    """The rules of a process's documents that a reason settles."""
    kinds = (KINDS[document.kind] for document in definition.documents.values())
    return frozenset(rule.id for kind in kinds for rule in kind.rules if rule.severity == "warning")


def open_warnings(office: "Office", view: "RequestView", definition: Definition) -> list[FieldProblem]:
    """The warnings without a reason; none once the document is made, nor while the data makes none."""
    if view.documents or view.closed_at is not None or office.register is None:  # without it nothing is done
        return []
    evidence = office.evidence_of(view.requester_id, definition)
    found = []
    for document in definition.documents.values():
        kind = KINDS[document.kind]
        try:
            model = kind.parse(view.data, "request", evidence)
        except KindProblems:  # to be mended first: somebody keeps a draft
            continue
        found += [one for one in kind.check(model, "final", evidence) if one.severity == "warning"]
    return found


def as_json(warning: FieldProblem) -> Mapping[str, Any]:
    """A warning with stable keys."""
    return {"field": warning.field, "rule": warning.rule, "message": warning.message}
