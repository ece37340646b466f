"""What a rule is, and what it may look at beside the document's own data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

from documents.errors import FieldProblem, Severity
from wording import Sentence


class Stage(IntEnum):
    """How far the document is: later stages ask for more."""

    REQUEST = 1
    """The requester hands it in: the manager's and the clerk's parts may be empty."""
    REVIEW = 2
    """The manager has done their part; the clerk is about to judge."""
    FINAL = 3
    """Approved: the next step renders and signs it. Every warning has a reason."""


@dataclass(frozen=True)
class PaySlip:
    """The last pay slip: gross pay of a period in euros; 12 periods a year, or 13 of four weeks."""

    gross: Decimal
    periods_a_year: int


class RegisterEntry(Protocol):
    """What the HR register must say about an employee to be compared with a declaration."""

    @property
    def name(self) -> str:
        """The employee's name."""

    @property
    def address(self) -> str:
        """Street and number where the employee lives."""

    @property
    def postcode(self) -> str:
        """Like 9999 XX."""

    @property
    def town(self) -> str:
        """Where the employee lives."""

    @property
    def date_of_birth(self) -> date:
        """The employee's."""

    @property
    def employer_name(self) -> str:
        """Legal name of the employer."""

    @property
    def function(self) -> str:
        """Function, as it is on the appointment."""

    @property
    def in_service_since(self) -> date:
        """First day of service."""

    @property
    def contract(self) -> str:
        """One of permanent, temporary, flexible."""

    @property
    def ikb(self) -> bool:
        """Whether the employee has an individual choice budget (IKB)."""


@dataclass(frozen=True)
class Evidence:
    """What is known beside the document. What is None is not compared."""

    register_entry: RegisterEntry | None = None
    pay_slip: PaySlip | None = None
    issued_on: date | None = None


NOTHING_ELSE = Evidence()

M = TypeVar("M")


def years_later(day: date, years: int) -> date:
    """Give the same day of another year; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


@dataclass(frozen=True)
class Rule(Generic[M]):
    """One thing to check: its stable id, the sentence a clerk reads, and from which stage on it counts."""

    id: str
    message: str
    test: Callable[[M, Evidence], Iterable[str]]
    since: Stage = Stage.REQUEST
    severity: Severity = "error"

    def problems(self, model: M, evidence: Evidence) -> list[FieldProblem]:
        """Apply the rule, whatever the stage."""
        return [
            FieldProblem(field, self.id, Sentence(self.message), self.severity)
            for field in self.test(model, evidence)
        ]
