"""What is wrong with a form, as lines above it: each a link to the place where it is mended."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from documents.errors import FieldProblem, Severity
from web.fields import Section, every_field
from workflow.words import ProcessWords


@dataclass(frozen=True)
class Mistake:
    """One line above a form: what is wrong, and where; `id` is the field in the page, "" when none is."""

    id: str
    label: str
    severity: Severity
    words: str


def mistakes_of(
    kind: str, sections: Iterable[Section], problems: Iterable[FieldProblem], words: ProcessWords
) -> list[Mistake]:
    """What is wrong, errors first; each with the place where it can be mended."""
    places = {path: (number, id_, label) for number, (path, id_, label) in enumerate(_places(sections))}
    found = []
    for one in problems:
        nowhere = (len(places), "", words.place(kind, one.field) if one.field else "")
        number, id_, label = places.get(one.field, nowhere)
        found.append((one.severity, number, Mistake(id_, label, one.severity, words.problem(one))))
    return list(dict.fromkeys(mistake for *_, mistake in sorted(found, key=lambda one: one[:2])))


def _places(sections: Iterable[Section]) -> Iterator[tuple[str, str, str]]:
    for section in sections:
        if section.editable:
            yield section.name, section.id, section.title
            for field in every_field([section]):
                yield field.path, field.id, field.label
                if field.type == "rows":
                    yield from ((row.path, row.id, f"{field.label} {row.number}") for row in field.rows)
