"""How figures and charts are written in the language of a page."""

from collections.abc import Callable

from documents.words import mark
from languages import WRITING
from throughput.charts.wording import Unit, Wording
from web.languages import translations

Translate = Callable[[str], str]
_UNITS = (
    (1.0, mark("seconds"), "s"),
    (60.0, mark("minutes"), "min"),
    (3600.0, mark("hours"), mark("h")),
    (86400.0, mark("days"), mark("d")),
)
_WEEKDAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))
_SHORT = {"maart": "mrt"}
"""Months whose short names are not their first letters."""
_LETTERS = 3


def wording(language: str) -> Wording:
    """For charts, and for tables beside them."""
    say, writing = translations(language).gettext, WRITING[language]

    def number(value: float, decimals: int) -> str:
        whole, _, part = f"{abs(value):.{decimals}f}".partition(".")
        sign = "−" if value < 0 and (whole + part).strip("0") else ""
        return sign + writing.whole(int(whole)) + (writing.decimal + part if part else "")

    return Wording(
        number=number,
        percent=lambda share, decimals: writing.percent.format(number(100 * share, decimals)),
        units=[Unit(seconds, say(name), say(sign)) for seconds, name, sign in _UNITS],
        months=[_SHORT.get(name, name[:_LETTERS]) for name in writing.months],
        weekdays=[say(name) for name in _WEEKDAYS],
    )
