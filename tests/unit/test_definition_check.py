"""Every rule of the checker: a sound definition with one fault is refused for that fault, in that state."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import workflow
from workflow.definition import DefinitionRefused, load, load_folder, parse
from workflow.definition_check import check, check_together
from workflow.definition_reader import read
from workflow.names import known_names
from workflow.refusal import Rule

FOLDER = Path(workflow.__file__).parent / "definitions"
NAMES = known_names()
A0_2, A2_2 = (f"employer-declaration-{variant}-v2.toml" for variant in ("a0", "a2"))
A0, A1, A2, A3 = (f"employer-declaration-{variant}.toml" for variant in ("a0", "a1", "a2", "a3"))
PLAN = "team-action-plan.toml"
UNSIGNED = "team-action-plan-n.toml"


@dataclass(frozen=True)
class Case:
    """`base` with each `old` replaced by `new` once breaks `rule` in `state`; the refusal says `said`.

    `also`: rules that the same fault breaks besides.
    """

    rule: Rule
    base: str
    changes: tuple[tuple[str, str], ...]
    state: str
    said: str
    also: frozenset[Rule] = frozenset()

    def source(self) -> str:
        text = (FOLDER / self.base).read_text(encoding="utf-8")
        for old, new in self.changes:
            assert text.count(old) >= 1, f"{old!r} is not in {self.base}"
            text = text.replace(old, new, 1)
        return text


def case(
    rule: Rule,
    base: str,
    old: str,
    new: str,
    state: str,
    said: str,
    *also: Rule,
    more: tuple[str, str] | None = None,
) -> Case:
    changes = ((old, new),) if more is None else ((old, new), more)
    return Case(rule, base, changes, state, said, frozenset(also))


CASES = [
    # Form
    case(Rule.UNREADABLE, A1, "version = 1", "version = = 1", "", "not TOML"),
    case(Rule.UNREADABLE, A1, "version = 1", "version = 1\nversion = 2", "", "not TOML"),
    case(Rule.UNREADABLE, A1, "version = 1", f"version = {'9' * 5000}", "", "not TOML"),
    case(Rule.UNREADABLE, A1, "version = 1", f"version = {'[' * 5000}", "", "not TOML"),
    case(Rule.MISSING, A1, 'calendar = "office-nl"\n', "", "", "'calendar' is missing"),
    case(Rule.MISSING, A1, "version = 1", "version = 0", "", "'version' must be 1 or more"),
    case(Rule.MISSING, A1, 'field = "employer"\n', "", "sealing", "'field' is missing"),
    case(
        Rule.MISSING,
        A1,
        'on.failed = { to = "sign" }',
        "on.failed = { }",
        "sealing",
        "either 'to' or 'branches'",
    ),
    case(Rule.MISSING, A1, 'do = ["remind"]', "", "manager", "'do' is missing"),
    case(Rule.UNKNOWN_KEY, A1, "not_by = [", "notby = [", "manager", "'notby' is not known"),
    case(Rule.UNKNOWN_KEY, A1, "remark = true", "remarks = true", "manager", "'remarks' is not known"),
    case(Rule.UNKNOWN_KEY, A1, "[roles]", "[role]\n[roles]", "", "'role' is not known"),
    case(
        Rule.UNKNOWN_KEY,
        A1,
        '{ to = "delivering", mark',
        '{ two = "", to = "delivering", mark',
        "sealing",
        "'two'",
    ),
    case(Rule.UNKNOWN_KEY, A1, 'keep = "P3M"', 'keep = "P3M"\nkept = 1', "", "'kept' is not known"),
    case(
        Rule.MISPLACED_KEY,
        A1,
        'end = "done"',
        'end = "done"\ndue = "PT1H"',
        "delivered",
        "'due' makes no sense",
    ),
    case(
        Rule.MISPLACED_KEY,
        A1,
        'auto = "deliver"',
        'auto = "deliver"\nfield = "manager"',
        "delivering",
        "'field'",
    ),
    case(
        Rule.MISPLACED_KEY,
        A1,
        'on.rendered = { to = "sign" }',
        'on.rendered = { to = "sign", remark = true }',
        "rendering",
        "only a person can give",
    ),
    case(Rule.WRONG_TYPE, A1, "version = 1", 'version = "1"', "", "must be a whole number", Rule.MISSING),
    case(Rule.WRONG_TYPE, A1, "remark = true", 'remark = "yes"', "manager", "must be true or false"),
    case(Rule.WRONG_TYPE, A1, 'not_by = ["request"]', 'not_by = "request"', "manager", "must be a list"),
    case(Rule.WRONG_TYPE, A1, 'not_by = ["request"]', "not_by = [1]", "manager", "must hold texts only"),
    case(Rule.BAD_NAME, A1, "[state.delivered]", '[state."Delivered!"]', "Delivered!", "is not a name"),
    case(Rule.BAD_NAME, A1, 'variant = "A1"', 'variant = "A 1"', "", "'A 1' is not a name"),
    case(
        Rule.BAD_DURATION,
        A1,
        'keep = "P3M"',
        'keep = "3 months"',
        "",
        "'3 months' is not an ISO 8601 duration",
    ),
    case(Rule.BAD_DURATION, A1, 'due = "PT16H"', 'due = "P1M"', "manager", "working time does not have"),
    case(Rule.BAD_DURATION, A1, "after.PT8H", "after.8H", "manager", "'8H' is not an ISO 8601 duration"),
    case(
        Rule.LISTED_TWICE, A1, 'not_by = ["request"]', 'not_by = ["request", "request"]', "manager", "twice"
    ),
    case(Rule.STATE_KIND, A1, 'end = "done"', 'end = "done"\nrole = "clerk"', "delivered", "role and end"),
    case(Rule.STATE_KIND, A1, 'role = "clerk"\n', "", "review", "none of role, auto and end"),
    case(
        Rule.NO_TRIGGERS,
        A1,
        'on.delivered = { to = "delivered", mark = "delivered" }\n',
        "",
        "delivering",
        "nothing",
    ),
    # Names
    case(Rule.RESERVED_VERB, A1, "on.sign = ", "on.release = ", "sign", "'release' is a verb of the engine"),
    case(Rule.UNKNOWN_NAME, A1, 'start = "request"', 'start = "requst"', "", "no state 'requst'"),
    case(Rule.UNKNOWN_NAME, A1, 'calendar = "office-nl"', 'calendar = "office"', "", "no calendar 'office'"),
    case(
        Rule.UNKNOWN_NAME, A1, 'signing = "click-seal"', 'signing = "click"', "", "no signing profile 'click'"
    ),
    case(
        Rule.UNKNOWN_NAME, A1, 'kind = "employer_declaration"', 'kind = "declaration"', "", "no document kind"
    ),
    case(
        Rule.UNKNOWN_NAME,
        A1,
        '{ to = "review", check',
        '{ to = "reveiw", check',
        "manager",
        "no state 'reveiw'",
    ),
    case(Rule.UNKNOWN_NAME, A1, '["request", "manager"]', '["request", "boss"]', "review", "no state 'boss'"),
    case(Rule.UNKNOWN_NAME, A1, '"signing.name"', '"signing.nmae"', "sign", "No document here has"),
    case(Rule.UNKNOWN_NAME, A1, '"signing.name"', '"approval.name"', "sign", "No document here has"),
    case(Rule.UNKNOWN_NAME, A1, '"signing.name"', '"employee.name.first"', "sign", "No document here has"),
    case(Rule.BAD_NAME, A1, '"signing.name"', '"signing"', "sign", "'signing' is not a name"),
    case(Rule.WRONG_TYPE, A1, '"signing.name"', '["signing.name"]', "sign", "must be a text"),
    case(
        Rule.MISPLACED_KEY,
        A1,
        'auto = "deliver"',
        'auto = "deliver"\nnamed_in = "signing.name"',
        "delivering",
        "'named_in'",
    ),
    case(
        Rule.MISSING,
        PLAN,
        'on.sign = { to = "sealing" }\non.return = { to = "approve", remark = true }\n',
        'on.sign = { to = "sealing" }\n',
        "sign",
        "'return' is missing",
    ),
    case(Rule.UNKNOWN_NAME, A1, 'signs_as = "sign"', 'signs_as = "signer"', "sealing", "no state 'signer'"),
    case(
        Rule.UNKNOWN_NAME, A1, 'when = ["temporary"]', 'when = ["temporay"]', "sealing", "no guard 'temporay'"
    ),
    case(Rule.UNKNOWN_NAME, A1, 'auto = "render"', 'auto = "redner"', "rendering", "no step 'redner'"),
    case(Rule.UNKNOWN_NAME, A1, 'mark = "requested"', 'mark = "asked"', "request", "no milestone 'asked'"),
    case(
        Rule.UNKNOWN_NAME,
        A1,
        'check = "review"',
        'check = "revue"',
        "manager",
        "check = 'revue' is not known",
    ),
    case(
        Rule.UNKNOWN_NAME,
        A1,
        'end = "done"',
        'end = "finished"',
        "delivered",
        "end = 'finished' is not known",
    ),
    case(Rule.UNKNOWN_NAME, A1, 'field = "employer"', 'field = "employr"', "sealing", "no signature field"),
    case(Rule.UNKNOWN_NAME, A1, '["continuation", "reasons"]', '["continued"]', "manager", "no section"),
    case(
        Rule.UNKNOWN_NAME, A1, 'consent = "click"', 'consent = "clik"', "sign", "no text in [consents] 'clik'"
    ),
    case(Rule.UNKNOWN_NAME, A1, 'do = ["remind"]', 'do = ["nag"]', "manager", "no reminder 'nag'"),
    case(
        Rule.UNKNOWN_NAME, A0, 'record = ["posted_on"]', 'record = ["posted"]', "posting", "no fact to record"
    ),
    case(Rule.UNKNOWN_NAME, A2, 'status = "dropped"', 'status = "gone"', "", "status = 'gone' is not known"),
    case(
        Rule.UNUSED, A1, "[consents.click]", 'lawyer = "Lawyer"\n[consents.click]', "", "'lawyer' in [roles]"
    ),
    case(Rule.MISSING, A1, 'nb = "Jeg', 'nn = "Eg', "", "'nb' is missing", Rule.UNKNOWN_KEY),
    case(
        Rule.UNUSED,
        A1,
        "[consents.click]",
        '[consents]\nother = "Yes."\n[consents.click]',
        "",
        "'other' in [consents]",
    ),
    case(Rule.NOBODY_RESPONSIBLE, A1, 'role = "clerk"', 'role = "clerks"', "review", "'clerks'", Rule.UNUSED),
    case(
        Rule.DUPLICATE,
        A1,
        "[state.request]",
        '[documents.letter]\nkind = "action_plan"\nsignatures = ["employer"]\n[state.request]',
        "",
        "two documents",
    ),
    # Flow
    case(Rule.START, A1, "on.submit = ", "on.send = ", "", "no person who submits"),
    case(Rule.STEP_OUTCOME, A1, "on.rendered = ", "on.drawn = ", "rendering", "'drawn'"),
    case(
        Rule.FAILURE_TO_MACHINE,
        A1,
        'on.failed = { to = "review" }',
        'on.failed = { to = "withdrawn" }',
        "rendering",
        "nobody who could mend",
        Rule.WITHDRAWAL,
    ),
    case(
        Rule.BRANCHES_OPEN,
        A1,
        '{ to = "delivering", mark',
        '{ when = ["permanent"], to = "delivering", mark',
        "sealing",
        "may find no branch",
    ),
    case(Rule.BRANCH_NEVER_TAKEN, A1, ', when = ["temporary"] }', " }", "sealing", "never taken"),
    case(
        Rule.GUARD_WITHOUT_DATA,
        PLAN,
        'on.close = { to = "closed" }',
        'on.close = { branches = [{ to = "running", when = ["temporary"] }, { to = "closed" }] }',
        "running",
        "'employment'",
        Rule.LEAVER,
    ),
    case(
        Rule.UNREACHABLE,
        A1,
        "[state.delivered]",
        '[state.island]\nrole = "clerk"\non.go = { to = "delivered" }\n[state.delivered]',
        "island",
        "can't be reached",
    ),
    case(
        Rule.DEAD_END,
        A1,
        'on.approve = { to = "review", check = "review" }',
        'on.approve = { to = "review", check = "review" }\non.park = { to = "parked" }',
        "parked",
        "dead end",
        more=(
            "[state.delivered]",
            '[state.parked]\nrole = "clerk"\non.wait = { to = "parked" }\n'
            'on.withdraw = { to = "withdrawn" }\n[state.delivered]',
        ),
    ),
    case(
        Rule.LEAVER,
        PLAN,
        'on.close = { to = "closed" }',
        'on.close = { to = "closed", consent = "close" }',
        "running",
        "once its requester has left",
        more=("[documents.plan]", '[consents]\nclose = "It is done."\n\n[documents.plan]'),
    ),
    case(Rule.LEAVER, A1, 'on.withdraw = { to = "withdrawn" }\n', "", "request", "once its requester"),
    case(Rule.NOT_DONE, A1, 'end = "done"', 'end = "refused"', "", 'end = "done"'),
    case(
        Rule.MACHINE_LOOP,
        A1,
        'on.delivered = { to = "delivered", mark = "delivered" }',
        'on.delivered = { branches = [{ to = "delivering", when = ["flexible"] }, { to = "delivered", '
        'mark = "delivered" }] }',
        "delivering",
        "loop of automatic steps",
    ),
    case(
        Rule.RETURN_WITHOUT_REMARK,
        A1,
        'on.return = { to = "manager", remark = true }',
        'on.return = { to = "manager" }',
        "review",
        "without a remark",
    ),
    case(
        Rule.RETURN_WITHOUT_REMARK,
        A1,
        'on.return = { to = "manager", remark = true }',
        'on.send_back = { to = "request" }',
        "review",
        "'send_back' goes back",
    ),
    case(
        Rule.WITHDRAWAL,
        A1,
        'on.sign = { to = "sealing_second", consent = "click" }',
        'on.sign = { to = "sealing_second", consent = "click" }\non.withdraw = { to = "withdrawn" }',
        "countersign",
        "after a signature",
    ),
    case(Rule.WITHDRAWAL, A1, "on.withdraw = ", "on.stop = ", "request", "'stop' leads to 'withdrawn'"),
    case(
        Rule.WITHDRAWAL,
        A0,
        'on.stamped = { to = "posting" }',
        'on.stamped = { to = "posting" }\non.withdraw = { to = "withdrawn" }',
        "stamping",
        "after a signature",
    ),
    case(
        Rule.WITHDRAWAL,
        A1,
        'role = "manager"\nnot_by = ["request", "sign"]',
        'role = "manager"\nedits = ["income"]\non.withdraw = { to = "withdrawn" }\nnot_by = ["sign"]',
        "countersign",
        "after a signature",
        Rule.EDITED_AFTER_RENDERING,
        Rule.SIGNED_UNAPPROVED,
    ),
    case(
        Rule.WITHDRAWAL,
        PLAN,
        '{ branches = [{ to = "running", when = ["delivered"] }, { to = "withdrawn" }] }',
        '{ to = "withdrawn" }',
        "draft",
        "after it was delivered",
    ),
    case(
        Rule.WITHDRAWAL,
        PLAN,
        '{ to = "running", when = ["delivered"] }',
        '{ to = "approve", when = ["delivered"] }',
        "draft",
        "'withdraw' leads to 'approve'",
    ),
    case(
        Rule.BRANCH_NEVER_TAKEN,
        A1,
        '{ to = "delivering", mark',
        '{ to = "sign", when = ["flexible", "temporary"] },\n    { to = "delivering", mark',
        "sealing",
        "The branch to 'sign' is never taken",
    ),
    # Four eyes
    case(
        Rule.FOUR_EYES_SELF,
        A1,
        'not_by = ["request"]',
        'not_by = ["request", "manager"]',
        "manager",
        "itself",
    ),
    case(
        Rule.FOUR_EYES_NOBODY,
        A1,
        'not_by = ["request", "sign"]',
        'not_by = ["sealing"]',
        "countersign",
        "no person",
    ),
    case(
        Rule.FOUR_EYES_ORDER,
        A0,
        'not_by = ["request"]',
        'not_by = ["request", "posting"]',
        "manager",
        "can't come before",
    ),
    case(
        Rule.FOUR_EYES_BYPASSED,
        A1,
        "on.submit = ",
        'on.hurry = { to = "review", mark = "requested" }\non.submit = ',
        "review",
        "request → review",
    ),
    # Signing
    case(
        Rule.SIGNED_UNAPPROVED,
        A1,
        'not_by = ["request", "manager"]\nedits',
        'not_by = ["manager"]\nedits',
        "sealing",
        "nobody but the person of 'request'",
    ),
    case(
        Rule.SIGNED_UNAPPROVED,
        A1,
        'mark = "approved", check = "final"',
        'check = "final"',
        "sealing",
        "approved",
        more=('on.rendered = { to = "sign" }', 'on.rendered = { to = "sign", mark = "approved" }'),
    ),
    case(
        Rule.SIGNED_UNAPPROVED,
        A0,
        'not_by = ["request", "manager"]\nedits',
        'not_by = ["manager"]\nedits',
        "wet_signature",
        "nobody but the person of 'request'",
    ),
    case(
        Rule.SIGNED_UNAPPROVED,
        A1,
        '{ to = "rendering", mark',
        '{ to = "supplement", mark',
        "sealing",
        "has approved as it is",
        more=(
            "[state.rendering]",
            '[state.supplement]\nrole = "clerk"\nedits = ["other"]\non.add = { to = "rendering" }\n'
            "[state.rendering]",
        ),
    ),
    case(
        Rule.SIGNED_UNRENDERED,
        A1,
        '{ to = "rendering", mark',
        '{ to = "sign", mark',
        "sealing",
        "never rendered",
        more=(
            'on.return = { to = "review", remark = true }',
            'on.return = { to = "review", remark = true }\non.draw = { to = "rendering" }',
        ),
    ),
    case(
        Rule.SIGNED_UNRENDERED,
        A0,
        'on.return = { to = "manager", remark = true }',
        'on.return = { to = "manager", remark = true }\non.now = { to = "wet_signature", mark = "approved" }',
        "wet_signature",
        "never rendered",
    ),
    case(
        Rule.EDITED_AFTER_RENDERING,
        A1,
        'role = "signer"\n',
        'role = "signer"\nedits = ["income"]\n',
        "sealing",
        "edited after rendering",
        Rule.SIGNED_UNAPPROVED,
    ),
    case(
        Rule.EDITED_AFTER_RENDERING,
        A1,
        'role = "manager"\nnot_by = ["request", "sign"]',
        'role = "manager"\nedits = ["income"]\nnot_by = ["request", "sign"]',
        "sealing_second",
        "edited",
        Rule.SIGNED_UNAPPROVED,
    ),
    case(
        Rule.SIGNED_TWICE,
        A1,
        'field = "manager"',
        'field = "employer"',
        "sealing_second",
        "signed already",
        Rule.FIELD_NEVER_SIGNED,
    ),
    case(
        Rule.FIELD_NEVER_SIGNED,
        A1,
        '"employer", "manager"]\n',
        '"employer", "manager", "board"]\n',
        "",
        "'board'",
    ),
    case(Rule.SIGNER, A1, 'signs_as = "sign"\n', "", "sealing", "whose signature"),
    case(
        Rule.SIGNER, A1, 'signs_as = "sign"\n', 'signs_as = "countersign"\n', "sealing", "not always a person"
    ),
    case(
        Rule.SIGNER,
        A1,
        'on.sign = { to = "sealing", consent = "click" }',
        'on.sign = { to = "sealing" }',
        "sign",
        "without a consent",
    ),
    case(
        Rule.PROFILE_MISMATCH,
        A3,
        'signing = "qualified-remote"',
        'signing = "paper"',
        "",
        "people sign outside",
    ),
    case(
        Rule.PROFILE_MISMATCH,
        A0,
        'signing = "paper"',
        'signing = "organisation-seal"',
        "",
        "made here",
        Rule.FIELD_NEVER_SIGNED,
    ),
    case(Rule.PROFILE_MISMATCH, UNSIGNED, 'signing = "unsigned"', 'signing = "approver"', "", "made here"),
    case(
        Rule.PROFILE_MISMATCH,
        UNSIGNED,
        '"action_plan"',
        '"action_plan"\nsignatures = ["x"]',
        "",
        "nobody signs",
    ),
    case(
        Rule.PROFILE_MISMATCH,
        UNSIGNED,
        'on.rendered = { to = "delivering" }',
        'on.rendered = { to = "delivering", mark = "signed" }',
        "",
        "nobody signs",
    ),
    case(
        Rule.PROFILE_MISMATCH,
        UNSIGNED,
        'record = ["note"]',
        'record = ["signed_by"]',
        "",
        "nobody signs",
        Rule.WITHDRAWAL,
        Rule.SIGNED_UNRENDERED,
        Rule.SIGNED_UNAPPROVED,
    ),
    case(
        Rule.PROFILE_MISMATCH,
        UNSIGNED,
        'auto = "deliver"\non.delivered =',
        'role = "leader"\non.hand_over =',
        "",
        "Only the register",
    ),
    case(Rule.SIGNED_UNAPPROVED, UNSIGNED, 'not_by = ["draft"]\n', "", "delivering", "It can deliver"),
    case(Rule.OUTSIDE, A0_2, 'file = "scan"', 'file = "signed"', "scanning", "no file is 'signed'"),
    case(Rule.OUTSIDE, A2_2, ', "signed_on"]', "]", "signed_elsewhere", "who signed it and when"),
    case(Rule.OUTSIDE, A2_2, ', manager = "manager"', "", "signed_elsewhere", "not said of every"),
    case(Rule.OUTSIDE, A2_2, 'manager = "manager"', 'manager = "withdrawn"', "signed_elsewhere", "Nobody"),
    case(Rule.OUTSIDE, A2_2, 'file = "signed", ', "", "signed_elsewhere", "goes with a signed file"),
    # Milestones
    case(
        Rule.MILESTONE_MISSING,
        A1,
        '{ to = "delivering", mark = "signed" },',
        '{ to = "delivering" },',
        "delivered",
        "request → manager → review → rendering → sign → sealing → delivering → delivered",
        Rule.MILESTONE_ORDER,
    ),
    case(
        Rule.MILESTONE_ORDER,
        A1,
        'mark = "approved", check = "final"',
        'check = "final", mark = "delivered"',
        "review",
        "'delivered' can be set before",
        Rule.WITHDRAWAL,
        Rule.SIGNED_UNAPPROVED,
        Rule.MILESTONE_TWICE,
    ),
    case(
        Rule.MILESTONE_ORDER,
        A1,
        '{ to = "countersign", when = ["temporary"] }',
        '{ to = "countersign", when = ["temporary"], mark = "signed" }',
        "sealing",
        "before the signature in",
        Rule.MILESTONE_TWICE,
    ),
    case(
        Rule.MILESTONE_TWICE,
        A1,
        'on.approve = { to = "review", check = "review" }',
        'on.approve = { to = "review", check = "review", mark = "requested" }',
        "manager",
        "set again",
    ),
]


@pytest.mark.parametrize("fault", CASES, ids=lambda fault: f"{fault.rule}-{fault.said}")
def test_a_fault_is_refused_where_it_is(fault: Case) -> None:
    with pytest.raises(DefinitionRefused) as caught:
        parse(fault.source(), fault.base, NAMES)
    refusals = caught.value.refusals
    found = [one for one in refusals if one.rule == fault.rule and fault.said in one.message]
    assert found, f"not refused as expected, but: {caught.value}"
    assert found[0].state == fault.state
    assert {one.rule for one in refusals} <= {fault.rule} | fault.also, str(caught.value)
    for one in refusals:
        assert one.file == fault.base
        assert one.mend.endswith(".")
        assert fault.base in str(one)


def test_every_rule_has_a_fault_that_shows_it() -> None:
    together = {Rule.MILESTONES_DIFFER}
    assert {fault.rule for fault in CASES} | together == set(Rule)


def test_the_line_of_the_fault_is_named() -> None:
    source = (FOLDER / A1).read_text(encoding="utf-8").replace('"reasons"]\ndue', '"raisins"]\ndue', 1)
    with pytest.raises(DefinitionRefused) as caught:
        parse(source, A1, NAMES)
    [refusal] = caught.value.refusals
    assert refusal.line is not None
    assert "raisins" in source.splitlines()[refusal.line - 1]
    assert "Did you mean 'reasons'?" in refusal.mend


def test_a_syntax_fault_names_its_line() -> None:
    with pytest.raises(DefinitionRefused) as caught:
        read("[process]\nkey = \n", "x.toml")
    assert caught.value.refusals[0].line == 2


def test_all_faults_of_form_are_told_at_once() -> None:
    source = (FOLDER / A1).read_text(encoding="utf-8").replace("remark = true", "remark = 1")
    with pytest.raises(DefinitionRefused) as caught:
        parse(source, A1, NAMES)
    assert [one.state for one in caught.value.refusals] == ["manager", "review", "sign", "countersign"]


@pytest.mark.parametrize("source", ["", "process = 1", "state = []", "[process]\n[roles]\n[state.x]\non = 3"])
def test_nonsense_is_refused_not_crashed_on(source: str) -> None:
    with pytest.raises(DefinitionRefused):
        parse(source, "x.toml", NAMES)


def test_complementary_guards_need_no_unconditional_branch() -> None:
    source = (FOLDER / A1).read_text(encoding="utf-8")
    covered = source.replace(
        '    { to = "delivering", mark = "signed" },\n',
        '    { to = "delivering", when = ["permanent"], mark = "signed" },\n'
        '    { to = "delivering", when = ["flexible"], mark = "signed" },\n',
    )
    assert covered != source
    assert not check(read(covered, A1), NAMES)


def test_variants_of_a_key_set_the_same_milestones() -> None:
    a1 = read((FOLDER / A1).read_text(encoding="utf-8"), A1)
    unsigned = re.sub(r', mark = "delivered"', "", (FOLDER / A3).read_text(encoding="utf-8"))
    [refusal] = check_together([a1, read(unsigned, A3)])
    assert (refusal.rule, refusal.file) == (Rule.MILESTONES_DIFFER, A3)
    assert "delivered" in refusal.message
    standard, none = (read((FOLDER / one).read_text(encoding="utf-8"), one) for one in (PLAN, UNSIGNED))
    assert not check_together([standard, none])  # nothing is signed under it: the rest is comparable
    lacking = read(none.source.replace(', mark = "requested"', ""), UNSIGNED)
    [refusal] = check_together([standard, lacking])
    assert refusal.file == UNSIGNED
    assert refusal.message.endswith(": requested.")
    dropped = read(unsigned.replace("version = 1", 'version = 1\nstatus = "dropped"'), A3)
    assert not check_together([a1, dropped])


def test_a_version_stands_once(tmp_path: Path) -> None:
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_bytes((FOLDER / A1).read_bytes())
    with pytest.raises(DefinitionRefused) as caught:
        load_folder(NAMES, tmp_path)
    [refusal] = caught.value.refusals
    assert refusal.rule == Rule.DUPLICATE
    assert "one.toml" in refusal.message
    assert refusal.file.endswith("two.toml")


def test_faults_of_all_files_of_a_folder_are_told(tmp_path: Path) -> None:
    for name in (A1, A3):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace('role = "clerk"', 'role = "clark"'), encoding="utf-8")
    with pytest.raises(DefinitionRefused) as caught:
        load_folder(NAMES, tmp_path)
    files = {Path(one.file).name for one in caught.value.refusals if one.rule == Rule.NOBODY_RESPONSIBLE}
    assert files == {A1, A3}


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DefinitionRefused, match="can't be read"):
        load(path, NAMES)
    with pytest.raises(DefinitionRefused, match="can't be read"):
        load(tmp_path / "absent.toml", NAMES)
