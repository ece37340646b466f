"""Is a definition's flow sound? Every rule is one method that refuses what breaks it.

Rules about evidence (four eyes, rendering, signing, milestones) are in definition_evidence.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from workflow.definition_evidence import check_evidence
from workflow.definition_graph import Edge, Graph
from workflow.definition_model import (
    DELIVERED,
    RETURN,
    SIGNED,
    SUBMIT,
    WITHDRAW,
    Branch,
    Definition,
    Names,
    State,
    Trigger,
)
from workflow.definition_names import check_names
from workflow.refusal import Refusal, Refusals, Rule


def check(definition: Definition, names: Names) -> list[Refusal]:
    """List every rule that the definition breaks; rules of the flow are judged once all names are known."""
    refusals = Refusals(definition.source, definition.path)
    check_names(definition, names, refusals)
    if not refusals.found:
        _FlowCheck(definition, names, refusals).run()
    if not refusals.found:
        check_evidence(definition, names, refusals)
    return refusals.found


def check_together(definitions: Sequence[Definition]) -> list[Refusal]:
    """List every rule that definitions break together: each once, and variants with the same milestones."""
    return [*_duplicates(definitions), *_milestones_differ(definitions)]


def _duplicates(definitions: Sequence[Definition]) -> Iterable[Refusal]:
    first: dict[tuple[str, str, int], Definition] = {}
    for one in definitions:
        other = first.setdefault((one.key, one.variant, one.version), one)
        if other is not one:
            message = f"{one.label} is defined in {other.path} too."
            mend = "Remove one of the files, or give this one the next version."
            yield _about(one, Rule.DUPLICATE, "version", message, mend)


def _milestones_differ(definitions: Sequence[Definition]) -> Iterable[Refusal]:
    """Active variants of a key with other milestones; one that nobody signs lacks `signed`."""
    active = sorted(
        (one for one in definitions if one.status == "active"),
        key=lambda one: (one.key, one.is_unsigned, one.variant),
    )
    for one, other in pairwise(active):
        # the signing ones come first: each is held to the next of them, then to those without a signature
        never = {SIGNED} if other.is_unsigned else set()
        differing = (one.milestones ^ other.milestones) - never
        if one.key == other.key and differing:
            named = ", ".join(sorted(differing))
            message = f"The milestones differ from those of {one.label} in {one.path}: {named}."
            mend = "Let all variants of a key set the same milestones, or they can't be compared."
            yield _about(other, Rule.MILESTONES_DIFFER, "variant", message, mend)


def _about(definition: Definition, rule: Rule, key: str, message: str, mend: str) -> Refusal:
    refusals = Refusals(definition.source, definition.path)
    refusals.add(rule, ("process", key), message, mend)
    return refusals.found[0]


class _FlowCheck:
    """The rules of states, triggers and branches."""

    def __init__(self, definition: Definition, names: Names, refusals: Refusals) -> None:
        self._definition = definition
        self._names = names
        self._refusals = refusals
        self._graph = Graph(definition)
        self._states = definition.states

    def run(self) -> None:
        self._start()
        for state in self._states.values():
            if state.auto is not None:
                self._outcomes(state, self._names.steps[state.auto])
            for trigger in state.triggers.values():
                self._branches(state, trigger)
        self._reach()
        self._leavers()
        self._machine_loops()
        for edge in self._graph.edges:
            self._returns(edge)
            self._withdrawals(edge)

    def _start(self) -> None:
        start = self._states[self._definition.start]
        if start.role is None or SUBMIT not in start.triggers:
            message = f"The start {start.name!r} has no person who submits."
            mend = f'Start in a state with a role and on.{SUBMIT} = {{ to = "…" }}.'
            self._refusals.add(Rule.START, ("process", "start"), message, mend)

    def _outcomes(self, state: State, outcomes: tuple[str, ...]) -> None:
        place = ("state", state.name, "on")
        for name in sorted(state.triggers.keys() - set(outcomes)):
            message = f"The step {state.auto!r} never ends in {name!r}."
            mend = f"Its outcomes are: {', '.join(outcomes)}."
            self._refusals.add(Rule.STEP_OUTCOME, (*place, name), message, mend)
        if outcomes[0] not in state.triggers:
            message = f"The step {state.auto!r} has no way on when it succeeds."
            mend = f'Add on.{outcomes[0]} = {{ to = "…" }}.'
            self._refusals.add(Rule.STEP_OUTCOME, place, message, mend)
        for trigger in state.triggers.values():
            if trigger.remark or trigger.check or trigger.consent or trigger.record or trigger.file:
                message = f"{trigger.name!r} of an automatic step asks for what only a person can give."
                mend = "Remove remark, check, consent, record and file."
                self._refusals.add(Rule.MISPLACED_KEY, (*place, trigger.name), message, mend)
        for trigger in (state.triggers[name] for name in outcomes[1:] if name in state.triggers):
            for branch in (way for way in trigger.branches if self._states[way.to].role is None):
                message = f"When {state.auto!r} has failed, {branch.to!r} has nobody who could mend it."
                mend = "Lead to a state with a role."
                self._refusals.add(Rule.FAILURE_TO_MACHINE, (*place, trigger.name), message, mend)

    def _branches(self, state: State, trigger: Trigger) -> None:
        place = ("state", state.name, "on", trigger.name)
        if not self._exhaustive(trigger.branches):
            message = f"{trigger.name!r} may find no branch: the last one has a condition."
            mend = "Leave `when` out of the last branch, or cover every case."
            self._refusals.add(Rule.BRANCHES_OPEN, place, message, mend)
        for number, branch in enumerate(trigger.branches):
            earlier = trigger.branches[:number]
            covered = any(set(other.when) <= set(branch.when) for other in earlier)
            if covered or (earlier and self._exhaustive(earlier)):
                message = f"The branch to {branch.to!r} is never taken: an earlier one always wins."
                self._refusals.add(Rule.BRANCH_NEVER_TAKEN, place, message, "Put it first, or remove it.")
        for guard in {guard for branch in trigger.branches for guard in branch.when}:
            section = self._names.guards[guard]
            kinds = [document.kind for document in self._definition.documents.values()]
            if section and not any(section in self._names.kinds[kind] for kind in kinds):
                message = f"The guard {guard!r} reads {section!r}, which no document here has."
                self._refusals.add(Rule.GUARD_WITHOUT_DATA, place, message, "Use another guard.")

    def _exhaustive(self, branches: Sequence[Branch]) -> bool:
        alone = {branch.when[0] for branch in branches if len(branch.when) == 1}
        return any(not branch.when for branch in branches) or any(
            whole <= alone for whole in self._names.exhaustive
        )

    def _reach(self) -> None:
        reached = self._graph.reach(self._definition.start)
        for state in self._states.values():
            place = ("state", state.name)
            if state.name not in reached:
                message = f"It can't be reached from {self._definition.start!r}."
                mend = "Let a trigger lead to it, or remove it."
                self._refusals.add(Rule.UNREACHABLE, place, message, mend)
            onward = self._graph.reach(state.name, without=lambda edge: edge.trigger.name == WITHDRAW)
            if not any(self._states[name].end for name in onward):
                message = "It is a dead end: no end can be reached from it, other than by withdrawing."
                mend = "Let a trigger lead on towards an end."
                self._refusals.add(Rule.DEAD_END, place, message, mend)
        if not any(self._states[name].end == "done" for name in reached):
            message = 'No state with end = "done" can be reached.'
            mend = 'Add a state with end = "done", and a way to it.'
            self._refusals.add(Rule.NOT_DONE, ("process", "start"), message, mend)

    def _leavers(self) -> None:
        """A requester who leaves has begun something that others must be able to end."""
        entered = {edge.branch.to for edge in self._graph.edges}
        own = self._states[self._definition.start].role
        for state in self._states.values():
            if state.role == own and state.name in entered and not self._definition.ways_out(state):
                message = "Nobody could end it once its requester has left."
                mend = (
                    f"Add on.{WITHDRAW}, or a trigger without consent that leads to an end and nowhere else."
                )
                self._refusals.add(Rule.LEAVER, ("state", state.name), message, mend)

    def _machine_loops(self) -> None:
        people = frozenset(state.name for state in self._states.values() if state.auto is None)
        for edge in self._graph.edges:
            if edge.source.auto and edge.source.name in self._graph.reach(edge.branch.to, avoid=people):
                message = f"{edge.trigger.name!r} leads round a loop of automatic steps only."
                mend = "Let the loop pass a state with a role."
                self._refusals.add(Rule.MACHINE_LOOP, edge.place, message, mend)

    def _returns(self, edge: Edge) -> None:
        """Going back to a person who has acted is a return, whatever its name."""
        source, trigger, to = edge.source, edge.trigger, self._states[edge.branch.to]
        back = to.name != source.name and self._graph.dominates(to.name, source.name)
        if source.role and not trigger.remark and (trigger.name == RETURN or (to.role and back)):
            message = f"{trigger.name!r} goes back to {to.name!r} without a remark."
            mend = "Add remark = true: the person there must learn why."
            self._refusals.add(Rule.RETURN_WITHOUT_REMARK, edge.place, message, mend)

    def _withdrawals(self, edge: Edge) -> None:
        to = self._states[edge.branch.to]
        named, ended = edge.trigger.name == WITHDRAW, to.end == "withdrawn"
        # what was delivered goes on when its new revision is given up
        goes_on = named and DELIVERED in edge.branch.when and to.role and WITHDRAW not in to.triggers
        if (named != ended and not goes_on) or (named and edge.source.role is None):
            message = f"{edge.trigger.name!r} leads to {edge.branch.to!r}."
            mend = (
                f'Only {WITHDRAW!r}, in a state with a role, leads to end = "withdrawn"; nowhere else, but'
                f' when = ["{DELIVERED}"] to a state with a role that has no {WITHDRAW!r}.'
            )
            self._refusals.add(Rule.WITHDRAWAL, edge.place, message, mend)
