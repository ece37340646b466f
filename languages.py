"""How languages write numbers, days and times of day, as in the Unicode CLDR."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Writing:
    """How one language writes them; `money` and `percent` are patterns around a number."""

    group: str
    decimal: str
    money: str
    percent: str
    months: tuple[str, ...]
    day_pattern: str
    time_pattern: str

    def whole(self, number: int) -> str:
        """A whole number, its thousands set apart."""
        return f"{number:,}".replace(",", self.group)

    def day(self, day: date) -> str:
        """A date with the month in letters."""
        return self.day_pattern.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def time(self, moment: datetime) -> str:
        """A time of day to the minute, of 24 hours."""
        return self.time_pattern.format(hour=moment.hour, minute=moment.minute)


_EN = "January February March April May June July August September October November December"
_NL = "januari februari maart april mei juni juli augustus september oktober november december"
_DA = "januar februar marts april maj juni juli august september oktober november december"
_NB = "januar februar mars april mai juni juli august september oktober november desember"
_PLAIN, _STOPPED = "{day} {month} {year}", "{day}. {month} {year}"
_COLON, _STOP = "{hour:02}:{minute:02}", "{hour:02}.{minute:02}"

WRITING: Final[Mapping[str, Writing]] = {
    "en": Writing(",", ".", "€{}", "{}%", tuple(_EN.split()), _PLAIN, _COLON),
    "nl": Writing(".", ",", f"€{_NO_BREAK}{{}}", "{}%", tuple(_NL.split()), _PLAIN, _COLON),
    "da": Writing(".", ",", f"{{}}{_NO_BREAK}€", f"{{}}{_NO_BREAK}%", tuple(_DA.split()), _STOPPED, _STOP),
    "nb": Writing(
        _NO_BREAK, ",", f"{{}}{_NO_BREAK}€", f"{{}}{_NO_BREAK}%", tuple(_NB.split()), _STOPPED, _COLON
    ),
}
LANGUAGES: Final = tuple(WRITING)
