"""The automatic steps of a batch of requests: which there are, and how a worker runs them."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from problem import Problem
from watching.logs import note
from watching.spans import span
from workflow import step_deliver, step_render, step_sign
from workflow.commands import StepRef, StepTrouble
from workflow.errors import DefinitionMissing
from workflow.outcomes import StepOutcome, Verdict
from workflow.pinned import pinned
from workflow.step_trouble import Trouble, settled
from workflow.tables import Incident, Request
from workflow.workbench import Work, Workbench, load, written

log = logging.getLogger(__name__)

Step = Callable[[Workbench, Sequence[Work]], Awaitable[list[StepOutcome]]]

STEPS: Mapping[str, Step] = MappingProxyType(
    {"render": step_render.run, "sign": step_sign.run, "deliver": step_deliver.run}
)


class Steps:
    """Runs steps on a workbench; what the queue's worker is given."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def run(self, refs: Sequence[StepRef]) -> list[StepOutcome]:
        """Run each step once; one that is recorded already, or whose request has moved on, is done."""
        works, outcomes = await written(self._bench, self._load, refs)
        for name, step in STEPS.items():
            if mine := [work for work in works if work.state.auto == name]:
                with span("step", step=name, count=len(mine)):
                    try:
                        found = await step(self._bench, mine)
                    except Problem as problem:  # the whole batch's, such as a full disk; nothing was recorded
                        found = await settled(self._bench, [Trouble(work, problem) for work in mine])
                outcomes += found
                self._tell(name, mine, found)
        outcomes += [_not_ours(work) for work in works if work.state.auto not in STEPS]
        answered = {outcome.ref for outcome in outcomes}
        return outcomes + [StepOutcome.done(ref) for ref in refs if ref not in answered]

    def _load(self, refs: Sequence[StepRef]) -> tuple[list[Work], list[StepOutcome]]:
        with self._bench.store.read() as session:
            return load(self._bench, session, refs)

    def _tell(self, step: str, works: Sequence[Work], outcomes: Sequence[StepOutcome]) -> None:
        """Count and log what came of each."""
        by_ref = {work.ref: work for work in works}
        meters = self._bench.meters
        for outcome in outcomes:
            work = by_ref[outcome.ref]
            variant, took_us = work.definition.variant, sum(work.us.values())
            said = _said(outcome)
            meters.steps.labels(step, variant, said).inc()
            if said == "done":
                meters.step_seconds.labels(step, variant).observe(took_us / 1e6)
            note(
                log,
                logging.WARNING if said == "sent-back" else logging.INFO,
                "step_ended",
                step=step,
                request=outcome.ref.request_id,
                key=work.definition.key,
                variant=variant,
                state=outcome.ref.state,
                step_seq=outcome.ref.step_seq,
                outcome=said,
                duration_ms=took_us // 1000,
                durations_us=dict(work.us),
                code=outcome.code or None,
            )

    def give_up(self, trouble: StepTrouble) -> None:
        """Have the request wait for a person, with an incident that says why."""
        with self._bench.store.write() as session:
            self._bench.engine.report_trouble(session, [trouble])

    def waiting(self, session: Session) -> list[StepRef]:
        """Every request in an automatic state, less those that wait for a person's repair, and those whose
        definition can't be read: `paraaf check` tells of these."""
        automatic = self._automatic(session)
        troubled = select(Incident.request_id).where(
            Incident.resolved_at.is_(None), Incident.step_seq == Request.step_seq
        )
        rows = session.execute(
            select(Request.id, Request.state, Request.step_seq, Request.definition_sha256)
            .where(Request.closed_at.is_(None), Request.state.in_({state for _, state in automatic}))
            .where(Request.id.not_in(troubled))
        )
        return [StepRef(row.id, row.state, row.step_seq) for row in rows if (row[3], row.state) in automatic]

    def _automatic(self, session: Session) -> set[tuple[str, str]]:
        return {
            (sha256, state.name)
            for sha256, definition in pinned(session, self._bench.engine.definition).read.items()
            for state in definition.states.values()
            if state.auto is not None
        }


def _not_ours(work: Work) -> StepOutcome:
    """A step that this release does not have waits for a person: nothing did it."""
    message = f"{work.definition.label} asks in {work.state.name!r} for a step that is not there."
    return StepOutcome.gave_up(work.ref, DefinitionMissing.code, message, plain=message)


def _said(outcome: StepOutcome) -> str:
    """What came of a try, in a word: done, sent-back, retry, wait, gave-up."""
    return "sent-back" if outcome.verdict is Verdict.DONE and outcome.code else str(outcome.verdict)
