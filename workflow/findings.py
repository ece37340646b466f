"""What is found when an office is looked at."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from problem import Problem

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: the area, how it is, a sentence, and what to do when it is not well.

    What pages show are sentences that they can tell in other languages; `problem` is what it comes from.
    """

    area: str
    state: State
    message: str
    hint: str = ""
    problem: Problem | None = field(default=None, compare=False)

    @classmethod
    def of(cls, area: str, state: State, problem: Problem) -> Self:
        """What a problem says: to who types commands in its own words, on pages in theirs."""
        from workflow.words import sentence_of, story_of  # noqa: PLC0415  help need not wait for it

        hint = story_of(problem).hint.beside(problem.hint)
        return cls(area, state, sentence_of(problem), hint, problem)


def written(moment: datetime) -> str:
    """A moment, for a place of the kind `time`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
