"""One TOML text → a Definition, or every fault of its form (keys, types, names, durations) with its line."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from documents.words import LANGUAGES
from workflow.calendar import Duration, parse_duration, parse_working_duration
from workflow.definition_errors import DefinitionRefused, DurationInvalid
from workflow.definition_model import (
    CHECKS,
    ENDS,
    OUTSIDE_FILES,
    STATUSES,
    After,
    Branch,
    Definition,
    Document,
    State,
    Trigger,
)
from workflow.refusal import KeyPath, Refusal, Refusals, Rule, near

T = TypeVar("T")

_WORD = re.compile(r"[a-z][a-z0-9_]*")
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_SYNTAX_LINE = re.compile(r"at line (\d+)")

# Keys of a state by what it is.
_ROLE_KEYS = ("role", "not_by", "edits", "named_in", "due", "norm", "after", "on")
_AUTO_KEYS = ("auto", "field", "signs_as", "on")
_END_KEYS = ("end",)
_STATE_KEYS = tuple(dict.fromkeys(_ROLE_KEYS + _AUTO_KEYS + _END_KEYS))
_NOTHING = Duration("")


@lru_cache(100)
def read(source: str, file: str) -> Definition:
    """Read a definition's text without judging its flow, as for a request pinned to an earlier version.

    `file` is the name that refusals carry. Raises DefinitionRefused with every fault of form.
    """
    try:
        table = tomllib.loads(source)
    except (ValueError, RecursionError) as error:  # also of numbers too long, and tables too deep
        found = _SYNTAX_LINE.search(str(error))
        line = int(found.group(1)) if found else None
        mend = "Mend the TOML syntax there; a key may stand only once."
        raise DefinitionRefused(
            [Refusal(Rule.UNREADABLE, file, line, "", f"This is not TOML: {error}.", mend)]
        ) from error
    reader = _Reader(source, file)
    definition = reader.definition(table)
    if reader.refusals.found:
        raise DefinitionRefused(reader.refusals.found)
    return definition


class _Table:
    """A TOML table whose keys are taken one after another; what is left over is unknown."""

    def __init__(self, reader: "_Reader", path: KeyPath, values: Mapping[str, Any]) -> None:
        self._reader = reader
        self._values = values
        self._taken: set[str] = set()
        self.path = path

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def take(self, key: str, kind: type[T], words: str, default: T | None = None) -> T | None:
        """The key's value; `default` when it is absent or (refused) of another type."""
        self._taken.add(key)
        value = self._values.get(key, default)
        # A bool is an int to Python, not to a reader of the file.
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            self.refuse(Rule.WRONG_TYPE, key, f"{key!r} must be {words}.", f"Write {key} as {words}.")
            return default
        return value

    def text(
        self, key: str, *, default: str | None = None, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        value = self.take(key, str, "a text in quotes", default)
        if value is not None and value != default and pattern is not None:
            self.named(key, value, pattern)
        return value

    def required(self, key: str, *, pattern: re.Pattern[str] | None = None) -> str:
        if key not in self._values:
            self.refuse(Rule.MISSING, key, f"{key!r} is missing.", f'Add {key} = "…".')
        return self.text(key, pattern=pattern) or ""

    def choice(self, key: str, known: Sequence[T], default: T | None = None) -> T | None:
        value = self.text(key)
        if value is None:
            return default
        if value not in known:
            mend = near(value, map(str, known))
            self.refuse(Rule.UNKNOWN_NAME, key, f"{key} = {value!r} is not known.", mend)
            return default
        return known[known.index(value)]  # the known word itself, with its Literal type

    def words(self, key: str, pattern: re.Pattern[str] = _WORD) -> tuple[str, ...]:
        """A list of names, each once."""
        given = self.take(key, list, "a list of texts", [])
        values = [value for value in given or [] if isinstance(value, str)]
        if given is not None and len(values) < len(given):
            self.refuse(
                Rule.WRONG_TYPE, key, f"{key!r} must hold texts only.", f"Write {key} as a list of texts."
            )
        for value in values:
            self.named(key, value, pattern)
        for value in sorted({value for value in values if values.count(value) > 1}):
            self.refuse(Rule.LISTED_TWICE, key, f"{key!r} lists {value!r} twice.", "Leave one of them out.")
        return tuple(values)

    def duration(self, key: str, parse: Callable[[str], Duration]) -> Duration | None:
        value = self.text(key)
        return None if value is None else self.length(key, value, parse)

    def length(self, key: str, text: str, parse: Callable[[str], Duration]) -> Duration:
        try:
            return parse(text)
        except DurationInvalid as error:
            self.refuse(Rule.BAD_DURATION, key, f"{key}: {error}", error.hint)
            return _NOTHING

    def table(self, key: str) -> "_Table":
        return _Table(self._reader, (*self.path, key), self.take(key, dict, "a table", {}) or {})

    def tables(self, key: str, pattern: re.Pattern[str] | None = _WORD) -> Iterator[tuple[str, "_Table"]]:
        """The tables in a table, by name."""
        outer = self.table(key)
        for name in outer:
            if pattern is not None:
                outer.named(name, name, pattern)
            yield name, outer.table(name)

    def texts(self, key: str, pattern: re.Pattern[str]) -> Mapping[str, str]:
        """A table of texts by name."""
        outer = self.table(key)
        for name in outer:
            outer.named(name, name, pattern)
        return MappingProxyType({name: outer.required(name) for name in outer})

    def translations(self, key: str, pattern: re.Pattern[str]) -> Mapping[str, Mapping[str, str]]:
        """A table of texts by name, each in every language; a text alone is English, as it was once."""
        outer = self.table(key)
        for name in outer:
            outer.named(name, name, pattern)
        return MappingProxyType({name: outer.translated(name) for name in outer})

    def translated(self, name: str) -> Mapping[str, str]:
        """One text by language."""
        if not isinstance(self._values.get(name), dict):
            return MappingProxyType({"en": self.required(name)})
        inner = self.table(name)
        found = MappingProxyType({language: inner.required(language) for language in LANGUAGES})
        inner.close()
        return found

    def named(self, key: str, value: str, pattern: re.Pattern[str]) -> None:
        """Refuse a name of another form."""
        if pattern.fullmatch(value):
            return
        forms = {_WORD: "small letters, digits and _", _PATH: "section.field in small letters"}
        form = forms.get(pattern, "letters, digits and -")
        self.refuse(Rule.BAD_NAME, key, f"{value!r} is not a name.", f"Use {form}, beginning with a letter.")

    def refuse(self, rule: Rule, key: str, message: str, mend: str) -> None:
        self._reader.refusals.add(rule, (*self.path, key), message, mend)

    def close(self) -> None:
        """Refuse every key that was not taken."""
        for key in sorted(self._values.keys() - self._taken):
            mend = near(key, sorted(self._taken))
            self.refuse(Rule.UNKNOWN_KEY, key, f"The key {key!r} is not known here.", mend)


class _Reader:
    """Reads the tables of one file; collects what is wrong instead of stopping at the first."""

    def __init__(self, source: str, file: str) -> None:
        self._source = source
        self._file = file
        self.refusals = Refusals(source, file)

    def definition(self, values: Mapping[str, Any]) -> Definition:
        """The whole file."""
        top = _Table(self, (), values)
        for key in ("process", "roles", "state"):
            if key not in top:
                top.refuse(Rule.MISSING, key, f"The table [{key}] is missing.", f"Add [{key}].")
        process = top.table("process")
        key = process.required("key", pattern=_CODE)
        definition = Definition(
            key=key,
            variant=process.required("variant", pattern=_CODE),
            version=self._version(process),
            title=process.text("title") or key,
            status=process.choice("status", STATUSES) or "active",
            start=process.required("start", pattern=_WORD),
            calendar=process.required("calendar", pattern=_CODE),
            keep=process.length("keep", process.required("keep"), parse_duration),
            signing=process.required("signing", pattern=_CODE),
            roles=top.texts("roles", _WORD),
            consents=top.translations("consents", _WORD),
            documents=MappingProxyType(dict(self._documents(top))),
            states=MappingProxyType({name: self._state(name, table) for name, table in top.tables("state")}),
            source=self._source,
            sha256_hex=hashlib.sha256(self._source.encode()).hexdigest(),
            path=self._file,
        )
        process.close()
        top.close()
        return definition

    @staticmethod
    def _version(process: _Table) -> int:
        version = process.take("version", int, "a whole number", 0) or 0
        if version < 1:
            process.refuse(Rule.MISSING, "version", "'version' must be 1 or more.", "Add version = 1.")
        return version

    @staticmethod
    def _documents(top: _Table) -> Iterator[tuple[str, Document]]:
        for name, table in top.tables("documents"):
            kind = table.required("kind", pattern=_WORD)
            yield name, Document(name, kind, table.words("signatures", pattern=_CODE))
            table.close()

    def _state(self, name: str, table: _Table) -> State:
        kinds = [kind for kind in ("role", "auto", "end") if kind in table]
        if len(kinds) != 1:
            said = f"It has {' and '.join(kinds)}." if kinds else "It has none of role, auto and end."
            table.refuse(Rule.STATE_KIND, kinds[0] if kinds else "", said, "Give it exactly one of them.")
        state = State(
            name=name,
            role=table.text("role", pattern=_WORD),
            auto=table.text("auto", pattern=_WORD),
            end=table.choice("end", ENDS),
            not_by=table.words("not_by"),
            edits=table.words("edits"),
            named_in=table.text("named_in", pattern=_PATH),
            field=table.text("field", pattern=_CODE),
            signs_as=table.text("signs_as", pattern=_WORD),
            due=table.duration("due", parse_working_duration),
            norm=table.duration("norm", parse_working_duration),
            after=tuple(self._after(wait, inner) for wait, inner in table.tables("after", None)),
            triggers=MappingProxyType(
                {verb: self._trigger(verb, inner) for verb, inner in table.tables("on")}
            ),
        )
        table.close()
        if len(kinds) == 1:
            self._keys_fit(table, kinds[0])
        return state

    @staticmethod
    def _keys_fit(table: _Table, kind: str) -> None:
        allowed = {"role": _ROLE_KEYS, "auto": _AUTO_KEYS, "end": _END_KEYS}[kind]
        for key in (key for key in _STATE_KEYS if key in table and key not in allowed):
            message = f"{key!r} makes no sense in a state with {kind!r}."
            table.refuse(
                Rule.MISPLACED_KEY, key, message, f"Remove it; here may stand: {', '.join(allowed)}."
            )
        if kind != "end" and not list(table.tables("on")):
            message = "It is no end, and nothing leads out of it."
            table.refuse(Rule.NO_TRIGGERS, "on", message, 'Add on.… = { to = "…" }, or make it an end.')

    @staticmethod
    def _after(wait: str, table: _Table) -> After:
        after = After(table.length(wait, wait, parse_working_duration), table.words("do"))
        if "do" not in table:
            table.refuse(Rule.MISSING, "do", "'do' is missing.", 'Add do = ["remind"].')
        table.close()
        return after

    def _trigger(self, verb: str, table: _Table) -> Trigger:
        trigger = Trigger(
            name=verb,
            branches=tuple(self._branches(table)),
            remark=table.take("remark", bool, "true or false", False) or False,
            check=table.choice("check", CHECKS),
            consent=table.text("consent", pattern=_WORD),
            record=table.words("record"),
            file=table.choice("file", OUTSIDE_FILES),
            signers=tuple(table.texts("signers", _CODE).items()),
        )
        table.close()
        return trigger

    def _branches(self, table: _Table) -> Iterator[Branch]:
        if ("to" in table) == ("branches" in table):
            mend = 'Write to = "…", or branches = [{ to = "…", when = ["…"] }, { to = "…" }].'
            table.refuse(Rule.MISSING, "to", "A trigger has either 'to' or 'branches'.", mend)
        if "to" in table or "branches" not in table:
            yield Branch(table.text("to", pattern=_WORD) or "", (), table.text("mark", pattern=_WORD))
            return
        items = table.take("branches", list, "a list of tables", []) or []
        if not items or not all(isinstance(item, dict) for item in items):
            message = "'branches' must be a list of tables, at least one."
            table.refuse(Rule.WRONG_TYPE, "branches", message, 'Write branches = [{ to = "…" }].')
            return
        for item in items:
            branch = _Table(self, (*table.path, "branches"), item)
            yield Branch(
                branch.required("to", pattern=_WORD), branch.words("when"), branch.text("mark", pattern=_WORD)
            )
            branch.close()
