"""What somebody can do with a request, why they can't do the rest, and what has to be said with each."""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow.definition_model import Definition, OutsideFile, State
from workflow.engine import Engine
from workflow.errors import Reason
from workflow.judge import VERBS
from workflow.reading import RequestView

_KEEP_THE_DATA = frozenset({"withdraw", "return"})


@dataclass(frozen=True)
class Way:
    """Something that might be done with a request: `reasons` against it, and what has to be said with it.

    `consent` is the name of a text to accept, `facts` and `sections` are names of what is to be filled in,
    `file` is what goes out or comes back with it; `proof`: who consents shows anew who they are.
    """

    trigger: str
    reasons: tuple[Reason, ...]
    remark: bool = False
    consent: str | None = None
    facts: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    file: OutsideFile | None = None
    proof: bool = False

    @property
    def possible(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons


def ways(
    engine: Engine, view: RequestView, definition: Definition, who: str, principal: str | None = None
) -> list[Way]:
    """Every trigger of the request's state and every verb, as this person (for a principal) can do it now.

    Raises NotFound, and Refused for names that nobody has.
    """
    state = definition.states[view.state]
    verbs: Sequence[str] = (*state.triggers, *VERBS)
    against = engine.why_not_each(view.id, verbs, who, principal)
    asks_proof = engine.asks_proof(definition)
    return [_way(state, verb, against[verb], asks_proof=asks_proof) for verb in verbs]


def _way(state: State, verb: str, reasons: tuple[Reason, ...], *, asks_proof: bool) -> Way:
    trigger = state.triggers.get(verb)
    if trigger is None:
        return Way(
            verb, reasons, remark=verb == "suspend", sections=state.edits if verb == "save_draft" else ()
        )
    return Way(
        verb,
        reasons,
        trigger.remark,
        trigger.consent,
        trigger.record,
        () if verb in _KEEP_THE_DATA else state.edits,
        trigger.file,
        asks_proof and trigger.consent is not None,
    )
