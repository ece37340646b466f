"""What goes in and comes out of the queue, field by field."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from web.api.models import AnswerTold, Day, Name, Number, Sent, Told
from workflow.queue_filter import HOURS_MOST
from workflow.saved_filters import NAME_LONGEST as FILTER_NAME


class TaskTold(Told):
    """An open task that its person can take, or holds."""

    request_id: Number
    version: int
    key: str
    variant: str
    state: str
    role: str
    requester_id: str = Field(description="Empty where the request is not seen any more.")
    unit: str
    reference: str | None
    offered_at: datetime
    claimed_by: str | None
    claimed_for: str | None
    started_at: datetime | None
    suspended_at: datetime | None
    on_behalf_of: str | None = Field(description="For whom they would act; null: for themselves.")
    due_at: datetime | None
    reminded_at: datetime | None
    escalated_at: datetime | None
    lapsed: bool = Field(description="Whoever holds it may not do it any more.")
    near_at: datetime | None = Field(description="From then on it is near its due time.")
    claimed_at: datetime | None
    requester_name: str
    holder_name: str = Field(description="What the holder is called.")


class TaskList(Told):
    """Tasks, in the order that was asked for."""

    tasks: list[TaskTold]
    next: str | None = Field(description="Where the next page is; null when there is none.")
    count: int | None = Field(description="How many there are on all pages, up to 200.")
    more: bool = Field(description="Whether there are more than that.")


class Looked(Sent):
    """What kind of task one is ready for; null: any."""

    kind: Name | None = Field(None, description="The process.", examples=["employer-declaration"])
    variant: Name | None = None
    state: Name | None = None
    unit: Name | None = None


class Taken(Told):
    """What was claimed; null where nothing waits."""

    claimed: AnswerTold | None


class FilterWanted(Sent):
    """A filter of the queue: what GET /queue takes, but for the place."""

    kind: Name | None = None
    variant: Name | None = None
    state: Name | None = None
    unit: Name | None = None
    offered_after: Day | None = None
    offered_before: Day | None = None
    assignee: Literal["mine", "free", "others"] | None = None
    holder: Name | None = None
    due: Literal["past", "near"] | None = None
    due_within: int | None = Field(None, ge=1, le=HOURS_MOST)
    suspended: Literal["yes", "no"] | None = None
    text: str | None = Field(None, max_length=200)
    sort: Literal["due", "-due", "age", "-age", "number", "-number"] = "due"


class FilterSent(Sent):
    """A filter to be kept, in place of the one of this name."""

    name: str = Field(min_length=1, max_length=FILTER_NAME, examples=["Due today"])
    filter: FilterWanted


class FilterTold(Told):
    """A filter that is kept."""

    name: str = Field(examples=["Due today"])
    query: str = Field(description="For GET /queue, as the query of its address.", examples=["due=near"])


class FilterList(Told):
    """One's own filters, by name."""

    filters: list[FilterTold]
