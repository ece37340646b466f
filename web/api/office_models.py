"""What goes in and comes out, field by field: of the register, people, what is kept. Long on purpose."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from web.api.models import (
    AnswerTold,
    Day,
    Name,
    Number,
    ProblemTold,
    ReasonTold,
    Sections,
    Sent,
    Sha256,
    Told,
)

# --- the register, and files


class PrintedTold(Told):
    """What the code on a paper leads to: what the paper shows, and what became of it."""

    kind: str
    number: str
    issued_on: date
    valid_until: date | None
    level: str | None
    replaced: bool
    withdrawn: str | None


class IssuedTold(Told):
    """What the register says of a file by its SHA-256 alone."""

    sha256: Sha256
    standing: str = Field(examples=["issued"])
    kind: str | None
    number: str | None
    recorded_on: date | None
    destroyed_on: date | None
    withdrawn: str | None
    signatures: list[str] = Field(description="What kinds of signatures it bears.", examples=[["person"]])


class Verified(BaseModel):
    """The report on a file, as `paraaf verify --json` prints it: docs/verification.md has all fields."""

    model_config = ConfigDict(extra="allow")

    file: str
    indication: str = Field(examples=["TOTAL-PASSED"])
    sub_indication: str | None
    verdict: str
    sentence: str
    sha256: str | None
    size: int | None


# --- people, processes, incidents


class RoleTold(Told):
    """A role, and in which unit; null: in all."""

    role: str = Field(examples=["clerk"])
    unit: str | None


class PersonTold(Told):
    """Somebody who works here."""

    id: str = Field(examples=["P020"])
    name: str = Field(examples=["K. Sample"])
    unit: str = Field(examples=["back-office"])
    roles: list[RoleTold]


class PersonList(Told):
    """People, by their ids."""

    people: list[PersonTold]


class SubstituteTold(Told):
    """Who stands in for whom; `role` null: in all of their roles; first and last day included."""

    who: str = Field(examples=["P021"])
    principal: str = Field(examples=["P020"])
    role: str | None
    first_day: date
    last_day: date


class SubstituteList(Told):
    """Who stands in for whom."""

    substitutes: list[SubstituteTold]


class DefinitionLine(Told):
    """A process with its way of signing."""

    key: str = Field(examples=["employer-declaration"])
    variant: str = Field(examples=["A3"])
    version: int
    title: str
    status: str = Field(description="active: offered for new requests; dropped: not any more.")
    sha256: Sha256


class DefinitionList(Told):
    """Processes."""

    definitions: list[DefinitionLine]


class DefinitionShown(BaseModel):
    """A process: its states, their triggers, and where these lead. docs/definitions.md has all fields."""

    model_config = ConfigDict(extra="allow")

    key: str
    variant: str
    version: int
    title: str
    status: str
    start: str
    roles: dict[str, str]
    states: dict[str, Any]
    sha256: str


class Prefilled(Told):
    """What the HR register says, as data of a new request; and every reason why one can't begin it."""

    data: Sections
    reasons: list[ReasonTold]


class IncidentTold(Told):
    """A step that was given up."""

    request_id: Number
    key: str
    variant: str
    unit: str
    state: str
    step: str
    code: str
    message: str
    what_to_do: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    may_repair: list[str]


class RetryListed(Told):
    """A step that failed and is tried again by itself."""

    request_id: Number
    key: str
    variant: str
    unit: str
    state: str
    step: str
    code: str
    what_to_do: str
    tries: int
    next_at: datetime


class IncidentList(Told):
    """What waits for a repair, and what for its next try."""

    incidents: list[IncidentTold]
    retries: list[RetryListed]


# --- files that go out and come back


class GivenOut(Told):
    """The document that goes out; `answer` is null where it had gone out before."""

    number: str = Field(description="As printed on it.", examples=["2026-000012"])
    sha256: Sha256
    answer: AnswerTold | None


class ScanResult(Told):
    """What became of one scanned document, or of pages that are of none: then `document` is empty."""

    document: str = Field(description="Its number, as the codes on its pages say.", examples=["2026-000012"])
    status: int = Field(examples=[200])
    replayed: bool = Field(description="Whether it had been taken in before.")
    answer: AnswerTold | None
    problem: ProblemTold | None


class ScanResults(Told):
    """What became of each."""

    results: list[ScanResult]


# --- who stands in for whom


class SubstituteSent(Sent):
    """Who stands in for whom; `role` null: in all of their roles; first and last day included."""

    who: Name = Field(examples=["P021"])
    principal: Name = Field(examples=["P020"])
    role: Name | None = Field(None, examples=["clerk"])
    first_day: Day
    last_day: Day


# --- how long it took


class StretchTold(Told):
    """What a request took in one state, by kind of wait, in seconds by the wall clock."""

    state: str = Field(examples=["manager"])
    seconds: dict[str, float] = Field(examples=[{"queue": 5400.0, "handling": 600.0}])


class TimingTold(Told):
    """How long a request has taken so far; nothing where its events are gone."""

    lead_s: float | None = Field(description="From when it was handed in until it ended, or now.")
    stretches: list[StretchTold]


# --- what is kept


class HoldSent(Sent):
    """Why a hold is placed, or released."""

    reason: str = Field(min_length=1, max_length=10_000, examples=["A question of the inspection."])
    on_behalf_of: Name | None = Field(None, description="As this person's substitute.")


class Held(Told):
    """A hold that was placed or released; `left` are the request's holds that nobody has released."""

    id: int = Field(examples=[43])
    request: Number
    left: list[int]


class DueTold(Told):
    """A request that has ended, and will be destroyed on a day of the office."""

    request_id: Number
    key: str
    variant: str
    unit: str
    outcome: str | None = Field(description="None where one reads no requests of the unit.")
    ended_on: date
    due_on: date


class HoldOpen(Told):
    """A hold that nobody has released."""

    id: int
    request_id: Number
    placed_by: str
    placed_at: datetime
    reason: str
    due_on: date | None
    overdue: bool


class DestroyedTold(Told):
    """A request that was destroyed."""

    request_id: Number
    key: str
    variant: str
    unit: str
    outcome: str | None = Field(description="None where one reads no requests of the unit.")
    destroyed_at: datetime


class RetentionTold(Told):
    """What will be destroyed, what is on hold (told to those who oversee all units), what was destroyed."""

    due: list[DueTold]
    holds: list[HoldOpen]
    destroyed: list[DestroyedTold]
    waits_until: datetime | None = Field(description="Nothing is destroyed before.")


class FindingTold(Told):
    """Something that is wrong with the log."""

    seq: int
    fault: str
    message: str


class LogChecked(Told):
    """What the check of the log found, as `paraaf log verify --json` tells it."""

    ok: bool
    checked: int
    bodies: int
    erased: int
    head: str
    anchors: int
    anchored_to: int | None
    first_bad_seq: int | None
    set_back: bool
    findings: list[FindingTold]
    more: int


class WebhookTold(Told):
    """An address that is told of what happens: of these types of events, of all where there are none."""

    id: int = Field(examples=[1])
    url: str = Field(examples=["https://portal.example.org/paraaf"])
    types: list[str] = Field(examples=[["document_delivered"]])
    after: int = Field(description="The last event that was looked at for it.")
    added_at: datetime
    stopped_at: datetime | None = Field(description="When it said that it is gone.")


class WebhookList(Told):
    """Webhooks."""

    webhooks: list[WebhookTold]


class MessageTold(Told):
    """What became of one message."""

    event_seq: int = Field(examples=[4711])
    type: str = Field(examples=["document_delivered"])
    tries: int
    status: int | None = Field(description="Of the last answer; null for none.")
    code: str = Field(description="Why it was not taken, or empty.", examples=["too-slow"])
    next_at: datetime | None = Field(description="When it is tried again; null: not any more.")
    taken_at: datetime | None


class MessageList(Told):
    """The newest messages, the last one first."""

    messages: list[MessageTold]
