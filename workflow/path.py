"""The way that a request goes when nobody returns it: its stops, and at which it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow.definition_errors import FactMissing, NoBranch
from workflow.definition_model import RETURN, WITHDRAW, Definition, State
from workflow.machine import take

_NOT_ONWARD = frozenset({RETURN, WITHDRAW, "failed"})


@dataclass(frozen=True)
class Path:
    """States in which it waits for somebody, up to a good end.

    `at` is the place of the stop where it is, or to which a step brings it; None where it has left this way.
    """

    stops: tuple[str, ...]
    at: int | None


def path_of(definition: Definition, state: str, data: Mapping[str, Any]) -> Path:
    """The way by the data as they are."""
    passed: list[str] = []
    onward: str | None = definition.start
    while onward is not None and onward not in passed:
        passed.append(onward)
        onward = _onward(definition, definition.states[onward], data, passed)
    stops = tuple(name for name in passed if definition.states[name].auto is None)
    if state not in passed:
        return Path(stops, None)
    ahead = [name for name in passed[passed.index(state) :] if name in stops]
    return Path(stops, stops.index(ahead[0]) if ahead else None)


def _onward(definition: Definition, state: State, data: Mapping[str, Any], passed: list[str]) -> str | None:
    """Where the first of its triggers leads that leads on."""
    ways = [_taken(definition, state, name, data) for name in state.triggers if name not in _NOT_ONWARD]
    return next((one for one in ways if one not in passed), None)


def _taken(definition: Definition, state: State, trigger: str, data: Mapping[str, Any]) -> str:
    try:
        return take(definition, state.name, trigger, data).to
    except (NoBranch, FactMissing):  # the data do not say yet: the branch that always holds
        return state.triggers[trigger].branches[-1].to
