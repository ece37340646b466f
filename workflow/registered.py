"""What the HR register says of a person, for a document; and what of it a requester may not say otherwise."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from documents.kinds import KINDS
from documents.register import Register
from workflow.dotted import flat

_LATER: Final = timedelta(days=400)


def prefilled(register: Register | None, person: str, kind: str, on: date) -> dict[str, Any]:
    """What a document of this kind and day is filled in with; nothing of who is not in the register."""
    if register is None or not register.knows(person):
        return {}
    return register.prefill(person, on=on, kind=kind)


def registered(register: Register | None, person: str, kind: str, on: date) -> dict[str, Any]:
    """The same without what goes by the day, which the register does not say."""
    return _same(prefilled(register, person, kind, on), prefilled(register, person, kind, on + _LATER))


def fixed(register: Register | None, person: str, kind: str, on: date) -> dict[str, Any]:
    """By dotted name, what the register says of the fields for which the employer answers; None for what
    others than the requester fill in."""
    employers = KINDS[kind].employers_fields
    said = flat(registered(register, person, kind, on)) if employers else ()
    own = {name: value for name, value in said if name in employers}
    return {**own, **dict.fromkeys(KINDS[kind].others_fields)}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What both say alike."""
    both = {}
    for name, value in one.items():
        if isinstance(value, Mapping):
            both[name] = _same(value, other.get(name) or {})
        elif value == other.get(name):
            both[name] = value
    return both
