"""Changes to a request's data by fields, as a JSON merge patch (RFC 7396).

The engine takes whole sections: a patch is laid over the sections it names as they are now.
"""

from collections.abc import Mapping
from typing import Any


def changed_sections(data: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The sections that a patch names, whole, as they become; None for one that is taken out."""
    return {name: _patched(data.get(name), value) for name, value in patch.items()}


def _patched(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2: objects field by field, null removes a field, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result
