"""Beginning a request: which processes there are, and a form that the HR register has filled in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.errors import FieldProblem
from documents.words import LANGUAGES
from web.asked import Asked, Door
from web.form_data import changes
from web.form_page import (
    FORM_MOST,
    Filling,
    editable_in,
    focus_after,
    given_to_requester,
    is_step,
    kind_of,
    sent_data,
    stage_of,
)
from web.kept_form import Typed, TypedForms
from web.languages import NAMES
from web.nameable import nameable
from web.problems import status_of
from workflow.beginnings import Begun
from workflow.commands import Command, Submission
from workflow.definition_errors import DefinitionUnknown
from workflow.definition_model import SUBMIT, Definition
from workflow.errors import Reason, Refused
from workflow.judge import merged
from workflow.office import Office
from workflow.registered import fixed, prefilled, registered
from workflow.sent_before import Sent, open_one, sent_before

PREFERRED: Final = ("A3", "A1", "A4", "A4-DUAL", "A2", "A0", "standard", "N")
"""Of several variants that somebody may begin, the first of these is recommended: a person's own signature,
made here, before a seal, and that before paper."""


@dataclass(frozen=True)
class Way:
    """One variant of a process, and why it is not for this person now."""

    definition: Definition
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Process:
    """A process with its variants, the recommended one first; `open`: somebody may begin that one."""

    ways: Sequence[Way]

    @property
    def first(self) -> Way:
        """The recommended variant."""
        return self.ways[0]

    @property
    def is_open(self) -> bool:
        """Whether there is one that may be begun."""
        return not self.first.reasons


@dataclass(frozen=True)
class NewRequests:
    """The pages under /requests/new."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        form = "/requests/new/{key}/{variant}"
        return [
            self.door.get("/requests/new", self._choose),
            self.door.get(form, self._form),
            self.door.post(form, self._sent, most=FORM_MOST),
        ]

    def _choose(self, asked: Asked) -> Response:
        found, begun = self._processes(asked.me.id), begun_by(self.door.office, asked.me.id)
        return self.door.answer(asked, "new_requests.html", processes=found, begun=begun)

    def _processes(self, person: str) -> list[Process]:
        engine = self.door.office.engine
        ways: dict[str, list[Way]] = {}
        for one in engine.catalogue.offered:
            if len(one.documents) == 1:
                why = engine.why_not_begun(one.key, one.variant, person)
                ways.setdefault(one.key, []).append(Way(one, why))
        found = [Process(sorted(some, key=_rank)) for some in ways.values()]
        return sorted(found, key=lambda process: not process.is_open)

    def _form(self, asked: Asked) -> Response:
        definition = self._definition(asked)
        if why := self.door.office.engine.why_not_begun(definition.key, definition.variant, asked.me.id):
            raise Refused(why)
        if (typed := self._typed(definition).find(asked)) is not None:
            filling = self._filling(asked, definition, merged({}, typed.data))
            return self._page(asked, definition, filling, typed.problems(filling), typed=typed)
        begun = self.door.office.beginnings.find(asked.me.id, definition)
        filling = self._filling(asked, definition, None if begun is None else dict(begun.data))
        sent = open_one(self.door.office.store, asked.me.id, definition.key)
        return self._page(asked, definition, filling, filling.at_first(), begun=begun, sent=sent)

    def _sent(self, asked: Asked) -> Response:
        definition, do = self._definition(asked), asked.text("do")
        kind = kind_of(definition)
        editable = editable_in(definition.states[definition.start], kind)
        data = sent_data(asked, kind, {}, editable, keep_rows=is_step(do))
        focus = focus_after(kind, data, do) if is_step(do) else ""
        filling = self._filling(asked, definition, data)
        if do == "drop":
            self.door.office.beginnings.drop(asked.me.id, definition)
            self._typed(definition).throw_away(asked)
            return self.door.see(asked.request.url.path)
        if do in {"send", "another", "save"}:
            return self._done(asked, definition, filling, do)
        typed = Typed.of(asked, filling, focus)
        kept = self._typed(definition).see(asked, typed, filling)
        return kept or self._page(asked, definition, filling, filling.looked_at(), status=422, typed=typed)

    def _done(self, asked: Asked, definition: Definition, filling: Filling, do: str) -> Response:
        """Send it, or save it for later; where that can't be, the form as it was sent."""
        try:
            return (
                self._saved(asked, definition, filling)
                if do == "save"
                else self._submitted(asked, definition, filling, another=do == "another")
            )
        except Refused as refused:
            problems = filling.refused(refused.reasons)
            return self._page(asked, definition, filling, problems, status=status_of(refused))

    def _saved(self, asked: Asked, definition: Definition, filling: Filling) -> Response:
        language = asked.text("language")
        language = language if language in LANGUAGES else asked.language
        self.door.office.beginnings.keep(asked.me.id, definition, language, filling.data)
        return self.door.see(asked.request.url.path, said="saved")

    def _submitted(
        self, asked: Asked, definition: Definition, filling: Filling, *, another: bool
    ) -> Response:
        """Send it; where they sent it before, ask whether `another` is meant."""
        submission = Submission(definition.key, definition.variant, asked.text("language"))
        command = Command(
            SUBMIT,
            asked.me.id,
            key=asked.text("key"),
            data=changes(filling.data, {}, filling.editable),
            submission=submission,
            through="page",
        )
        sent = sent_before(self.door.office.store, command)
        if sent is not None and (sent.changed or not another):
            return self._page(asked, definition, filling, filling.at_first(), status=409, sent=sent)
        answer = self.door.office.engine.execute(command)
        self.door.office.beginnings.drop(asked.me.id, definition)
        self._typed(definition).drop(asked)
        return self.door.see(f"/requests/{answer.request_id}", said=SUBMIT)

    def _typed(self, definition: Definition) -> TypedForms:
        return TypedForms(self.door, f"new:{definition.key}:{definition.variant}")

    def _definition(self, asked: Asked) -> Definition:
        """The process that the address names. Raises HTTPException 404."""
        catalogue = self.door.office.engine.catalogue
        try:
            found = catalogue.get(asked.request.path_params["key"], asked.request.path_params["variant"])
        except DefinitionUnknown:
            raise HTTPException(404) from None
        if len(found.documents) != 1:
            raise HTTPException(404)
        return found

    def _filling(self, asked: Asked, definition: Definition, data: dict[str, Any] | None) -> Filling:
        """What is filled in: what was sent, or else what the register says."""
        office, kind = self.door.office, kind_of(definition)
        state, today = definition.states[definition.start], office.today(definition)
        editable = editable_in(state, kind)
        if data is None:
            known = prefilled(office.register, asked.me.id, kind.name, today)
            data = {name: part for name, part in known.items() if name in editable}
        with office.store.read() as session:
            names = nameable(session, definition, asked.me.unit, requester=asked.me.id)
        return Filling(
            kind,
            data,
            editable,
            stage_of(state),
            office.evidence_of(asked.me.id, definition),
            register=registered(office.register, asked.me.id, kind.name, today),
            suggestions=names,
            given=given_to_requester({}, fixed(office.register, asked.me.id, kind.name, today)),
        )

    def _page(
        self,
        asked: Asked,
        definition: Definition,
        filling: Filling,
        problems: Sequence[FieldProblem],
        *,
        status: int = 200,
        typed: Typed | None = None,
        begun: Begun | None = None,
        sent: Sent | None = None,
    ) -> Response:
        """The form. `typed`: they had it looked over, or changed; `sent`: what they sent before, and whether
        another is meant has to be said."""
        sections, mistakes = filling.drawn(asked, problems)
        again = sent is not None and bool(asked.form)
        begun_or_typed = begun or typed
        language = asked.text("language") or ("" if begun_or_typed is None else begun_or_typed.language)
        focus = "" if typed is None else typed.focus
        key = asked.typed("key") if typed is None else typed.key
        return self.door.answer(
            asked,
            "new_request.html",
            status=status,
            definition=definition,
            sections=sections,
            mistakes=mistakes if (asked.form or typed) and not (focus or again) else [],
            focus=focus,
            looked=typed is not None and not focus,
            sent=sent,
            again=again,
            key=(not again and key) or asked.new_key(),
            chosen=language if language in LANGUAGES else asked.language,
            choices=NAMES,
            saved_at=None if begun is None else begun.saved_at,
            said=asked.request.query_params.get("said", ""),
        )


def begun_by(office: Office, person: str) -> list[tuple[Definition, datetime]]:
    """What somebody has begun, saved and not sent, with when; of processes that are still offered."""
    offered = {(one.key, one.variant): one for one in office.catalogue.offered}
    return [
        (offered[one.key, one.variant], one.saved_at)
        for one in office.beginnings.of(person)
        if (one.key, one.variant) in offered
    ]


def _rank(way: Way) -> tuple[bool, int, str]:
    variant = way.definition.variant
    place = PREFERRED.index(variant) if variant in PREFERRED else len(PREFERRED)
    return bool(way.reasons), place, variant
