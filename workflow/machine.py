"""Definition → one immutable transitions.Machine; the closed registries of guards and steps.

The machine has no model of its own: it is fired on a row that lives for one call, because registering a
model costs more than firing and overwrites a loaded row's state. Callback strings fall back to import
paths in transitions, so nothing from a definition reaches it but names of states and triggers.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from transitions import EventData, Machine, MachineError

from wording import Sentence
from workflow.definition_errors import FactMissing, NoBranch, TriggerNotHere
from workflow.definition_model import DELIVERED, Branch, Definition

Facts = Mapping[str, Any]
Guard = Callable[[Facts], bool]


def _contract(facts: Facts) -> str:
    employment = facts.get("employment")
    contract = employment.get("contract") if isinstance(employment, Mapping) else None
    if contract not in ("permanent", "temporary", "flexible"):
        raise FactMissing(
            Sentence(
                "The way on depends on the contract, and {field} is not filled in.",
                field="employment.contract",
            ),
            hint="Fill in employment.contract: permanent, temporary or flexible.",
        )
    return str(contract)


def _permanent(facts: Facts) -> bool:
    return _contract(facts) == "permanent"


def _temporary(facts: Facts) -> bool:
    return _contract(facts) == "temporary"


def _flexible(facts: Facts) -> bool:
    return _contract(facts) == "flexible"


# A guard says yes or no about the document's data; a fact it needs and does not find is an error, never a no.
GUARDS: Mapping[str, Guard] = MappingProxyType(
    {"permanent": _permanent, "temporary": _temporary, "flexible": _flexible}
)
# The section of the document's data that each guard reads; DELIVERED reads none.
GUARD_SECTIONS: Mapping[str, str] = MappingProxyType(dict.fromkeys(GUARDS, "employment") | {DELIVERED: ""})
# Of each set exactly one guard holds.
EXHAUSTIVE: tuple[frozenset[str], ...] = (frozenset(GUARDS),)
# Automatic steps and their outcomes, the good one first. Delivery has no failure of its own: after the
# signature there is no person to go back to, so it is retried until an incident asks for help.
STEPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"render": ("rendered", "failed"), "sign": ("signed", "failed"), "deliver": ("delivered",)}
)


class _Row:
    """What the machine moves: a state, and the branch that was taken."""

    __slots__ = ("branch", "state")

    def __init__(self, state: str) -> None:
        self.state = state
        self.branch: Branch | None = None


@lru_cache(maxsize=256)
def machine_of(definition: Definition) -> Machine:
    """Give the definition's machine; made once, never changed. Fire it through `take`."""
    machine = Machine(
        model=None,
        states=list(definition.states),
        initial=definition.start,
        auto_transitions=False,
        send_event=True,
    )
    for state in definition.states.values():
        for trigger in state.triggers.values():
            for branch in trigger.branches:
                machine.add_transition(
                    trigger.name,
                    state.name,
                    branch.to,
                    conditions=[_condition(name, _guard(name)) for name in branch.when],
                    after=_taken(branch),
                )
    return machine


@lru_cache(maxsize=256)
def looks_back(definition: Definition) -> bool:
    """Whether a way of this definition depends on whether the request was delivered before."""
    triggers = (trigger for state in definition.states.values() for trigger in state.triggers.values())
    return any(DELIVERED in branch.when for trigger in triggers for branch in trigger.branches)


def take(
    definition: Definition, state: str, trigger: str, facts: Facts, *, delivered: bool = False
) -> Branch:
    """Give the branch that a request in this state takes by this trigger: where to, with what milestone.

    `facts` is the document's data; `delivered`, whether the request was delivered before. Raises
    TriggerNotHere, NoBranch when no branch's guards hold, FactMissing.
    """
    machine, row = machine_of(definition), _Row(state)
    event = machine.events.get(trigger)
    if event is None or state not in machine.states:
        raise _not_here(definition, state, trigger)
    try:
        event.trigger(row, facts=facts, delivered=delivered)
    except MachineError as error:
        raise _not_here(definition, state, trigger) from error
    if row.branch is None:
        raise NoBranch(
            Sentence(
                "No branch of '{trigger:trigger}' in state '{state:state}' of {process:process} fits"
                " the data.",
                trigger=trigger,
                state=state,
                process=definition.label,
            ),
            hint="Run: paraaf definitions check",
        )
    return row.branch


def target(definition: Definition, state: str, trigger: str, facts: Facts) -> str:
    """Give the state that `take` leads to; raises the same."""
    return take(definition, state, trigger, facts).to


def _guard(name: str) -> Callable[[EventData], bool]:
    if name == DELIVERED:
        return lambda event: event.kwargs["delivered"] is True
    guard = GUARDS[name]
    return lambda event: guard(event.kwargs["facts"])


def _condition(name: str, guard: Callable[[EventData], bool]) -> Callable[[EventData], bool]:
    def holds(event: EventData) -> bool:
        answer = guard(event)
        # transitions compares with ==, so 'yes' or 2 would silently block the way.
        if type(answer) is not bool:
            raise TypeError(f"guard {name!r} answered {answer!r}, not True or False")
        return answer

    return holds


def _taken(branch: Branch) -> Callable[[EventData], None]:
    def remember(event: EventData) -> None:
        row: Any = event.model
        row.branch = branch

    return remember


def _not_here(definition: Definition, state: str, trigger: str) -> TriggerNotHere:
    known = definition.states.get(state)
    allowed = ", ".join(known.triggers) if known is not None else ""
    return TriggerNotHere(
        f"{trigger!r} is not possible in state {state!r} of {definition.label}.",
        hint=f"Possible here: {allowed}." if allowed else "Nothing is possible here.",
    )
