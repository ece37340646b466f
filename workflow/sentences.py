"""What is said of people and tasks where something can't be done: sentences that several checks have."""

from collections.abc import Sequence

from wording import Sentence
from workflow.definition_model import Definition, State
from workflow.errors import Reason

REGISTERED = Sentence("The HR register says this otherwise: have it changed there, not here.")
OTHERS = Sentence("Somebody else fills this in, later.")


def unknown(person: str) -> Sentence:
    """Say that somebody is nobody here."""
    return Sentence("{person} is not known here, or no longer active.", person=person)


def only_elsewhere(state: State, trigger: str) -> Sentence:
    """Say that something can be done in other states, and what in this one."""
    if state.role is None:
        return Sentence(
            "'{trigger:trigger}' can't be done in state '{state:state}'; no person can.",
            trigger=trigger,
            state=state.name,
        )
    return Sentence(
        "'{trigger:trigger}' can't be done in state '{state:state}'; possible: {triggers:triggers}.",
        trigger=trigger,
        state=state.name,
        triggers=", ".join(state.triggers),
    )


def held_by(holder: str, *, lapsed: bool) -> Reason:
    """Say who holds a task; `lapsed`: who may not do it any more."""
    if lapsed:
        return Reason(
            "claim-lapsed",
            Sentence(
                "{holder:person} holds this task, and may not do it any more: release it first.",
                holder=holder,
            ),
        )
    return Reason("claimed", Sentence("{holder:person} holds this task.", holder=holder))


def lacks(definition: Definition, roles: Sequence[str], person: str, unit: str) -> Sentence:
    """Say which role somebody does not have."""
    if len(roles) > 1:
        return no_role(person, unit)
    return Sentence(
        "{person} does not have the role '{role:word}' for unit {unit}.",
        person=person,
        role=definition.roles[roles[0]],
        unit=unit,
    )


def no_role(person: str, unit: str) -> Sentence:
    """Say that somebody has nothing to do with a process in a unit."""
    return Sentence("{person} has no role in this process for unit {unit}.", person=person, unit=unit)


def no_substitute(actor: str, principal: str) -> Sentence:
    """Say that somebody does not stand in for somebody else."""
    return Sentence(
        "{actor} does not stand in for {principal} in this role today.",
        actor=actor,
        principal=principal,
    )
