"""What somebody looks for in their queue, and in which order: as values, and as the query of an address."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Literal, Self, get_args
from urllib.parse import urlencode

from wording import Sentence
from workflow.digits import whole
from workflow.errors import Reason, Refused

Sort = Literal["due", "-due", "age", "-age", "number", "-number"]
"""By when a task is due, since when it waits, or the request's number; with `-`, the other way round."""
Assignee = Literal["mine", "free", "others"]
Due = Literal["past", "near"]
SORTS: tuple[Sort, ...] = get_args(Sort)
ASSIGNEES: tuple[Assignee, ...] = get_args(Assignee)
DUES: tuple[Due, ...] = get_args(Due)
HOURS_MOST = 1_000
TEXT_LONGEST = 200
_YES_NO = {"yes": True, "no": False}
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAMES = ("kind", "variant", "state", "unit", "holder", "text", "after")


@dataclass(frozen=True)
class QueueFilter:
    """What is looked for; None leaves it open. Days are the office's, hours its working hours.

    `kind` is the process's key. `offered_after`: on this day or later, `offered_before`: earlier than it.
    `holder` is a person's id. `due`: past due, or near it or past; `due_within`: due within so many working
    hours, or past due; what is suspended is neither. `text` is a request's number, or the beginning of its
    reference or of its requester's id or name. `after` is where the page before ended (QueuePage.after).
    """

    kind: str | None = None
    variant: str | None = None
    state: str | None = None
    unit: str | None = None
    offered_after: date | None = None
    offered_before: date | None = None
    assignee: Assignee | None = None
    holder: str | None = None
    due: Due | None = None
    due_within: int | None = None
    suspended: bool | None = None
    text: str | None = None
    sort: Sort = "due"
    after: str | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> Self:
        """Read it from the query of an address; blank values and other names are left out.

        Raises Refused with every field that can't be read.
        """
        values: dict[str, Any] = {}
        wrong: list[Reason] = []
        for name in (field.name for field in fields(cls)):
            given = [value.strip() for value in query.get(name, ()) if value.strip()]
            if len(given) > 1:
                wrong.append(_reason(name, Sentence("Say this once.")))
            elif given:
                try:
                    values[name] = _READERS.get(name, str)(given[0])
                except _UnfitError as error:
                    wrong.append(_reason(name, error.sentence))
        found = cls(**values)
        if wrong := [*wrong, *against(found)]:
            raise Refused(wrong)
        return found

    def as_fields(self) -> dict[str, str]:
        """Each thing that is asked, by its name: for an address, or for hidden fields of a form."""
        found = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = ("no", "yes")[value] if isinstance(value, bool) else str(value)
        return found

    def as_query(self) -> str:
        """The query of an address, from which `from_query` gives the same; "" when nothing is asked."""
        return urlencode(self.as_fields())

    @property
    def is_open(self) -> bool:
        """Whether nothing is looked for: everything is there, in whatever order."""
        return replace(self, sort="due", after=None) == QueueFilter()

    @property
    def order(self) -> str:
        """The sort without its direction."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the latest comes first."""
        return self.sort.startswith("-")


EVERYTHING = QueueFilter()


def turned(sort: Sort) -> Sort:
    """A sort the other way round."""
    other = sort.removeprefix("-") if sort.startswith("-") else f"-{sort}"
    return next(one for one in SORTS if one == other)


def against(wanted: QueueFilter) -> Iterator[Reason]:
    """Why a filter can't be looked for: each field that is none of its kind."""
    for name in _NAMES:
        value = getattr(wanted, name)
        longest = 1_000 if name == "after" else TEXT_LONGEST
        if value is not None and not _is_line(value, longest):
            yield _reason(
                name, Sentence("Send this as text of 1 to {most} characters that show.", most=longest)
            )
    for name, known in (("assignee", ASSIGNEES), ("due", DUES), ("sort", SORTS)):
        value = getattr(wanted, name)
        if value not in known and (value is not None or name == "sort"):
            yield _reason(name, _one_of(known))
    for name in ("offered_after", "offered_before"):
        value = getattr(wanted, name)
        if value is not None and type(value) is not date:
            yield _reason(name, _day_form())
    hours = wanted.due_within
    if hours is not None and (type(hours) is not int or not 0 < hours <= HOURS_MOST):
        yield _reason("due_within", _hours_form())
    if not (wanted.suspended is None or isinstance(wanted.suspended, bool)):
        yield _reason("suspended", _one_of(tuple(_YES_NO)))


def require_filter(wanted: QueueFilter) -> None:
    """Raises Refused with every field that is none of its kind."""
    if wrong := list(against(wanted)):
        raise Refused(wrong)


def _is_line(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


class _UnfitError(ValueError):
    """A text that can't be read; what to tell of it."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def _reason(name: str, message: Sentence) -> Reason:
    return Reason("form", message, name)


def _one_of(known: Sequence[str]) -> Sentence:
    return Sentence("Choose one of: {known}.", known=", ".join(known))


def _day_form() -> Sentence:
    return Sentence("Write the day as 2026-11-20.")


def _hours_form() -> Sentence:
    return Sentence("Give working hours from 1 to {most}.", most=HOURS_MOST)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise _UnfitError(_day_form()) from None


def _hours(text: str) -> int:
    hours = whole(text, HOURS_MOST)
    if hours is None:
        raise _UnfitError(_hours_form())
    return hours


def _suspended(text: str) -> bool:
    if text not in _YES_NO:
        raise _UnfitError(_one_of(tuple(_YES_NO)))
    return _YES_NO[text]


_READERS: Mapping[str, Callable[[str], Any]] = {
    "offered_after": _day,
    "offered_before": _day,
    "due_within": _hours,
    "suspended": _suspended,
}
