"""Where somebody can go: what each role has to do with."""

from collections.abc import Iterator
from dataclasses import dataclass

from documents.words import mark
from workflow.sessions import Member

EVERYBODY = frozenset({"employee", "author"})
"""Roles that everybody has: people with no other have requests of their own, and no one else's."""
READING = frozenset({"auditor", "administrator"})
SIGNING = frozenset({"signer", "manager", "leader"})


@dataclass(frozen=True)
class Link:
    """An address, and its name in English."""

    path: str
    name: str


def links_for(member: Member) -> list[Link]:
    """The rooms that this person has to do with, in the order in which they need them."""
    return list(_links(member.roles))


def home_of(member: Member) -> str:
    """Where somebody begins: at what waits for them, at the office that they look after, or at requests."""
    if "administrator" in member.roles and not member.roles - EVERYBODY - READING:
        return "/office"
    return links_for(member)[0].path


def _links(roles: frozenset[str]) -> Iterator[Link]:
    if roles - EVERYBODY - READING:
        yield Link("/queue", mark("What waits for me"))
    if roles & SIGNING:
        yield Link("/folder", mark("To sign"))
    yield Link("/requests", mark("Requests"))
    if roles - EVERYBODY - READING:
        yield Link("/substitutes", mark("Standing in"))
    if roles & READING:
        yield Link("/office", mark("The office"))
    yield Link("/verify", mark("Check a document"))
