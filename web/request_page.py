"""One request: what it is about, its document, what somebody can do with it, and why they can't do the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from documents.errors import FieldProblem
from documents.kinds import KINDS
from web.asked import Asked, Door
from web.drawn_pages import DrawnPages
from web.languages import translations
from web.request_acts import TAKE_AND_START, Wrong, act
from web.request_documents import RequestDocuments
from web.request_timing import lasting, timing
from workflow.changes import RETURNED, SinceReturn, since_return
from workflow.checks import Checks, checks
from workflow.definition_model import Definition
from workflow.judge import VERBS
from workflow.particulars import Particulars, particulars
from workflow.path import path_of
from workflow.reading import DocumentView, HistoryEntry, RequestView
from workflow.request_files import request_file
from workflow.ways import Way, ways

_SUSPENDED: Final = "request_suspended"
# Why a verb is not there at all, rather than refused: nobody misses it.
_OUT_OF_PLACE: Final = frozenset(
    {"not-suspended", "no-incident", "unclaimed", "held", "started", "automatic", "ended"}
)


@dataclass(frozen=True)
class ShownDocument:
    """A document, and of how many pages it is: 0 where they can't be drawn."""

    name: str
    title: str
    number: str
    revision: int
    level: str | None
    sha256: str
    pages: int


@dataclass(frozen=True)
class Offer:
    """What a person can do, on whose behalf they would, and what they can't."""

    principal: str | None
    possible: Sequence[Way]
    refused: Sequence[Way]

    def can(self, trigger: str) -> bool:
        """Whether it is among what is possible."""
        return any(one.trigger == trigger for one in self.possible)

    @property
    def decisions(self) -> list[Way]:
        """What brings the request on, or back."""
        return [one for one in self.possible if one.trigger not in VERBS]

    def verb(self, trigger: str) -> Way | None:
        """One of the verbs that every request has, where it is possible."""
        return next((one for one in self.possible if one.trigger == trigger), None)


@dataclass
class RequestPage:
    """The page under /requests/{n}, and what is done from it."""

    door: Door
    drawn: DrawnPages = field(default_factory=DrawnPages)

    def __post_init__(self) -> None:
        self.documents = RequestDocuments(self.door, self.drawn)

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            self.door.get("/requests/{n:int}", self._show),
            self.door.post("/requests/{n:int}/do", self._do),
            *self.documents.routes(),
        ]

    def _show(self, asked: Asked) -> Response:
        return self._page(asked, self.door.office.engine.show(asked.number("n"), asked.me.id))

    def _do(self, asked: Asked) -> Response:
        """Do it, and show the request as it is then; or again, with what was wrong."""
        number = asked.number("n")
        outcome = act(self.door.office, asked, self.door.office.engine.show(number, asked.me.id))
        if isinstance(outcome, Wrong):
            view = self.door.office.engine.show(number, asked.me.id)
            answer = self._page(asked, view, wrong=outcome)
            if outcome.after_s:
                answer.headers["Retry-After"] = str(outcome.after_s)
            return answer
        return self.door.see(f"/requests/{number}", said=asked.text("trigger")[:60])

    def _page(self, asked: Asked, view: RequestView, *, wrong: Wrong | None = None) -> Response:
        office = self.door.office
        beside = particulars(office, view, asked.me.id)
        definition = beside.definition
        found, since = checks(office, view, definition), since_return(view.history, view.data)
        say = translations(asked.language).gettext
        return self.door.answer(
            asked,
            "request.html",
            status=200 if wrong is None else wrong.status,
            view=view,
            beside=beside,
            definition=definition,
            state=definition.states[view.state],
            path=path_of(definition, view.state, view.data),
            documents=[self._document(asked, view, one) for one in view.documents if one.number],
            kinds=[(name, KINDS[one.kind]) for name, one in definition.documents.items()],
            sections=list(self._sections(view, definition, found, since)),
            checks=found,
            since=since,
            returned=_last_return(view.history, view.state),
            suspended_for=_remark(view.history, _SUSPENDED) if view.suspended_at else "",
            timing=timing(view.history, now=office.clock(), closed_at=view.closed_at),
            offer=self._offer(asked, view, beside),
            consents=partial(_consent, definition, asked.language, view.language),
            wrong=wrong,
            said=_known(definition, asked.text("said")) if wrong is None else None,
            key=asked.new_key(),
            lasting=partial(lasting, say=say),
            moment=datetime.fromisoformat,
            take_and_start=TAKE_AND_START,
        )

    def _document(self, asked: Asked, view: RequestView, shown: DocumentView) -> ShownDocument:
        file = request_file(self.door.office, view.id, shown.name, asked.me.id)
        return ShownDocument(
            name=shown.name,
            title=KINDS[shown.kind].title,
            number=shown.number,
            revision=shown.revision_no,
            level=shown.level_reached,
            sha256=shown.current_sha256,
            pages=self.documents.count(file),
        )

    def _offer(self, asked: Asked, view: RequestView, beside: Particulars) -> Offer:
        """What they can do in their own right or, where that is nothing, for the first for whom they can.

        They may say for whom.
        """
        offers = [
            self._offered(asked.me.id, view, beside.definition, principal)
            for principal in (None, *beside.principals)
        ]
        said = asked.text("for")
        chosen = next((one for one in offers if said and one.principal == said), None)
        able = next((one for one in offers if one.decisions), None)
        return chosen or able or offers[0]

    def _offered(self, who: str, view: RequestView, definition: Definition, principal: str | None) -> Offer:
        found = ways(self.door.office.engine, view, definition, who, principal)
        return Offer(
            principal,
            [one for one in found if one.possible],
            [one for one in found if not one.possible and not _is_out_of_place(one)],
        )

    def _sections(
        self, view: RequestView, definition: Definition, found: Checks | None, since: SinceReturn | None
    ) -> Iterator[tuple[str, Any]]:
        """The data of each document."""
        for document in definition.documents.values():
            yield document.kind, view.data


def _is_out_of_place(way: Way) -> bool:
    return way.trigger in VERBS and any(reason.code in _OUT_OF_PLACE for reason in way.reasons)


def _known(definition: Definition, said: str) -> tuple[str, str] | None:
    """What was done a moment ago, where it is something that can be: the state it is of, and the trigger."""
    if said in VERBS or said == TAKE_AND_START:
        return "", said
    states = (name for name, state in definition.states.items() if said in state.triggers)
    name = next(states, None)
    return None if name is None else (name, said)


def _last_return(history: Sequence[HistoryEntry], state: str) -> HistoryEntry | None:
    """The return by which the request is where it is; None where it came here otherwise."""
    moved = [entry for entry in history if "to" in entry.record]
    last = moved[-1] if moved else None
    return last if last and last.type == RETURNED and last.record["to"] == state else None


def _remark(history: Sequence[HistoryEntry], kind: str) -> str:
    last = next((entry for entry in reversed(history) if entry.type == kind), None)
    return "" if last is None else str((last.body or {}).get("remark", ""))


def _consent(definition: Definition, _language: str, language: str, name: str) -> tuple[str, str]:
    """The text as the engine records it: in the request's language."""
    return definition.consent_in(name, language)


def register_values(door: Door, view: RequestView, kind: str) -> Mapping[str, Any] | None:
    """What the HR register would have filled in; None where it does not know the requester."""
    register = door.office.register
    if register is None or not register.knows(view.requester_id):
        return None
    return register.prefill(view.requester_id, on=view.opened_at.date(), kind=kind)


def as_problems(found: Checks) -> list[FieldProblem]:
    """What the rules found wrong, for the fields."""
    return [
        FieldProblem(one.field, one.rule, one.message, "warning" if one.outcome == "asks-reason" else "error")
        for ones in found.at_fields.values()
        for one in ones
    ]
