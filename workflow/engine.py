"""The verbs: how commands and steps change requests. One command, one transaction, one event.

execute and execute_batch are one way: a single command is a batch of one.

  (1) lock the log, and with it every other writer; set aside what is no command at all
  (2) idempotency: an answer given before is given again
  (3) load the requests, their hands and the people, with a query each
  (4) judge each command in memory, in their order; collect every reason
  (5) change the rows in memory, and chain the event
  (6) write all rows, with a few statements
  (7) defer the jobs of the automatic states that were entered
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from documents.kinds.rule import NOTHING_ELSE, Evidence
from watching.logs import note
from watching.meters import Meters
from watching.spans import span
from wording import Sentence
from workflow import listing, reading
from workflow.access import People
from workflow.cases import Case
from workflow.clock import Watch
from workflow.command_form import require_form, require_name, require_request_id
from workflow.commands import Answer, Channel, Command, StepRef, StepResult, StepTrouble, Submission
from workflow.definition import Catalogue
from workflow.definition_errors import DefinitionRefused, DefinitionUnknown
from workflow.definition_model import REPAIR, SUBMIT, Branch, Definition
from workflow.definition_reader import read
from workflow.errors import (
    AnswerUnreadable,
    ClaimedByAnother,
    Contended,
    DefinitionMissing,
    KeyReused,
    NotFound,
    Raced,
    Reason,
    Refused,
    StaleVersion,
    WorkflowError,
)
from workflow.eventlog import GENESIS, Appender, Head
from workflow.judge import (
    VERBS,
    Judge,
    KindOfDocument,
    Ruling,
    against_naming,
    against_submission,
    office_day,
)
from workflow.ledger import Ledger
from workflow.listing import RequestFilter, RequestLine
from workflow.moves import DONE_BY, Mover
from workflow.pinned import lacking, pinned
from workflow.proofs import against
from workflow.queue_filter import EVERYTHING, QueueFilter, require_filter
from workflow.queue_form import Asker
from workflow.queue_page import QueueItem, QueuePage, queue_page, still_free
from workflow.reading import RequestView
from workflow.store import Store
from workflow.tables import DefinitionSource, Event

ATTEMPTS = 4
QUEUE_MOST = 10_000
CLAIM = "claim"
TRIED = 20
"""So many of the queue's first tasks are looked at: others may be faster, or one be refused for what the
queue does not ask."""
log = logging.getLogger(__name__)
Done = TypeVar("Done")

Defer = Callable[[Session, Sequence[StepRef]], None]


def _nothing_against(_session: Session, _case: Case, _command: Command, _branch: Branch) -> Reason | None:
    return None


class Engine:
    """Moves requests. `defer` makes the jobs of automatic steps in the session that it is given.

    `kinds` are the document kinds by name, `evidence_of` gives what is known of a requester beside the
    document on a day of the office, `fixed_of` what they may not say otherwise in a kind of document,
    `why_not_offered` why no request may begin with a process now, `why_not_signed` why a command can't lead
    to a state that signs, `asks_proof` whether who consents in a process has to show anew who they are.
    """

    def __init__(
        self,
        *,
        store: Store,
        catalogue: Catalogue,
        kinds: Mapping[str, KindOfDocument],
        defer: Defer,
        clock: Callable[[], datetime],
        asks_proof: Callable[[Definition], bool],
        evidence_of: Callable[[str, date], Evidence] = lambda _person, _day: NOTHING_ELSE,
        fixed_of: Callable[[str, str, date], Mapping[str, Any]] = lambda _person, _kind, _day: {},
        why_not_offered: Callable[[Session, Definition], Reason | None] = lambda _session, _one: None,
        why_not_signed: Callable[[Session, Case, Command, Branch], Reason | None] = _nothing_against,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        meters: Meters | None = None,
    ) -> None:
        self.store = store
        self._why_not_signed = why_not_signed
        self._why_not_offered = why_not_offered
        self._meters = meters or Meters()
        self.catalogue = catalogue
        self._kinds = kinds
        self._defer = defer
        self.asks_proof = asks_proof
        self._clock = clock
        self._evidence_of = evidence_of
        self._fixed_of = fixed_of
        self._random_bytes = random_bytes
        self._pinned: dict[str, Definition] = {}
        self._unread: set[str] = set()
        self._watch = Watch()
        self._triggers = frozenset(VERBS) | {
            trigger for one in catalogue for state in one.states.values() for trigger in state.triggers
        }

    # --- commands

    def execute(self, command: Command) -> Answer:
        """Do one command in a transaction of its own.

        Raises Refused with every reason, ClaimedByAnother, StaleVersion, KeyReused, NotFound, Contended;
        whatever is raised, nothing is recorded.
        """
        result = self._run([command])[0]
        if isinstance(result, WorkflowError):
            raise result
        return result

    def execute_batch(self, commands: Sequence[Command]) -> list[Answer | WorkflowError]:
        """Do many commands, in their order, the good ones in one transaction; a refused one stops no other.

        When a constraint objects to the whole, each is done alone.
        """
        return self._run(commands) if commands else []

    def answered(self, actor: str, key: str, request_id: int, trigger: str) -> Answer | None:
        """The first answer under this person's key, when that did this with this request; else None.

        For who sends again, and can't say the same any more: the draft that they sent is gone, say.
        """
        with self.store.read() as session:
            ledger = self._reading(session)
            ledger.load_keys({(actor, key)})
            _, answer = ledger.answers.get((actor, key), ("", None))
            if answer is None or answer.request_id != request_id:
                return None
            record = session.scalar(select(Event.record).where(Event.seq == answer.event_seq))
            return answer if record and json.loads(record).get("trigger") == trigger else None

    def repeated(self, command: Command) -> Answer | None:
        """The first answer to this very command, if it was done before; nothing is done.

        Raises KeyReused for another one under its key, AnswerUnreadable, and Refused for one without a form.
        """
        digest = require_form(command)
        with self.store.read() as session:
            ledger = self._reading(session)
            ledger.load_keys({(command.actor, command.key)})
            return self._answered(ledger, command, digest)

    def why_not(
        self, request_id: int, trigger: str, actor: str, on_behalf_of: str | None = None
    ) -> tuple[Reason, ...]:
        """Every reason why this person can't do this now; none when they can. Raises NotFound.

        What they would still have to type (a remark, facts, a consent) is no reason. Raises Refused for names
        that nobody has.
        """
        return self.why_not_each(request_id, [trigger], actor, on_behalf_of)[trigger]

    def why_not_each(
        self, request_id: int, triggers: Sequence[str], actor: str, on_behalf_of: str | None = None
    ) -> dict[str, tuple[Reason, ...]]:
        """The same of several triggers, by their names, at one moment. Raises as why_not."""
        for name, value in (
            *(("trigger", trigger) for trigger in triggers),
            ("actor", actor),
            ("on_behalf_of", on_behalf_of or actor),
        ):
            require_name(name, value)
        require_request_id(request_id)
        asked = [
            Command(trigger, actor, key="", request_id=request_id, on_behalf_of=on_behalf_of)
            for trigger in triggers
        ]
        with self.store.read() as session:
            ledger = self._reading(session)
            judge = self._prepare(session, ledger, asked)
            return {
                command.trigger: tuple(
                    self._judge(
                        judge, ledger, self._visible(judge, ledger, command), command, asked_only=True
                    ).reasons
                )
                for command in asked
            }

    def against(self, commands: Sequence[Command]) -> list[WorkflowError | None]:
        """Why each of these very commands would be refused now; None where it would not. Nothing is done."""
        with self.store.read() as session:
            ledger = self._reading(session)
            judge = self._prepare(session, ledger, commands)
            return [self._against(judge, ledger, command) for command in commands]

    def _against(self, judge: Judge, ledger: Ledger, command: Command) -> WorkflowError | None:
        try:
            case = self._visible(judge, ledger, command)
            ruling = self._judge(judge, ledger, case, command, asked_only=False)
            _require_allowed(case, command, ruling)
        except WorkflowError as error:
            return error
        return None

    def why_not_begun(self, key: str, variant: str, actor: str) -> tuple[Reason, ...]:
        """Every reason why this person can't begin a request of this process now; none when they can.

        What they would fill in is not missed. Raises DefinitionUnknown, and Refused as why_not.
        """
        require_name("actor", actor)
        command = Command(SUBMIT, actor, key="", submission=Submission(key, variant))
        with self.store.read() as session:
            ledger = self._reading(session)
            judge = self._prepare(session, ledger, [command])
            case = self._new_case(judge, command)
            return tuple(self._judge(judge, ledger, case, command, asked_only=True).reasons)

    # --- reading

    def queue(
        self, actor: str, wanted: QueueFilter = EVERYTHING, *, limit: int = 500, counted: bool = True
    ) -> QueuePage:
        """A page of the open tasks that this person can take; substitutes see their principals' too.

        `counted` False: nobody asks how many there are on all pages. Raises Refused for a name that nobody
        has, for a filter that is none, and for a limit below 1 or over QUEUE_MOST.
        """
        require_name("actor", actor)
        require_filter(wanted)
        if type(limit) is not int or not 0 < limit <= QUEUE_MOST:
            raise Refused([Reason("form", Sentence("Ask for 1 to {most} tasks.", most=QUEUE_MOST), "limit")])
        with self.store.read() as session:
            return queue_page(session, self._asker(session, actor), wanted, limit=limit, counted=counted)

    def take_next(
        self, actor: str, wanted: QueueFilter = EVERYTHING, *, key: str, channel: Channel = "person"
    ) -> Answer | None:
        """Claim the task that is due first, of those that this person can take and nobody holds; None when
        there is none. Whose they are, their order and page are not asked of the filter.

        It is a claim like any other, of what is still free under the log's lock: of two who ask at once, the
        second gets the one after. Sent again with its key, the first answer is given again. Raises Refused,
        KeyReused, AnswerUnreadable, Contended; whatever is raised, nothing is recorded.
        """
        require_filter(wanted)
        require_form(Command(CLAIM, actor, key, request_id=1, channel=channel))
        wanted = replace(wanted, assignee="free", holder=None, suspended=False, sort="due", after=None)
        begun = monotonic()
        with span("command", count=1, trigger=CLAIM):
            with self.store.read() as session:  # while others may write
                seen = self._first(session, actor, wanted)
            asked = Command(CLAIM, actor, key, channel=channel)
            command, result = self._attempt(lambda session: self._take(session, asked, wanted, seen))
        if command is not None and result is not None:
            self._tell(command, result, round((monotonic() - begun) * 1000))
        if isinstance(result, WorkflowError):
            raise result
        return result

    def requests(
        self, actor: str, wanted: RequestFilter | None = None, *, limit: int = 50
    ) -> list[RequestLine]:
        """The requests that this person may see, newest first; show tells more of each.

        Raises Refused for a name that nobody has, and for a limit below 1 or over QUEUE_MOST + 1.
        """
        require_name("actor", actor)
        if type(limit) is not int or not 0 < limit <= QUEUE_MOST + 1:
            raise Refused(
                [Reason("form", Sentence("Ask for 1 to {most} requests.", most=QUEUE_MOST + 1), "limit")]
            )
        now = self._clock()
        with self.store.read() as session:
            return listing.requests(
                session,
                actor,
                wanted or RequestFilter(),
                people=People.load(session, [actor]),
                pinned=pinned(session, self.definition),
                today_of=lambda definition: office_day(definition, now),
                limit=limit,
            )

    def show(self, request_id: int, actor: str) -> RequestView:
        """One request with its documents and history, and what this person can do with it. Raises NotFound,
        and Refused for a name that nobody has."""
        require_name("actor", actor)
        require_request_id(request_id)
        with self.store.read() as session:
            ledger = self._reading(session)
            question = Command(REPAIR, actor, key="", request_id=request_id)
            judge = self._prepare(session, ledger, [question])
            case = self._visible(judge, ledger, replace(question, trigger=""))
            verbs = (*case.definition.states[case.state].triggers, *VERBS)
            possible = [
                verb
                for verb in verbs
                if self._judge(judge, ledger, case, replace(question, trigger=verb), asked_only=True).allowed
            ]
            learns = judge.people.learns_why_held(
                actor, case.definition, case.unit, case.requester_id, judge.today(case.definition)
            )
            return reading.view(session, case, possible, actor, learns_why_held=learns)

    # --- steps

    def finish_step(
        self,
        session: Session,
        ref: StepRef,
        trigger: str,
        *,
        record: Mapping[str, Any],
        body: Mapping[str, Any],
    ) -> int | None:
        """Record a step's end in the caller's transaction; as finish_steps, for one."""
        return self.finish_steps(session, [StepResult(ref, trigger, record, body)])[0]

    def finish_steps(self, session: Session, results: Sequence[StepResult]) -> list[int | None]:
        """Record how steps ended, and defer the next ones, in the caller's transaction.

        Compare-and-swap on (request, event sequence, state): the sequence of the new event for each, or None
        where the request has moved on and the result is somebody's second. An incident that the step had is
        over with it. Raises NoBranch, Raced.
        """
        ledger = self._ledger(session)
        numbers = {result.ref.request_id for result in results}
        ledger.load(numbers)
        ledger.load_incidents(numbers)
        mover = Mover(ledger, self._clock())
        sequences = [mover.finish_step(result) for result in results]
        self._settle(session, ledger)
        return sequences

    def report_trouble(self, session: Session, troubles: Sequence[StepTrouble]) -> list[int | None]:
        """Open an incident for each step that used up its retries; None where the request has moved on.

        It needs no definition: that this one can't be read may be the trouble.
        """
        ledger = self._ledger(session)
        numbers = {trouble.ref.request_id for trouble in troubles}
        ledger.load(numbers, unread_too=True)
        ledger.load_incidents(numbers)
        mover = Mover(ledger, self._clock())
        sequences = [mover.open_incident(trouble) for trouble in troubles]
        self._settle(session, ledger)
        return sequences

    # --- inside

    def _asker(self, session: Session, actor: str) -> Asker:
        now = self._clock()
        return Asker(
            actor,
            People.load(session, [actor]),
            pinned(session, self.definition),
            now,
            today=max(office_day(one, now) for one in self.catalogue),
        )

    def _first(self, session: Session, actor: str, wanted: QueueFilter) -> Sequence[QueueItem]:
        page = queue_page(session, self._asker(session, actor), wanted, limit=TRIED, counted=False)
        return page.items

    def _take(
        self, session: Session, asked: Command, wanted: QueueFilter, seen: Sequence[QueueItem]
    ) -> tuple[Command | None, Answer | WorkflowError | None]:
        """Claim the first of the tasks that were seen and are still free; nobody claims meanwhile."""
        ledger = self._ledger(session)
        ledger.load_keys({(asked.actor, asked.key)})
        if (asked.actor, asked.key) in ledger.answers:
            return asked, _claimed_before(session, ledger.answers[asked.actor, asked.key][1])
        left: Sequence[QueueItem] = still_free(session, seen)
        if seen and not left:
            left = self._first(session, asked.actor, wanted)
        command, result = None, None
        for item in left:
            command = replace(asked, request_id=item.request_id, on_behalf_of=item.on_behalf_of)
            [result] = self._done(session, ledger, [command])
            if isinstance(result, Answer):
                break
        return command, result

    def _attempt(self, do: Callable[[Session], Done]) -> Done:
        """Do something in a transaction; again, while others change the same rows. Raises Contended."""
        for _ in range(ATTEMPTS):
            try:
                with self.store.write() as session:
                    return do(session)
            except (IntegrityError, Raced) as error:
                last = error
        raise _contended(last)

    def _run(self, commands: Sequence[Command]) -> list[Answer | WorkflowError]:
        begun = monotonic()
        with span("command", count=len(commands), trigger=self._known(commands[0].trigger)):
            results = self._tried(commands)
        took_ms = round((monotonic() - begun) * 1000)
        for command, result in zip(commands, results, strict=True):
            self._tell(command, result, took_ms)
        return results

    def _tried(self, commands: Sequence[Command]) -> list[Answer | WorkflowError]:
        try:
            if len(commands) == 1:
                return self._attempt(lambda session: self._transact(session, commands))
            with self.store.write() as session:
                return self._transact(session, commands)
        except (DefinitionMissing, Contended) as error:
            if len(commands) == 1:
                return [error]
        except (IntegrityError, Raced):
            pass
        return [self._tried([command])[0] for command in commands]

    def _known(self, trigger: object) -> str:
        """The trigger, when it is one: anybody may send anything, and what they typed is not repeated."""
        return trigger if isinstance(trigger, str) and trigger in self._triggers else "unknown"

    def _tell(self, command: Command, result: Answer | WorkflowError, took_ms: int) -> None:
        """Count and log what came of a command; in a batch, `took_ms` is the batch's."""
        trigger = self._known(command.trigger)
        outcome = _outcome(result)
        self._meters.commands.labels(trigger, outcome).inc()
        if not log.isEnabledFor(logging.INFO):
            return
        facts: dict[str, Any] = {"trigger": trigger, "outcome": outcome, "duration_ms": took_ms}
        if type(command.key) is str:
            facts["command"] = sha256(command.key.encode(errors="replace")).hexdigest()[:16]
        if isinstance(result, Answer):
            facts |= {
                "request": result.request_id,
                "state": result.state,
                "version": result.version,
                "event_seq": result.event_seq,
            }
        else:
            facts["code"] = result.code
            if type(command.request_id) is int:
                facts["request"] = command.request_id
            if isinstance(result, Refused):
                facts["reasons"] = sorted({reason.code for reason in result.reasons})
        note(log, logging.INFO, "command_ended", **facts)

    def _transact(self, session: Session, commands: Sequence[Command]) -> list[Answer | WorkflowError]:
        return self._done(session, self._ledger(session), commands)

    def _done(
        self, session: Session, ledger: Ledger, commands: Sequence[Command]
    ) -> list[Answer | WorkflowError]:
        digests = [_form(command) for command in commands]
        sound = [c for c, digest in zip(commands, digests, strict=True) if isinstance(digest, str)]
        judge = self._prepare(session, ledger, sound)
        mover = Mover(ledger, judge.now)
        results: list[Answer | WorkflowError] = []
        for command, digest in zip(commands, digests, strict=True):
            if not isinstance(digest, str):
                results.append(digest)
                continue
            try:
                found = self._answered(ledger, command, digest) or self._judged(judge, ledger, command)
            except WorkflowError as error:
                results.append(error)
                continue
            if isinstance(found, Answer):
                results.append(found)
                continue
            # from here on whatever fails takes the whole transaction along
            answer = mover.move(*found)
            ledger.remember(command, digest, answer, judge.now)
            results.append(answer)
        self._settle(session, ledger)
        return results

    def _ledger(self, session: Session) -> Ledger:
        appender = Appender.lock(session, self._random_bytes)
        self._watch.look(session, self._clock())  # recorded all the same: order goes by sequence
        return Ledger(session, appender, self.definition)

    def _reading(self, session: Session) -> Ledger:
        """A ledger that nothing will be written from: no lock is taken."""
        return Ledger(session, Appender(session, Head(0, GENESIS), self._random_bytes), self.definition)

    def _prepare(self, session: Session, ledger: Ledger, commands: Sequence[Command]) -> Judge:
        ledger.load_keys({(command.actor, command.key) for command in commands if command.key})
        ledger.load({command.request_id for command in commands if command.request_id is not None})
        references = {
            (new.key, command.principal, new.reference)
            for command in commands
            if (new := command.submission) is not None and new.reference is not None
        }
        if references:
            ledger.load_references(references)
        if digests := {command.proof.sha256_hex for command in commands if command.proof is not None}:
            ledger.load_proofs(digests)
        repairs = {c.request_id for c in commands if c.trigger == REPAIR and c.request_id is not None}
        if repairs:
            ledger.load_incidents(repairs)
        reports = {c.request_id for c in commands if c.facts and c.request_id is not None}
        if reports:
            ledger.load_reports(reports)
        holders = {
            who
            for case in ledger.cases.values()
            if case.task is not None
            for who in (case.task.claimed_by, case.task.claimed_for)
            if who is not None
        }
        requesters = {case.requester_id for case in ledger.cases.values()}  # who may have left
        actors = {who for c in commands for who in (c.actor, c.principal)}
        people = People.load(session, actors | holders | requesters)
        return Judge(people, self._kinds, self._clock(), self._evidence_of, self._fixed_of)

    @staticmethod
    def _answered(ledger: Ledger, command: Command, body_sha256: str) -> Answer | None:
        """The first answer to this command, if it was done before."""
        known = ledger.answers.get((command.actor, command.key))
        if known is not None and known[0] != body_sha256:
            raise KeyReused
        if known is not None and known[1] is None:
            raise AnswerUnreadable
        return None if known is None else known[1]

    def _judged(self, judge: Judge, ledger: Ledger, command: Command) -> tuple[Case, Command, Ruling]:
        """The request, and where the command leads; raises what stands in the way."""
        if command.request_id is None:
            case = self._new_case(judge, command)
        else:
            case = self._visible(judge, ledger, command)
        ruling = self._judge(judge, ledger, case, command, asked_only=False)
        _require_allowed(case, command, ruling)
        if command.submission is not None and command.request_id is None:
            _require_unused(ledger, command)  # asked last: only who may submit learns of a request
        return case, command, ruling

    def _judge(
        self, judge: Judge, ledger: Ledger, case: Case, command: Command, *, asked_only: bool
    ) -> Ruling:
        ruling = judge.rule(case, command, asked_only=asked_only)
        if command.request_id is None and (why := self._why_not_offered(ledger.session, case.definition)):
            ruling.reasons.append(why)
        if not asked_only and ruling.branch is not None and ruling.branch.mark == "approved":
            data = case.data if ruling.data is None else ruling.data
            for state, name, called in ledger.bearers.of(case.definition, data, case.unit):
                ruling.reasons.extend(against_naming(case, command, state, name, called))
        if not asked_only and ruling.branch is not None and not ruling.reasons:
            why = self._why_not_signed(ledger.session, case, command, ruling.branch)
            ruling.reasons += [] if why is None else [why]
        if not asked_only and case.definition.asks_consent(case.state, command.trigger):
            self._look_at_proof(judge, ledger, case, command, ruling)
        if command.trigger == REPAIR and case.id not in ledger.incidents:
            ruling.reasons.append(
                Reason("no-incident", Sentence("No step of this request waits for a repair."))
            )
        return ruling

    def _look_at_proof(
        self, judge: Judge, ledger: Ledger, case: Case, command: Command, ruling: Ruling
    ) -> None:
        """Whether the person showed anew who they are, as far as that is asked; what they sent must fit."""
        if {"consent", "unseen"} & {reason.code for reason in ruling.reasons}:
            return  # who has not accepted this very text, of this very version, has nothing to show for it
        proof = command.proof
        if proof is None and not self.asks_proof(case.definition):
            return
        shown = None if proof is None else ledger.shown.get((proof.sha256_hex, case.id))
        why = against(proof, shown, person=command.actor, version=case.version, now=judge.now)
        if why is None:
            ruling.shown = shown
        else:
            ruling.reasons.append(why)

    @staticmethod
    def _visible(judge: Judge, ledger: Ledger, command: Command) -> Case:
        """The request; one that the person may not see is to them as if there were none.

        Some things are done by who sees no request: see Judge.is_blind.
        """
        case = ledger.cases.get(command.request_id or 0)
        if case is not None:
            today = judge.today(case.definition)
            if judge.people.sees(command.actor, case.definition, case.unit, case.requester_id, today):
                return case
            if judge.is_blind(case, command):
                return case
        raise NotFound(command.request_id or 0)

    def _new_case(self, judge: Judge, command: Command) -> Case:
        new = command.submission
        if new is None or command.trigger != SUBMIT:
            raise Refused(
                [
                    Reason(
                        "submission",
                        Sentence("Name a request, or submit a new one with its process and variant."),
                    )
                ]
            )
        if reasons := list(against_submission(new)):
            raise Refused(reasons)
        definition = self.catalogue.get(new.key, new.variant)
        requester = judge.people.facts.get(command.principal)
        return Case(
            id=0,  # given when it is taken in
            definition=definition,
            state=definition.start,
            version=0,
            step_seq=0,
            requester_id=command.principal,
            unit="" if requester is None else requester.unit,
            language=new.language,
            reference=new.reference,
            data={},
            data_sha256="",
            suspended_at=None,
            opened_at=judge.now,
        )

    def _settle(self, session: Session, ledger: Ledger) -> None:
        ledger.write()
        if ledger.refs:
            self._defer(session, list(ledger.refs.values()))

    def definition(self, session: Session, sha256_hex: str) -> Definition:
        """The definition a request is pinned to: at hand, or as it was kept when the request began.

        Raises DefinitionMissing, for one that names what this release does not have, too.
        """
        try:
            return self.catalogue.by_hash(sha256_hex)
        except DefinitionUnknown as error:
            if (pinned := self._pinned.get(sha256_hex)) is not None:
                return pinned
            table = DefinitionSource.table()
            row = (
                session.connection()
                .execute(select(table).where(table.c.sha256_hex == sha256_hex))
                .one_or_none()
            )
            try:
                kept = None if row is None else read(row.source, f"{row.key} {row.variant} v{row.version}")
            except DefinitionRefused:  # as one of a later release
                kept = None
            if kept is None or kept.sha256_hex != sha256_hex:
                raise self._unreadable(
                    f"The definition {sha256_hex} is not at hand, and not in the database in a form that this"
                    " release reads.",
                    "Put its file back into the definitions folder; or work with the release that its"
                    " requests began with.",
                    sha256_hex,
                ) from error
            if lacks := lacking(kept, self._kinds):
                raise self._unreadable(
                    f"The definition {sha256_hex} names what this release does not have: {', '.join(lacks)}.",
                    "Work with the release that its requests began with, or a later one.",
                    sha256_hex,
                ) from error
            return self._pinned.setdefault(sha256_hex, kept)

    def _unreadable(self, message: str, hint: str, sha256_hex: str) -> DefinitionMissing:
        """What is raised; the log tells of each definition once."""
        if sha256_hex not in self._unread:
            self._unread.add(sha256_hex)
            note(log, logging.ERROR, "definition_unreadable", definition=sha256_hex)
        return DefinitionMissing(message, hint=hint)


def _outcome(result: Answer | WorkflowError) -> str:
    """What came of a command, in a word."""
    if isinstance(result, Answer):
        return "repeated" if result.repeated else "done"
    return "raced" if isinstance(result, (Contended, StaleVersion, ClaimedByAnother)) else "refused"


def _claimed_before(session: Session, answer: Answer | None) -> Answer | WorkflowError:
    """The first answer under a key, when that claimed a task."""
    if answer is None:
        return AnswerUnreadable()
    kind = session.scalar(select(Event.type).where(Event.seq == answer.event_seq))
    return answer if kind == DONE_BY[CLAIM] else KeyReused()


def _form(command: Command) -> str | WorkflowError:
    """The digest of a command; the error of one that is none, for its own place in the batch."""
    try:
        return require_form(command)
    except WorkflowError as error:
        return error


def _require_unused(ledger: Ledger, command: Command) -> None:
    new = command.submission
    taken = new and ledger.references.get((new.key, command.principal, new.reference or ""))
    if new is not None and taken is not None:
        raise Refused(
            [
                Reason(
                    "reference",
                    Sentence(
                        "The reference '{reference}' is request {number}.",
                        reference=new.reference or "",
                        number=str(taken),
                    ),
                    "reference",
                )
            ]
        )


def _require_allowed(case: Case, command: Command, ruling: Ruling) -> None:
    task = case.task
    codes = {reason.code for reason in ruling.reasons}
    lapsed = "claim-lapsed" in codes
    held = lapsed or "claimed" in codes
    if held and task is not None and task.claimed_by is not None and task.claimed_at is not None:
        raise ClaimedByAnother(ruling.reasons, holder=task.claimed_by, since=task.claimed_at, lapsed=lapsed)
    if command.seen_version is not None and command.seen_version != case.version:
        raise StaleVersion(seen=command.seen_version, version=case.version)
    if not ruling.allowed:
        raise Refused(ruling.reasons)


def _contended(error: Exception) -> Contended:
    problem = Contended("Others changed the same rows each time it was tried.", hint="Send it again.")
    problem.__cause__ = error
    return problem
