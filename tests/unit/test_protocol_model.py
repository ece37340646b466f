"""Every state of every definition × every crash edge, searched to the end: signed once, approved, not stuck.

The model is the protocol of decisions 3 and 4, over the real definitions: people who take any trigger, up to
two workers that may die or be stopped (and wake up late) between any two commits, a job table that may be
emptied. A worker's memory is lost with it; rows and jobs stay. Leaving out one rule of the protocol must
break a promise: that shows that the search can find it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

from workflow.definition import load_folder
from workflow.definition_model import Branch, Definition, State, Trigger
from workflow.names import known_names

DEFINITIONS = {one.label: one for one in load_folder(names=known_names())}
CASES = [(label, contract) for label in DEFINITIONS for contract in ("permanent", "temporary")]
WORKERS = 2


class Worker(NamedTuple):
    """A worker at a step: which, how far it is, and whether the request is still where it began."""

    step: str
    phase: str = "taken"  # prepared, valued, finished
    fresh: bool = True


class Office(NamedTuple):
    """One request, its rows of the present revision, its job and who works on it."""

    state: str
    approved: bool = False
    rendered: bool = False
    rows: tuple[tuple[str, str], ...] = ()  # field → intent, value
    signed: tuple[str, ...] = ()  # fields of this revision, one entry for each recorded signature
    job: str = "none"  # none, todo, doing
    workers: tuple[Worker, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What the protocol promises; each can be left out to see what it is for."""

    compare_and_swap: bool = True
    reconcile: bool = True
    recover: bool = True


@dataclass(frozen=True)
class Model:
    """The moves of one definition, for requests of one kind of contract."""

    definition: Definition
    contract: str
    rules: Rules = Rules()

    def start(self) -> Office:
        return Office(self.definition.start)

    def state(self, office: Office) -> State:
        return self.definition.states[office.state]

    def moves(self, office: Office) -> Iterator[tuple[str, Office]]:
        """What can happen without an accident."""
        state = self.state(office)
        if state.role is not None:
            for trigger in state.triggers.values():
                yield trigger.name, self._entered(office, self._branch(trigger))
        if office.job == "todo" and len(office.workers) < WORKERS:
            yield "take", office._replace(job="doing", workers=(*office.workers, Worker(office.state)))
        if self.rules.recover and office.job == "doing" and not any(one.fresh for one in office.workers):
            yield "recover", office._replace(job="todo")
        if self.rules.reconcile and office.job == "none" and state.auto is not None:
            yield "reconcile", office._replace(job="todo")
        for index, worker in enumerate(office.workers):
            rest = office.workers[:index] + office.workers[index + 1 :]
            yield from self._work(office, worker, rest)

    def accidents(self, office: Office) -> Iterator[tuple[str, Office]]:
        """What can go wrong between any two commits."""
        for index in range(len(office.workers)):
            rest = office.workers[:index] + office.workers[index + 1 :]
            yield "kill -9", office._replace(workers=rest)
        if office.job == "doing":
            yield "taken for dead", office._replace(job="todo")  # it was only stopped, and goes on later
        if office.job != "none":
            yield "jobs emptied", office._replace(job="none")

    def _work(self, office: Office, worker: Worker, rest: tuple[Worker, ...]) -> Iterator[tuple[str, Office]]:
        """One commit of a worker, or its last word."""
        state = self.definition.states[worker.step]
        if self.rules.compare_and_swap and not worker.fresh:
            yield "drop", office._replace(workers=rest)
        elif state.auto != "sign":
            good = "rendered" if state.auto == "render" else "delivered"
            for outcome in (good, "failed"):
                if outcome in state.triggers:
                    yield outcome, self._recorded(office, state, outcome, rest)
        else:
            yield from self._sign(office, state, worker, rest)

    def _sign(
        self, office: Office, state: State, worker: Worker, rest: tuple[Worker, ...]
    ) -> Iterator[tuple[str, Office]]:
        field, rows = state.field or "", dict(office.rows)
        if worker.phase == "taken":
            kept = rows | {field: rows.get(field, "intent")}
            yield "keep the intent", self._with(office, kept, rest, worker._replace(phase="prepared"))
        elif worker.phase == "prepared":
            if field not in rows:  # the document was rendered anew meanwhile
                yield "drop", office._replace(workers=rest)
                return
            kept = rows | {field: "value"}
            yield "keep the value", self._with(office, kept, rest, worker._replace(phase="valued"))
        elif worker.phase == "valued":
            yield "finish", self._with(office, rows, rest, worker._replace(phase="finished"))
        else:
            yield "signed", self._recorded(office, state, "signed", rest)
        yield "failed", self._recorded(office, state, "failed", rest)

    @staticmethod
    def _with(office: Office, rows: dict[str, str], rest: tuple[Worker, ...], worker: Worker) -> Office:
        return office._replace(rows=tuple(sorted(rows.items())), workers=(*rest, worker))

    def _recorded(self, office: Office, state: State, outcome: str, rest: tuple[Worker, ...]) -> Office:
        if outcome == "rendered":
            office = office._replace(rendered=True, rows=(), signed=())
        if outcome == "signed":
            office = office._replace(signed=(*office.signed, state.field or ""))
        branch = self._branch(state.triggers[outcome])
        return self._entered(office._replace(workers=rest), branch)

    def _branch(self, trigger: Trigger) -> Branch:
        return next(one for one in trigger.branches if not one.when or self.contract in one.when)

    def _entered(self, office: Office, branch: Branch) -> Office:
        """The request moves: whoever works on the step it has left works on nothing any more."""
        entered = self.definition.states[branch.to]
        approved = (office.approved or branch.mark == "approved") and not entered.edits
        return office._replace(
            state=branch.to,
            approved=approved,
            rendered=office.rendered and approved,
            job="todo" if entered.auto else "none",
            workers=tuple(sorted(worker._replace(fresh=False) for worker in office.workers)),
        )


def reachable(model: Model) -> dict[Office, list[Office]]:
    """Every state that can be reached with accidents, and where each leads without one."""
    start = model.start()
    found: dict[Office, list[Office]] = {}
    waiting = deque([start])
    seen = {start}
    while waiting:
        office = waiting.popleft()
        if len(set(office.signed)) != len(office.signed):
            found[office] = []  # broken already: no need to look further
            continue
        found[office] = [after for _, after in model.moves(office)]
        for after in [*found[office], *(after for _, after in model.accidents(office))]:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return found


def broken(model: Model) -> set[str]:
    """The promises that some reachable state breaks."""
    graph = reachable(model)
    promises = set()
    for office in graph:
        if len(set(office.signed)) != len(office.signed):
            promises.add("signed twice")
        if model.state(office).auto == "sign" and not (office.approved and office.rendered):
            promises.add("signing what nobody approved")
    if set(graph) - _that_end(model, graph):
        promises.add("stuck")
    return promises


def _that_end(model: Model, graph: dict[Office, list[Office]]) -> set[Office]:
    """The states from which an end is reached without a further accident."""
    before: dict[Office, list[Office]] = {}
    for office, followers in graph.items():
        for follower in followers:
            before.setdefault(follower, []).append(office)
    ended = {office for office in graph if model.state(office).end is not None}
    waiting = deque(ended)
    while waiting:
        for office in before.get(waiting.popleft(), ()):
            if office not in ended:
                ended.add(office)
                waiting.append(office)
    return ended


@pytest.mark.parametrize(("label", "contract"), CASES)
def test_no_crash_leads_to_a_second_signature_an_unapproved_one_or_a_dead_end(
    label: str, contract: str
) -> None:
    model = Model(DEFINITIONS[label], contract)
    assert broken(model) == set()
    assert {office.state for office in reachable(model)} >= {
        state.name for state in model.definition.states.values() if state.role or state.end
    } - _only_for(model)


def _only_for(model: Model) -> set[str]:
    """States that requests of the other contract alone come to."""
    other = Model(model.definition, "temporary" if model.contract == "permanent" else "permanent")
    return {office.state for office in reachable(other)}


A3 = Model(DEFINITIONS["employer-declaration A3 v1"], "temporary")


@pytest.mark.parametrize(
    ("without", "promise"),
    [("compare_and_swap", "signed twice"), ("reconcile", "stuck"), ("recover", "stuck")],
)
def test_without_a_rule_the_search_finds_what_it_is_for(without: str, promise: str) -> None:
    assert promise in broken(replace(A3, rules=replace(Rules(), **{without: False})))


def test_a_definition_that_signs_before_approval_is_found() -> None:
    states = dict(A3.definition.states)
    review = states["review"]
    approve = review.triggers["approve"]
    unmarked = replace(approve, branches=tuple(replace(one, mark=None) for one in approve.branches))
    states["review"] = replace(review, triggers={**review.triggers, "approve": unmarked})
    model = replace(A3, definition=replace(A3.definition, states=states))
    assert "signing what nobody approved" in broken(model)
