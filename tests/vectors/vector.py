"""What a vector is: a file, and what the verifier must say of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.vectors.catalogue import Maker

PASSED, INDETERMINATE, FAILED = "TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"
AUTHENTIC, BUT, FORGED, UNJUDGED = "authentic", "signed_but", "not_what_was_signed", "cannot_be_judged"


@dataclass(frozen=True)
class Vector:
    """A file and what the verifier must say of it.

    `codes` are the codes of its findings that decide, and all of them where it does not fail; but for one
    about every signer here: that the certificate is a development one. What is said of each signature
    stands in files/expected.json.
    """

    pdf: bytes
    indication: str
    verdict: str
    codes: tuple[str, ...] = ()


Make = Callable[["Maker"], Vector]


@dataclass(frozen=True)
class Entry:
    """How a vector is made, and what kind of file it is."""

    group: str
    make: Make


ENTRIES: dict[str, Entry] = {}


def table(group: str) -> Callable[[Make], Make]:
    """A decorator that enters vectors of one kind under their own names."""

    def enter(make: Make) -> Make:
        name = make.__name__
        assert name not in ENTRIES, name
        ENTRIES[name] = Entry(group, make)
        return make

    return enter


def named(name: str, make: Make) -> Make:
    """A vector made by a function that makes several, under a name of its own."""
    make.__name__ = name
    return make


def authentic(pdf: bytes, *notes: str) -> Vector:
    """Nothing is amiss; notes don't count."""
    return Vector(pdf, PASSED, AUTHENTIC, notes)


def remarked(pdf: bytes, *codes: str) -> Vector:
    """It passes, with a remark."""
    return Vector(pdf, PASSED, BUT, codes)


def doubted(pdf: bytes, *codes: str) -> Vector:
    """It is what was signed; by whom, or when, is in doubt."""
    return Vector(pdf, INDETERMINATE, BUT, codes)


def unjudged(pdf: bytes, *codes: str) -> Vector:
    """It can't be judged."""
    return Vector(pdf, INDETERMINATE, UNJUDGED, codes)


def forged(pdf: bytes, *codes: str) -> Vector:
    """It is not what was signed."""
    return Vector(pdf, FAILED, FORGED, codes)


def wrongly_signed(pdf: bytes, *codes: str) -> Vector:
    """It is what was signed, but it was signed by somebody who could no longer."""
    return Vector(pdf, FAILED, BUT, codes)
