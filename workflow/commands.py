"""What goes into the engine and what comes out: commands and answers, steps and their results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

from workflow.brought import Brought
from workflow.proofs import Proof

Channel = Literal["person", "program"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Through = Literal["command-line", "page", "program"]
"""Where somebody was who accepted a text. What is added here has a word in documents.stamp too."""
THROUGH: tuple[Through, ...] = get_args(Through)


@dataclass(frozen=True)
class Submission:
    """What a new request needs beside its data. `reference` is the sender's own number, used once per
    requester."""

    key: str
    variant: str
    language: str = "en"
    reference: str | None = None


@dataclass(frozen=True)
class Command:
    """One person's or program's wish, sent once or more under one idempotency `key`.

    `trigger` is a trigger of the state or one of the engine's verbs (claim, release, start, suspend, resume,
    save_draft, repair). `seen_version` None means: whatever the version; an approval and whatever leads to a
    signature must name it. `data` holds whole top-level
    sections, null removes one. `facts` are what the trigger's `record` asks for, `consent` the name of the
    text that was accepted, `through` where it was shown and accepted, `proof` what shows that it was they;
    `brought` a file that goes out or came back. A submit without `request_id` carries
    a `submission` and makes the request.
    """

    trigger: str
    actor: str
    key: str
    request_id: int | None = None
    seen_version: int | None = None
    on_behalf_of: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    remark: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    consent: str | None = None
    submission: Submission | None = None
    channel: Channel = "person"
    brought: Brought | None = None
    through: Through = "program"
    proof: Proof | None = None

    @property
    def principal(self) -> str:
        """Whose authority is used: the actor's own, or that of the person they stand in for."""
        return self.on_behalf_of or self.actor

    def content(self) -> list[Any]:
        """What is wished, as values for canonical JSON: everything but the key, the version that was seen,
        and what shows who wishes it.

        Whoever sends it again may have looked again, and typed their password again; it is the same wish.
        """
        new = self.submission
        return [
            self.trigger,
            self.actor,
            self.request_id,
            self.on_behalf_of,
            dict(self.data),
            self.remark,
            dict(self.facts),
            self.consent,
            None if new is None else [new.key, new.variant, new.language, new.reference],
            self.channel,
            *([] if self.brought is None else [[self.brought.file, self.brought.sha256]]),
        ]


@dataclass(frozen=True)
class Answer:
    """What a command did. `repeated`: it had been done before, under the same key; this is the first
    answer."""

    request_id: int
    version: int
    state: str
    event_seq: int
    repeated: bool = False

    @classmethod
    def recorded(cls, row: object) -> Self | None:
        """The answer that was kept under an idempotency key; None for a row that can't be one."""
        match row:
            case {
                "request_id": int(number),
                "version": int(version),
                "state": str(state),
                "event_seq": int(seq),
            }:
                return cls(number, version, state, seq, repeated=True)
        return None


@dataclass(frozen=True)
class StepRef:
    """An automatic step to run: the request, its state, and the event that entered it."""

    request_id: int
    state: str
    step_seq: int


@dataclass(frozen=True)
class StepResult:
    """How a step ended. `record` is hashed in the log and names nobody; `body` is the personal part."""

    ref: StepRef
    trigger: str
    record: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StepTrouble:
    """A step that used up its retries: `code` is stable and goes into the log, `message` may name people.

    `plain` says the same and names nobody: it stays in the incident when the message is erased.
    """

    ref: StepRef
    code: str
    message: str
    plain: str = ""
