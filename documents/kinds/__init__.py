"""The kinds of documents: each a model, a closed list of rules, and an example."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from documents.errors import FieldProblem, KindProblems, UnknownKind
from documents.kinds import action_plan, action_plan_rules, employer_declaration, employer_declaration_rules
from documents.kinds.kind import Kind, StageName, merged
from documents.kinds.rule import Evidence, PaySlip, RegisterEntry, Rule, Stage

__all__ = [
    "KINDS",
    "Evidence",
    "FieldProblem",
    "Kind",
    "KindProblems",
    "PaySlip",
    "RegisterEntry",
    "Rule",
    "Stage",
    "StageName",
    "UnknownKind",
    "kind_named",
    "merged",
]

KINDS: Mapping[str, Kind[Any]] = MappingProxyType(
    {
        "employer_declaration": Kind(
            name="employer_declaration",
            title="Employer declaration",
            model=employer_declaration.EmployerDeclaration,
            rules=employer_declaration_rules.RULES,
            signatures=employer_declaration.required_signatures,
            example=employer_declaration.example,
            aliases=employer_declaration.DUTCH,
            valid_months=employer_declaration.VALID_MONTHS,
            employers_fields=employer_declaration.EMPLOYERS_FIELDS,
            others_fields=employer_declaration.CLERKS_FIELDS,
        ),
        "action_plan": Kind(
            name="action_plan",
            title="Team action plan",
            model=action_plan.ActionPlan,
            rules=action_plan_rules.RULES,
            signatures=action_plan.required_signatures,
            example=action_plan.example,
            aliases=action_plan.DUTCH,
        ),
    }
)


def kind_named(name: str) -> Kind[Any]:
    """Give the kind of this name; raises UnknownKind."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(
            "There is no document kind of this name.", hint=f"Use one of: {', '.join(KINDS)}."
        ) from None
