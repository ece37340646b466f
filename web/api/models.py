"""What goes in and comes out, field by field: problems, requests, commands. Long on purpose: one class each.

What comes in takes no field that is not named here, and no text for a number. Examples are of sample people.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from workflow.command_form import NAME_LONGEST

NUMBER_MOST: Final = 2**53 - 1
"""The largest whole number that every program reads from JSON as it is."""

Name = Annotated[str, Field(min_length=1, max_length=NAME_LONGEST)]
Number = Annotated[int, Field(ge=1, le=NUMBER_MOST, examples=[12])]
Version = Annotated[int, Field(ge=0, le=NUMBER_MOST, examples=[3])]
Sections = dict[str, Any]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]


Day = Annotated[
    str,
    Field(
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="A day of the office.",
        examples=["2026-12-01"],
        json_schema_extra={"format": "date"},
    ),
]


class Sent(BaseModel):
    """What comes in."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Told(BaseModel):
    """What goes out."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")


def _example(told: dict[str, Any]) -> ConfigDict:
    """What else is said of something that comes in: a whole one."""
    return ConfigDict(json_schema_extra={"examples": [told]})


# --- problems


class ReasonTold(Told):
    """One reason why something can't be done."""

    code: str = Field(description="Stable: docs/errors.md lists them.", examples=["role"])
    message: str = Field(examples=["P020 does not have the role 'Manager' for unit records."])
    field: str = Field(description="The dotted field that is to blame, or empty.", examples=[""])


class ProblemTold(Told):
    """What can't be done, as RFC 9457 has it."""

    type: str = Field(
        description="Where more is said of it, relative to this host.",
        examples=["/api/v1/problems/workflow-refused"],
    )
    title: str
    status: int = Field(ge=400, le=599, examples=[422])
    detail: str = Field(description="A sentence for people.")
    code: str = Field(description="Stable, for programs.", examples=["workflow-refused"])
    hint: str = Field(description="What to do next.")
    reasons: list[ReasonTold] = Field(description="Everything that stands in the way.")
    holder: str | None = Field(None, description="Who holds the task.", examples=["P021"])
    since: datetime | None = Field(None, description="Since when they do.")
    version: int | None = Field(None, description="The present version of the request.")


class ProblemKind(Told):
    """A kind of problem."""

    type: str
    code: str
    title: str


class ProblemKinds(Told):
    """All kinds of problems."""

    problems: list[ProblemKind]


# --- oneself


class MeTold(Told):
    """Whom the token speaks for."""

    id: str = Field(examples=["P020"])
    name: str = Field(examples=["K. Sample"])
    unit: str = Field(examples=["back-office"])
    roles: list[str] = Field(examples=[["clerk", "employee"]])
    token: str = Field(description="The token's name.", examples=["nightly import"])
    scopes: list[str] = Field(examples=[["requests:read"]])
    expires_at: datetime


class Links(Told):
    """Where to begin."""

    openapi: str
    docs: str
    problems: str
    me: str
    requests: str
    queue: str
    definitions: str
    alive: str
    ready: str


# --- requests


class RequestLineTold(Told):
    """A request in a list: without its data."""

    id: Number
    key: str = Field(description="The process.", examples=["employer-declaration"])
    variant: str = Field(description="The way of signing.", examples=["A3"])
    state: str = Field(examples=["review"])
    version: int = Field(examples=[3])
    requester_id: str = Field(examples=["P007"])
    unit: str = Field(examples=["records"])
    reference: str | None = Field(description="The requester's own number.", examples=["SAMPLE-1"])
    opened_at: datetime
    suspended_at: datetime | None
    closed_at: datetime | None
    outcome: str | None = Field(examples=["done"])
    destroyed_at: datetime | None


class RequestList(Told):
    """Requests, newest first."""

    requests: list[RequestLineTold]
    next: str | None = Field(description="Where the next page is; null when there is none.")


class DocumentTold(Told):
    """A document as it is now."""

    id: int = Field(examples=[5])
    name: str = Field(description="In the process.", examples=["declaration"])
    kind: str = Field(examples=["employer_declaration"])
    revision_no: int = Field(examples=[1])
    number: str = Field(description="As printed on it; empty once it is destroyed.")
    current_sha256: str = Field(description="Of its file as it is now; empty once it is destroyed.")
    level_reached: str | None = Field(description="PAdES; null where nobody has signed.", examples=["B-LTA"])


class DocumentList(Told):
    """The documents of a request."""

    documents: list[DocumentTold]


class IncidentHere(Told):
    """A step of the request that was given up."""

    state: str
    step: str
    code: str
    message: str
    opened_at: datetime


class DraftTold(Told):
    """One's own draft: sections that were typed and not sent, and what one means to say with them."""

    data: Sections
    remark: str | None
    saved_at: datetime


class RetryTold(Told):
    """A step of the request that failed and is tried again."""

    code: str
    tries: int
    next_at: datetime


class EventTold(Told):
    """An event of the request: docs/events.md has the types and their fields."""

    seq: int = Field(description="Its place in the log.", examples=[42])
    at: str = Field(description="When, UTC.", examples=["2026-11-20T09:00:00.000000Z"])
    type: str = Field(examples=["request_submitted"])
    record: dict[str, Any] = Field(description="As hashed in the log.")
    body: dict[str, Any] | None = Field(
        description="The personal part; null when erased, none, or (of holds) not for this person."
    )


class EventList(Told):
    """Events, in their order."""

    events: list[EventTold]


class RequestTold(RequestLineTold):
    """A request as its person sees it."""

    definition_sha256: str = Field(description="GET /definitions/… shows it.")
    language: str = Field(examples=["en"])
    data: Sections = Field(description="What was filled in, by sections.")
    holds: list[int] = Field(description="What keeps it from being destroyed.")
    claimed_by: str | None = Field(examples=["P020"])
    possible: list[str] = Field(description="What can be done with it now.", examples=[["claim", "approve"]])
    draft: DraftTold | None
    documents: list[DocumentTold]
    incident: IncidentHere | None
    retry: RetryTold | None


class ConsentTold(Told):
    """A text to accept: its name is sent back as `consent`."""

    name: str = Field(examples=["click"])
    language: str
    text: str


class CanTold(Told):
    """What can be done now, and what has to be sent with it."""

    trigger: str = Field(examples=["approve"])
    remark: bool = Field(description="Whether a remark is needed.")
    consent: ConsentTold | None
    proof: bool = Field(description="Whether a consent needs a proof.")
    facts: list[str] = Field(description="Names of facts to send.", examples=[["signed_on"]])
    sections: list[str] = Field(description="Sections of the data that may be changed.")
    file: str | None = Field(description="What goes out or comes back with it, which is not done here.")


class CannotTold(Told):
    """What can't be done now, and every reason why."""

    trigger: str
    reasons: list[ReasonTold]


class WarningTold(Told):
    """A rule that has to be met, or given a reason as `reasons.RULE` in the data, before signing."""

    field: str = Field(description="The dotted field that it is of.", examples=["income.pay"])
    rule: str
    message: str


class RequestShown(Told):
    """A request, and what its person can and can't do with it."""

    request: RequestTold
    can: list[CanTold]
    cannot: list[CannotTold]
    warnings: list[WarningTold] = Field(description="What has to be settled before signing.")


class NewRequest(Sent):
    """A request to be handed in."""

    model_config = _example(
        {
            "key": "employer-declaration",
            "variant": "A4",
            "language": "en",
            "reference": "SAMPLE-1",
            "data": {"employment": {"contract": "permanent"}, "income": {"gross_yearly": "56031.30"}},
        }
    )

    key: Name = Field(description="The process.", examples=["employer-declaration"])
    variant: Name = Field(description="The way of signing.", examples=["A3"])
    language: Literal["en", "nl", "da", "nb"] = Field("nl", description="Of its documents.")
    reference: Name | None = Field(
        None, description="The requester's own number, used once.", examples=["SAMPLE-1"]
    )
    on_behalf_of: Name | None = Field(None, description="As this person's substitute.")
    data: Sections = Field(default_factory=dict, description="Whole sections, by name; docs/fields.md.")


class CommandSent(Sent):
    """What is to be done with a request."""

    model_config = _example({"trigger": "return", "remark": "Look at the amounts."})

    trigger: Name = Field(
        description="A trigger of its state, or claim, release, start, suspend, resume, save_draft, repair.",
        examples=["approve"],
    )
    on_behalf_of: Name | None = Field(None, description="As this person's substitute.", examples=["P004"])
    remark: str | None = Field(None, description="Why.", max_length=10_000)
    data: Sections = Field(
        default_factory=dict, description="Whole sections that change, by name; null removes one."
    )
    facts: dict[str, str] = Field(default_factory=dict, examples=[{"signed_on": "2026-11-20"}])
    consent: Name | None = Field(None, description="The name of the text that is accepted.")
    proof: Name | None = Field(None, description="That one showed who one is, of POST /proofs.")


class BatchItem(CommandSent):
    """One of many commands."""

    model_config = _example({"request": 12, "version": 3, "trigger": "approve"})

    request: Number
    version: Version | None = Field(None, description="Which version was seen; an approval needs it.")


class Batch(Sent):
    """Many commands."""

    commands: list[BatchItem] = Field(min_length=1, max_length=100)


class AnswerTold(Told):
    """What a command did."""

    request: Number
    version: int = Field(description="The request's version now.", examples=[4])
    state: str = Field(examples=["sealing"])
    event_seq: int = Field(description="The event's place in the log.", examples=[43])


class BatchResult(Told):
    """What became of one of many: `answer` where it was done, else `problem`."""

    request: Number
    status: int = Field(examples=[200])
    replayed: bool = Field(description="Whether it had been done before, under this key.")
    answer: AnswerTold | None
    problem: ProblemTold | None


class BatchResults(Told):
    """What became of each, in their order."""

    results: list[BatchResult]


class Seen(Sent):
    """A request in the version that was seen."""

    request: Number
    version: Version


class ProofAsked(Sent):
    """One shows who one is, for the consents that are to follow."""

    password: str = Field(
        min_length=1, max_length=1024, description="One's own.", json_schema_extra={"format": "password"}
    )
    requests: list[Seen] = Field(min_length=1, max_length=100)


class ProofMade(Told):
    """What goes along with each consent, once a request."""

    proof: str
    expires_at: datetime
