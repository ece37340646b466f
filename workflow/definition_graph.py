"""A definition's states as a graph: reach, detours, dominance, and what holds on all or on some paths."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from workflow.definition_model import Branch, Definition, State, Trigger

FactSet = frozenset[str]


@dataclass(frozen=True)
class Edge:
    """One way from one state to another. `place` is the trigger's key path in the file."""

    source: State
    trigger: Trigger
    branch: Branch

    @property
    def place(self) -> tuple[str, ...]:
        """The trigger's path of keys in the file."""
        return ("state", self.source.name, "on", self.trigger.name)


EdgeTest = Callable[[Edge], bool]
Transfer = Callable[[Edge, FactSet], FactSet]


def _no_edge(_edge: Edge) -> bool:
    return False


class Graph:
    """The flow of a definition whose names are all known; every branch is taken to be possible."""

    def __init__(self, definition: Definition) -> None:
        self.start = definition.start
        self.states = definition.states
        self.edges = tuple(
            Edge(state, trigger, branch)
            for state in definition.states.values()
            for trigger in state.triggers.values()
            for branch in trigger.branches
        )
        self._out = {name: [edge for edge in self.edges if edge.source.name == name] for name in self.states}

    def reach(
        self, origin: str, *, avoid: frozenset[str] = frozenset(), without: EdgeTest = _no_edge
    ) -> frozenset[str]:
        """States that can be reached from `origin` (itself included) past none of `avoid`."""
        return frozenset(self._came_from(origin, avoid, without))

    def path(
        self, goal: str, *, avoid: frozenset[str] = frozenset(), without: EdgeTest = _no_edge
    ) -> tuple[str, ...] | None:
        """A shortest path from the start to `goal`; None when there is none."""
        came_from = self._came_from(self.start, avoid, without)
        if goal not in came_from:
            return None
        steps = [goal]
        while (before := came_from[steps[-1]]) is not None:
            steps.append(before)
        return tuple(reversed(steps))

    def dominates(self, first: str, then: str) -> bool:
        """Tell whether every path from the start to `then` passes `first`."""
        return first == then or self.path(then, avoid=frozenset({first})) is None

    def on_all_paths(self, transfer: Transfer) -> dict[str, FactSet]:
        """For each reachable state, the facts that hold on arrival whatever the path was."""
        return self._flow(transfer, frozenset.intersection)

    def on_some_path(self, transfer: Transfer) -> dict[str, FactSet]:
        """For each reachable state, the facts that hold on arrival by at least one path."""
        return self._flow(transfer, frozenset.union)

    def _came_from(self, origin: str, avoid: frozenset[str], without: EdgeTest) -> dict[str, str | None]:
        if origin in avoid:
            return {}
        came_from: dict[str, str | None] = {origin: None}
        waiting = deque([origin])
        while waiting:
            name = waiting.popleft()
            for edge in self._out[name]:
                to = edge.branch.to
                if to not in came_from and to not in avoid and not without(edge):
                    came_from[to] = name
                    waiting.append(to)
        return came_from

    def _flow(self, transfer: Transfer, join: Callable[[FactSet, FactSet], FactSet]) -> dict[str, FactSet]:
        facts: dict[str, FactSet] = {self.start: frozenset()}
        waiting = deque([self.start])
        while waiting:
            name = waiting.popleft()
            for edge in self._out[name]:
                to, after = edge.branch.to, transfer(edge, facts[name])
                joined = join(facts[to], after) if to in facts else after
                if facts.get(to) != joined:
                    facts[to] = joined
                    waiting.append(to)
        return facts
