"""What the log says of requests: their events are played again, in memory.

Who acted is known only while a body is not erased. workflow.rowcheck holds the tables against it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workflow.brought import EVENTS
from workflow.definition_model import WITHDRAW
from workflow.destruction import DESTROYED
from workflow.eventlog import ERASED
from workflow.holds import PLACED, RELEASED
from workflow.reminders import EVENTS as REMINDED
from workflow.renewals import RENEWED

IMPORTED, SCANNED = EVENTS["signed"], EVENTS["scan"]
OF_KEEPING = frozenset({ERASED, DESTROYED, PLACED, RELEASED})
"""Events that say how long a request is kept, and nothing of where it is."""
# What is noted of a request without changing it: its version stays.
NOTES = OF_KEEPING | frozenset(REMINDED.values()) | {RENEWED}
NOT_BY_PEOPLE = NOTES - {PLACED, RELEASED} | {
    "document_rendered",
    "document_signed",
    "document_delivered",
    "step_failed",
    "incident_opened",
}
_Said = Mapping[str, Any]


@dataclass(slots=True)
class Told:
    """One request, as far as the events went."""

    definition: str
    opened_at: str = ""
    unit: object = None
    key: object = None
    variant: object = None
    state: str = ""
    version: int = 0
    step_seq: int = 0
    last_seq: int = 0
    outcome: str | None = None
    requester: str | None = None
    data_sha256: str | None = None  # None: not known, because the body is erased
    task: int | None = None
    acted: set[tuple[str, str]] = field(default_factory=set)
    everybody_known: bool = True
    entered_at: str = ""
    suspended_at: str | None = None
    holds: set[int] = field(default_factory=set)  # not released
    destroyed_at: str | None = None
    delivered: list[tuple[object, object]] = field(default_factory=list)  # digest, channel
    consents: list[tuple[int, str, str, object]] = field(default_factory=list)
    """Texts that were accepted: event, name, language, digest."""


@dataclass(slots=True)
class ToldTask:
    """A task that an event offered; its number is that event's sequence."""

    request_id: int
    state: str
    definition: str
    offered_at: str
    claimed_at: str | None = None
    started_at: str | None = None
    suspended_us: int = 0
    pauses: list[tuple[str, str]] = field(default_factory=list)  # suspended, went on
    closed_at: str | None = None
    claimed_by: str | None = None
    claimed_for: str | None = None
    done_by: str | None = None
    done_for: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class ToldDocument:
    """Where a document was rendered to and its digest; what is printed on it, None where that is erased; the
    digest of its data, None where it is not known; when it was drawn: between these two times."""

    made: tuple[int, object, object, object]
    printed: tuple[object, object]
    data_sha256: str | None
    drawn: tuple[str, str]


@dataclass(frozen=True, slots=True)
class ToldSignature:
    """The document, field, profile, levels and digests of a signature; who signed with which certificate,
    None where erased."""

    request_id: int
    made: tuple[object, ...]
    by: tuple[object, object]


@dataclass(frozen=True, slots=True)
class ToldRenewal:
    """Which document got a new archive timestamp; the digests before and after; when, and until when."""

    request_id: int
    made: tuple[object, ...]


@dataclass(slots=True)
class ToldHold:
    """A hold; who and why None where erased."""

    request_id: int
    placed_at: str
    placed: tuple[object, object]
    released_at: str | None = None
    released_by: object = None


@dataclass(slots=True)
class ToldIncident:
    """A step that waited for a person."""

    state: str
    step_seq: int
    step: object
    code: object
    opened_at: str
    resolved_at: str | None = None
    resolved_by: str | None = None
    known: bool = True


class Replay:
    """Takes the events of some requests, each request's in their order.

    Raises TypeError, ValueError, AttributeError or KeyError where values have other forms than ours.
    """

    def __init__(self) -> None:
        self.requests: dict[int, Told] = {}
        self.tasks: dict[int, ToldTask] = {}
        self.rendered: dict[int, ToldDocument] = {}
        self.files: dict[tuple[int, object, object], tuple[object, object]] = {}  # digest, level
        self.signed: dict[tuple[int, object], ToldSignature] = {}  # by event and field
        self.scanned: dict[int, tuple[object, ...]] = {}
        self.renewed: dict[int, ToldRenewal] = {}
        self.holds: dict[int, ToldHold] = {}
        self.incidents: dict[int, list[ToldIncident]] = {}
        self.reminded: dict[tuple[object, object], tuple[int, str]] = {}  # task, after: last event, its time

    def event(self, seq: int, request_id: int, kind: str, said: _Said, body: str | None) -> str:
        """Take an event; gives what can't be after the ones before, or ""."""
        told = self.requests.get(request_id)
        if told is None:
            told = self.requests[request_id] = Told(
                str(said.get("definition")),
                opened_at=str(said.get("at")),
                unit=said.get("unit"),
                key=said.get("key"),
                variant=said.get("variant"),
            )
            told.state = str(said.get("from"))
        told.last_seq = seq
        if told.destroyed_at:
            return "The request was destroyed before."
        who = None if body is None else _read_body(body)
        if kind in NOTES:
            return self._noted(told, seq, request_id, kind, said, who or {})
        told.version += 1
        here = said.get("from", said.get("state"))
        wrong = "" if here == told.state and told.outcome is None else f"The request was in {told.state!r}."
        self._time(told, kind, said)
        if kind not in NOT_BY_PEOPLE:
            self._person(told, kind, said, who)
        wrong = self._incident(told, request_id, kind, said, who) or wrong
        self._document(told, seq, request_id, kind, said, who or {})
        if "to" in said:
            self._moved(told, seq, request_id, said)
        return wrong

    def _noted(  # noqa: PLR0917  an event, as `event` has it
        self, told: Told, seq: int, request_id: int, kind: str, said: _Said, who: _Said
    ) -> str:
        at = str(said.get("at"))
        if kind == PLACED:
            told.holds.add(seq)
            self.holds[seq] = ToldHold(request_id, at, (who.get("actor"), who.get("remark")))
        elif kind == RELEASED:
            hold = said.get("hold")
            if hold not in told.holds:
                return "There was no such hold to release."
            told.holds.discard(hold)
            self.holds[hold].released_at, self.holds[hold].released_by = at, who.get("actor")
        elif kind == DESTROYED:
            told.destroyed_at = at
            if told.outcome is None:
                return "The request was destroyed before it had ended."
            if told.holds:
                return "The request was destroyed although it was on hold."
        elif kind == RENEWED:
            return self._renewed(told, seq, request_id, said)
        elif kind != ERASED:
            self.reminded[said.get("task"), said.get("after")] = seq, at
        return ""

    def _renewed(self, told: Told, seq: int, request_id: int, said: _Said) -> str:
        """Another file took a document's place, with one more archive timestamp; gives what can't be."""
        place = (request_id, said["document"], said["revision"])
        before, level = self.files.get(place, (None, None))
        self.files[place] = (said["sha256"], level)
        times = (said["stamped_at"], said["holds_until"])
        self.renewed[seq] = ToldRenewal(request_id, (*place, said["renewed"], said["sha256"], *times))
        if told.outcome is None:
            return "A document was renewed before the request had ended."
        return "" if said["renewed"] == before else "Another file than the document's was renewed."

    def _time(self, told: Told, kind: str, said: _Said) -> None:
        """When its task was claimed, begun, laid by and ended: of whom, others say."""
        at = str(said.get("at"))
        task = self.tasks.get(told.task) if told.task is not None else None
        if task is not None and told.suspended_at is not None and ("to" in said or kind == "request_resumed"):
            task.suspended_us += _microseconds(told.suspended_at, at)
            task.pauses.append((told.suspended_at, at))
        if "to" in said or kind == "request_resumed":
            told.suspended_at = None
        elif kind == "request_suspended":
            told.suspended_at = at
        if task is None:
            return
        if "to" in said:
            task.closed_at = at
        elif kind == "task_claimed":
            task.claimed_at = at
        elif kind == "task_released":
            task.claimed_at = task.started_at = None
        elif kind == "task_started":
            task.started_at = at

    def _person(self, told: Told, kind: str, said: _Said, who: dict[str, Any] | None) -> None:
        actor = principal = None
        if who is None:
            told.everybody_known = False
        else:
            actor, principal = who.get("actor"), who.get("on_behalf_of")
        if told.version == 1:
            told.requester = principal or actor
        if who is not None and "consent_sha256" in who:
            accepted = (str(who.get("consent")), str(who.get("consent_language")), who["consent_sha256"])
            told.consents.append((told.last_seq, *accepted))
        if "to" in said:
            told.data_sha256 = None if who is None else who.get("data_sha256")
            if said.get("trigger") != WITHDRAW:
                told.acted |= {(told.state, str(one)) for one in (actor, principal) if one is not None}
        task = self.tasks.get(told.task) if told.task is not None else None
        if task is None:
            return
        task.known = task.known and who is not None
        if "to" in said:
            task.done_by, task.done_for = actor, principal
        elif kind == "task_claimed":
            task.claimed_by, task.claimed_for = actor, principal
        elif kind == "task_released":
            task.claimed_by = task.claimed_for = None

    def _incident(
        self,
        told: Told,
        request_id: int,
        kind: str,
        said: _Said,
        who: dict[str, Any] | None,
    ) -> str:
        """Open or close an incident; gives what can't be, or ""."""
        last = self.incidents.get(request_id, [])[-1:]
        still_open = [incident for incident in last if incident.resolved_at is None]
        if kind == "incident_opened":
            opened_at = str(said.get("at"))
            incident = ToldIncident(told.state, told.step_seq, said.get("step"), said.get("code"), opened_at)
            self.incidents.setdefault(request_id, []).append(incident)
            return "It had an incident already." if still_open else ""
        if kind != "incident_resolved" and "to" not in said:
            return ""
        for incident in still_open:
            incident.resolved_at = str(said.get("at"))
            if kind == "incident_resolved":
                incident.known, incident.resolved_by = who is not None, (who or {}).get("actor")
        # the first release closed an incident with the step, and did not say so
        settled = said.get("code" if kind == "incident_resolved" else "incident")
        if settled is not None and settled not in {incident.code for incident in still_open}:
            return f"No incident {settled!r} was open."
        return ""

    def _moved(self, told: Told, seq: int, request_id: int, said: _Said) -> None:
        told.task = None
        told.state, told.step_seq, told.outcome = str(said["to"]), seq, said.get("outcome")
        told.entered_at = str(said.get("at"))
        if said.get("task") == seq:
            told.task = seq
            self.tasks[seq] = ToldTask(request_id, told.state, told.definition, told.entered_at)

    def _document(  # noqa: PLR0917  an event, as `event` has it
        self, told: Told, seq: int, request_id: int, kind: str, said: _Said, who: _Said
    ) -> None:
        sha256_hex = said.get("sha256")
        if kind == "document_delivered" and "channel_used" in said:
            told.delivered.append((sha256_hex, said["channel_used"]))
        if "document" not in said:
            return
        place = (request_id, said["document"], said.get("revision"))
        before, level = self.files.get(place, (None, None))
        if kind == SCANNED:  # a copy stands beside the document's own file
            self.scanned[seq] = (*place, sha256_hex, said.get("pages"))
            return
        if kind == "document_rendered":
            printed = (who.get("number"), who.get("verification_code"))
            drawn = (told.entered_at, str(said.get("at")))
            self.rendered[seq] = ToldDocument((*place, sha256_hex), printed, told.data_sha256, drawn)
        elif kind == "document_signed":
            level = said.get("level_reached")
            how = (said.get("field"), said.get("profile"), said.get("level_asked"), level)
            by = (who.get("signer"), who.get("certificate_sha256"))
            made = (*place, *how, before, sha256_hex)
            self.signed[seq, said.get("field")] = ToldSignature(request_id, made, by)
        elif kind == IMPORTED:
            level = said.get("level_reached")
            signers, certificates = who.get("signers") or {}, who.get("certificates") or {}
            for name in said["fields"]:
                how = (name, said.get("profile"), said.get("level_asked"), level)
                by = (signers.get(name), certificates.get(name))
                made = (*place, *how, before, sha256_hex)
                self.signed[seq, name] = ToldSignature(request_id, made, by)
        self.files[place] = (sha256_hex, level)


def _read_body(body: str) -> dict[str, Any]:
    """A body's values; raises TypeError or ValueError for anything but an object."""
    said = json.loads(body)
    if not isinstance(said, dict):
        raise TypeError("a body that is no object")
    return said


def _microseconds(since: str, until: str) -> int:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)) // timedelta(microseconds=1)
