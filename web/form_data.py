"""A form that was sent back, as a document's data: names are dotted paths, and rows are counted from one.

The hidden fields `part` name the parts that the form has, `PATH.rows` how many rows a list has. Parts are
whole, and what is empty is left out; what the model does not understand stays as it was typed.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from starlette.datastructures import FormData

from documents.kinds import Kind
from web.field_model import REASONS, Spec, parts_of, value_at
from web.typed import read
from workflow.digits import whole

ROWS_MOST: Final = 999


def data_of(
    kind: Kind[Any],
    form: FormData,
    *,
    below: Mapping[str, Any],
    editable: Collection[str],
    language: str,
    keep_rows: bool = False,
) -> dict[str, Any]:
    """The data as the form has them, over what was there; a part that nothing is left of is left out.

    Only the parts that may be changed are read. `keep_rows`: rows stay, empty as they are.
    """
    reading = _Reading(kind, form, language, keep_rows=keep_rows)
    drawn = {name for name in form.getlist("part") if isinstance(name, str)} & set(editable)
    read_anew = {name: reading.part(spec, below) for name, spec in parts_of(kind).items() if name in drawn}
    return {name: value for name, value in {**below, **read_anew}.items() if value is not None}


def changes(data: Mapping[str, Any], below: Mapping[str, Any], editable: Collection[str]) -> dict[str, Any]:
    """What the engine is told: the parts that are not as before, whole; None for one that is taken out."""
    return {name: data.get(name) for name in editable if data.get(name) != below.get(name)}


def stepped(kind: Kind[Any], data: dict[str, Any], step: str) -> str:
    """Add a row, remove one, or empty a part, in place: "add:PATH", "remove:PATH.N", "clear:PART".

    Gives the path of what to go on with; "" for what is no such step.
    """
    verb, _, path = step.partition(":")
    spec = _spec_at(kind, path)
    if verb == "clear" and path in parts_of(kind):
        data.pop(path, None)
        return path
    if verb == "add" and spec is not None and spec.type in {"rows", "list"}:
        return _added(kind, data, path, spec)
    if verb == "remove":
        path, _, number = path.rpartition(".")
        rows = value_at(data, path)
        place = whole(number, ROWS_MOST) or 0
        if isinstance(rows, list) and 0 < place <= len(rows):
            del rows[place - 1]
            return path
    return ""


class _Reading:
    """Reads one form."""

    def __init__(self, kind: Kind[Any], form: FormData, language: str, *, keep_rows: bool) -> None:
        self._kind, self._form, self._language, self._keep_rows = kind, form, language, keep_rows

    def part(self, spec: Spec, below: Mapping[str, Any]) -> Any:
        """A part of the data; None when nothing is left of one that may be left out."""
        if spec.is_constant:
            return below.get(spec.name)
        if spec.type == REASONS:
            return dict(self._reasons(spec)) or None
        value = self._value(spec, spec.name)
        return {} if value is None and spec.needed and spec.type == "part" else value

    def _value(self, spec: Spec, path: str) -> Any:
        """What a field holds; None when nothing."""
        if spec.type == "part":
            return self._fields(spec.inner, path) or None
        if spec.type in {"rows", "list"}:
            rows = list(self._rows(spec, path))
            return rows or ([] if spec.needed else None)
        said = self._form.get(path)
        if not isinstance(said, str) or not said.strip():
            return None
        return read(spec, said, self._language)

    def _fields(self, inner: tuple[Spec, ...], path: str) -> dict[str, Any]:
        read_one = ((spec.name, self._value(spec, f"{path}.{spec.name}")) for spec in inner)
        return {name: value for name, value in read_one if value is not None}

    def _rows(self, spec: Spec, path: str) -> Iterator[Any]:
        for number in range(1, self._count(spec, path) + 1):
            at = f"{path}.{number}"
            row = self._value(spec.one, at) if spec.one is not None else self._fields(spec.inner, at)
            if spec.one is None and not any(value != [] for value in row.values()):
                row = None
            if row is not None:
                yield row
            elif self._keep_rows:
                yield "" if spec.one is not None else {}

    def _count(self, spec: Spec, path: str) -> int:
        """How many rows the form has; one over the limit at most, so that the model can tell."""
        return min(whole(self._form.get(f"{path}.rows"), ROWS_MOST) or 0, spec.most + 1)

    def _reasons(self, spec: Spec) -> Iterator[tuple[str, Any]]:
        for rule in self._kind.rules:
            said = self._form.get(f"{REASONS}.{rule.id}")
            if spec.one is not None and isinstance(said, str) and said.strip():
                yield rule.id, read(spec.one, said, self._language)


def _spec_at(kind: Kind[Any], path: str) -> Spec | None:
    """The field at a dotted path, rows counted from one."""
    steps = path.split(".")
    spec = parts_of(kind).get(steps[0])
    for step in steps[1:]:
        if spec is None:
            return None
        if spec.type == "rows" and step.isdecimal():
            continue
        spec = next((one for one in spec.inner if one.name == step), None)
    return spec


def _added(kind: Kind[Any], data: dict[str, Any], path: str, spec: Spec) -> str:
    """Put an empty row at the end of a list, which is made where there is none."""
    above, _, name = path.rpartition(".")
    if above and above in parts_of(kind):
        data.setdefault(above, {})
    holder = value_at(data, above) if above else data
    if not isinstance(holder, dict):
        return ""
    rows = holder.setdefault(name, [])
    if not isinstance(rows, list) or len(rows) >= spec.most:
        return ""
    rows.append({} if spec.one is None else "")
    return f"{path}.{len(rows)}"
