"""A process definition as values: what a TOML file says, read once and never changed."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as given  # State has a field of that name
from hashlib import sha256
from types import MappingProxyType
from typing import Literal

from workflow.calendar import Duration

Check = Literal["request", "review", "final"]
End = Literal["done", "withdrawn", "refused"]
Status = Literal["active", "dropped"]
OutsideFile = Literal["given", "signed", "scan"]

CHECKS: tuple[Check, ...] = ("request", "review", "final")
ENDS: tuple[End, ...] = ("done", "withdrawn", "refused")
STATUSES: tuple[Status, ...] = ("active", "dropped")
OUTSIDE_FILES: tuple[OutsideFile, ...] = ("given", "signed", "scan")
# In their order: a path reaches each for the first time after the ones before it.
MILESTONES = ("requested", "approved", "signed", "delivered")
REMINDERS = ("remind", "escalate")
# The engine's own verbs; submit and withdraw are triggers of the definition.
REPAIR = "repair"
RESERVED_VERBS = ("claim", "release", "start", "suspend", "resume", "save_draft", REPAIR)
SUBMIT, WITHDRAW, RETURN, APPROVE = "submit", "withdraw", "return", "approve"
# The one condition in `when` that is no guard over the document's data: it looks at the request's own past.
DELIVERED = "delivered"
APPROVED, SIGNED = "approved", "signed"
# What a person reports of things that happened outside, by `record`.
FACTS: Mapping[str, Literal["text", "day"]] = MappingProxyType(
    {"note": "text", "signed_by": "text", "signed_on": "day", "posted_on": "day"}
)


@dataclass(frozen=True)
class Branch:
    """One way that a trigger can lead: all guards in `when` must hold; `mark` is the milestone it sets.

    DELIVERED in `when` holds once the request has passed the milestone of that name.
    """

    to: str
    when: tuple[str, ...] = ()
    mark: str | None = None


@dataclass(frozen=True)
class Trigger:
    """A verb out of a state; the first branch whose guards hold is taken.

    `remark`: the person must say why. `check`: the stage at which the document's data must parse.
    `consent`: the name of the text in Definition.consents that the person must accept. `record`: names of
    FACTS to enter. `file`: what goes out or comes back with it: the document is given out, comes back signed,
    or as a scan. `signers`: for a file that comes back signed, who signs each field: the dotted field of the
    document's data that names them, or the state whose person it is.
    """

    name: str
    branches: tuple[Branch, ...]
    remark: bool = False
    check: Check | None = None
    consent: str | None = None
    record: tuple[str, ...] = ()
    file: OutsideFile | None = None
    signers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class After:
    """What happens when a task has waited so much working time: names of REMINDERS."""

    wait: Duration
    do: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """What a request is: exactly one of `role` (it waits for a person), `auto` (a step runs), `end` is set.

    `not_by`: states whose people (actor and principal) may not act here. `edits`: top-level sections of
    the document's data that this state's person may change. `named_in`: the dotted field of the document's
    data that names the only person who may lead on from here. `due`, `norm`, `after`: working time. For
    auto = "sign": `field` is the signature field, `signs_as` the earlier state whose actor is the signer.
    """

    name: str
    role: str | None = None
    auto: str | None = None
    end: End | None = None
    not_by: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    named_in: str | None = None
    field: str | None = None
    signs_as: str | None = None
    due: Duration | None = None
    norm: Duration | None = None
    after: tuple[After, ...] = ()
    triggers: Mapping[str, Trigger] = given(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Document:
    """A document of the process: its kind, and the signature fields that it may need."""

    name: str
    kind: str
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definition:
    """One variant of a process. `sha256_hex` is of `source`, the whole TOML text, and pins requests to it."""

    key: str
    variant: str
    version: int
    title: str
    status: Status
    start: str
    calendar: str
    keep: Duration
    signing: str
    roles: Mapping[str, str]
    consents: Mapping[str, Mapping[str, str]]
    documents: Mapping[str, Document]
    states: Mapping[str, State]
    source: str
    sha256_hex: str
    path: str

    def __hash__(self) -> int:
        return hash(self.sha256_hex)

    def consent_in(self, name: str, language: str) -> tuple[str, str]:
        """A consent's language and text: in this language, or in the only one that it has."""
        texts = self.consents[name]
        shown = language if language in texts else next(iter(texts))
        return shown, texts[shown]

    def asks_consent(self, state: str, trigger: str) -> bool:
        """Whether a trigger of a state asks for a text to be accepted."""
        asked = self.states[state].triggers.get(trigger)
        return asked is not None and asked.consent is not None

    def ways_out(self, state: State) -> tuple[str, ...]:
        """The triggers by which others end a request that waits here for its requester, who has left.

        `withdraw`; where there is none, what leads to an end and nowhere else, and asks for no consent: that
        nobody gives for another. None in the states of others, who go on.
        """
        if state.role != self.states[self.start].role:
            return ()
        if WITHDRAW in state.triggers:
            return (WITHDRAW,)
        return tuple(
            trigger.name
            for trigger in state.triggers.values()
            if trigger.consent is None
            and not trigger.record
            and all(self.states[branch.to].end for branch in trigger.branches)
        )

    @property
    def is_unsigned(self) -> bool:
        """Whether nobody signs, here or elsewhere: so it is under a profile of kind none alone."""
        return not any(
            state.auto == "sign" or any("signed_by" in trigger.record for trigger in state.triggers.values())
            for state in self.states.values()
        )

    @property
    def approving(self) -> tuple[str, ...]:
        """The states whose people set the milestone that says that it was approved."""
        return tuple(
            state.name
            for state in self.states.values()
            for trigger in state.triggers.values()
            if any(branch.mark == APPROVED for branch in trigger.branches)
        )

    @property
    def label(self) -> str:
        """Key, variant and version as a person says them."""
        return f"{self.key} {self.variant} v{self.version}"

    @property
    def milestones(self) -> frozenset[str]:
        """The milestones that its triggers set."""
        branches = (
            branch
            for state in self.states.values()
            for trigger in state.triggers.values()
            for branch in trigger.branches
        )
        return frozenset(branch.mark for branch in branches if branch.mark is not None)


def consent_sha256(text: str) -> str:
    """The digest of a text that was accepted: SHA-256 of its UTF-8 in normal form C, in hex."""
    return sha256(unicodedata.normalize("NFC", text).encode()).hexdigest()


@dataclass(frozen=True)
class Names:
    """The closed registries that a definition may refer to.

    `profiles`: signing profile → kind of signer. `kinds`: document kind → sections of its data. `is_field`:
    whether a document kind has a dotted field. `guards`: guard → section that it reads, "" for DELIVERED.
    `exhaustive`: sets of guards of which one always holds. `steps`: automatic step → its outcomes, the good
    one first. `calendars`: working calendars.
    """

    profiles: Mapping[str, str]
    kinds: Mapping[str, frozenset[str]]
    is_field: Callable[[str, str], bool]
    guards: Mapping[str, str]
    exhaustive: tuple[frozenset[str], ...]
    steps: Mapping[str, tuple[str, ...]]
    calendars: frozenset[str]
