"""Why a definition is refused: one rule broken in one place, and the mend."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Every reason to refuse a definition; the values are stable and listed in docs/definitions.md."""

    UNREADABLE = "unreadable"
    MISSING = "missing"
    UNKNOWN_KEY = "unknown-key"
    MISPLACED_KEY = "misplaced-key"
    WRONG_TYPE = "wrong-type"
    BAD_NAME = "bad-name"
    BAD_DURATION = "bad-duration"
    LISTED_TWICE = "listed-twice"
    STATE_KIND = "state-kind"
    NO_TRIGGERS = "no-triggers"
    RESERVED_VERB = "reserved-verb"
    UNKNOWN_NAME = "unknown-name"
    UNUSED = "unused"
    NOBODY_RESPONSIBLE = "nobody-responsible"
    START = "start"
    STEP_OUTCOME = "step-outcome"
    FAILURE_TO_MACHINE = "failure-to-machine"
    BRANCHES_OPEN = "branches-open"
    BRANCH_NEVER_TAKEN = "branch-never-taken"
    GUARD_WITHOUT_DATA = "guard-without-data"
    UNREACHABLE = "unreachable"
    DEAD_END = "dead-end"
    NOT_DONE = "not-done"
    MACHINE_LOOP = "machine-loop"
    RETURN_WITHOUT_REMARK = "return-without-remark"
    WITHDRAWAL = "withdrawal"
    FOUR_EYES_SELF = "four-eyes-self"
    FOUR_EYES_NOBODY = "four-eyes-nobody"
    FOUR_EYES_ORDER = "four-eyes-order"
    FOUR_EYES_BYPASSED = "four-eyes-bypassed"
    SIGNED_UNAPPROVED = "signed-unapproved"
    SIGNED_UNRENDERED = "signed-unrendered"
    EDITED_AFTER_RENDERING = "edited-after-rendering"
    SIGNED_TWICE = "signed-twice"
    FIELD_NEVER_SIGNED = "field-never-signed"
    SIGNER = "signer"
    PROFILE_MISMATCH = "profile-mismatch"
    MILESTONE_MISSING = "milestone-missing"
    MILESTONE_ORDER = "milestone-order"
    MILESTONE_TWICE = "milestone-twice"
    DUPLICATE = "duplicate"
    MILESTONES_DIFFER = "milestones-differ"


@dataclass(frozen=True)
class Refusal:
    """One reason: `line` is None when no single line is to blame, `state` "" when no single state is."""

    rule: Rule
    file: str
    line: int | None
    state: str
    message: str
    mend: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        state = f" state {self.state}:" if self.state else ""
        return f"{where}:{state} {self.message} [{self.rule}] {self.mend}"
