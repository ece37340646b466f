"""Of which requests figures are asked: what stands in the address of their pages."""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from documents.words import mark
from throughput.grouped import By
from throughput.scope import Scope
from web.asked import Asked
from web.unreadable import CHOICE, Unreadable, wrong_months, wrong_texts
from workflow.calendar import ZONE
from workflow.staff import Reach

MONTHS: Final = 6
"""So many are told of where nothing is said of when: this month and those before."""
BYS: Final[tuple[tuple[By, str], ...]] = (
    ("variant", mark("How it is signed")),
    ("month", mark("Months")),
    ("unit", mark("Units")),
    ("definition", mark("Versions of the process")),
)
_NAMES = {"first": "from", "last": "to"}
_LABELS = {
    "key": mark("Process"),
    "variant": mark("How it is signed"),
    "unit": mark("Unit"),
    "definition": mark("Version of the process"),
    "from": mark("Asked for from"),
    "to": mark("Until"),
    "by": mark("Compare"),
}


@dataclass(frozen=True)
class Wanted:
    """As in the address: "" leaves open. `first` and `last` are months, such as 2026-11, both included."""

    key: str = ""
    variant: str = ""
    unit: str = ""
    definition: str = ""
    first: str = ""
    last: str = ""
    by: By = "variant"

    @classmethod
    def of(cls, asked: Asked, now: datetime) -> "Wanted":
        """Read it from an address. Raises Unreadable."""
        said = {name: asked.text(name).strip() for name in ("key", "variant", "unit", "definition")}
        first, last, by = (asked.text(name).strip() for name in ("from", "to", "by"))
        wrong = dict(wrong_texts({_LABELS[name]: text for name, text in said.items()}))
        wrong |= wrong_months((_LABELS["from"], first), (_LABELS["to"], last), now)
        if by not in {"", *(one for one, _ in BYS)}:
            wrong[_LABELS["by"]] = CHOICE
        if wrong:
            raise Unreadable(wrong, again="/figures")
        chosen: By = next((one for one, _ in BYS if one == by), "variant")
        wanted = cls(**said, first=first, last=last, by=chosen)
        return wanted if first or last else replace(wanted, first=cls.of_nothing(now).first)

    @classmethod
    def of_nothing(cls, now: datetime) -> "Wanted":
        """What is told of where the address says nothing."""
        return cls(first=text_of(earlier(now, MONTHS - 1)))

    def scope(self, reach: Reach) -> Scope:
        """The same for who reads figures, within the units that they may see."""
        return Scope(
            key=self.key or None,
            variant=self.variant or None,
            unit=self.unit or None,
            definition=self.definition or None,
            since=_begins(self.first) if self.first else None,
            before=_begins(self.last, after=True) if self.last else None,
            reach=reach,
        )

    def query(self, **other: str) -> str:
        """What stands in an address behind the question mark, with other values of some fields."""
        values = {_NAMES.get(name, name): value for name, value in asdict(self).items()} | other
        return urlencode({name: value for name, value in values.items() if value})


def months_until(now: datetime, first: date) -> list[date]:
    """The months from the first until now, the newest first."""
    count = (now.astimezone(ZONE).year - first.year) * 12 + now.astimezone(ZONE).month - first.month
    return [earlier(now, back) for back in range(max(0, count) + 1)]


def earlier(now: datetime, months: int) -> date:
    """The first day of a month so many before this one."""
    day = now.astimezone(ZONE).date()
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def text_of(month: date) -> str:
    """As it stands in an address."""
    return f"{month:%Y-%m}"


def _begins(month: str, *, after: bool = False) -> datetime:
    """The first moment of a month, or of the one after it."""
    year, number = map(int, month.split("-"))
    return datetime(year + (after and number == 12), number % 12 + 1 if after else number, 1, tzinfo=ZONE)
