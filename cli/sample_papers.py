"""What the sample people write: declarations and plans as the register fills them in, and what they add."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from documents.errors import KindProblems
from documents.kinds import KINDS, Evidence
from documents.kinds.action_plan import example as plan_example
from documents.register import Person, Register

LANGUAGES = ("nl", "en", "da", "nb")
SIGNING = {
    "place": "Voorbeeldstad",
    "contact_name": "Personnel desk (sample)",
    "contact_phone": "070 000 0000",
}
CONTINUED = {"prospect": "permanent", "changed_conditions": False}
"""What managers say of a temporary contract."""


def declaration_of(register: Register, person: Person, today: date) -> dict[str, Any] | None:
    """What the register knows, if a declaration can be made of it today."""
    data = register.prefill(person.person_id, on=today)
    kind, evidence = KINDS["employer_declaration"], Evidence(issued_on=today)
    try:
        kind.parse(data, "request", evidence)
    except KindProblems:
        return None
    return data


def plan_of(register: Register, author: Person, today: date, *, safety: bool) -> dict[str, Any]:
    """The example's actions for the author's team, with days that lie ahead."""
    next_year = today.year + 1
    data = plan_example(safety=safety)
    data["header"] |= register.prefill(author.person_id, on=today, kind="action_plan")["header"]
    data["header"]["evaluate_on"] = f"{next_year}-11-01"
    data["approval"]["name"] = register.person(author.manager_id or author.person_id).name
    for row, action in enumerate(data["actions"], start=2):
        action["deadlines"] = [f"{next_year}-{row:02}-01"]
    if safety:
        data["safety"]["previous_plan_on"] = f"{next_year - 3}-01-10"
    return data


def reasons_for(
    register: Register, requester: str, data: Mapping[str, Any], today: date
) -> dict[str, str] | None:
    """A reason for each warning that the rules still have."""
    kind = KINDS["employer_declaration"]
    found = kind.check(kind.model.model_validate(data), "final", register.evidence(requester, on=today))
    reasons = {
        p.rule: "Checked against the appointment letter (sample)." for p in found if p.severity == "warning"
    }
    return {**(data.get("reasons") or {}), **reasons} or None


def facts_of(name: str, names: Iterable[str], today: date) -> dict[str, str]:
    """What somebody of this name reports."""
    known = {
        "signed_by": name,
        "signed_on": today.isoformat(),
        "posted_on": today.isoformat(),
        "note": "On schedule (sample).",
    }
    return {one: known[one] for one in names}
