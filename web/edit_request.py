"""Filling in a request's document where it is now: the requester after a return, the manager, the clerk.

What was typed is lost to nothing: not to a mistake, not to a change by somebody else, not to a colleague who
took the task meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from documents.errors import FieldProblem
from documents.kinds import Kind
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
from web.nameable import nameable
from web.problems import status_of
from web.request_history import answered, last_return, told
from workflow.access import People, requester_role
from workflow.changes import since_return
from workflow.commands import Command
from workflow.definition_model import RETURN, WITHDRAW, Definition, State, Trigger
from workflow.errors import ClaimedByAnother, KeyReused, Reason, Refused, StaleVersion, WorkflowError
from workflow.judge import merged
from workflow.people import name_of
from workflow.proposals import proposed
from workflow.reading import RequestView
from workflow.registered import fixed, registered

SAVE: Final = "save_draft"
FIRE: Final = "fire:"


@dataclass(frozen=True)
class Task:
    """A request in the hands of somebody who may fill it in, for themselves or for whom they stand in."""

    view: RequestView
    definition: Definition
    on_behalf_of: str | None

    @property
    def state(self) -> State:
        """Where the request is."""
        return self.definition.states[self.view.state]

    @property
    def sends(self) -> list[Trigger]:
        """What goes on from here with what was filled in, and with nothing else than a remark."""
        return [trigger for trigger in self.state.triggers.values() if _sends(trigger)]


@dataclass(frozen=True)
class Returned:
    """A return: why, by whom, and when."""

    remark: str
    who: str
    at: datetime


@dataclass(frozen=True)
class EditRequest:
    """The page under /requests/N/edit."""

    door: Door

    def routes(self) -> list[Route]:
        """Its address."""
        path = "/requests/{n}/edit"
        return [self.door.get(path, self._form), self.door.post(path, self._sent, most=FORM_MOST)]

    def _form(self, asked: Asked) -> Response:
        task = self._task(asked)
        if not task.state.edits:
            return self.door.see(f"/requests/{task.view.id}")
        if why := self._why_not(asked, task):
            raise Refused(why)
        if (typed := self._typed(task).find(asked)) is not None:
            filling = self._filling(task, merged(task.view.data, typed.data))
            return self._page(asked, task, filling, typed.problems(filling), typed=typed)
        draft = task.view.draft
        data = merged(task.view.data, {} if draft is None else draft.data)
        filling = self._filling(task, data)
        if draft is None:
            filling = self._with_proposals(asked, task, filling)
        return self._page(asked, task, filling, filling.at_first())

    def _sent(self, asked: Asked) -> Response:
        task, do = self._task(asked), asked.text("do")
        if asked.text("state") != task.view.state:
            return self._moved_on(asked, task, do.removeprefix(FIRE))
        kind, below = kind_of(task.definition), task.view.data
        editable = editable_in(task.state, kind)
        data = sent_data(asked, kind, below, editable, keep_rows=is_step(do))
        focus = focus_after(kind, data, do) if is_step(do) else ""
        filling = self._filling(task, data)
        if do == SAVE or do.removeprefix(FIRE) in {trigger.name for trigger in task.sends}:
            return self._done(asked, task, filling, do.removeprefix(FIRE))
        seen = asked.version()  # not today's: what changed since is told when it is sent
        typed = Typed.of(asked, filling, focus, version=task.view.version if seen is None else seen)
        kept = self._typed(task).see(asked, typed, filling)
        return kept or self._page(asked, task, filling, filling.looked_at(), status=422, typed=typed)

    def _typed(self, task: Task) -> TypedForms:
        view = task.view
        return TypedForms(self.door, f"edit:{view.id}:{view.state}", request=view.id)

    def _done(self, asked: Asked, task: Task, filling: Filling, trigger: str) -> Response:
        """Save the draft, or send it on; where that can't be, the form as it was sent."""
        view = task.view
        command = Command(
            trigger,
            asked.me.id,
            key=asked.text("key"),
            request_id=view.id,
            seen_version=asked.version(),
            on_behalf_of=task.on_behalf_of,
            data=changes(filling.data, view.data, filling.editable),
            remark=asked.text("remark").strip() or None,
            through="page",
        )
        try:
            self.door.office.engine.execute(command)
        except (Refused, StaleVersion, KeyReused) as error:
            return self._not_done(asked, task, filling, error)
        if trigger == SAVE:
            return self.door.see(f"/requests/{view.id}/edit", said="saved")
        self._typed(task).drop(asked)
        return self.door.see(f"/requests/{view.id}", said=trigger)

    def _not_done(self, asked: Asked, task: Task, filling: Filling, error: WorkflowError) -> Response:
        stale = isinstance(error, StaleVersion)
        if stale:
            filling = replace(filling, before=task.view.data)
        by_field = isinstance(error, Refused) and not isinstance(error, ClaimedByAnother)
        reasons: Sequence[Reason] = error.reasons if isinstance(error, Refused) and by_field else ()
        return self._page(
            asked,
            task,
            filling,
            filling.refused(reasons) if by_field else filling.at_first(),
            status=status_of(error),
            error=None if by_field else error,
            stale=stale,
        )

    def _moved_on(self, asked: Asked, task: Task, trigger: str) -> Response:
        """It is somewhere else by now: by this very form, which was sent twice, or by somebody else."""
        view, kind = task.view, kind_of(task.definition)
        if self.door.office.engine.answered(asked.me.id, asked.text("key"), view.id, trigger):
            return self.door.see(f"/requests/{view.id}")
        then = task.definition.states.get(asked.text("state"), task.state)
        editable = editable_in(then, kind)
        data = sent_data(asked, kind, view.data, editable, keep_rows=False)
        typed = {name: part for name, part in data.items() if part != view.data.get(name)}
        sections, _ = replace(self._filling(task, typed), editable=(), register=None, before=None).drawn(
            asked, ()
        )
        return self.door.answer(
            asked,
            "moved_on.html",
            status=409,
            view=view,
            definition=task.definition,
            sections=sections,
            remark=asked.text("remark"),
        )

    def _task(self, asked: Asked) -> Task:
        """The request as this person sees it. Raises NotFound."""
        engine = self.door.office.engine
        view = engine.show(asked.number("n"), asked.me.id)
        with self.door.office.store.read() as session:
            definition = engine.definition(session, view.definition_sha256)
            people = People.load(session, [asked.me.id])
        task = Task(view, definition, None)
        if SAVE in view.possible or not task.state.edits:
            return task
        today = self.door.office.today(definition)
        for principal in people.principals_of(asked.me.id, today):
            if not engine.why_not(view.id, SAVE, asked.me.id, principal):
                return Task(view, definition, principal)
        return task

    def _why_not(self, asked: Asked, task: Task) -> tuple[Reason, ...]:
        return self.door.office.engine.why_not(task.view.id, SAVE, asked.me.id, task.on_behalf_of)

    def _filling(self, task: Task, data: dict[str, Any]) -> Filling:
        office, view, definition = self.door.office, task.view, task.definition
        kind, today = kind_of(definition), office.today(definition)
        since = since_return(view.history, view.data)
        return Filling(
            kind,
            data,
            editable_in(task.state, kind),
            stage_of(task.state),
            office.evidence_of(view.requester_id, definition),
            register=registered(office.register, view.requester_id, kind.name, today),
            before=None if since is None else since.before(view.data),
            suggestions=self._names(task),
            given=self._given(task, kind, today),
        )

    def _with_proposals(self, asked: Asked, task: Task, filling: Filling) -> Filling:
        """What somebody begins with who has typed nothing yet."""
        office = self.door.office
        with office.store.read() as session:
            found = proposed(
                session,
                task.view,
                asked.me.id,
                filling.suggestions,
                office.register,
                definition_of=office.engine.definition,
                today=office.today(task.definition),
            )
        return filling.proposing(found)

    def _given(self, task: Task, kind: Kind[Any], today: date) -> Mapping[str, Any]:
        """What is not theirs to change of the parts that they may fill in."""
        view = task.view
        if task.state.role != requester_role(task.definition):
            return {}
        said = fixed(self.door.office.register, view.requester_id, kind.name, today)
        return given_to_requester(view.data, said)

    def _name(self, person: str | None) -> str:
        if person is None:
            return ""
        with self.door.office.store.read() as session:
            return name_of(session, person) or person

    def _returned(self, view: RequestView) -> Returned | None:
        """Why it was returned to where it is now; None when it was not, or nobody can tell any more."""
        last = last_return(told(view.history))
        if last is None or last.who is None:
            return None
        return Returned(last.remark, self._name(last.who), last.at)

    def _names(self, task: Task) -> Mapping[str, tuple[str, ...]]:
        """Who could be named in a field that a later state asks for."""
        with self.door.office.store.read() as session:
            return nameable(session, task.definition, task.view.unit, request_id=task.view.id)

    def _page(
        self,
        asked: Asked,
        task: Task,
        filling: Filling,
        problems: Sequence[FieldProblem],
        *,
        status: int = 200,
        typed: Typed | None = None,
        error: WorkflowError | None = None,
        stale: bool = False,
    ) -> Response:
        sections, mistakes = filling.drawn(asked, problems)
        view, engine = task.view, self.door.office.engine
        focus = "" if typed is None else typed.focus
        remark, key = asked.typed("remark"), asked.text("key")
        if typed is not None:
            remark, key = typed.remark, typed.key
        elif not asked.form:
            remark, key = (view.draft.remark or "") if view.draft else "", ""
        return self.door.answer(
            asked,
            "edit_request.html",
            status=status,
            view=view,
            definition=task.definition,
            principal=self._name(task.on_behalf_of),
            sections=sections,
            mistakes=mistakes if (asked.form or typed) and not focus else [],
            focus=focus,
            looked=typed is not None and not focus,
            version=view.version if typed is None else typed.version,
            error=error,
            stale=stale,
            movable=not self._why_not(asked, task),
            sends=[
                (
                    trigger,
                    _beside_fields(engine.why_not(view.id, trigger.name, asked.me.id, task.on_behalf_of)),
                )
                for trigger in task.sends
            ],
            returned=self._returned(view),
            answered=answered(told(view.history)),
            name=self._name,
            said=asked.request.query_params.get("said", ""),
            saved_at=None if view.draft is None else view.draft.saved_at,
            remark=remark,
            key=asked.new_key() if stale else key or asked.new_key(),
        )


def _sends(trigger: Trigger) -> bool:
    asks_more = trigger.consent is not None or trigger.file is not None or trigger.record
    return trigger.name not in {RETURN, WITHDRAW} and not asks_more


def _beside_fields(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """What stands in the way beside what is filled in here: that is looked at when it is sent."""
    return tuple(one for one in reasons if not one.field)
