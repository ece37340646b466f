"""Pages from templates: what all of them can say, in the language of who asks."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from languages import WRITING
from web.cookies import A_YEAR_S, LANGUAGE, Cookies
from web.languages import NAMES, language_of, moment, translations
from web.themed import Themed
from workflow.calendar import ZONE
from workflow.invented import Invented
from workflow.theme import NEUTRAL

_HERE = Path(__file__).parent


class Pages:
    """Makes answers from templates; everything put into them is escaped. `trial`: keys prove nothing here;
    `past` tells of what was invented."""

    def __init__(
        self,
        *,
        trial: bool,
        cookies: Cookies,
        themed: Themed | None = None,
        past: Callable[[], Invented | None] = lambda: None,
    ) -> None:
        self._cookies = cookies
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        office = themed or Themed(NEUTRAL)
        self._environment.globals.update(static=static, trial=trial, office=office, past=past)

    def answer(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page for who asks."""
        language = language_of(request)

        def day(given: date) -> str:
            return WRITING[language].day(given)

        def at(given: datetime) -> str:
            return moment(given, language, ZONE)

        text = self._environment.get_template(template).render(
            _=translations(language).gettext,
            language=language,
            languages=_elsewhere(request, NAMES),
            page_url=request.url.replace(query="", path=_path(request)),
            figures=WRITING[language].whole,
            day=day,
            at=at,
            **context,
        )
        answer = HTMLResponse(
            text,
            status_code=status,
            headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"},
        )
        if request.query_params.get("lang") == language:
            self._cookies.set(answer, LANGUAGE, language, seconds=A_YEAR_S)
        return answer


def _elsewhere(request: Request, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Each language: code, name, and the address of this page in it; of an answer to a form, the start."""
    kept = [one for one in request.query_params.multi_items() if one[0] != "lang"] if _looks(request) else []
    path = _path(request)
    return [(code, name, f"{path}?{urlencode([*kept, ('lang', code)])}") for code, name in names.items()]


def _looks(request: Request) -> bool:
    return request.method in {"GET", "HEAD"}


def _path(request: Request) -> str:
    """The path of this page; of an answer to a form, of where one begins."""
    if _looks(request):
        # of a path that begins with two strokes a browser would make another host
        return "/" + quote(request.url.path.lstrip("/"))
    return "/verify" if request.url.path.startswith("/verify") else "/"


@cache
def static(name: str) -> str:
    """The address of a file that pages load: it changes with the file."""
    digest = hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"
