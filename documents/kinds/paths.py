"""Which dotted names are fields of a kind: "income.gross_yearly", "income.lines.1.label", "reasons.RULE"."""

import re
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

_PLACE = re.compile("[1-9][0-9]?")  # lists are short; people count from one


def is_field(model: type[BaseModel], path: str) -> bool:
    """Say whether a dotted name is a field that holds a value and no further fields."""
    inner: Any = model
    for step in path.split("."):
        inner = _inside(inner, step)
        if inner is None:
            return False
    return not _holds_more(inner)


def is_place(step: str) -> bool:
    """Say whether a step of a dotted name is a place in a list."""
    return _PLACE.fullmatch(step) is not None


def _plain(annotation: Any) -> Any:
    """Take None and the metadata off a type."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
            continue
        options = [option for option in get_args(annotation) if option is not NoneType]
        if NoneType not in get_args(annotation) or len(options) != 1:
            return annotation
        annotation = options[0]


def _holds_more(annotation: Any) -> bool:
    plain = _plain(annotation)
    return get_origin(plain) in {tuple, Mapping} or (isinstance(plain, type) and issubclass(plain, BaseModel))


def _inside(annotation: Any, step: str) -> Any:
    plain = _plain(annotation)
    if get_origin(plain) is tuple:
        return get_args(plain)[0] if is_place(step) else None
    if get_origin(plain) is Mapping:
        return str if step else None
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        field = plain.model_fields.get(step)
        return None if field is None else field.annotation
    return None
