"""The layout of a team's action plan: the problem, then each action with who, when and how it goes on."""

from collections.abc import Mapping, Sequence
from typing import Any

from documents.labels import EXPLAINED
from documents.layout.signing_block import Place, Signing
from documents.sheet import Box, Sheet
from documents.words import Words, mark

TITLE = mark("Team action plan")
SAFETY_TITLE = mark("Action plan for occupational safety")
LABELS: Mapping[str, str] = {"approver": mark("Signature of the approver")}
_SAFETY = {
    "nature": mark("Nature of the problem"),
    "severity": mark("Severity"),
    "extent": mark("Extent"),
    "cause": mark("Cause"),
    "sickness_absence": mark("Sickness absence"),
}
_EXPLAINED = EXPLAINED["action_plan"]
Rows = list[tuple[str, str]]


def sender(data: Mapping[str, Any], words: Words) -> tuple[str, tuple[str, ...]]:  # noqa: ARG001 (as every layout)
    """The team, and its workplace under it."""
    return data["header"]["team"], (data["header"]["workplace"],)


def title(data: Mapping[str, Any], words: Words) -> str:
    """The document's title."""
    message = SAFETY_TITLE if data["header"]["subject"] == "occupational-safety" else TITLE
    return words.text(message)


def signers(data: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG001 (as every layout)
    """The fields that are signed in ink on paper."""
    return ("approver",)


def draw(
    sheet: Sheet, data: Mapping[str, Any], words: Words, issued: str, places: Sequence[Place]
) -> list[tuple[Place, Box]]:
    """Draw the plan; gives where its signatures go."""
    sheet.heading(data["header"]["title"])
    sheet.fields(_header(data["header"], words))
    if "safety" in data:
        sheet.heading(words.text("The problem"))
        sheet.fields(_safety(data["safety"], words))
    for number, action in enumerate(data["actions"], start=1):
        sheet.heading(f"{number}. {action['focus_area']}", keep=60)
        sheet.fields(_action(action, words))
    _reasons(sheet, data.get("reasons", {}), words)
    return _approval(data, words, issued, places).draw(sheet)


def _header(header: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    rows = [
        (_("Team"), header["team"]),
        (_("Workplace"), header["workplace"]),
        (_("Drawn up on"), words.day(header["drawn_up_on"])),
    ]
    if "evaluate_on" in header:
        rows.append((_("To be evaluated on"), words.day(header["evaluate_on"])))
    return rows


def _safety(safety: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    rows = [(_(label), safety[name]) for name, label in _SAFETY.items()]
    if "previous_plan_on" in safety:
        rows.append((_("Previous plan"), words.day(safety["previous_plan_on"])))
    if "employee_representative" in safety:
        rows.append((_("Employee representative"), safety["employee_representative"]))
    return rows


def _action(action: Mapping[str, Any], words: Words) -> Rows:
    _ = words.text
    label = _("Deadline") if len(action["deadlines"]) == 1 else _("Deadlines")
    rows = [
        (_("What will be done"), action["description"]),
        (_("Responsible"), action["responsible"]),
        (label, "; ".join(words.day(day) for day in action["deadlines"])),
        (_("How it is followed up"), action["follow_up"]),
        (_("The goal is reached when"), action["goal_reached_when"]),
    ]
    if "continuation" in action:
        rows.append((_("How the work goes on"), action["continuation"]))
    return rows


def _reasons(sheet: Sheet, reasons: Mapping[str, str], words: Words) -> None:
    if reasons:
        sheet.heading(words.text("Explanations"))
        sheet.fields(
            [(words.text(_EXPLAINED.get(rule, rule)), reason) for rule, reason in sorted(reasons.items())]
        )


def _approval(data: Mapping[str, Any], words: Words, issued: str, places: Sequence[Place]) -> Signing:
    _ = words.text
    approval = data.get("approval", {})
    who = ", ".join(approval[name] for name in ("name", "function") if name in approval)
    rows = [(_("For the employer"), who)] if who else []
    day = issued.replace(" ", "\N{NO-BREAK SPACE}")
    rows.append((_("Place and date"), f"{approval['place']}, {day}" if "place" in approval else day))
    return Signing(_("Approval"), "", rows, places)
