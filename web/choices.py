"""What a list can be narrowed down to: the processes, ways of signing and states that there are, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from workflow.definition_model import Definition
from workflow.words import process_words


@dataclass(frozen=True)
class Choices:
    """Each as what stands in the address, and its words."""

    kinds: list[tuple[str, str]]
    variants: list[tuple[str, str]]
    states: list[tuple[str, str]]


def choices(definitions: Iterable[Definition], language: str, kind: str, *, tasks: bool = False) -> Choices:
    """What can be chosen; of one kind alone, where one is. `tasks`: only states in which people work."""
    words = process_words(language)
    kinds: dict[str, str] = {}
    variants: dict[str, str] = {}
    states: dict[str, str] = {}
    for one in definitions:
        kinds.setdefault(one.key, short_title(words.title(one)))
        if kind not in ("", one.key):
            continue
        variants.setdefault(one.variant, words.variant(one.variant))
        for name, state in one.states.items():
            if state.role is not None or not tasks:
                states.setdefault(name, words.state(one, name))
    return Choices(_by_words(kinds), sorted(variants.items()), _by_words(states))


def short_title(title: str) -> str:
    """What kind of request it is, without how it is signed: what stands before a title's comma."""
    return title.partition(",")[0]


def _by_words(found: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(found.items(), key=lambda one: one[1].casefold())
