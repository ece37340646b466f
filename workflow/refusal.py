"""Why a definition is refused: one rule broken in one place, and the mend."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

KeyPath = tuple[str, ...]

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_.\-\"' ]+?)\s*=")


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
    LEAVER = "leaver"
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
    OUTSIDE = "outside"
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


class Refusals:
    """Collects the refusals of one file, each with the line that it is about."""

    def __init__(self, source: str, file: str) -> None:
        self._file = file
        self._lines = KeyLines(source)
        self.found: list[Refusal] = []

    def add(self, rule: Rule, path: KeyPath, message: str, mend: str) -> None:
        """Note a refusal about the key at `path`; below ("state", name) it names the state."""
        state = path[1] if path[0] == "state" and len(path) > 1 else ""
        self.found.append(Refusal(rule, self._file, self._lines.line(path), state, message, mend))


class KeyLines:
    """Where the keys of a TOML text stand, for messages only: it knows no multi-line values."""

    def __init__(self, source: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        header: KeyPath = ()
        for number, line in enumerate(source.splitlines(), start=1):
            if found := _HEADER.fullmatch(line):
                header = _dotted(found.group(1))
                self._lines.setdefault(header, number)
            elif found := _ASSIGNMENT.match(line):
                self._lines.setdefault(header + _dotted(found.group(1)), number)

    def line(self, path: KeyPath) -> int | None:
        """The line of the key, or of the nearest table around it; None when there is none."""
        return next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), None)


def _dotted(text: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def near(word: str, known: Iterable[str]) -> str:
    """A mend that lists the known words, the likeliest first."""
    words = list(known)
    listed = f"Use one of: {', '.join(words)}." if words else "There is none to use: remove it."
    likely = get_close_matches(word, words, n=1)
    return f"Did you mean {likely[0]!r}? {listed}" if likely else listed
