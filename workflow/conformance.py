"""Which requests deviated from the definition that they began with, by the log alone.

The log is played again (workflow.logreplay), and each event is held against what the definition allows where
the request then was. What a request was about is not in the log: of branches that depend on its data any
counts as taken rightly. Nor is who had which role. Who acted is known while a body is not erased.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workflow.access import requester_role
from workflow.brought import EVENTS
from workflow.definition_model import (
    DELIVERED,
    FACTS,
    REPAIR,
    WITHDRAW,
    Branch,
    Definition,
    State,
    Trigger,
    consent_sha256,
)
from workflow.judge import RELEASE, rules_of
from workflow.logreplay import NOTES, Replay, Told, ToldTask
from workflow.moves import DONE_BY, INCIDENT_OPENED, MOVED, MOVED_BY, STEP_DONE, STEP_FAILED
from workflow.reminders import EVENTS as REMINDED
from workflow.rowcheck import MISSHAPEN

_BEGUN, _REPAIRED, _RELEASED = MOVED_BY["submit"], DONE_BY[REPAIR], DONE_BY[RELEASE]
_RESUMED, _SUSPENDED, _DRAFTED = DONE_BY["resume"], DONE_BY["suspend"], DONE_BY["save_draft"]
_CLAIMED, _STARTED = DONE_BY["claim"], DONE_BY["start"]
_STAYS = frozenset({*DONE_BY.values(), INCIDENT_OPENED})
_MOVES = frozenset(
    {MOVED, STEP_FAILED, *MOVED_BY.values(), *STEP_DONE.values(), *EVENTS.values()},
)
_WHILE_SUSPENDED = frozenset({_RESUMED, _RELEASED, _DRAFTED})
_DO_AT = {event: do for do, event in REMINDED.items()}


class Rule(StrEnum):
    """What a deviation is from; the values are stable."""

    DEFINITION = "definition"
    """What it began with is not known here, or the event names another."""
    BEGINNING = "beginning"
    ORDER = "order"
    """It can't follow the events before it."""
    TRIGGER = "trigger"
    """There is no such trigger in the state."""
    WAY = "way"
    """The trigger does not lead there."""
    MILESTONE = "milestone"
    TASK = "task"
    OUTCOME = "outcome"
    EVENT = "event"
    """Such an event is not made by this."""
    ENTRY = "entry"
    """What has to be said with it is missing: a day, a remark, a consent."""
    AUTOMATIC = "automatic"
    """A person did what a step does, or the other way round."""
    SUSPENDED = "suspended"
    FOUR_EYES = "four-eyes"
    REQUESTER = "requester"
    HOLDER = "holder"
    """Somebody else held the task, or nobody did."""
    SIGNER = "signer"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as the log has it: `said` is the record, `body` the personal part's text."""

    seq: int
    request: int
    kind: str
    said: Mapping[str, Any]
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Deviation:
    """An event that the definition does not allow where it stands, and why not."""

    request: int
    seq: int
    rule: Rule
    message: str


def deviations(events: Iterable[Logged], definitions: Mapping[str, Definition]) -> Iterator[Deviation]:
    """What one request's events, in their order, have that its definition does not allow.

    `definitions`: by the digest of their source. Of a request whose definition is not among them, that alone
    is told.
    """
    course: _Course | None = None
    for event in events:
        named = event.said.get("request", event.request)
        if type(named) is not int or named != event.request:
            yield Deviation(event.request, event.seq, Rule.EVENT, "It names no request by its number.")
            continue
        if course is None:
            definition = definitions.get(str(event.said.get("definition")))
            if definition is None:
                message = f"It began with a definition that is not known: {event.said.get('definition')}."
                yield Deviation(event.request, event.seq, Rule.DEFINITION, message)
                return
            course = _Course(definition)
        for rule, message in course.take(event):
            yield Deviation(event.request, event.seq, rule, message)


_Found = Iterator[tuple[Rule, str]]


@dataclass
class _Course:
    """One request on its way through its definition."""

    definition: Definition
    replay: Replay = field(default_factory=Replay)
    delivered: bool = False
    acted_last: dict[str, str] = field(default_factory=dict)  # by state; not there where it is not known

    def take(self, event: Logged) -> _Found:
        """Hold an event against the definition, and play it."""
        try:
            yield from self._against(event)
            wrong = self.replay.event(event.seq, event.request, event.kind, event.said, event.body)
        except MISSHAPEN:
            yield Rule.EVENT, "It is no event: its fields have other forms than events have."
            return
        if wrong:
            yield Rule.ORDER, wrong

    def _against(self, event: Logged) -> _Found:
        told, said = self.replay.requests.get(event.request), event.said
        if told is None:
            yield from self._beginning(event)
        if event.kind in NOTES:
            yield from self._reminder(event)
            return
        yield from self._pinned(said)
        name = str(said.get("from", said.get("state")))
        state = self.definition.states.get(name)
        if state is None:
            yield Rule.TRIGGER, f"There is no state {name!r}."
            return
        who: Mapping[str, Any] | None = None if event.body is None else json.loads(event.body)
        task = None if told is None or told.task is None else self.replay.tasks[told.task]
        at = _At(self.definition, state, told, task, event, who)
        if event.kind in _MOVES:
            yield from self._move(at)
        elif event.kind in _STAYS:
            yield from at.stays()
        else:
            yield Rule.EVENT, f"There is no event {event.kind!r} of requests."
        yield from at.people()

    def _beginning(self, event: Logged) -> _Found:
        start = self.definition.start
        if event.kind != _BEGUN or event.said.get("from") != start:
            yield Rule.BEGINNING, f"A request begins when it is submitted in {start!r}."

    def _pinned(self, said: Mapping[str, Any]) -> _Found:
        own = self.definition
        for name, value in (("key", own.key), ("variant", own.variant), ("definition", own.sha256_hex)):
            if said.get(name) != value:
                yield (
                    Rule.DEFINITION,
                    f"Its {name} is not that of the definition that the request began with.",
                )

    def _reminder(self, event: Logged) -> _Found:
        do, said = _DO_AT.get(event.kind), event.said
        told = self.replay.requests.get(event.request)
        state = self.definition.states.get(str(said.get("state")))
        if do is None:
            return
        if state is None or told is None or (told.state, told.task) != (state.name, said.get("task")):
            yield Rule.TASK, "The task that it tells of was not open."
        elif not any(after.wait.text == said.get("after") and do in after.do for after in state.after):
            yield Rule.EVENT, f"Nothing in {state.name!r} asks for it after {said.get('after')}."

    def _move(self, at: "_At") -> _Found:
        trigger = at.state.triggers.get(str(at.event.said.get("trigger")))
        if trigger is None:
            yield (
                Rule.TRIGGER,
                f"{at.event.said.get('trigger')!r} is not possible in {at.state.name!r}.",
            )
            return
        ways = list(_ways(trigger, delivered=self.delivered))
        yield from at.moves(trigger, ways)
        yield from self._signed_by(at)
        self.delivered = self.delivered or at.event.said.get("mark") == DELIVERED
        if at.who is not None and "actor" in at.who:
            self.acted_last[at.state.name] = at.who["actor"]
        else:
            self.acted_last.pop(at.state.name, None)

    def _signed_by(self, at: "_At") -> _Found:
        """The signature is of the field that the state signs, by whoever acted in the state that it names."""
        said, state = at.event.said, at.state
        if "field" in said and said["field"] != state.field:
            yield Rule.SIGNER, f"{state.name!r} signs {state.field!r}, not {said['field']!r}."
        signer = None if at.who is None else at.who.get("signer")
        expected = self.acted_last.get(state.signs_as or "")
        if signer is not None and expected is not None and signer != expected:
            yield Rule.SIGNER, f"It was signed by another than who acted in {state.signs_as!r}."


@dataclass(frozen=True, slots=True)
class _At:
    """An event where it happened."""

    definition: Definition
    state: State
    told: Told | None
    task: ToldTask | None
    event: Logged
    who: Mapping[str, Any] | None

    def moves(self, trigger: Trigger, ways: list[Branch]) -> _Found:
        """Hold a move against its trigger."""
        said, states = self.event.said, self.definition.states
        leads = [branch for branch in ways if branch.to == said.get("to")]
        if not leads:
            known = " or ".join(repr(branch.to) for branch in ways)
            yield Rule.WAY, f"{trigger.name!r} leads to {known}, not to {said.get('to')!r}."
            return
        marks = {branch.mark for branch in leads}
        if said.get("mark") not in marks:
            due = " or ".join(sorted(mark or "none" for mark in marks))
            yield Rule.MILESTONE, f"Its milestone is {said.get('mark') or 'none'}, and should be {due}."
        there = states[leads[0].to]
        if said.get("outcome") != there.end:
            yield (
                Rule.OUTCOME,
                f"Its outcome is {said.get('outcome')}, and that of {there.name!r} {there.end}.",
            )
        if said.get("task") != (self.event.seq if there.role is not None else None):
            yield Rule.TASK, f"It offers another task than {there.name!r} has."
        kind = self._kind(trigger, there)
        if self.event.kind != kind:
            yield Rule.EVENT, f"{trigger.name!r} makes the event {kind}."
        if self.told is not None and self.told.suspended_at and not self._ends(trigger.name):
            yield Rule.SUSPENDED, "The request was suspended."
        yield from self._entries(trigger)

    def _kind(self, trigger: Trigger, there: State) -> str:
        if self.state.auto is not None:
            return STEP_DONE.get(trigger.name, STEP_FAILED)
        if trigger.file is not None:
            return EVENTS[trigger.file]
        # a new revision of what was delivered is given up by a withdrawal that ends nothing
        given_up = trigger.name == WITHDRAW and there.end is None
        return MOVED if given_up else MOVED_BY.get(trigger.name, MOVED)

    def _entries(self, trigger: Trigger) -> _Found:
        days = {name for name in trigger.record if FACTS[name] == "day"}
        for name in sorted(day for day in FACTS if FACTS[day] == "day"):
            if (name in self.event.said) != (name in days):
                yield Rule.ENTRY, f"{name} {'is missing' if name in days else 'is not asked here'}."
        if self.who is None or self.state.role is None:
            return
        if trigger.remark and not self.who.get("remark"):
            yield Rule.ENTRY, "A remark has to say why."
        accepted = self.who.get("consent")
        if accepted != trigger.consent:
            yield (
                Rule.ENTRY,
                f"The text accepted is {accepted or 'none'}, and should be {trigger.consent or 'none'}.",
            )
        elif accepted is not None:
            text = self.definition.consents[accepted].get(self.who.get("consent_language", ""))
            if text is None or consent_sha256(text) != self.who.get("consent_sha256"):
                yield Rule.ENTRY, "The text accepted is not the one of the definition."

    def stays(self) -> _Found:
        """Hold what leads nowhere against the state."""
        kind, said, state = self.event.kind, self.event.said, self.state
        if "to" in said:
            yield Rule.EVENT, f"{kind} leads nowhere."
        if kind in {INCIDENT_OPENED, _REPAIRED}:
            if state.auto is None or (kind == INCIDENT_OPENED and said.get("step") not in {state.auto, ""}):
                yield Rule.AUTOMATIC, f"There is no such step in {state.name!r}."
            return
        if self.task is None or self.told is None or said.get("task") != self.told.task:
            yield Rule.TASK, "The task that it tells of was not open."
            return
        suspended, held = self.told.suspended_at is not None, self.task.claimed_at is not None
        if kind == _RESUMED and not suspended:
            yield Rule.SUSPENDED, "The request was not suspended."
        elif suspended and kind not in _WHILE_SUSPENDED:
            yield Rule.SUSPENDED, "The request was suspended."
        if kind == _CLAIMED and held:
            yield Rule.HOLDER, "Somebody held the task already."
        elif kind in {_STARTED, _RELEASED} and not held:
            yield Rule.HOLDER, "Nobody held the task."
        elif kind == _STARTED and self.task.started_at is not None:
            yield Rule.HOLDER, "The task was started already."

    def people(self) -> _Found:
        """Hold who did it against four eyes, against who held the task and whose request it is."""
        by_a_person = self.event.said.get("channel") != "system"
        if self.event.kind != _REPAIRED and by_a_person != (self.state.role is not None):
            yield (
                Rule.AUTOMATIC,
                f"{self.state.name!r} waits for {'a person' if not by_a_person else 'a step'}.",
            )
        if not by_a_person or self.who is None or self.told is None or self.state.role is None:
            return
        actor, trigger = str(self.who.get("actor")), str(self.event.said.get("trigger"))
        principal = str(self.who.get("on_behalf_of") or actor)
        if self.event.kind != _RELEASED and not self._ends(trigger):
            yield from self._held(actor)
            own = self.state.role == requester_role(self.definition)
            if own and self.told.requester not in {None, principal}:
                yield Rule.REQUESTER, "Only the requester does this, and it was somebody else."
        if self.event.kind not in {_RELEASED, _RESUMED} and trigger != WITHDRAW:
            for person in sorted({actor, principal}):
                for _, other in rules_of(self.definition, self.state.name):
                    if (other, person) in self.told.acted:
                        yield Rule.FOUR_EYES, f"The same person had a hand in {other!r}."

    def _held(self, actor: str) -> _Found:
        task = self.task
        if task is None or task.claimed_by is None or self.event.kind == _CLAIMED:
            return
        if actor not in {task.claimed_by, task.claimed_for}:
            yield Rule.HOLDER, "Somebody else held the task."

    def _ends(self, trigger: str) -> bool:
        """Whether it is what others may do once the requester has left, or what is always open to them."""
        return trigger == WITHDRAW or trigger in self.definition.ways_out(self.state)


def _ways(trigger: Trigger, *, delivered: bool) -> Iterator[Branch]:
    """The branches that can have been taken, as far as this is known without the data."""
    for branch in trigger.branches:
        if DELIVERED in branch.when and not delivered:
            continue
        yield branch
        if set(branch.when) <= {DELIVERED}:
            return
