"""A document's data as sections and fields for people: to read and to fill in.

    sections = sections_of(kind, data, words=words, language="nl", problems=found)

`data_view` and `data_form` in fields.html draw them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from documents.errors import FieldProblem, Severity
from documents.kinds import Evidence, Kind, StageName
from documents.kinds.kind import field_problems
from web.field_model import ASKED_WHEN, NEEDED_BY_RULE, REASONS, FieldType, Spec, parts_of, value_at
from web.typed import shown, typed
from wording import Sentence
from workflow.errors import Reason
from workflow.words import ProcessWords

NOBODY: Final[Mapping[str, Any]] = {}
PREVIEWED: Final = 4


@dataclass(frozen=True)
class Told:
    """What is wrong with a field, in words. A warning is settled by a reason, or by a correction."""

    rule: str
    severity: Severity
    words: str


@dataclass(frozen=True)
class Option:
    """One of the values that a field may have."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field: `value` is what stands in a form, `shown` what is read.

    `register` is what the HR register says, where that differs; `before` what it was, where that changed.
    `rows` are those of a list. `when` names the field, and its values, on which it depends whether this one
    is asked at all. `is_given`: nobody changes it here; `is_proposed`: nobody has typed it; `agrees`: the
    register says the same.
    """

    path: str
    label: str
    type: FieldType
    help: str = ""
    value: str = ""
    shown: str = ""
    needed: bool = False
    options: tuple[Option, ...] = ()
    suggestions: tuple[str, ...] = ()
    problems: tuple[Told, ...] = ()
    register: str | None = None
    before: str | None = None
    rows: tuple["Row", ...] = ()
    most: int = 0
    when: tuple[str, frozenset[str]] | None = None
    is_given: bool = False
    is_proposed: bool = False
    agrees: bool = False

    @property
    def id(self) -> str:
        """Its name in the page."""
        return id_of(self.path)

    @property
    def is_list(self) -> bool:
        """Whether it consists of rows."""
        return self.type in {"rows", "list"}

    @property
    def says_something(self) -> bool:
        """Whether there is anything to read: a value, or something about it."""
        return bool(self.problems or self.shown or self.rows) or self.is_noted

    @property
    def is_noted(self) -> bool:
        """Whether there is something to say of where it comes from, or another value to compare it with."""
        return self.register is not None or self.before is not None or self.is_proposed

    @property
    def is_wrong(self) -> bool:
        """Whether it has to be corrected."""
        return any(one.severity == "error" for one in self.problems)


@dataclass(frozen=True)
class Row:
    """One row of a list, counted from one."""

    path: str
    number: int
    fields: tuple[Field, ...]
    problems: tuple[Told, ...] = ()

    @property
    def id(self) -> str:
        """Its name in the page."""
        return id_of(self.path)


@dataclass(frozen=True)
class Section:
    """A part of the data. `optional`: it may be left out; `given`: something of it is there.

    `complete`: nothing needed is missing, and nothing is wrong; `preview` says in a line what it holds.
    `when` names the field, and its values, on which it depends whether the part `is_asked`.
    """

    name: str
    title: str
    help: str
    fields: tuple[Field, ...]
    editable: bool
    optional: bool
    given: bool
    complete: bool
    preview: str
    problems: tuple[Told, ...] = ()
    when: tuple[str, frozenset[str]] | None = None
    is_asked: bool = True

    @property
    def id(self) -> str:
        """Its name in the page."""
        return part_id_of(self.name)

    @property
    def is_open(self) -> bool:
        """Whether there is something to do in it: it is not folded at first."""
        if self.given or self.problems:
            return not self.complete or any(field.is_proposed for field in self.fields)
        return self.is_asked


def id_of(path: str) -> str:
    """The name in the page of what stands at a dotted path."""
    return "f-" + path.replace(".", "-")


def part_id_of(name: str) -> str:
    """The name in the page of a part."""
    return f"part-{name}"


def sections_of(
    kind: Kind[Any],
    data: Mapping[str, Any],
    *,
    words: ProcessWords,
    language: str,
    problems: Iterable[FieldProblem] = (),
    register: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    editable: Collection[str] = (),
    suggestions: Mapping[str, tuple[str, ...]] = NOBODY,
    given: Collection[str] = (),
    proposed: Collection[str] = (),
) -> list[Section]:
    """Every part of a kind's data that says something or that may be filled in, in the model's order.

    `before` is the data as they were, `register` what the HR register says; `editable` names sections,
    `given` fields of them that can't be changed, and `proposed` those in which something is proposed.
    """
    drawing = _Drawing(
        kind,
        data,
        words,
        language,
        tuple(problems),
        register,
        before,
        frozenset(editable),
        suggestions,
        given,
        proposed,
    )
    drawn = [drawing.section(spec) for spec in parts_of(kind).values()]
    return [one for one in drawn if one is not None]


def problems_in(
    kind: Kind[Any], data: Mapping[str, Any], stage: StageName, evidence: Evidence
) -> tuple[FieldProblem, ...]:
    """What a stage has against data, errors first; warnings that have a reason are left out."""
    try:
        model = kind.model.model_validate(data)
    except ValidationError as error:
        return tuple(field_problems(error))
    return kind.check(model, stage, evidence)


def as_problems(kind: Kind[Any], reasons: Iterable[Reason]) -> tuple[FieldProblem, ...]:
    """Why a command was refused, as problems of fields: a warning is one that a reason settles."""
    warnings = {rule.id for rule in kind.rules if rule.severity == "warning"}
    return tuple(
        FieldProblem(one.field, one.code, one.message, "warning" if one.code in warnings else "error")
        for one in reasons
    )


def every_field(sections: Iterable[Section]) -> Iterator[Field]:
    """All fields, those of rows too."""
    for section in sections:
        yield from _with_rows(section.fields)


def _with_rows(fields: Iterable[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        for row in field.rows:
            yield from _with_rows(row.fields)


@dataclass(frozen=True)
class _Drawing:
    """What all sections of one page are made from."""

    kind: Kind[Any]
    data: Mapping[str, Any]
    words: ProcessWords
    language: str
    problems: tuple[FieldProblem, ...]
    register: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    editable: frozenset[str]
    suggestions: Mapping[str, tuple[str, ...]]
    given: Collection[str]
    proposed: Collection[str]

    def section(self, spec: Spec) -> Section | None:
        """A part; None for one that neither says nor asks anything."""
        if spec.is_constant:
            return None
        editable = spec.name in self.editable
        fields = self._fields_of(spec, editable=editable)
        told = self._told(spec.name) if spec.type == "part" else ()  # of a list, its field tells
        given = any(field.shown or field.rows for field in fields)
        when = ASKED_WHEN.get(self.kind.name, {}).get(spec.name)
        is_asked = when is None or self._is_asked(when)
        if spec.type == REASONS:
            editable = editable and bool(fields)
        elif when is not None and not (is_asked or given or told or when[0].split(".")[0] in self.editable):
            editable = False
        if not editable and not told and not any(field.says_something for field in fields):
            return None
        flat = list(_with_rows(fields))
        return Section(
            name=spec.name,
            title=self.words.section(self.kind.name, spec.name),
            help=self.words.help(self.kind.name, spec.name),
            fields=fields,
            editable=editable,
            optional=not spec.needed,
            given=given,
            complete=_is_complete(flat, told),
            preview=_preview(flat),
            problems=told,
            when=when,
            is_asked=is_asked,
        )

    def _fields_of(self, spec: Spec, *, editable: bool) -> tuple[Field, ...]:
        if spec.type == "part":
            return tuple(
                self.field(inner, f"{spec.name}.{inner.name}", empty=editable) for inner in spec.inner
            )
        if spec.type == REASONS:
            return tuple(self._reasons(spec, editable=editable))
        return (self.field(spec, spec.name, empty=editable),)

    def field(self, spec: Spec, path: str, *, empty: bool) -> Field:
        """One field, with its rows; `empty`: with as many as are needed, though there is nothing in them."""
        name = self.kind.name
        value, is_proposed = value_at(self.data, path), path in self.proposed
        field = Field(
            path=path,
            label=self._label(path),
            type=spec.type,
            help=self.words.help(name, path),
            needed=spec.needed or _placeless(path) in NEEDED_BY_RULE.get(name, ()),
            problems=self._told(path),
            before=None if is_proposed else self._otherwise(spec, path, value, self.before, empty="–"),
            register=self._otherwise(spec, path, value, self.register, empty=None),
            suggestions=self.suggestions.get(path, ()),
            when=ASKED_WHEN.get(name, {}).get(path),
            is_given=path in self.given,
            is_proposed=is_proposed,
            agrees=_agrees(spec, value, value_at(self.register, path)),
        )
        if field.is_list:
            return replace(field, rows=tuple(self._rows(spec, path, value, empty=empty)), most=spec.most)
        return replace(
            field,
            value=typed(spec, value, self.language),
            shown=self._shown(spec, path, value),
            options=tuple(Option(one, self.words.choice(name, path, one)) for one in spec.choices),
        )

    def _rows(self, spec: Spec, path: str, value: Any, *, empty: bool) -> Iterator[Row]:
        count = len(value) if isinstance(value, list | tuple) else 0
        for number in range(1, max(count, spec.least if empty and spec.needed else 0) + 1):
            at = f"{path}.{number}"
            if spec.one is not None:
                one = replace(self.field(spec.one, at, empty=empty), label=self._label(path), help="")
                yield Row(at, number, (one,))
            else:
                fields = tuple(self.field(one, f"{at}.{one.name}", empty=empty) for one in spec.inner)
                yield Row(at, number, fields, self._told(at))

    def _reasons(self, spec: Spec, *, editable: bool) -> Iterator[Field]:
        """A field for each reason that was given, and for each warning that asks for one."""
        given = self.data.get(REASONS)
        given = given if isinstance(given, Mapping) else {}
        asked = {one.rule for one in self.problems if one.severity == "warning"} if editable else set()
        for rule in self.kind.rules:
            if spec.one is None or rule.id not in {*given, *asked}:
                continue
            path, value = f"{REASONS}.{rule.id}", given.get(rule.id)
            yield Field(
                path=path,
                label=self.words.field(self.kind.name, path),
                type="note",
                help=self.words.told(Sentence(rule.message)),
                value=typed(spec.one, value, self.language),
                shown=self._shown(spec.one, path, value),
                problems=self._told(path),
                before=self._otherwise(spec.one, path, value, self.before, empty="–"),
            )

    def _shown(self, spec: Spec, path: str, value: Any) -> str:
        if spec.type == "choice" and spec.takes(value):
            return self.words.choice(self.kind.name, path, spec.canonical(value))
        return shown(spec, value, self.language)

    def _otherwise(
        self, spec: Spec, path: str, value: Any, other: Mapping[str, Any] | None, *, empty: str | None
    ) -> str | None:
        """What other data say there, where it is something else; `empty` stands for nothing."""
        if other is None:
            return None
        there = value_at(other, path)
        if spec.type in {"rows", "list"}:
            count = len(there) if isinstance(there, list | tuple) else 0
            here = len(value) if isinstance(value, list | tuple) else 0
            return None if empty is None or count == here else str(count)
        if there is None:
            return None if value is None else empty
        if spec.canonical(there) == (None if value is None else spec.canonical(value)):
            return None
        return self._shown(spec, path, there)

    def _label(self, path: str) -> str:
        return self.words.field(self.kind.name, path)

    def _told(self, path: str) -> tuple[Told, ...]:
        return tuple(
            Told(one.rule, one.severity, self.words.problem(one))
            for one in self.problems
            if one.field == path
        )

    def _is_asked(self, when: tuple[str, frozenset[str]]) -> bool:
        value = value_at(self.data, when[0])
        return ("yes" if value is True else "no" if value is False else value) in when[1]


def _agrees(spec: Spec, value: Any, said: Any) -> bool:
    """Whether the register says what stands there."""
    return value is not None and said is not None and spec.canonical(said) == spec.canonical(value)


def _placeless(path: str) -> str:
    """A path without its places in lists: n stands for each."""
    return ".".join("n" if step.isdecimal() else step for step in path.split("."))


def _preview(fields: Sequence[Field]) -> str:
    """What tells in a line that it is this part, without opening it."""
    said = [field for field in fields if field.shown and field.type != "note"]
    telling = [field for field in said if field.type != "yes-no"] or said
    return " · ".join(
        field.shown if field.type in {"line", "choice", "postcode"} else f"{field.label}: {field.shown}"
        for field in telling[:PREVIEWED]
    )


def _is_complete(fields: Iterable[Field], told: tuple[Told, ...]) -> bool:
    flat = list(fields)
    return not told and not any(
        field.problems or (field.needed and not (field.rows if field.is_list else field.value))
        for field in flat
    )
