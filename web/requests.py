"""The requests that somebody may see: their own, their team's, or all; and what waits for them among them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.words import mark
from languages import WRITING
from web.asked import Asked, Door
from web.choices import choices
from web.csv_answer import LISTS, Cell, csv_answer
from web.navigation import EVERYBODY
from web.new_requests import begun_by
from web.request_history import last_return, told
from wording import Sentence
from workflow.access import AUDITOR, requester_role
from workflow.calendar import ZONE
from workflow.callings import names_of
from workflow.command_form import REQUEST_ID_MAX
from workflow.definition_model import Definition
from workflow.digits import whole
from workflow.errors import Reason, Refused
from workflow.listing import RequestFilter, RequestLine
from workflow.many import definitions_of

PAGE: Final = 50
OWN_MOST: Final = 20
"""So many of one's own that wait are told of above the list."""
OWN_READ: Final = 1_000
"""Among so many of one's own that are open."""
TEXT_LONGEST: Final = 200
CSV_AT_ONCE: Final = 500
COLUMNS: Final = (
    *("id", "key", "variant", "state", "requester_id", "requester_name", "unit", "reference"),
    *("opened_at", "suspended_at", "closed_at", "outcome", "destroyed_at"),
)
"""Of the list as CSV, as `paraaf requests` calls them."""
SEEING_NONE: Final = EVERYBODY | {"administrator"}
"""Roles that show nobody the requests of others."""
_HEADINGS = (
    (frozenset({AUDITOR}), mark("All requests")),
    (frozenset({"manager", "leader"}), mark("Requests of my team")),
)


@dataclass(frozen=True)
class Looked:
    """What is looked for among the requests, as it stands in the address; "" leaves it open.

    `text` is as in RequestFilter; `mine` is "yes" for one's own alone.
    """

    text: str = ""
    key: str = ""
    variant: str = ""
    state: str = ""
    unit: str = ""
    open: str = ""
    mine: str = ""
    below: str = ""
    above: str = ""

    @classmethod
    def of(cls, asked: Asked) -> "Looked":
        """Read it from an address. Raises Refused with every field that can't be read, and HTTPException 400
        for places in the list that no page gives."""
        looked = cls(**{one.name: asked.text(one.name).strip() for one in fields(cls)})
        if wrong := list(looked.against()):
            raise Refused(wrong)
        if any(place and _number(place) is None for place in (looked.below, looked.above)):
            raise HTTPException(400)
        return looked

    def against(self) -> Iterator[Reason]:
        """Each field that is none of its kind."""
        for one in fields(self):
            value = getattr(self, one.name)
            if len(value) > TEXT_LONGEST or not value.isprintable():
                sentence = Sentence(
                    "Send this as text of 1 to {most} characters that show.", most=TEXT_LONGEST
                )
                yield Reason("form", sentence, one.name)

    def filter(self, person: str) -> RequestFilter:
        """The same for the engine."""
        return RequestFilter(
            state=self.state or None,
            key=self.key or None,
            variant=self.variant or None,
            unit=self.unit or None,
            closed={"yes": False, "no": True}.get(self.open),
            below=_number(self.below),
            above=_number(self.above),
            requester=person if self.mine == "yes" else None,
            text=self.text or None,
        )

    def address(self, *, path: str = "/requests", **other: str) -> str:
        """The address of a page of this list, with other values of some fields."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | other
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path

    @property
    def is_open(self) -> bool:
        """Whether nothing is looked for."""
        return replace(self, below="", above="") == Looked()


@dataclass(frozen=True)
class Shown:
    """A request in the list, and what it began with; None for what this release can't read."""

    line: RequestLine
    definition: Definition | None
    requester: str
    remark: str = ""
    """Why it came back, where it did."""

    @property
    def role(self) -> str | None:
        """Whose turn it is."""
        state = None if self.definition is None else self.definition.states.get(self.line.state)
        return None if state is None else state.role

    @property
    def waits_for_requester(self) -> bool:
        """Whether it is its requester's turn."""
        return self.definition is not None and self.role == requester_role(self.definition)


@dataclass(frozen=True)
class Requests:
    """The page /requests."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [self.door.get("/requests", self._list), self.door.get("/requests.csv", self._csv)]

    def _list(self, asked: Asked) -> Response:
        looked = Looked.of(asked)
        wanted = looked.filter(asked.me.id)
        found = self.door.office.engine.requests(asked.me.id, wanted, limit=PAGE + 1)
        lines = found[-PAGE:] if looked.above else found[:PAGE]
        more = len(found) > PAGE
        first = looked.is_open and not (looked.below or looked.above)
        return self.door.answer(
            asked,
            "requests.html",
            looked=looked,
            heading=_heading(asked.me.roles),
            others=bool(asked.me.roles - SEEING_NONE),
            may_start=bool(asked.me.roles & EVERYBODY),
            shown=self._shown(lines),
            waiting=self._waiting(asked) if first else [],
            begun=begun_by(self.door.office, asked.me.id) if first else [],
            older=looked.address(below=str(lines[-1].id), above="")
            if lines and (more or looked.above)
            else None,
            newer=looked.address(above=str(lines[0].id), below="")
            if lines and _has_newer(looked, more)
            else None,
            start=looked.address(below="", above="") if looked.below or looked.above else None,
            as_csv=looked.address(path="/requests.csv", below="", above=""),
            day_of=lambda moment: WRITING[asked.language].day(moment.astimezone(ZONE).date()),
            choices=choices(self.door.office.engine.catalogue, asked.language, looked.key),
        )

    def _csv(self, asked: Asked) -> Response:
        """All that the list finds, on every page of it."""
        looked = replace(Looked.of(asked), below="", above="")
        self.door.rates.require(asked.request, LISTS)
        name = f"requests-{self.door.office.clock():%Y-%m-%d}.csv"
        return csv_answer(name, COLUMNS, self._rows(asked.me.id, looked.filter(asked.me.id)))

    def _rows(self, me: str, wanted: RequestFilter) -> Iterator[tuple[Cell, ...]]:
        """A line for each, read as they are sent."""
        engine, more = self.door.office.engine, True
        while more:
            lines = engine.requests(me, wanted, limit=CSV_AT_ONCE)
            names = names_of(engine.store, {line.requester_id for line in lines})
            for line in lines:
                values = asdict(line) | {"requester_name": names.get(line.requester_id, "")}
                yield tuple(values[name] for name in COLUMNS)
            more = len(lines) == CSV_AT_ONCE
            wanted = replace(wanted, below=lines[-1].id) if lines else wanted

    def _shown(self, lines: Sequence[RequestLine], remarks: Mapping[int, str] | None = None) -> list[Shown]:
        engine = self.door.office.engine
        definitions = definitions_of(engine, [line.id for line in lines])
        names = names_of(engine.store, {line.requester_id for line in lines})
        return [
            Shown(
                line,
                definitions.get(line.id),
                names.get(line.requester_id, line.requester_id),
                (remarks or {}).get(line.id, ""),
            )
            for line in lines
        ]

    def _waiting(self, asked: Asked) -> list[Shown]:
        """One's own requests that wait for oneself; those that came back first, with what was remarked."""
        engine, me = self.door.office.engine, asked.me.id
        wanted = RequestFilter(requester=me, closed=False)
        waiting = [
            one
            for one in self._shown(engine.requests(me, wanted, limit=OWN_READ))
            if one.waits_for_requester and one.line.suspended_at is None
        ][:OWN_MOST]
        told = [replace(one, remark=self._returned(one.line.id, me)) for one in waiting]
        return sorted(told, key=lambda one: not one.remark)

    def _returned(self, number: int, me: str) -> str:
        """What was remarked when a request came back last, if that is why it is where it is."""
        last = last_return(told(self.door.office.engine.show(number, me).history))
        return "" if last is None else last.remark


def _has_newer(looked: Looked, more: bool) -> bool:
    return bool(looked.below) or (bool(looked.above) and more)


def _heading(roles: Collection[str]) -> str:
    for wanted, words in _HEADINGS:
        if wanted & frozenset(roles):
            return words
    return mark("Requests") if frozenset(roles) - SEEING_NONE else mark("My requests")


def _number(text: str) -> int | None:
    """The number that is written, if it can be a request's."""
    return whole(text, REQUEST_ID_MAX) or None
