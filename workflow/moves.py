"""What a command or a step that may be done does: to the rows in memory, and as an event in the log."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from workflow.brought import EVENTS
from workflow.cases import Case, OpenTask
from workflow.commands import Answer, Command, StepRef, StepResult, StepTrouble
from workflow.definition_model import (
    DELIVERED,
    FACTS,
    REPAIR,
    RETURN,
    SUBMIT,
    WITHDRAW,
    Branch,
    State,
    consent_sha256,
)
from workflow.dotted import flat
from workflow.due import DueTimes, due_times, put_off
from workflow.eventlog import utc_text
from workflow.judge import Ruling, data_digest, rules_of
from workflow.ledger import Ledger
from workflow.machine import take
from workflow.named import named

MOVED = "request_advanced"
MOVED_BY = MappingProxyType(
    {SUBMIT: "request_submitted", RETURN: "request_returned", WITHDRAW: "request_withdrawn"}
)
DONE_BY = MappingProxyType(
    {
        "claim": "task_claimed",
        "release": "task_released",
        "start": "task_started",
        "save_draft": "draft_saved",
        "suspend": "request_suspended",
        "resume": "request_resumed",
        REPAIR: "incident_resolved",
    }
)
STEP_DONE = MappingProxyType(
    {"rendered": "document_rendered", "signed": "document_signed", "delivered": "document_delivered"}
)
STEP_FAILED = "step_failed"
INCIDENT_OPENED = "incident_opened"


class Mover:
    """Changes cases at one moment. It asks nothing: the judge has been asked."""

    def __init__(self, ledger: Ledger, now: datetime) -> None:
        self._ledger = ledger
        self._now = now

    def move(self, case: Case, command: Command, ruling: Ruling) -> Answer:
        """Do a command."""
        if case.stored_version is None and case.version == 0:
            self._ledger.add(case)
        if ruling.shown is not None and command.proof is not None:
            self._ledger.use_proof(command.proof.sha256_hex, case.id)
        if ruling.branch is not None:
            seq = self._fire(case, command, ruling, ruling.branch)
        else:
            seq = self._keep(case, command)
        return Answer(case.id, case.version, case.state, seq)

    def finish_step(self, result: StepResult) -> int | None:
        """Record a step's end; None when the request is not (or no longer) in that step."""
        case = self._case_in(result.ref)
        if case is None:
            return None
        branch = take(case.definition, case.state, result.trigger, case.data, delivered=case.delivered)
        kind = STEP_DONE.get(result.trigger, STEP_FAILED)
        facts = {**result.record, "trigger": result.trigger, "channel": "system"}
        incident = self._ledger.incidents.get(case.id)
        if incident is not None:  # a later try, or another worker's, ended it after all
            self._ledger.resolve_incident(incident, case, None, self._now)
            facts["incident"] = incident.code
        return self._enter(case, branch, kind, facts, dict(result.body) or None)

    def open_incident(self, trouble: StepTrouble) -> int | None:
        """Record that a step waits for a person; None when the request has moved on, or waits already."""
        case = self._case_in(trouble.ref)
        if case is None or case.id in self._ledger.incidents:
            return None
        state = case.definition.states.get(case.state)
        step = "" if state is None or state.auto is None else state.auto  # a definition that can't be read
        self._ledger.open_incident(case, step, trouble.code, trouble.plain, self._now)
        facts = {"state": case.state, "step": step, "code": trouble.code, "channel": "system"}
        return self._note(case, INCIDENT_OPENED, facts, {"message": trouble.message})

    def _case_in(self, ref: StepRef) -> Case | None:
        case = self._ledger.cases.get(ref.request_id)
        return case if case is not None and (case.state, case.step_seq) == (ref.state, ref.step_seq) else None

    # --- triggers of the definition

    def _fire(self, case: Case, command: Command, ruling: Ruling, branch: Branch) -> int:
        before = case.data
        if ruling.data is not None or case.stored_version is None:
            case.data = {} if ruling.data is None else ruling.data
            case.data_sha256 = data_digest(case.data)
        case.report(command.facts)
        if command.trigger != WITHDRAW:
            self._lay_hands(case, command)
        self._close_task(case, command)
        facts = {"trigger": command.trigger, "channel": command.channel, **_days(command)}
        body = _body(command)
        body["data_sha256"] = case.data_sha256
        if case.version and before is not case.data and (changed := _changed(before, case.data)):
            body["before"] = changed
        if command.consent is not None:
            body |= _consented(case, command, ruling)
        kind = MOVED_BY.get(command.trigger, MOVED)
        if command.trigger == WITHDRAW and case.definition.states[branch.to].end is None:
            kind = MOVED  # a new revision was given up: what was delivered before is not withdrawn
        brought = command.brought
        if brought is not None:
            kind, facts = EVENTS[brought.file], {**facts, **brought.facts}
            body |= brought.body
        seq = self._enter(case, branch, kind, facts, body)
        if brought is not None:
            self._ledger.bring(brought, seq)
        return seq

    def _enter(
        self,
        case: Case,
        branch: Branch,
        kind: str,
        facts: Mapping[str, Any],
        body: Mapping[str, Any] | None,
    ) -> int:
        """Put the request into the state that a branch leads to, with what that state needs."""
        seq = self._ledger.log.head.seq + 1
        moved: dict[str, Any] = {**facts, "from": case.state, "to": branch.to}
        if branch.mark is not None:
            moved["mark"] = branch.mark
            case.delivered = case.delivered or branch.mark == DELIVERED
        self._ledger.drop_drafts(case)
        self._ledger.refs.pop(case.id, None)
        case.state, case.step_seq, case.suspended_at = branch.to, seq, None
        state = case.definition.states[branch.to]
        if state.role is not None:
            case.task = self._offered(case, state, state.role, seq)
            moved["task"] = seq
        elif state.auto is not None:
            self._ledger.refs[case.id] = StepRef(case.id, state.name, seq)
        else:
            case.closed_at, case.outcome = self._now, state.end
            moved["outcome"] = state.end
        return self._note(case, kind, moved, body)

    def _offered(self, case: Case, state: State, role: str, seq: int) -> OpenTask:
        definition = case.definition
        times = due_times(definition, state.name, self._now)
        return OpenTask(
            id=seq,
            state=state.name,
            role=role,
            offered_at=self._now,
            unit=case.unit,
            definition_sha256=definition.sha256_hex,
            named=named(state, case.data),
            due_at=times.due_at,
            near_at=times.near_at,
        )

    def _lay_hands(self, case: Case, command: Command) -> None:
        for rule, _ in rules_of(case.definition, case.state):
            for person in sorted({command.actor, command.principal}):
                # one in the other state of the rule would be refused by the table's key
                if case.hands.get((rule, person)) != case.state:
                    case.hands[rule, person] = case.state
                    case.new_hands.append((rule, person))

    def _close_task(self, case: Case, command: Command) -> None:
        task = case.task
        if task is None:
            return
        if case.suspended_at is not None:
            task.suspended_us += _microseconds(self._now - case.suspended_at)
        task.close(self._now, command.actor, command.on_behalf_of)
        case.closed_tasks.append(task)
        case.task = None

    # --- the engine's own verbs

    def _keep(self, case: Case, command: Command) -> int:
        task = case.task
        facts: dict[str, Any] = {"state": case.state, "channel": command.channel}
        if task is not None:
            facts["task"] = task.id
        body = _body(command)
        match command.trigger:
            case "claim" if task:
                task.claimed_by, task.claimed_for, task.claimed_at = (
                    command.actor,
                    command.on_behalf_of,
                    self._now,
                )
            case "release" if task:
                task.claimed_by = task.claimed_for = task.claimed_at = task.started_at = None
            case "start" if task:
                task.started_at = self._now
            case "save_draft":
                self._ledger.save_draft(case, command, self._now)
                body.pop("remark", None)  # nobody else reads it yet
            case "suspend":
                case.suspended_at = self._now
                if task is not None:
                    task.suspended_at = self._now
            case "resume" if task and case.suspended_at is not None:
                self._resume(case, task, case.suspended_at)
            case "repair":
                facts["code"] = self._repair(case, command)
        return self._note(case, DONE_BY[command.trigger], facts, body)

    def _resume(self, case: Case, task: OpenTask, since: datetime) -> None:
        task.suspended_us += _microseconds(self._now - since)
        times = put_off(case.definition, DueTimes(task.due_at, task.near_at), (since, self._now))
        task.due_at, task.near_at = times.due_at, times.near_at
        case.suspended_at = task.suspended_at = None

    def _repair(self, case: Case, command: Command) -> str:
        incident = self._ledger.incidents[case.id]
        self._ledger.resolve_incident(incident, case, command.actor, self._now)
        self._ledger.refs[case.id] = StepRef(case.id, case.state, case.step_seq)
        return incident.code

    def _note(self, case: Case, kind: str, facts: Mapping[str, Any], body: Mapping[str, Any] | None) -> int:
        case.version += 1
        definition = case.definition
        pinned = {"key": definition.key, "variant": definition.variant, "definition": definition.sha256_hex}
        if case.version == 1:
            pinned["unit"] = case.unit  # who may see and decide goes by it
        return self._ledger.log.append(
            kind, at=self._now, request_id=case.id, facts={**facts, **pinned}, body=body
        )


def _body(command: Command) -> dict[str, Any]:
    """The personal part of what a command did: who, for whom, and what they wrote."""
    body: dict[str, Any] = {"actor": command.actor}
    if command.on_behalf_of is not None:
        body["on_behalf_of"] = command.on_behalf_of
    if command.remark is not None:
        body["remark"] = command.remark
    said = {name: value for name, value in command.facts.items() if FACTS[name] != "day"}
    if said:
        body["facts"] = said
    return body


def _consented(case: Case, command: Command, ruling: Ruling) -> dict[str, Any]:
    """Which text was accepted: its name, language and digest; where; and how it was shown who did it."""
    name, shown = command.consent or "", ruling.shown
    language, text = case.definition.consent_in(name, case.language)
    body: dict[str, Any] = {
        "consent": name,
        "consent_language": language,
        "consent_sha256": consent_sha256(text),
        "consent_through": command.through,
    }
    if shown is not None:
        body["reauthenticated"] = {"method": shown.method, "at": utc_text(shown.at)}
    return body


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are otherwise now, by their dotted names: as they were, None where there were none."""
    was, now = dict(flat(before)), dict(flat(after))
    return {name: was.get(name) for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)}


def _days(command: Command) -> dict[str, str]:
    """The days that a person reported: they name nobody, and the timings of paper need them for ever."""
    return {name: value for name, value in command.facts.items() if FACTS[name] == "day"}


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
