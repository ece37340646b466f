"""One request: what it is about, its document, what somebody can do with it, and why not the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from documents.kinds import KINDS
from web.ages import working
from web.asked import Asked, Door
from web.drawn_pages import DrawnPages
from web.fields import Section, sections_of
from web.languages import translations
from web.problems import waits_of
from web.recipient import FILES
from web.request_acts import TAKE_AND_START, Done, Wrong, act
from web.request_documents import RequestDocuments
from web.request_history import Happened, answered, last_return, told
from web.request_holds import RequestHolds
from web.request_outside import FILE_MOST, bring
from web.request_signing import bars
from web.request_timing import lasting, timing
from web.step_up import challenge
from workflow.access import requester_role
from workflow.changes import SinceReturn, since_return
from workflow.checks import Checked, Checks, checks
from workflow.definition_model import RETURN, WITHDRAW, Definition, OutsideFile
from workflow.judge import VERBS
from workflow.kept_files import kept_kinds
from workflow.particulars import SUSPENDED, Particulars, particulars
from workflow.path import path_of
from workflow.previews import Preview, previewed
from workflow.reading import DocumentView, RequestView
from workflow.registered import registered
from workflow.request_files import request_file
from workflow.ways import Way, ways
from workflow.words import process_words

MYSELF: Final = "-"
# Why one of the engine's verbs is not there at all, rather than refused: nobody misses it.
_OUT_OF_PLACE: Final = frozenset({"not-suspended", "no-incident", "unclaimed", "held", "started"})
# Why something is not this person's to do, whatever they change.
_NOT_THEIRS: Final = frozenset({"role", "requester", "substitute", "automatic", "ended"})
_OF_A_DESK: Final = frozenset({"claim", "start", "suspend"})
"""Who asked has their request to themselves: there is nobody to claim it from, and no clock."""


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
    """What a person can do, on whose behalf they would, and what they can't.

    `unsettled`: something has to be filled in or explained before the request can go on.
    """

    principal: str | None
    possible: Sequence[Way]
    refused: Sequence[Way]
    unsettled: bool

    def can(self, trigger: str) -> bool:
        """Whether it is among what is possible."""
        return any(one.trigger == trigger for one in self.possible)

    @property
    def fills(self) -> bool:
        """Whether they may change parts of the data now."""
        return any(one.trigger == "save_draft" and one.sections for one in self.possible)

    @property
    def leads_on(self) -> bool:
        """Whether they can bring it on, and not only back."""
        return self.fills or any(one.trigger not in {RETURN, WITHDRAW} for one in self.decisions)

    @property
    def is_theirs(self) -> bool:
        """Whether it is for them to bring it on, now or once they have claimed it."""
        return self.leads_on or self.can("claim")

    @property
    def decisions(self) -> list[Way]:
        """What brings the request on or back, and needs nothing else to be filled in first."""
        return [
            one for one in self.possible if one.trigger not in VERBS and not (one.sections and self.unsettled)
        ]


@dataclass
class RequestPage:
    """The page under /requests/{n}, and what is done from it."""

    door: Door
    drawn: DrawnPages = field(default_factory=DrawnPages)

    def __post_init__(self) -> None:
        self.documents = RequestDocuments(self.door, self.drawn)
        self.holds = RequestHolds(self.door)

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            self.door.get("/requests/{n}", self._show),
            self.door.post("/requests/{n}/do", self._do),
            self.door.post("/requests/{n}/passkey", self._passkey),
            self.door.post("/requests/{n}/file", self._file, most=FILE_MOST),
            *self.documents.routes(),
            *self.holds.routes(),
        ]

    def _show(self, asked: Asked) -> Response:
        return self._page(asked, self._view(asked))

    def _do(self, asked: Asked) -> Response:
        """Do it, and show the request as it is then; or again, with what was wrong."""
        outcome = act(self.door.office, asked, self._view(asked))
        answer = self._then(asked, outcome if isinstance(outcome, Wrong) else None)
        if isinstance(outcome, Done) and outcome.proved:
            self.door.renew(asked, answer)
        return answer

    def _passkey(self, asked: Asked) -> Response:
        """Ask for a passkey, for what they have seen of it."""
        return challenge(self.door.office, asked, {self._view(asked).id: asked.version() or 0})

    def _file(self, asked: Asked) -> Response:
        """Give a document out, or take in what came back."""
        office, view = self.door.office, self._view(asked)
        with office.store.read() as session:
            state = office.engine.definition(session, view.definition_sha256).states[view.state]
        trigger = state.triggers.get(asked.text("trigger"))
        if trigger is None or trigger.file is None:  # somebody was faster, or it is sent again
            return self.door.see(f"/requests/{view.id}")
        if trigger.file != "given":
            self.door.rates.require(asked.request, FILES)
        return self._then(asked, bring(office, asked, view, trigger))

    def _then(self, asked: Asked, wrong: Wrong | None) -> Response:
        """The request as it is now, or what was wrong."""
        if wrong is None:
            return self.door.see(f"/requests/{asked.number('n')}", said=asked.text("trigger")[:60])
        answer = self._page(asked, self._view(asked), wrong=wrong)
        answer.headers.update(waits_of(wrong.problem))
        return answer

    def _view(self, asked: Asked) -> RequestView:
        """The request as this person sees it. Raises NotFound."""
        return self.door.office.engine.show(asked.number("n"), asked.me.id)

    def _page(self, asked: Asked, view: RequestView, *, wrong: Wrong | None = None) -> Response:
        office = self.door.office
        beside = particulars(office, view, asked.me.id)
        definition = beside.definition
        found, since = checks(office, view, definition), since_return(view.history, view.data)
        happened = told(view.history)
        say = translations(asked.language).gettext
        holds, may_hold = self.holds.shown(view, asked.me.id)
        offer = self._offer(asked, view, beside, found)
        wrong_there = _wrong_in(found) if offer.is_theirs else []
        proves = any(one.proof for one in offer.possible)
        has_passkey = proves and bool(office.passkeys.of(asked.me.id))
        can_show = has_passkey or (proves and office.passwords.has_one(asked.me.id))
        return self.door.answer(
            asked,
            "request.html",
            status=200 if wrong is None else wrong.status,
            view=view,
            beside=beside,
            holds=holds,
            may_hold=may_hold,
            definition=definition,
            state=definition.states[view.state],
            own_turn=view.requester_id == asked.me.id
            and definition.states[view.state].role == requester_role(definition),
            path=path_of(definition, view.state, view.data),
            documents=[self._document(asked, view, one) for one in view.documents if one.number],
            drafts=[
                (
                    name,
                    process_words(asked.language).kind(definition.documents[name].kind),
                    Preview(office, view, definition, name).trouble(),
                )
                for name in previewed(office, view, definition)
            ],
            parts=[
                (one.kind, self._sections(asked, view, one.kind, found, since, wrong=wrong_there))
                for one in definition.documents.values()
            ],
            checks=found,
            since=since,
            kept=self._kept(view, definition),
            happened=happened,
            returned=last_return(happened),
            answered=[] if view.closed_at else answered(happened),
            suspended_for=_suspended_for(happened) if view.suspended_at else "",
            timing=timing(view.history, now=office.clock(), closed_at=view.closed_at),
            offer=offer,
            bars=bars(
                office,
                asked,
                view,
                definition,
                offer.decisions,
                principal=offer.principal,
                can_show=can_show,
            ),
            has_passkey=has_passkey,
            consents=partial(definition.consent_in, language=view.language),
            wrong=wrong,
            said=_known(definition, asked.text("said")) if wrong is None else None,
            key=asked.new_key(),
            lasting=partial(lasting, say=say),
            working=partial(working, definition=definition, say=say),
            moment=datetime.fromisoformat,
            take_and_start=TAKE_AND_START,
        )

    def _kept(self, view: RequestView, definition: Definition) -> list[OutsideFile]:
        """Which files there are that went out or came back."""
        triggers = [one for state in definition.states.values() for one in state.triggers.values()]
        if not any(one.file for one in triggers):
            return []
        with self.door.office.store.read() as session:
            return kept_kinds(session, view.id)

    def _document(self, asked: Asked, view: RequestView, shown: DocumentView) -> ShownDocument:
        file = request_file(self.door.office, view.id, shown.name, asked.me.id)
        return ShownDocument(
            name=shown.name,
            title=process_words(asked.language).kind(shown.kind),
            number=shown.number,
            revision=shown.revision_no,
            level=shown.level_reached,
            sha256=shown.current_sha256,
            pages=self.documents.count(file),
        )

    def _offer(self, asked: Asked, view: RequestView, beside: Particulars, found: Checks | None) -> Offer:
        """What they can do in their own right or, where that is nothing, for the first for whom they can.

        They may say for whom.
        """
        offers = [
            self._offered(asked.me.id, view, beside.definition, principal, found)
            for principal in (None, *beside.principals)
        ]
        said = asked.text("for")
        chosen = next((one for one in offers if said == (one.principal or MYSELF)), None)
        able = next((one for one in offers if one.leads_on), None)
        return chosen or able or offers[0]

    def _offered(
        self, who: str, view: RequestView, definition: Definition, principal: str | None, found: Checks | None
    ) -> Offer:
        ways_there = ways(self.door.office.engine, view, definition, who, principal)
        if definition.states[view.state].role == requester_role(definition):
            ways_there = [one for one in ways_there if one.trigger not in _OF_A_DESK]
        open_rules = frozenset(one.rule for one in found.in_the_way) if found is not None else frozenset()
        fills = any(one.trigger == "save_draft" and one.possible for one in ways_there)
        return Offer(
            principal,
            [one for one in ways_there if one.possible],
            [
                one
                for one in ways_there
                if not one.possible
                and not _is_out_of_place(one)
                and not (fills and one.sections and _waits_for_data(one, open_rules))
            ],
            unsettled=fills and bool(open_rules or view.draft),
        )

    def _sections(
        self,
        asked: Asked,
        view: RequestView,
        name: str,
        found: Checks | None,
        since: SinceReturn | None,
        *,
        wrong: Sequence[Checked],
    ) -> list[Section]:
        """The data of a document: with what rules found `wrong`, what the register says, and what it was
        before."""
        return sections_of(
            KINDS[name],
            view.data,
            words=process_words(asked.language),
            language=asked.language,
            problems=[one.as_problem for one in wrong],
            register=self._registered(view, name) if found is not None else None,
            before=since.before(view.data) if since is not None else None,
        )

    def _registered(self, view: RequestView, name: str) -> Mapping[str, Any]:
        """What the HR register says of the requester, as far as the document has it too."""
        said = registered(self.door.office.register, view.requester_id, name, view.opened_at.date())
        return {part: value for part, value in said.items() if part in view.data}


def _is_out_of_place(way: Way) -> bool:
    codes = {reason.code for reason in way.reasons}
    return bool(codes & _NOT_THEIRS) or (way.trigger in VERBS and bool(codes & _OUT_OF_PLACE))


def _waits_for_data(way: Way, open_rules: frozenset[str]) -> bool:
    """Whether nothing stands in its way but what is to be filled in, or explained."""
    return all(reason.code in open_rules for reason in way.reasons)


def _wrong_in(found: Checks | None) -> list[Checked]:
    return [] if found is None else [one for ones in found.at_fields.values() for one in ones]


def _known(definition: Definition, said: str) -> tuple[str, str] | None:
    """What was done a moment ago, where it is something that can be: the state it is of, and the trigger."""
    if said in VERBS or said == TAKE_AND_START:
        return "", said
    states = (name for name, state in definition.states.items() if said in state.triggers)
    name = next(states, None)
    return None if name is None else (name, said)


def _suspended_for(happened: Sequence[Happened]) -> str:
    return next((one.remark for one in reversed(happened) if one.kind == SUSPENDED), "")
