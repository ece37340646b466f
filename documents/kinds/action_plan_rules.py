"""What must hold in a team action plan before it is approved: a function for each rule, and the list."""

from collections.abc import Iterator

from documents.kinds.action_plan import ActionPlan
from documents.kinds.rule import Evidence, Rule, Stage, years_later

SAFETY_PLAN_YEARS = 3  # an occupational-safety plan is made anew at least every third year
RUNS_AT_MOST_YEARS = 5
# A document has at most 60 pages. Measured: a page takes 50 lines, and of the widest letters, in words that
# leave half of each line empty, 1,000. So with a line counted as 20 characters this fits in any case, and
# five pages are left for the header, the approval and the signature.
TEXT_MAX = 50_000
LINE_COUNTS_AS = 20
ROW_COUNTS_AS = 100


def _too_long(model: ActionPlan, _: Evidence) -> Iterator[str]:
    actions = [
        (a.focus_area, a.description, a.responsible, a.follow_up, a.goal_reached_when, a.continuation)
        for a in model.actions
    ]
    s = model.safety
    safety = () if s is None else (s.nature, s.severity, s.extent, s.cause, s.sickness_absence)
    texts = [text for texts in (*actions, safety) for text in texts if text is not None]
    length = sum(len(text) + LINE_COUNTS_AS * (text.count("\n") + 1) for text in texts)
    if length + ROW_COUNTS_AS * len(actions) > TEXT_MAX:
        yield "actions"


def _deadline_before_plan(model: ActionPlan, _: Evidence) -> Iterator[str]:
    for number, action in enumerate(model.actions, start=1):
        for place, deadline in enumerate(action.deadlines, start=1):
            if deadline < model.header.drawn_up_on:
                yield f"actions.{number}.deadlines.{place}"


def _deadlines_out_of_order(model: ActionPlan, _: Evidence) -> Iterator[str]:
    for number, action in enumerate(model.actions, start=1):
        if list(action.deadlines) != sorted(set(action.deadlines)):
            yield f"actions.{number}.deadlines"


def _deadline_far(model: ActionPlan, _: Evidence) -> Iterator[str]:
    last = years_later(model.header.drawn_up_on, RUNS_AT_MOST_YEARS)
    for number, action in enumerate(model.actions, start=1):
        if max(action.deadlines) > last:
            yield f"actions.{number}.deadlines"


def _evaluation_before_plan(model: ActionPlan, _: Evidence) -> Iterator[str]:
    if model.header.evaluate_on is not None and model.header.evaluate_on < model.header.drawn_up_on:
        yield "header.evaluate_on"


def _drawn_up_in_future(model: ActionPlan, evidence: Evidence) -> Iterator[str]:
    if evidence.issued_on is not None and model.header.drawn_up_on > evidence.issued_on:
        yield "header.drawn_up_on"


def _safety_missing(model: ActionPlan, _: Evidence) -> Iterator[str]:
    if model.header.subject == "occupational-safety" and model.safety is None:
        yield "safety"


def _safety_not_applicable(model: ActionPlan, _: Evidence) -> Iterator[str]:
    if model.header.subject == "general" and model.safety is not None:
        yield "safety"


def _safety_plan_late(model: ActionPlan, _: Evidence) -> Iterator[str]:
    previous = model.safety.previous_plan_on if model.safety else None
    if previous is not None and model.header.drawn_up_on > years_later(previous, SAFETY_PLAN_YEARS):
        yield "safety.previous_plan_on"


def _previous_plan_later(model: ActionPlan, _: Evidence) -> Iterator[str]:
    previous = model.safety.previous_plan_on if model.safety else None
    if previous is not None and previous >= model.header.drawn_up_on:
        yield "safety.previous_plan_on"


def _safety_evaluation(model: ActionPlan, _: Evidence) -> Iterator[str]:
    if model.safety is None:
        return
    evaluate_on = model.header.evaluate_on
    last = years_later(model.header.drawn_up_on, SAFETY_PLAN_YEARS)
    if evaluate_on is None or evaluate_on > last:
        yield "header.evaluate_on"


def _representative_missing(model: ActionPlan, _: Evidence) -> Iterator[str]:
    if model.safety is not None and model.safety.employee_representative is None:
        yield "safety.employee_representative"


def _approval_incomplete(model: ActionPlan, _: Evidence) -> Iterator[str]:
    for name in ("name", "function"):
        if getattr(model.approval, name) is None:
            yield f"approval.{name}"


RULES: tuple[Rule[ActionPlan], ...] = (
    Rule(
        "plan-too-long",
        "The plan has more text than a document of sixty pages takes for certain; "
        "shorten it, or make two plans.",
        _too_long,
    ),
    Rule(
        "deadline-before-plan",
        "This deadline lies before the day on which the plan was drawn up.",
        _deadline_before_plan,
    ),
    Rule(
        "deadlines-out-of-order",
        "Give the deadlines of an action from early to late, each once.",
        _deadlines_out_of_order,
    ),
    Rule(
        "deadline-far",
        "The last deadline is more than five years after the plan; correct it, or give the reason.",
        _deadline_far,
        severity="warning",
    ),
    Rule(
        "evaluation-before-plan",
        "The evaluation lies before the day on which the plan was drawn up.",
        _evaluation_before_plan,
    ),
    Rule("drawn-up-in-future", "The plan is drawn up in the future; correct the date.", _drawn_up_in_future),
    Rule(
        "safety-missing",
        "An occupational-safety plan needs the nature, severity, extent and cause of the problem, "
        "and what is known about sickness absence.",
        _safety_missing,
    ),
    Rule(
        "safety-not-applicable",
        "Only an occupational-safety plan describes the safety problem; clear it or change the subject.",
        _safety_not_applicable,
    ),
    Rule(
        "previous-plan-later",
        "The previous plan must be older than this one; correct one of the dates.",
        _previous_plan_later,
    ),
    Rule(
        "safety-plan-late",
        "An occupational-safety plan is made at least every third year, and the previous one is older; "
        "give the reason.",
        _safety_plan_late,
        severity="warning",
    ),
    Rule(
        "safety-evaluation",
        "An occupational-safety plan is evaluated within three years; give the day.",
        _safety_evaluation,
    ),
    Rule(
        "representative-missing",
        "An occupational-safety plan is approved by the employer and one employee representative; "
        "name the latter.",
        _representative_missing,
        since=Stage.REVIEW,
    ),
    Rule(
        "approval-incomplete",
        "Before signing, give the name and the function of the one who approves.",
        _approval_incomplete,
        since=Stage.FINAL,
    ),
)
