"""What may be filled in for a kind of document, read from its model: parts, fields, lists of rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from documents.kinds import fields as types
from documents.kinds.kind import Kind

FieldType = Literal[
    "line",
    "note",
    "amount",
    "percentage",
    "day",
    "yes-no",
    "choice",
    "months",
    "postcode",
    "number",
    "phone",
    "rows",  # a list of parts
    "list",  # a list of fields
    "part",
    "reasons",
]

_TYPES: Final[Sequence[tuple[Any, FieldType]]] = (
    (types.Line, "line"),
    (types.Note, "note"),
    (types.Amount, "amount"),
    (types.Percentage, "percentage"),
    (types.Day, "day"),
    (types.YesNo, "yes-no"),
    (types.Choice[str], "choice"),
    (types.Months, "months"),
    (types.Postcode, "postcode"),
    (types.ChamberNumber, "number"),
    (types.Phone, "phone"),
)
REASONS: Final = "reasons"


@dataclass(frozen=True)
class Spec:
    """One field as the model has it.

    `inner` are a part's fields, of a row too; `one` is what a list of fields holds. `least` and `most` are
    numbers of rows.
    """

    name: str
    type: FieldType
    needed: bool
    annotation: Any = None
    choices: tuple[str, ...] = ()
    inner: tuple["Spec", ...] = ()
    one: "Spec | None" = None
    least: int = 0
    most: int = 0

    def canonical(self, value: Any) -> Any:
        """The value as the model keeps it; what it refuses stays as it was typed."""
        try:
            return self._adapter.dump_python(self._adapter.validate_python(value), mode="json")
        except ValidationError:
            return value

    def takes(self, value: Any) -> bool:
        """Whether the model takes the value."""
        try:
            self._adapter.validate_python(value)
        except ValidationError:
            return False
        return True

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.annotation)

    @property
    def is_constant(self) -> bool:
        """Whether it has one value only, that nobody has to choose."""
        return self.type == "choice" and len(self.choices) == 1


@cache
def specs_of(model: type[BaseModel]) -> tuple[Spec, ...]:
    """Every field of a model, in its order."""
    return tuple(_spec(name, field) for name, field in model.model_fields.items())


def parts_of(kind: Kind[Any]) -> Mapping[str, Spec]:
    """The top of a kind's data, by name: what the engine calls sections."""
    model: type[BaseModel] = kind.model
    return {spec.name: spec for spec in specs_of(model)}


# What is only asked when another field says so: field or part → that field, and its values. The kinds' rules
# refuse the rest.
ASKED_WHEN: Final[Mapping[str, Mapping[str, tuple[str, frozenset[str]]]]] = {
    "employer_declaration": {
        "employment.ends_on": ("employment.contract", frozenset({"temporary", "flexible"})),
        "employment.probation_ended": ("employment.probation", frozenset({"yes"})),
        "employment.plan_to_end_note": ("employment.plan_to_end", frozenset({"yes"})),
        "employment.reorganisation_impact": ("employment.reorganisation", frozenset({"yes"})),
        "employment.share_percentage": ("employment.director_or_shareholder", frozenset({"yes"})),
        "continuation": ("employment.contract", frozenset({"temporary"})),
        "continuation.months": ("continuation.prospect", frozenset({"temporary"})),
        "continuation.changed_conditions_text": ("continuation.changed_conditions", frozenset({"yes"})),
        "other.loan_principal": ("other.loan", frozenset({"yes"})),
        "other.loan_starts_on": ("other.loan", frozenset({"yes"})),
        "other.loan_months": ("other.loan", frozenset({"yes"})),
        "other.loan_yearly_payment": ("other.loan", frozenset({"yes"})),
        "other.wage_garnishment_monthly": ("other.wage_garnishment", frozenset({"yes"})),
        "other.wage_garnishment_until": ("other.wage_garnishment", frozenset({"yes"})),
    },
    "action_plan": {"safety": ("header.subject", frozenset({"occupational-safety"}))},
}


# What the model leaves open, and a rule of the kind asks for before the document is final.
NEEDED_BY_RULE: Final[Mapping[str, frozenset[str]]] = {
    "employer_declaration": frozenset(
        {
            "income.fixed_is_unconditional",
            "signing.name",
            "signing.place",
            "signing.contact_name",
            "signing.contact_phone",
        }
    ),
    "action_plan": frozenset({"approval.name", "approval.function", "safety.employee_representative"}),
}


def value_at(data: Mapping[str, Any] | None, path: str) -> Any:
    """What data holds at a dotted path, rows counted from one; None when nothing."""
    inner: Any = data
    for step in path.split("."):
        if isinstance(inner, Mapping):
            inner = inner.get(step)
        elif isinstance(inner, list | tuple) and step.isascii() and step.isdecimal():
            place = int(step[:4])
            inner = inner[place - 1] if 0 < place <= len(inner) else None
        else:
            return None
    return inner


def leaves_of(specs: tuple[Spec, ...], above: str = "") -> Iterator[tuple[str, Spec]]:
    """Every field that holds a value, with its path; n stands for a place in a list."""
    for spec in specs:
        path = f"{above}{spec.name}"
        if spec.type == "part":
            yield from leaves_of(spec.inner, f"{path}.")
        elif spec.type == "rows":
            yield from leaves_of(spec.inner, f"{path}.n.")
        elif spec.type == "list" and spec.one is not None:
            yield f"{path}.n", spec.one
        elif spec.type != REASONS:
            yield path, spec


def _spec(name: str, field: FieldInfo) -> Spec:
    plain, metadata = _plain(field.annotation, list(field.metadata))
    needed = field.is_required()
    if get_origin(plain) is tuple:
        least, most = _bounds(metadata)
        inner, of_inner = _plain(get_args(plain)[0], [])
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return Spec(name, "rows", needed, inner=specs_of(inner), least=least, most=most)
        one = _leaf("n", inner, of_inner, needed=True)
        return Spec(name, "list", needed, one=one, least=least, most=most)
    if get_origin(plain) is Mapping:
        inner, of_inner = _plain(get_args(plain)[1], [])
        return Spec(name, "reasons", needed, one=_leaf("n", inner, of_inner, needed=False))
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return Spec(name, "part", needed, inner=specs_of(plain))
    return _leaf(name, plain, metadata, needed=needed)


def _leaf(name: str, plain: Any, metadata: list[Any], *, needed: bool) -> Spec:
    [validator] = [one for one in metadata if isinstance(one, BeforeValidator)]
    [type_] = [name for alias, name in _TYPES if validator in alias.__metadata__]
    choices = tuple(get_args(plain)) if get_origin(plain) is Literal else ()
    return Spec(name, type_, needed, Annotated[plain, *metadata], choices)


def _bounds(metadata: list[Any]) -> tuple[int, int]:
    least = next((one.min_length for one in metadata if hasattr(one, "min_length")), 0)
    return least, next(one.max_length for one in metadata if hasattr(one, "max_length"))


def _plain(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """A type without None and metadata, and the metadata."""
    while True:
        if hasattr(annotation, "__metadata__"):
            metadata = [*metadata, *annotation.__metadata__]
            annotation = annotation.__origin__
            continue
        options = [option for option in get_args(annotation) if option is not NoneType]
        if NoneType not in get_args(annotation) or len(options) != 1:
            return annotation, metadata
        annotation = options[0]
