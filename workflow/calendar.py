"""Working time: named calendars with office hours and an explicit list of holidays; ISO 8601 durations."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from workflow.definition_errors import CalendarEnded, DurationInvalid

_DURATION = re.compile(
    r"P(?!$)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_LARGEST = 100_000  # of any part: far above an office's needs, far below what overflows a timedelta


@dataclass(frozen=True)
class Duration:
    """A length of time as it was written: whole numbers only, a part that is not written is 0."""

    text: str
    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    @property
    def clock(self) -> timedelta:
        """The part in hours, minutes and seconds."""
        return timedelta(hours=self.hours, minutes=self.minutes, seconds=self.seconds)

    def __str__(self) -> str:
        return self.text


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration such as P3M or PT16H. Raises DurationInvalid, for a length of nothing too."""
    match = _DURATION.fullmatch(text)
    parts = {} if match is None else {name: int(digits or 0) for name, digits in match.groupdict().items()}
    if not any(parts.values()) or max(parts.values()) > _LARGEST:
        raise DurationInvalid(
            f"{text!r} is not an ISO 8601 duration.", hint="Write for example PT8H, PT30M, P2D or P3M."
        )
    return Duration(text, **parts)


def later_by(day: date, duration: Duration) -> date:
    """The day so many calendar years, months, weeks and days later.

    Where the month is too short it is the month's last day: 31 January and P1M make 28 or 29 February. Hours
    and less count as a whole day. What lies beyond the calendar is its last day, in the year 9999.
    """
    months = day.year * 12 + day.month - 1 + 12 * duration.years + duration.months
    year, month = divmod(months, 12)
    if year > date.max.year:
        return date.max
    last = monthrange(year, month + 1)[1]
    days = 7 * duration.weeks + duration.days - (-duration.clock // timedelta(days=1))
    start = date(year, month + 1, min(day.day, last))
    return date.fromordinal(min(start.toordinal() + days, date.max.toordinal()))


def parse_working_duration(text: str) -> Duration:
    """Read a duration of working time: working days, hours, minutes, seconds. Raises DurationInvalid."""
    duration = parse_duration(text)
    if duration.years or duration.months or duration.weeks:
        raise DurationInvalid(
            f"{text!r} counts years, months or weeks, which working time does not have.",
            hint="Write working days or office hours: P2D, PT16H, PT30M.",
        )
    return duration


@dataclass(frozen=True)
class WorkingCalendar:
    """An office's hours: from `opens` to `closes` in `zone` on `weekdays` (Monday is 0) that are no holiday.

    `holidays` is complete for the years `first_year` to `last_year`; other years are refused with
    CalendarEnded, so that a due time is never computed as if there were no holidays.
    """

    name: str
    zone: str
    opens: time
    closes: time
    weekdays: frozenset[int]
    holidays: Mapping[date, str]
    first_year: int
    last_year: int

    def is_working_day(self, day: date) -> bool:
        """Tell whether the office is open on this day. Raises CalendarEnded."""
        if not self.first_year <= day.year <= self.last_year:
            raise CalendarEnded(
                f"The calendar {self.name} lists holidays for {self.first_year} to {self.last_year}, "
                f"not for {day.year}.",
                hint="Add the year's holidays to the calendar.",
            )
        return day.weekday() in self.weekdays and day not in self.holidays

    def after_working(self, start: datetime, left: timedelta) -> datetime:
        """Give the UTC moment when `left` of working time has passed since `start`.

        Work that ends when the office closes is due at closing time, not at the next opening. Raises
        CalendarEnded.
        """
        for opened, closed in self.openings(_aware(start)):
            available = closed - opened
            if left <= available:
                return opened + left
            left -= available
        raise AssertionError("openings only end by CalendarEnded")

    def working_between(self, start: datetime, end: datetime) -> timedelta:
        """Give the working time from `start` to `end`, negative when it is earlier. Raises CalendarEnded."""
        start, end = _aware(start), _aware(end)
        if end < start:
            return -self.working_between(end, start)
        total = timedelta()
        for opened, closed in self.openings(start, until=end):
            total += min(closed, end) - opened
        return total

    def length(self, duration: Duration) -> timedelta:
        """Give the opening time that a working duration is: a day (P1D) is the office's whole.

        Raises DurationInvalid for years, months or weeks.
        """
        duration = parse_working_duration(duration.text)
        opening = datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)
        return duration.days * opening + duration.clock

    def openings(
        self, start: datetime, *, until: datetime | None = None
    ) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of opening time in UTC from `start` on, one a working day. Raises CalendarEnded."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        while True:
            # Each wall-clock time goes to UTC by itself: a day with a clock change is not 24 hours long.
            opens = datetime.combine(day, self.opens, zone).astimezone(UTC)
            closes = datetime.combine(day, self.closes, zone).astimezone(UTC)
            if until is not None and opens >= until:
                return
            if self.is_working_day(day) and closes > start:
                yield max(opens, start), closes
            day += timedelta(days=1)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("working time needs aware times")
    return moment.astimezone(UTC)


# Dutch central government: Good Friday is a working day; 5 May is free every year for the state's civil
# servants (by the government's decision of 12 March 1982), elsewhere often in jubilee years only.
_NL_HOLIDAYS = MappingProxyType(
    {
        date(2025, 1, 1): "New Year's Day",
        date(2025, 4, 20): "Easter Sunday",
        date(2025, 4, 21): "Easter Monday",
        date(2025, 4, 26): "King's Day (27 April is a Sunday)",
        date(2025, 5, 5): "Liberation Day",
        date(2025, 5, 29): "Ascension Day",
        date(2025, 6, 8): "Whit Sunday",
        date(2025, 6, 9): "Whit Monday",
        date(2025, 12, 25): "Christmas Day",
        date(2025, 12, 26): "Second Christmas Day",
        date(2026, 1, 1): "New Year's Day",
        date(2026, 4, 5): "Easter Sunday",
        date(2026, 4, 6): "Easter Monday",
        date(2026, 4, 27): "King's Day",
        date(2026, 5, 5): "Liberation Day",
        date(2026, 5, 14): "Ascension Day",
        date(2026, 5, 24): "Whit Sunday",
        date(2026, 5, 25): "Whit Monday",
        date(2026, 12, 25): "Christmas Day",
        date(2026, 12, 26): "Second Christmas Day",
        date(2027, 1, 1): "New Year's Day",
        date(2027, 3, 28): "Easter Sunday",
        date(2027, 3, 29): "Easter Monday",
        date(2027, 4, 27): "King's Day",
        date(2027, 5, 5): "Liberation Day",
        date(2027, 5, 6): "Ascension Day",
        date(2027, 5, 16): "Whit Sunday",
        date(2027, 5, 17): "Whit Monday",
        date(2027, 12, 25): "Christmas Day",
        date(2027, 12, 26): "Second Christmas Day",
        date(2028, 1, 1): "New Year's Day",
        date(2028, 4, 16): "Easter Sunday",
        date(2028, 4, 17): "Easter Monday",
        date(2028, 4, 27): "King's Day",
        date(2028, 5, 5): "Liberation Day",
        date(2028, 5, 25): "Ascension Day",
        date(2028, 6, 4): "Whit Sunday",
        date(2028, 6, 5): "Whit Monday",
        date(2028, 12, 25): "Christmas Day",
        date(2028, 12, 26): "Second Christmas Day",
    }
)

CALENDARS: Mapping[str, WorkingCalendar] = MappingProxyType(
    {
        "office-nl": WorkingCalendar(
            name="office-nl",
            zone="Europe/Amsterdam",
            opens=time(9),
            closes=time(17),
            weekdays=frozenset(range(5)),
            holidays=_NL_HOLIDAYS,
            first_year=2025,
            last_year=2028,
        )
    }
)
ZONE: Final = ZoneInfo(CALENDARS["office-nl"].zone)
"""By which days and months of the office begin."""
