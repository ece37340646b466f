"""A document's data by the dotted names of its fields, like income.gross_yearly and actions.2.responsible."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each field and its value, in their order; rows of a list are counted from 1."""
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{path}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from flat({str(number): row for number, row in enumerate(value, 1)}, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def put_back(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the data with other values in these fields; None takes a field out."""
    both = {name: value for name, value in {**dict(flat(data)), **fields}.items() if value is not None}
    tree: dict[str, Any] = {}
    for name, value in both.items():
        *above, last = name.split(".")
        inner = tree
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return {name: _listed(value) for name, value in tree.items()}


def _listed(value: Any) -> Any:
    """Rows as lists again: what has numbers for names."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    if all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
