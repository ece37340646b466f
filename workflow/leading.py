"""Which of a state's triggers lead to a signature: at once, or once somebody else has released it too."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from workflow.definition_evidence import SIGN
from workflow.definition_model import RETURN, WITHDRAW, Definition, State, Trigger


@lru_cache(maxsize=1024)
def leading_to_signature(definition: Definition, state: str) -> Mapping[str, State]:
    """The states that sign, by the trigger of this one that leads there."""
    found = {}
    for trigger in _onward(definition.states[state]):
        for reached in _reached(definition, trigger):
            if reached.auto == SIGN:
                found[trigger.name] = reached
            for signs in second_release(definition, reached.name):
                if signs.signs_as == state:
                    found[trigger.name] = signs
    return found


def second_release(definition: Definition, state: str) -> Iterator[State]:
    """The states that sign and that a person's state leads to at once."""
    for trigger in _onward(definition.states[state]):
        yield from (one for one in _reached(definition, trigger) if one.auto == SIGN)


def document_signed_in(definition: Definition, signs: State) -> str | None:
    """The document that a state signs, by its field."""
    return next((one.name for one in definition.documents.values() if signs.field in one.signatures), None)


def _onward(state: State) -> Iterator[Trigger]:
    if state.role is not None:
        yield from (one for one in state.triggers.values() if one.name not in (RETURN, WITHDRAW))


def _reached(definition: Definition, trigger: Trigger) -> Iterator[State]:
    yield from (definition.states[branch.to] for branch in trigger.branches)
