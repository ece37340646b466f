"""The words for what happens to a request, in the languages of the people who work with it."""

# ruff: noqa: ARG002
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from problem import Problem
from workflow.definition_model import Definition
from workflow.errors import Reason


@dataclass(frozen=True)
class ProcessWords:
    """One language; make it with `process_words`."""

    language: str

    def title(self, definition: Definition) -> str:
        """What kind of request it is."""
        return definition.title

    def state(self, definition: Definition, state: str) -> str:
        """Where a request is."""
        return _plain(state)

    def trigger(self, definition: Definition, state: str, trigger: str) -> str:
        """What can be done, as a button says it."""
        return _plain(trigger)

    def role(self, definition: Definition, role: str) -> str:
        """Whose turn it is."""
        return definition.roles.get(role) or _plain(role)

    def variant(self, variant: str) -> str:
        """How it is signed."""
        return variant

    def event(self, kind: str) -> str:
        """What happened."""
        return _plain(kind)

    def reason(self, reason: Reason) -> str:
        """Why something can't be done."""
        return str(reason)

    def error(self, problem: Problem) -> tuple[str, str]:
        """What went wrong, and what to do."""
        return str(problem), problem.hint

    def section(self, kind: str, section: str) -> str:
        """A part of a document's data."""
        return _plain(section)

    def field(self, kind: str, path: str) -> str:
        """A field of a document's data, by its dotted name."""
        return _plain(path.rpartition(".")[2])

    def help(self, kind: str, path: str) -> str:
        """What is often got wrong in a field; "" for nothing."""
        return ""

    def choice(self, kind: str, path: str, value: str) -> str:
        """One of the values that a field may have."""
        return _plain(value)


@cache
def process_words(language: str) -> ProcessWords:
    """The words of a language."""
    return ProcessWords(language)


def _plain(name: str) -> str:
    """An identifier as words."""
    return _capital(name.replace("_", " ").split())


def _capital(parts: Iterable[str]) -> str:
    text = " ".join(parts)
    return text[:1].upper() + text[1:]
