"""What lists ask of definitions: what they can be narrowed down to, and what waits for a signature."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from workflow.definition_model import Definition
from workflow.words import process_words


@dataclass(frozen=True)
class Choices:
    """Each as what stands in the address, and its words."""

    kinds: list[tuple[str, str]]
    variants: list[tuple[str, str]]
    states: list[tuple[str, str]]


def choices(
    definitions: Iterable[Definition],
    language: str,
    kind: str,
    *,
    roles: Collection[str] | None = None,
    also: Collection[str] = (),
) -> Choices:
    """What can be chosen; of one kind alone, where one is. `roles`: only states of these, and `also` those
    named."""
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
            if roles is None or state.role in roles or name in also:
                states.setdefault(name, words.state(one, name))
    return Choices(_by_words(kinds), sorted(variants.items()), _by_words(states))


def short_title(title: str) -> str:
    """What kind of request it is, without how it is signed: what stands before a title's comma."""
    return title.partition(",")[0]


def signs(definition: Definition, state: str) -> bool:
    """Whether something that a person does in this state leads to a signature."""
    there = definition.states.get(state)
    branches = [] if there is None else [one for each in there.triggers.values() for one in each.branches]
    return any(definition.states[branch.to].auto == "sign" for branch in branches)


def _by_words(found: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(found.items(), key=lambda one: one[1].casefold())
