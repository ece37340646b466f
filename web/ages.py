"""How long something has waited, and how much time is left: in working time, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from documents.words import mark
from workflow.calendar import CALENDARS, WorkingCalendar, parse_working_duration
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import Definition

Tone = Literal["bad", "mixed", "plain"]
_A_DAY = parse_working_duration("P1D")
_DAYS, _HOURS, _MINUTES = mark("{days} d"), mark("{hours} h"), mark("{minutes} min")
_SIGNS = {"bad": "▲", "mixed": "◆", "plain": ""}
Translate = Callable[[str], str]


@dataclass(frozen=True)
class DueWords:
    """When something is due, for people: `sign` and `tone` tell past and near apart, beside the words."""

    words: str
    tone: Tone
    at: datetime

    @property
    def sign(self) -> str:
        """A shape of its own for what is past due, and for what is near."""
        return _SIGNS[self.tone]


@dataclass(frozen=True)
class Ages:
    """Tells of spans from or until `now`, in one language."""

    now: datetime
    say: Translate

    def age(self, definition: Definition, since: datetime) -> str:
        """How much working time has gone by; "" where the calendar does not reach so far."""
        return self._span(CALENDARS[definition.calendar], since, self.now)

    def due(
        self, definition: Definition, due_at: datetime | None, near_at: datetime | None
    ) -> DueWords | None:
        """How much working time is left, or by how much it is past; None where nothing is due."""
        if due_at is None:
            return None
        calendar = CALENDARS[definition.calendar]
        if due_at < self.now:
            span = self._span(calendar, due_at, self.now)
            return DueWords(self.say("Past due by {span}").format(span=span), "bad", due_at)
        span = self._span(calendar, self.now, due_at)
        if near_at is not None and near_at <= self.now:
            return DueWords(self.say("Due soon, in {span}").format(span=span), "mixed", due_at)
        return DueWords(self.say("In {span}").format(span=span), "plain", due_at)

    def _span(self, calendar: WorkingCalendar, start: datetime, end: datetime) -> str:
        try:
            span = calendar.working_between(start, end)
        except CalendarEnded:
            return ""
        return _words(calendar, span, self.say)


def working(span: timedelta, definition: Definition, say: Translate) -> str:
    """A length of working time, in either direction, in the days of the process's calendar."""
    return _words(CALENDARS[definition.calendar], abs(span), say)


def _words(calendar: WorkingCalendar, span: timedelta, say: Translate) -> str:
    days, rest = divmod(span, calendar.length(_A_DAY))
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes = rest // timedelta(minutes=1)
    parts = [(_DAYS, days), (_HOURS, hours), (_MINUTES, 0 if days else minutes)]
    said = [say(text).format(days=one, hours=one, minutes=one) for text, one in parts if one]
    return " ".join(said) or say(_MINUTES).format(minutes=0)


SENTENCES = (mark("Past due by {span}"), mark("Due soon, in {span}"), mark("In {span}"))
"""What `Ages.due` says, for the catalogues."""
