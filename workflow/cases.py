"""A request as it is held in memory while a transaction works on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workflow.definition_model import Definition


@dataclass(slots=True)
class OpenTask:
    """A task as it will be written."""

    id: int
    state: str
    role: str
    offered_at: datetime
    claimed_by: str | None = None
    claimed_for: str | None = None
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    suspended_us: int = 0
    closed_at: datetime | None = None
    done_by: str | None = None
    done_for: str | None = None
    unit: str | None = None
    definition_sha256: str | None = None
    named: str | None = None
    suspended_at: datetime | None = None
    due_at: datetime | None = None
    near_at: datetime | None = None

    def close(self, at: datetime, by: str, on_behalf_of: str | None) -> None:
        """Somebody has done it; what is kept of open tasks alone is gone."""
        self.closed_at, self.done_by, self.done_for = at, by, on_behalf_of
        self.unit = self.definition_sha256 = self.named = None
        self.suspended_at = self.due_at = self.near_at = None


@dataclass(slots=True)
class Case:
    """A request as it will be written, with its open task and the hands it has been through."""

    id: int
    definition: Definition
    state: str
    version: int
    step_seq: int
    requester_id: str
    unit: str
    language: str
    reference: str | None
    data: Mapping[str, Any]
    data_sha256: str
    suspended_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None = None
    outcome: str | None = None
    task: OpenTask | None = None
    hands: dict[tuple[str, str], str] = field(default_factory=dict)
    """(rule, person) → state."""
    stored_version: int | None = None
    """The version in the database; None for a new request."""
    stored_task: OpenTask | None = None
    stored_data_sha256: str = ""
    signed_on: str = ""
    """The last day on which somebody said it was signed, as far as it was read; "" when nobody has."""
    delivered: bool = False
    """Whether it was delivered before; read where its definition asks for it."""
    closed_tasks: list[OpenTask] = field(default_factory=list)
    new_hands: list[tuple[str, str]] = field(default_factory=list)

    def report(self, facts: Mapping[str, str]) -> None:
        """Take note of what a person reported."""
        self.signed_on = max(self.signed_on, facts.get("signed_on", ""))


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An unresolved incident of a request."""

    id: int
    state: str
    step_seq: int
    code: str
