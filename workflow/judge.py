"""Whether a command may be done now, and if not, every reason why.

Pure: everything it looks at was loaded before. The order of the checks is the order in which a person reads
them: who, where, four eyes, what was typed, where it leads.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from documents.errors import FieldProblem, KindProblems
from documents.kinds.fields import LINE_MAX, NOTE_MAX, wrong_text
from documents.kinds.kind import shown_name
from documents.kinds.rule import NOTHING_ELSE, Evidence
from documents.words import LANGUAGES
from wording import Sentence
from workflow.access import ADMINISTRATOR, People, four_eyes_rules, requester_role, working_roles
from workflow.brought import WANTED
from workflow.calendar import CALENDARS
from workflow.canonical import digest
from workflow.cases import Case, OpenTask
from workflow.commands import Command, Submission
from workflow.definition_errors import FactMissing, NoBranch
from workflow.definition_model import (
    APPROVE,
    FACTS,
    REPAIR,
    RESERVED_VERBS,
    RETURN,
    WITHDRAW,
    Branch,
    Definition,
    State,
    Trigger,
)
from workflow.dotted import flat
from workflow.errors import Reason, WorkflowError
from workflow.machine import take
from workflow.named import named
from workflow.proofs import Shown
from workflow.sentences import OTHERS, REGISTERED, held_by, lacks, no_substitute, only_elsewhere, unknown

VERBS = RESERVED_VERBS
RELEASE = "release"
_ALLOWED_WHILE_SUSPENDED = frozenset({"resume", RELEASE, "save_draft", WITHDRAW})
_NEED_CLAIM = frozenset({RELEASE, "start"})
_ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class KindOfDocument(Protocol):
    """What the engine asks of a document kind."""

    def parse(self, data: Mapping[str, Any], stage: Any = ..., evidence: Evidence = ...) -> Any:
        """Check data at a stage and give the model; raises KindProblems."""

    def json_of(self, model: Any) -> dict[str, Any]:
        """Give the model's canonical data."""

    def unfit_to_keep(self, part: Mapping[str, Any]) -> tuple[FieldProblem, ...]:
        """List what must not be kept, not even in a draft."""


@dataclass
class Ruling:
    """What the judge found: reasons against (none: it may be done), and where the trigger leads."""

    reasons: list[Reason]
    branch: Branch | None = None
    data: Mapping[str, Any] | None = None
    """The document's data as it will be, when the command changes it."""
    shown: Shown | None = None
    """How the person showed anew who they are, where they did."""

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons


@dataclass(frozen=True)
class Judge:
    """Judges commands at one moment, by the people and kinds of this transaction."""

    people: People
    kinds: Mapping[str, KindOfDocument]
    now: datetime
    evidence_of: Callable[[str, date], Evidence] = lambda _person, _day: NOTHING_ELSE
    fixed_of: Callable[[str, str, date], Mapping[str, Any]] = lambda _person, _kind, _day: {}

    def today(self, definition: Definition) -> date:
        """The office's day."""
        return office_day(definition, self.now)

    def rule(self, case: Case, command: Command, *, asked_only: bool = False) -> Ruling:
        """Judge a command.

        `asked_only`: somebody asks whether they could; what they would still type is not missed.
        """
        state = case.definition.states[case.state]
        trigger = state.triggers.get(command.trigger)
        ruling = Ruling([])
        if command.trigger not in VERBS and trigger is None:
            ruling.reasons.append(_not_here(case.definition, state, command.trigger))
        ruling.reasons.extend(self._against_person(case, state, command))
        if command.trigger == REPAIR:
            return ruling
        ruling.reasons.extend(self._against_state(case, state, command))
        if command.data:
            ruling.reasons.extend(self._against_data(case, state, trigger, command))
        if not asked_only:
            ruling.reasons.extend(self._against_entries(case, trigger, command))
        if trigger is not None and state.role is not None:
            self._lead(case, trigger, command, ruling)
        if asked_only:
            ruling.reasons[:] = [
                reason for reason in ruling.reasons if reason.field.partition(".")[0] not in state.edits
            ]
        return ruling

    def is_blind(self, case: Case, command: Command) -> bool:
        """Whether this may be done by somebody who can't see the request: an administrator repairs, releases
        what somebody holds, and ends what a leaver left behind; who holds a task gives it back."""
        if is_given_back(case, command):
            return self.people.active(command.actor)
        blind = command.trigger in {REPAIR, RELEASE} or self._for_a_leaver(case, command)
        return blind and self.people.administers(command.actor, case.unit, self.today(case.definition))

    def _against_person(self, case: Case, state: State, command: Command) -> Iterator[Reason]:
        actor, principal = command.actor, command.principal
        gives_back = is_given_back(case, command)
        for person in [actor] if gives_back else sorted({actor, principal}):
            if not self.people.active(person):
                yield Reason("person", unknown(person))
        if gives_back:  # whatever became of the role since
            return
        yield from self._against_role(case, state, command)
        yield from self._against_unnamed(case, state, command)
        if command.on_behalf_of == actor:
            yield Reason("substitute", Sentence("Nobody stands in for themselves."))
        elif actor != principal:
            roles = self._roles_used(case, state, command)
            if not self._stands_in(case, actor, principal, roles):
                yield Reason("substitute", no_substitute(actor, principal))

    def _against_role(self, case: Case, state: State, command: Command) -> Iterator[Reason]:
        definition, principal = case.definition, command.principal
        own = requester_role(definition)
        roles = self._roles_used(case, state, command)
        if roles == (own,):
            if principal != case.requester_id:
                yield Reason(
                    "requester",
                    Sentence("Only the requester can do this, and {person} is not.", person=principal),
                )
            # asked when it begins: a requester who moves to another unit keeps their requests
            elif case.version == 0 and not self.people.has_role(principal, own, case.unit):
                yield Reason(
                    "role",
                    Sentence(
                        "{person} does not have the role '{role:word}'.",
                        person=principal,
                        role=definition.roles[own],
                    ),
                )
        elif roles and not self._theirs(case, principal, roles):
            yield Reason("role", lacks(definition, roles, principal, case.unit))

    def _roles_used(self, case: Case, state: State, command: Command) -> tuple[str, ...]:
        """The roles of which one is needed for this; none when the state has none (automatic, ended)."""
        if command.trigger == REPAIR or self._for_a_leaver(case, command):
            return working_roles(case.definition)
        if self._by_an_administrator(case, command):
            return (ADMINISTRATOR,)
        role = requester_role(case.definition) if command.trigger == WITHDRAW else state.role
        return () if role is None else (role,)

    def _theirs(self, case: Case, person: str, roles: Iterable[str]) -> list[str]:
        """Which of these roles a person has for the request; the requester's has its requester alone."""
        return [
            role
            for role in roles
            if self.people.works_as(person, role, case.definition, case.unit, case.requester_id)
        ]

    def _stands_in(self, case: Case, actor: str, principal: str, roles: tuple[str, ...]) -> bool:
        """Whether the actor stands in today for the principal, in one of these roles that the principal has.

        Of a principal who has none of them that is said elsewhere.
        """
        wanted: Iterable[str | None] = self._theirs(case, principal, roles) or roles or (None,)
        today = self.today(case.definition)
        return any(self.people.stands_in(actor, principal, role, today) for role in wanted)

    def _for_a_leaver(self, case: Case, command: Command) -> bool:
        """Whether this would end the request of somebody who has left, and can't do it any more."""
        if not self.people.has_left(case.requester_id):
            return False
        state = case.definition.states[case.state]
        return command.trigger == WITHDRAW or command.trigger in case.definition.ways_out(state)

    def _by_an_administrator(self, case: Case, command: Command) -> bool:
        """Whether a task would be released by an administrator of its unit, or as one's substitute: whoever
        holds it, who may be ill. It says nothing of what is decided, so no hand is laid on the request."""
        actor, principal = command.actor, command.principal
        return (
            command.trigger == RELEASE
            and self.people.has_role(principal, ADMINISTRATOR, case.unit)
            and (
                actor == principal
                or self.people.stands_in(actor, principal, ADMINISTRATOR, self.today(case.definition))
            )
        )

    def _against_unnamed(self, case: Case, state: State, command: Command) -> Iterator[Reason]:
        leads_on = command.trigger in state.triggers and command.trigger not in {RETURN, WITHDRAW}
        if not leads_on and command.trigger != "claim":  # who can't do it must not keep others from it
            return
        name = named(state, case.data)
        if name is not None and not self.people.has_name(command.principal, name):
            yield Reason(
                "not-named",
                Sentence("The document names {name} for this: they do it, or it is returned.", name=name),
            )

    def _against_state(self, case: Case, state: State, command: Command) -> Iterator[Reason]:
        verb = command.trigger
        if state.end is not None:
            yield Reason("ended", Sentence("The request has ended: {state:state}.", state=case.state))
        elif state.auto is not None:
            yield Reason(
                "automatic",
                Sentence("The request is in an automatic step: {state:state}.", state=case.state),
            )
        if verb == "resume":
            if case.suspended_at is None:
                yield Reason("not-suspended", Sentence("The request is not suspended."))
        elif (
            case.suspended_at is not None
            and verb not in _ALLOWED_WHILE_SUSPENDED
            and not self._for_a_leaver(case, command)
        ):
            yield Reason("suspended", Sentence("The request is suspended: it waits for somebody outside."))
        if state.role is not None and (verb != WITHDRAW or self._for_a_leaver(case, command)):
            yield from self._against_claim(case, command)
            if verb not in {RELEASE, "resume", WITHDRAW}:  # of which none approves anything
                yield from _against_four_eyes(case, command)

    def _against_claim(self, case: Case, command: Command) -> Iterator[Reason]:
        """Who holds a task is who claimed it; their principal may act too, another substitute not."""
        task = case.task
        if task is None:
            return
        if task.claimed_by is None:
            if command.trigger in _NEED_CLAIM:
                yield Reason("unclaimed", Sentence("Nobody holds this task: claim it first."))
        elif command.actor not in {task.claimed_by, task.claimed_for}:
            # what somebody holds who may not do it any more, whoever could take the task puts back;
            # anybody's claim, an administrator
            holds_on = self._holds_on(case, task)
            may_release = not holds_on or self._by_an_administrator(case, command)
            ends = command.trigger == WITHDRAW or self._for_a_leaver(case, command)
            if not may_release or not (command.trigger == RELEASE or ends):
                yield held_by(task.claimed_by, lapsed=not holds_on)
        elif command.trigger == "claim":
            yield Reason("held", Sentence("You hold this task already."))
        elif command.trigger == "start" and task.started_at is not None:
            yield Reason("started", Sentence("This task was started already."))

    def _holds_on(self, case: Case, task: OpenTask) -> bool:
        """Whether whoever claimed a task could do so today."""
        holder = task.claimed_by or ""
        return self.people.holds_on(
            holder,
            task.claimed_for or holder,
            task.role,
            definition=case.definition,
            unit=case.unit,
            requester=case.requester_id,
            today=self.today(case.definition),
        )

    def _against_entries(self, case: Case, trigger: Trigger | None, command: Command) -> Iterator[Reason]:
        if trigger is not None and command.seen_version is None and decides(case.definition, trigger):
            yield Reason(
                "unseen", Sentence("Say which version of the request you have seen."), "seen_version"
            )
        asks_remark = trigger.remark if trigger is not None else command.trigger == "suspend"
        if asks_remark and not (command.remark and command.remark.strip()):
            yield Reason("remark", Sentence("Say why in a remark."), "remark")
        elif message := _wrong_remark(command.remark):
            yield Reason("remark", message, "remark")
        consent = trigger.consent if trigger is not None else None
        if consent is not None and command.consent != consent:
            accept = Sentence.for_both(f"Accept the text {consent!r} first.", "Accept the text first.")
            yield Reason("consent", accept, "consent")
        elif consent is None and command.consent is not None:
            yield Reason("consent", Sentence("There is no text to accept here."), "consent")
        wanted = trigger.file if trigger is not None else None
        brought = command.brought.file if command.brought is not None else None
        if brought != wanted:
            none = Sentence("No file goes with this.")
            yield Reason("file", WANTED[wanted] if wanted is not None else none, "file")
        asked = trigger.record if trigger is not None else ()
        for name in asked:
            if name not in command.facts:
                yield Reason("fact", Sentence("Fill in this fact."), f"facts.{name}")
            elif message := self._wrong_fact(name, command.facts[name], case):
                yield Reason("fact", message, f"facts.{name}")
        for name in command.facts:
            if name not in asked:
                yield Reason("fact", Sentence("This fact is not asked here."), f"facts.{name[:60]}")

    def _against_data(
        self, case: Case, state: State, trigger: Trigger | None, command: Command
    ) -> Iterator[Reason]:
        no_data = command.trigger == WITHDRAW or self._for_a_leaver(case, command)
        if no_data or (trigger is None and command.trigger != "save_draft"):
            yield Reason("data", Sentence("'{trigger:trigger}' takes no data.", trigger=command.trigger[:60]))
            return
        for section in command.data:
            if section not in state.edits:
                yield Reason("section", Sentence("This part can't be changed here."), shown_name(section))
        if trigger is None:  # a draft: half of it may be missing or malformed
            for document in case.definition.documents.values():
                for one in self.kinds[document.kind].unfit_to_keep(command.data):
                    yield Reason(one.rule, one.message, one.field)

    def _wrong_fact(self, name: str, value: str, case: Case) -> Sentence | None:
        """What is wrong with a fact that a person entered; None when nothing is."""
        if FACTS[name] == "text":
            lines = name == "note"
            return wrong_text(value, longest=NOTE_MAX if lines else LINE_MAX, lines=lines)
        try:
            day = date.fromisoformat(value) if _ISO_DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            return Sentence("Write the day as 2026-11-20.")
        if day > self.today(case.definition):
            return Sentence("The day has not come yet.")
        if day < office_day(case.definition, case.opened_at):
            return Sentence("The request was not there on that day.")
        if name == "posted_on" and value < case.signed_on:
            return Sentence("It was signed later than that, on {on:day}.", on=case.signed_on)
        return None

    def _lead(self, case: Case, trigger: Trigger, command: Command, ruling: Ruling) -> None:
        """Check the document's data as they would be, and find the branch."""
        data = merged(case.data, command.data) if command.data else case.data
        stored = data
        # whatever changes the data is checked, so that nothing is kept that the next person can't mend
        stage = trigger.check or ("request" if command.data and trigger.name != WITHDRAW else None)
        if stage is not None:
            found = list(self._parse(case, stage, data))
            ruling.reasons.extend(item for item in found if isinstance(item, Reason))
            stored = next((item for item in found if not isinstance(item, Reason)), data)
        if command.data:
            ruling.reasons.extend(self._against_fixed(case, stored))
            ruling.data = stored
        try:
            ruling.branch = take(case.definition, case.state, trigger.name, stored, delivered=case.delivered)
        except (NoBranch, FactMissing) as error:
            if not ruling.reasons:
                ruling.reasons.append(Reason("no-way", error.sentence))

    def _against_fixed(self, case: Case, data: Mapping[str, Any]) -> Iterator[Reason]:
        """What a requester would say otherwise than the HR register, or in the place of somebody else.

        What the request says already may stay, though the register says something else by now.
        """
        if case.definition.states[case.state].role != requester_role(case.definition):
            return
        was, now = dict(flat(case.data)), dict(flat(data))
        for document in case.definition.documents.values():
            said = self.fixed_of(case.requester_id, document.kind, self.today(case.definition))
            for name, value in said.items():
                stays = case.version > 0 and now.get(name) == was.get(name)
                if not stays and now.get(name) != (was.get(name) if value is None else value):
                    if value is None:
                        yield Reason("others", OTHERS, name)
                    else:
                        yield Reason("registered", REGISTERED, name)

    def _parse(self, case: Case, stage: str, data: Mapping[str, Any]) -> Iterator[Reason | Mapping[str, Any]]:
        """Reasons why a document's data is not fit; the canonical data when they are."""
        try:
            evidence = self.evidence_of(case.requester_id, self.today(case.definition))
        except WorkflowError as error:
            yield Reason(error.code, Sentence(f"{error} {error.hint}"))  # told by its code
            return
        for document in case.definition.documents.values():
            kind = self.kinds[document.kind]
            try:
                yield kind.json_of(kind.parse(data, stage, evidence))
            except KindProblems as error:
                yield from (Reason(one.rule, one.message, one.field) for one in error.problems)


def is_given_back(case: Case, command: Command) -> bool:
    """Whether somebody releases the task that they hold themselves: they always may while they work here."""
    task = case.task
    return (
        command.trigger == RELEASE
        and task is not None
        and task.claimed_by == command.actor
        and command.on_behalf_of in {None, task.claimed_for}
    )


def against_submission(new: Submission) -> Iterator[Reason]:
    """Why a new request can't be taken in as it is: its language, or the sender's reference."""
    if new.language not in LANGUAGES:
        yield Reason(
            "language",
            Sentence("Choose one of: {languages}.", languages=", ".join(LANGUAGES)),
            "language",
        )
    reference = new.reference
    if reference is None:
        return
    if message := wrong_text(reference, longest=LINE_MAX, lines=False):
        yield Reason("reference", message, "reference")
    elif reference != reference.strip():
        yield Reason("reference", Sentence("Send the reference without spaces around it."), "reference")


def _wrong_remark(remark: str | None) -> Sentence | None:
    """What is wrong with what a person wrote; None when nothing is, or when they wrote nothing."""
    return None if remark is None else wrong_text(remark, longest=NOTE_MAX, lines=True)


def decides(definition: Definition, trigger: Trigger) -> bool:
    """Whether a person answers for what they saw: they approve it, or it leads to a signature."""
    return trigger.name == APPROVE or any(
        definition.states[branch.to].auto == "sign" for branch in trigger.branches
    )


def office_day(definition: Definition, now: datetime) -> date:
    """The day by the time zone of the definition's calendar: substitutes stand in by it."""
    return now.astimezone(_zone(CALENDARS[definition.calendar].zone)).date()


def merged(data: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Put whole top-level sections in place of those that are there; null takes one out."""
    both = {**data, **change}
    return {name: section for name, section in both.items() if section is not None}


def data_digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of the document's data as canonical JSON."""
    return digest(dict(data))


@lru_cache(maxsize=1024)
def rules_of(definition: Definition, state: str) -> tuple[tuple[str, str], ...]:
    """The four-eyes rules that bind a state, as `access.four_eyes_rules` gives them."""
    return tuple(four_eyes_rules(definition, state))


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _not_here(definition: Definition, state: State, trigger: str) -> Reason:
    if any(trigger in other.triggers for other in definition.states.values()):
        return Reason("not-here", only_elsewhere(state, trigger))
    return Reason(
        "unknown-trigger",
        Sentence(
            "The process {process:process} knows no '{trigger:trigger}'.",
            process=definition.label,
            trigger=trigger[:60],
        ),
    )


def against_naming(
    case: Case, command: Command, state: State, name: str, called: Collection[str]
) -> Iterator[Reason]:
    """Why the document can't name somebody for a state, once this is approved: it would wait for nobody.

    `called`: who with its role bears the name.
    """
    where = state.named_in or ""
    if not called:
        role = case.definition.roles[state.role or ""]
        message = Sentence("Nobody with the role '{role:word}' is called {name}.", role=role, name=name)
        yield Reason("nobody-named", message, where)
        return
    acting = {command.actor, command.principal}
    barred = [_barring(case, state.name, person, acting=acting) for person in sorted(called)]
    if all(barred):
        message = Sentence(
            "{name} had a hand in '{state:state}', so the document must name somebody else.",
            name=name,
            state=barred[0] or "",
        )
        yield Reason("barred-named", message, where)


def _barring(case: Case, state: str, person: str, *, acting: Collection[str] = ()) -> str | None:
    """The state in which a person had a hand, or has one now (`acting`), that keeps them from another."""
    for rule, other in rules_of(case.definition, state):
        if case.hands.get((rule, person)) == other or (person in acting and case.state == other):
            return other
    return None


def _against_four_eyes(case: Case, command: Command) -> Iterator[Reason]:
    for person in sorted({command.actor, command.principal}):
        other = _barring(case, case.state, person)
        if other is not None:
            yield Reason(
                "four-eyes",
                Sentence(
                    "{person} had a hand in '{state:state}', so somebody else must do this.",
                    person=person,
                    state=other,
                ),
            )
