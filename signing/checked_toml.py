"""Tables of TOML files, checked key by key, so that every refusal says where and what to do."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Never, TypeVar

from signing.errors import ProfileError

_T = TypeVar("_T")
_LENGTH = re.compile(
    r"P(?!$)(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?!$)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,5})S)?)?",
    re.ASCII,
)


def read_toml(file: Traversable) -> dict[str, Any]:
    """Read a whole file. Raises ProfileError."""
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also of numbers too long, and tables too deep
        raise ProfileError(
            f"{file}: not a readable TOML file: {error}", hint="Mend the line named."
        ) from error


class CheckedTable:
    """Takes a table's keys one after another; what is left at the end is not known, and refused.

    `file` is named in refusals, `place` too: the dotted path of the table in it, "" for the top.
    """

    def __init__(self, file: str, table: Mapping[str, Any], *, place: str = "") -> None:
        self.file = file
        self._table = dict(table)
        self._place = place
        self._taken: list[str] = []

    def refuse(self, key: str, what: str, mend: str) -> Never:
        """Raise ProfileError that names file, key and mend."""
        raise ProfileError(f"{self.file}: {self._path(key)!r} {what}.", hint=mend)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to take."""
        return not self._table

    def finish(self) -> None:
        """Refuse what was not taken."""
        for key in self._table:
            self.refuse(key, "is not known", f"Remove it; known keys are {', '.join(self._taken)}.")

    def has(self, key: str) -> bool:
        """Tell whether a key that was not taken yet is there."""
        return key in self._table

    def take(self, key: str, kind: type[_T], words: str, default: _T) -> _T:
        """A value of one type, such as `str`; `words` say which. True and false are no numbers."""
        self._taken.append(key)
        value: Any = self._table.pop(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.refuse(key, f"must be {words}", f"Write {key} = … as {words}.")
        return value

    def text(self, key: str, *, default: str = "", required: bool = False) -> str:
        """A text; with `required` one that is not empty."""
        value = self.take(key, str, "a text", default)
        if required and not value:
            self.refuse(key, "is missing", f"Write {key} = … as a text.")
        return value

    def choice(self, key: str, allowed: tuple[str, ...], *, required: bool = False) -> Any:
        """One of some texts; None when it is not there and need not be."""
        self._taken.append(key)
        if key not in self._table and not required:
            return None
        value = self._table.pop(key, None)
        if value not in allowed:
            said = "is missing" if value is None else f"is {value!r}"
            self.refuse(key, said, f"Write one of {', '.join(allowed)}.")
        return value

    def texts(
        self, key: str, *, of: tuple[str, ...] | None = None, mend: str = "Use only names or URLs."
    ) -> tuple[str, ...]:
        """A list of texts that aren't empty, or of some texts only; none of them twice."""
        values = self.take(key, list, "a list of texts", [])
        is_fine: Callable[[Any], bool] = (
            (lambda v: v in of) if of else (lambda v: isinstance(v, str) and bool(v))
        )
        for value in values:
            if not is_fine(value):
                self.refuse(key, f"contains {value!r}", f"Use only {', '.join(of)}." if of else mend)
        self.refuse_twice(key, values)
        return tuple(values)

    def refuse_twice(self, key: str, named: Sequence[str]) -> None:
        """Refuse a list in which a text stands twice: what its second place means, nobody can say."""
        for at, value in enumerate(named):
            if value in named[:at]:
                self.refuse(key, f"names {value!r} twice", "Leave one out.")

    def tables(self, key: str) -> Iterator[tuple[str, "CheckedTable"]]:
        """The tables below a key: [key.NAME] each with its name."""
        for name, table in self.take(key, dict, "a table", {}).items():
            if not isinstance(table, dict):
                self.refuse(f"{key}.{name}", "must be a table", f"Write [{key}.{name}] above its keys.")
            yield name, CheckedTable(self.file, table, place=f"{self._path(key)}.{name}")

    def path(self, key: str, *, required: bool = False) -> Path | None:
        """A path, relative to the folder of the file; None when it is not there and need not be."""
        said = self.text(key, required=required)
        return Path(self.file).parent / said if said else None

    def length(self, key: str) -> timedelta | None:
        """A length of time as ISO 8601 writes it, in weeks and less; None when it is not there."""
        said = self.text(key)
        if not said:
            return None
        length = self.read_length(said)
        if length is None:
            self.refuse(key, f"is {said[:100]!r}", "Write a length of time, such as PT30S, PT1M or PT1H.")
        return length

    @staticmethod
    def read_length(text: str) -> timedelta | None:
        """A length of time that is longer than nothing; None for what is none."""
        match = _LENGTH.fullmatch(text)
        parts = {} if match is None else match.groupdict("0")
        return timedelta(**{unit: int(digits) for unit, digits in parts.items()}) or None

    def _path(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key
