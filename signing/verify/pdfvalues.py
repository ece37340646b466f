"""Look into PDF dictionaries that may hold anything, or nothing, where something is expected."""

from typing import Any

from pyhanko.pdf_utils import generic


def value_of(dictionary: Any, key: str) -> Any:
    """The value at a key with its reference followed; None when the key, or the dictionary, isn't there.

    pyHanko's `dictionary.get(key)` leaves references unfollowed, `dictionary[key]` follows them.
    """
    if not isinstance(dictionary, generic.DictionaryObject) or key not in dictionary:
        return None
    try:
        value = dictionary[key]
    except KeyError:  # null: pyHanko says that the key is there, and that it isn't
        return None
    return None if isinstance(value, generic.NullObject) else value


def text_of(dictionary: Any, key: str) -> str | None:
    """A name (with its slash) or a text string at a key; None for anything else."""
    value = value_of(dictionary, key)
    return str(value)[:500] if isinstance(value, str) else None


def items_of(dictionary: Any, key: str) -> list[Any]:
    """The items of an array at a key, references followed; empty for anything else."""
    value = value_of(dictionary, key)
    return [item.get_object() for item in value] if isinstance(value, generic.ArrayObject) else []
