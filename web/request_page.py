"""One request: what it is about, its document, what somebody can do with it, and why not the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from documents.errors import FieldProblem
from documents.kinds import KINDS
from documents.words import words_in
from web.asked import Asked, Door
from web.drawn_pages import DrawnPages
from web.fields import Section, sections_of
from web.languages import translations
from web.request_acts import TAKE_AND_START, Wrong, act
from web.request_documents import RequestDocuments
from web.request_history import Happened, told
from web.request_timing import lasting, timing
from workflow.changes import RETURNED, SinceReturn, since_return
from workflow.checks import Checks, checks
from workflow.definition_model import Definition
from workflow.errors import Reason
from workflow.judge import VERBS
from workflow.particulars import Particulars, particulars
from workflow.path import path_of
from workflow.reading import DocumentView, RequestView
from workflow.request_files import request_file
from workflow.ways import Way, ways
from workflow.words import process_words

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
        happened = told(view.history)
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
            parts=[
                (one.kind, self._sections(asked, view, one.kind, found, since))
                for one in definition.documents.values()
            ],
            checks=found,
            since=since,
            happened=happened,
            returned=_last_return(happened, view.state),
            suspended_for=_suspended_for(happened) if view.suspended_at else "",
            timing=timing(view.history, now=office.clock(), closed_at=view.closed_at),
            offer=self._offer(asked, view, beside),
            consents=partial(definition.consent_in, language=view.language),
            wrong=wrong,
            said=_known(definition, asked.text("said")) if wrong is None else None,
            key=asked.new_key(),
            lasting=partial(lasting, say=say),
            moment=datetime.fromisoformat,
            take_and_start=TAKE_AND_START,
            label=partial(_label, asked.language, definition),
            incident=view.incident and Reason(view.incident.code, view.incident.message),
        )

    def _document(self, asked: Asked, view: RequestView, shown: DocumentView) -> ShownDocument:
        file = request_file(self.door.office, view.id, shown.name, asked.me.id)
        return ShownDocument(
            name=shown.name,
            title=words_in(asked.language).text(KINDS[shown.kind].title),
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
        self, asked: Asked, view: RequestView, name: str, found: Checks | None, since: SinceReturn | None
    ) -> list[Section]:
        """The data of a document: with what rules found, what the register says, and what it was before."""
        return sections_of(
            KINDS[name],
            view.data,
            words=process_words(asked.language),
            language=asked.language,
            problems=_as_problems(found) if found is not None else (),
            register=self._register_values(view, name) if found is not None else None,
            before=since.before(view.data) if since is not None else None,
        )

    def _register_values(self, view: RequestView, kind: str) -> Mapping[str, Any] | None:
        """What the HR register would have filled in; None where it does not know the requester."""
        register = self.door.office.register
        if register is None or not register.knows(view.requester_id):
            return None
        return _entered(view.data, register.prefill(view.requester_id, on=view.opened_at.date(), kind=kind))


def _is_out_of_place(way: Way) -> bool:
    return way.trigger in VERBS and any(reason.code in _OUT_OF_PLACE for reason in way.reasons)


def _known(definition: Definition, said: str) -> tuple[str, str] | None:
    """What was done a moment ago, where it is something that can be: the state it is of, and the trigger."""
    if said in VERBS or said == TAKE_AND_START:
        return "", said
    states = (name for name, state in definition.states.items() if said in state.triggers)
    name = next(states, None)
    return None if name is None else (name, said)


def _last_return(happened: Sequence[Happened], state: str) -> Happened | None:
    """The return by which the request is where it is; None where it came here otherwise."""
    last = next((one for one in reversed(happened) if one.after is not None), None)
    return last if last is not None and last.kind == RETURNED and last.after == state else None


def _suspended_for(happened: Sequence[Happened]) -> str:
    return next((one.remark for one in reversed(happened) if one.kind == _SUSPENDED), "")


def _label(language: str, definition: Definition, path: str) -> str:
    """A field by name, whatever row it is in."""
    kind = next(iter(definition.documents.values())).kind
    place = ".".join("n" if step.isdecimal() else step for step in path.split("."))
    return process_words(language).field(kind, place)


def _entered(data: Mapping[str, Any], register: Mapping[str, Any]) -> dict[str, Any]:
    """The register's sections that the document has too: of others there is nothing to compare."""
    return {name: value for name, value in register.items() if name in data}


def _as_problems(found: Checks) -> list[FieldProblem]:
    """What the rules found wrong, for the fields."""
    return [
        FieldProblem(one.field, one.rule, one.message, "warning" if one.outcome == "asks-reason" else "error")
        for ones in found.at_fields.values()
        for one in ones
    ]
