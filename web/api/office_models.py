"""What comes out, field by field: of the register, of people, processes and incidents."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from web.api.models import Number, Sha256, Told

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
