"""What the HR register says of a person, for a document."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from workflow.office import Office

_LATER: Final = timedelta(days=400)


def prefilled(office: Office, person: str, kind: str, on: date) -> dict[str, Any]:
    """What a document of this kind and day is filled in with; nothing of who is not in the register."""
    register = office.register
    if register is None or not register.knows(person):
        return {}
    return register.prefill(person, on=on, kind=kind)


def registered(office: Office, person: str, kind: str, on: date) -> dict[str, Any]:
    """The same without what goes by the day, which the register does not say."""
    return _same(prefilled(office, person, kind, on), prefilled(office, person, kind, on + _LATER))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What both say alike."""
    both = {}
    for name, value in one.items():
        if isinstance(value, Mapping):
            both[name] = _same(value, other.get(name) or {})
        elif value == other.get(name):
            both[name] = value
    return both
