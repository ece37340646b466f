"""How figures and charts are written in the language of a page."""

from documents.words import mark
from languages import WRITING
from throughput.charts.wording import Unit, Wording
from web.languages import translations

_UNITS = (
    (1.0, mark("seconds"), "s"),
    (60.0, mark("minutes"), "min"),
    (3600.0, mark("hours"), mark("h")),
    (86400.0, mark("days"), mark("d")),
)
_WEEKDAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))


def wording(language: str) -> Wording:
    """For charts, and for tables beside them."""
    say = translations(language).gettext
    units = [Unit(seconds, say(name), say(sign)) for seconds, name, sign in _UNITS]
    return Wording.of(WRITING[language], units, [say(name) for name in _WEEKDAYS])
