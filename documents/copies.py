"""The words on the cover of a scan's sealed copy, in the document's language."""

from dataclasses import dataclass
from datetime import date

from documents.words import Words


@dataclass(frozen=True)
class CoverWords:
    """What stands on it: `facts` as names and values, `below` above the seal."""

    language: str
    title: str
    what: str
    facts: tuple[tuple[str, str], ...]
    below: tuple[str, ...]
    seal: str
    """What the seal's field is called, for who hears the page."""


def cover_words(words: Words, *, number: str, pages: int, taken_on: date) -> CoverWords:
    """Of the copy of a document with this number, whose scan has so many pages."""
    return CoverWords(
        words.language,
        words.text("Copy of document {number}, signed on paper", number=number),
        words.text(
            "This is a sealed copy of a document signed on paper; not an electronic signature of the signer."
        ),
        (
            (words.text("Document number"), number),
            (words.text("Scanned pages"), words.number(pages)),
            (words.text("Taken in on"), words.day(taken_on)),
        ),
        (
            words.text("The seal below says that these pages are as they were taken in."),
            words.text("It does not say who signed them."),
        ),
        words.text("Seal of a copy"),
    )
