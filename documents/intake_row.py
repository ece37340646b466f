"""A row as it stands in a file, before anybody asks whether it makes a document."""

from dataclasses import dataclass
from typing import Any

from documents.errors import FieldProblem
from wording import Sentence

OWN_FIELDS = {  # names in a file → what belongs to the row and not to the document
    "reference": "reference",
    "kenmerk": "reference",
    "person_id": "person_id",
    "personeelsnummer": "person_id",
}


@dataclass(frozen=True)
class RawRow:
    """Fields of one row, or why they could not be read; `last` when nothing after it can be read either."""

    line: int
    data: dict[str, Any]
    problems: tuple[FieldProblem, ...] = ()
    last: bool = False

    @classmethod
    def unreadable(cls, line: int, rule: str, sentence: Sentence, *, last: bool = False) -> "RawRow":
        """Make a row without fields, and say why."""
        return cls(line, {}, (FieldProblem("", rule, sentence),), last)
