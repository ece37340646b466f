"""The words of reports in one language, and how it writes figures, times and days."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path

from languages import LANGUAGES
from throughput.charts.wording import Unit
from throughput.charts.wording import Wording as ChartWording
from throughput.contrasts import OTHERS
from throughput.grouped import By, definition_name, digest_in, variant_in
from throughput.origins import MEASURED, Origin, figures
from throughput.signs import NOTHING
from throughput.text_table import TOLD
from wording import Value, Wording, catalogue, mark
from workflow.calendar import ZONE
from workflow.invented import Invented
from workflow.words import ProcessWords, process_words

__all__ = ["LANGUAGES", "NOTHING", "NO_BREAK", "OPEN", "ReportWords", "mark", "report_words"]

OPEN = "…"
NO_BREAK = "\N{NO-BREAK SPACE}"
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STATE = "{name:state}"
_ORIGIN = "{origin}"
_ORIGINS: Mapping[str, str] = {
    "claimed": mark("claimed"),
    "measured": mark("measured"),
    "simulated": mark("simulated"),
    "given": mark("given"),
    "assumed": mark("assumed"),
}


class ReportWords(Wording):
    """One language; make it with `report_words`.

    `{origin}` in a text is what an office's figures are: measured, or simulated, where its past was invented.
    """

    figures: Origin = MEASURED

    def of_past(self, past: Invented | None) -> "ReportWords":
        """The words for figures of an office with such a past."""
        return report_words(self.language, figures(past))

    def text(self, text: str, /, **values: Value) -> str:
        """As of any room; what the figures are is filled in."""
        known: dict[str, Value] = {"origin": self.origin(self.figures)} if _ORIGIN in text else {}
        return super().text(text, **known | values)

    def origin(self, origin: str) -> str:
        """Where a number comes from."""
        return super().text(_ORIGINS[origin])

    @cached_property
    def of_processes(self) -> ProcessWords:
        """What processes, variants and states are called."""
        return process_words(self.language)

    def process(self, key: str) -> str:
        """What kind of request it is."""
        return self.of_processes.process(key)

    def variant(self, variant: str) -> str:
        """How it is signed, behind the variant's short name."""
        told = self.of_processes.variant(variant)
        return variant if told == variant else f"{variant}: {told}"

    def group(self, name: str, by: By = "variant") -> str:
        """What a group of requests is called, by what they were put into groups."""
        if name == OTHERS:
            return self.text("all others")
        if by == "month":
            return self.month(int(name[:4]), int(name[5:]))
        if by == "definition":
            return definition_name(self.of_processes.variant(variant_in(name)), digest_in(name))
        return self.variant(name) if by == "variant" else name

    def way(self, name: str, by: By = "variant") -> str:
        """The same within a sentence."""
        if by != "variant":
            return self.group(name, by)
        told = self.of_processes.variant(name)
        return name if told == name else f"{name} ({told[:1].lower()}{told[1:]})"

    def state(self, state: str) -> str:
        """Where a request is."""
        return self.of_processes.text(_STATE, name=state)

    def decimal(self, value: float, decimals: int = 1) -> str:
        """A number with so many decimals."""
        whole, _, part = f"{abs(value):.{decimals}f}".partition(".")
        told = self._writing.whole(int(whole)) + (f"{self._writing.decimal}{part}" if part else "")
        return f"−{told}" if value < 0 and any(digit in "123456789" for digit in told) else told

    def percent(self, share: float, decimals: int = 0) -> str:
        """A share in per cent."""
        return self._writing.percent.format(self.decimal(share * 100, decimals))

    @property
    def per_cent(self) -> str:
        """The sign of per cent, with the space that the language sets before it."""
        return self._writing.percent.format("")

    def time(self, seconds: float, *, like: float | None = None) -> str:
        """So long, as people say it; in the unit in which they would say `like`, where that tells it."""
        size = abs(seconds if like is None else like)
        if size < 1.5 * _MINUTE:
            unit, sign = 1.0, self.text("s")
        elif size < 1.5 * _HOUR:
            unit, sign = _MINUTE, self.text("min")
        elif size < 2 * _DAY:
            unit, sign = _HOUR, self.text("h")
        else:
            unit, sign = _DAY, self.text("d")
        if like is not None and seconds and abs(seconds) < TOLD * unit:
            return self.time(seconds)
        return f"{self.decimal(seconds / unit)}{NO_BREAK}{sign}"

    def signed(self, seconds: float | None, unknown: str = NOTHING, *, like: float | None = None) -> str:
        """A difference of times, with its sign."""
        if seconds is None:
            return unknown
        told = self.time(seconds, like=like)
        return told if seconds < 0 else f"+{told}"

    def day(self, day: date) -> str:
        """A day, the month in letters."""
        return self._writing.day(day)

    def month(self, year: int, month: int) -> str:
        """A month and its year."""
        return f"{self._writing.months[month - 1]} {year}"

    def moment(self, moment: datetime) -> str:
        """A day and a time of day, the office's and which that is; midnight is the day alone."""
        at = moment.astimezone(ZONE)
        day = self.day(at.date())
        return day if (at.hour, at.minute) == (0, 0) else f"{day} {self._writing.time(at)} {at:%Z}"

    @cached_property
    def charts(self) -> ChartWording:
        """The same for charts."""
        return ChartWording.of(
            self._writing,
            (
                Unit(1, self.text("seconds"), self.text("s")),
                Unit(_MINUTE, self.text("minutes"), self.text("min")),
                Unit(_HOUR, self.text("hours"), self.text("h")),
                Unit(_DAY, self.text("days"), self.text("d")),
            ),
            weekdays=(),
        )


@cache
def report_words(language: str, figures: Origin = MEASURED) -> ReportWords:
    """The words of a language, read on first use, for figures that are measured, or simulated."""
    words = ReportWords(language, catalogue("figures", Path(__file__).parents[1], language))
    words.figures = figures
    return words
