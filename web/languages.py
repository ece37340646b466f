"""In which language a page is, and its words."""

import gettext
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.requests import Request

from languages import LANGUAGES, WRITING
from web.cookies import LANGUAGE, chosen
from wording import catalogue

NAMES = {"en": "English", "nl": "Nederlands", "da": "Dansk", "nb": "Norsk"}
"""Each language in its own words."""
_ALSO = {"no": "nb", "nn": "nb"}  # who asks for Norwegian gets what there is of it


def language_of(request: Request) -> str:
    """What the address says with `lang`, else what was chosen before, else what the browser likes most."""
    for said in (request.query_params.get("lang"), chosen(request, LANGUAGE)):
        if said in LANGUAGES:
            return said
    return preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> str:
    """The language of an Accept-Language header that comes first of those that there are; else English.

    Source: RFC 9110, 12.5.4.
    """
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:20]):
        name, _, weight = part.partition(";")
        language = name.strip().lower().split("-")[0]
        language = _ALSO.get(language, language)
        if language in LANGUAGES and (quality := _quality(weight)) > 0:
            wanted.append((-quality, place, language))
    return min(wanted)[2] if wanted else "en"


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The words of the pages."""
    return catalogue("pages", Path(__file__).parent, language)


def moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """A moment for people: the day in words, the time to the minute, and which time it is."""
    there, writing = at.astimezone(zone), WRITING[language]
    return f"{writing.day(there.date())} {writing.time(there)} {there:%Z}"
