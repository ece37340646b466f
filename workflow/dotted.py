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
