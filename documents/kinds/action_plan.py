"""The team action plan, with what occupational-safety plans add.

What the fields must satisfy together is in action_plan_rules.
"""

from typing import Any, Literal

from pydantic import Field

from documents.kinds.fields import Choice, Day, Line, Note, Section
from documents.kinds.kind import Document

TEMPLATE = "action-plan-1"
ACTIONS_MAX = 40
DEADLINES_MAX = 12

# Column names of a Dutch spreadsheet.
DUTCH = {
    "titel": "header.title",
    "team": "header.team",
    "werkplek": "header.workplace",
    "onderwerp": "header.subject",
    "opgesteld op": "header.drawn_up_on",
    "evaluatie op": "header.evaluate_on",
}


class Header(Section):
    """Whose plan it is, and of which day."""

    title: Line
    team: Line
    workplace: Line
    subject: Choice[Literal["general", "occupational-safety"]]
    drawn_up_on: Day
    evaluate_on: Day | None = None


class Action(Section):
    """One row of the plan."""

    focus_area: Line
    description: Note
    responsible: Line
    deadlines: tuple[Day, ...] = Field(min_length=1, max_length=DEADLINES_MAX)
    follow_up: Note
    goal_reached_when: Note
    continuation: Note | None = None


class Safety(Section):
    """What an occupational-safety plan says about the problem, and who speaks for the employees."""

    nature: Note
    severity: Note
    extent: Note
    cause: Note
    sickness_absence: Note
    previous_plan_on: Day | None = None
    employee_representative: Line | None = None


class Approval(Section):
    """Who approves for the employer."""

    name: Line | None = None
    function: Line | None = None
    place: Line | None = None


class ActionPlan(Document):
    """A team's plan of actions with deadlines."""

    template: Choice[Literal["action-plan-1"]] = "action-plan-1"
    header: Header
    actions: tuple[Action, ...] = Field(min_length=1, max_length=ACTIONS_MAX)
    safety: Safety | None = None
    approval: Approval = Approval()


def required_signatures(model: ActionPlan) -> tuple[str, ...]:  # noqa: ARG001 (every kind answers for a model)
    """One approver signs every plan."""
    return ("approver",)


def example(*, safety: bool = False) -> dict[str, Any]:
    """Give the complete data of a plainly invented team's plan."""
    data: dict[str, Any] = {
        "template": TEMPLATE,
        "header": {
            "title": "Working together in the document room",
            "team": "Team Sunflower (sample)",
            "workplace": "Voorbeeldplein 1, Voorbeeldstad",
            "subject": "general",
            "drawn_up_on": "2024-11-04",
            "evaluate_on": "2025-11-03",
        },
        "actions": [
            {
                "focus_area": "Relation with the nearest leader",
                "description": "A short meeting every fortnight about obstacles.\nThe team sets the agenda.",
                "responsible": "A. Voorbeeld-Esdoorn",
                "deadlines": ["2024-12-02", "2025-03-03"],
                "follow_up": "The leader reports in the monthly team meeting.",
                "goal_reached_when": "The scale's score is 60 or more at the next measurement.",
                "continuation": "The meetings stay, once a month.",
            },
            {
                "focus_area": "Administrative burden",
                "description": "List the five forms that take the most time, and drop or merge two of them.",
                "responsible": "B. Voorbeeld-Karmijn",
                "deadlines": ["2025-02-03"],
                "follow_up": "The list hangs in the document room; changes are marked weekly.",
                "goal_reached_when": "Two forms fewer are in use.",
            },
        ],
        "approval": {"name": "C. Voorbeeld-Linde", "function": "Head of unit", "place": "Voorbeeldstad"},
    }
    if safety:
        data["header"] |= {"title": "Less lifting in the archive", "subject": "occupational-safety"}
        data["safety"] = {
            "nature": "Archive boxes are lifted above the shoulder.",
            "severity": "Moderate: complaints of back and shoulder.",
            "extent": "Six of eleven people, daily.",
            "cause": "The upper shelves are used for the files that are fetched most.",
            "sickness_absence": "Two of the last four absences were related to lifting.",
            "previous_plan_on": "2022-01-10",
            "employee_representative": "D. Voorbeeld-Meidoorn",
        }
    return data
