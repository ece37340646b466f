"""The word of an office's own register on a file: what was issued, by whose signatures; it comes first.

What the register is, and who may ask it, is no affair of this room: it gets a `RegisterWord` and puts it into
the report. What is needed to ask is a file's digest, and for one that isn't known the digests of its
beginnings and the numbers that it says it has (`Traces`), which the fenced process takes from it.
"""

import hashlib
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from signing.verify.findings import Finding
from signing.verify.words import ENGLISH, Words, mark

if TYPE_CHECKING:
    from signing.verify.report import SignatureReport

_END = re.compile(rb"%%EOF(?:\r\n|\n|\r)?")
_NUMBER = re.compile(rb"<dc:identifier>([!-;=?-~]{1,64})</dc:identifier>")  # XMP, as PDF/A has it: not packed
MOST_BEGINNINGS = 64
_MOST_NUMBERS = 4


class Standing(StrEnum):
    """What a file is to the register."""

    ISSUED = "issued"  # as it was issued last
    EARLIER = "earlier"  # as it was once; something was signed or issued since
    UNSIGNED = "unsigned"  # as it was drawn, before anybody signed
    COPY = "copy"  # the kept scan of one that was signed on paper, under the office's seal
    DESTROYED = "destroyed"  # of a request whose term of keeping is over
    EXTENDED = "extended"  # one of these, with something behind it
    CLAIMED = "claimed"  # other bytes, with the number of one of these
    HIDDEN = "hidden"  # known, but who asks may not know the request
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Traces:
    """By what the register may know a file that it doesn't know as a whole."""

    beginnings: tuple[tuple[int, str], ...] = ()  # length and SHA-256 of each part from the start to an end
    numbers: tuple[str, ...] = ()  # that it says it has


def traces_of(pdf: bytes) -> Traces:
    """The digests of a file's beginnings, longest first, and its numbers; bounded, whatever it holds."""
    ends = deque((found.end() for found in _END.finditer(pdf)), maxlen=MOST_BEGINNINGS)
    digest, at, beginnings = hashlib.sha256(), 0, []
    view = memoryview(pdf)
    for end in ends:
        if end == len(pdf):
            break
        digest.update(view[at:end])
        at = end
        beginnings.append((end, digest.hexdigest()))
    numbers = dict.fromkeys(found.group(1).decode("ascii") for found in _NUMBER.finditer(pdf))
    return Traces(tuple(reversed(beginnings)), tuple(list(numbers)[:_MOST_NUMBERS]))


@dataclass(frozen=True)
class Expected:
    """A signature that the register says is there."""

    field: str
    kind: str  # person, seal, click, as the signing profile has it
    certificate_sha256: str | None  # None once it has been erased

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RegisterWord:
    """What the register says of a file; of a hidden or unknown one only that."""

    standing: Standing
    request: int | None = None
    document: str | None = None  # its name in the definition
    kind: str | None = None
    number: str | None = None
    revision: int | None = None
    recorded_at: str | None = None  # when these bytes were, UTC
    of: str | None = None  # of what standing the beginning is, of an extended file
    added_bytes: int | None = None
    replaced_by: str | None = None  # SHA-256 of what is issued now
    unsigned: bool = False  # its process needs no signature, and it bears none
    withdrawn: str | None = None  # how the request ended, when not as it should
    destroyed_on: str | None = None
    tied: bool = False  # to the request, by bytes or by a certificate, not by its number alone
    expected: tuple[Expected, ...] = ()
    missing: tuple[str, ...] = ()  # fields
    unexpected: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        values = asdict(self)
        values.pop("tied")
        return {
            **values,
            "standing": self.standing.value,
            "expected": [each.as_dict() for each in self.expected],
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
        }

    @property
    def sentence(self) -> str:
        """For people, in English; see `register_sentence`."""
        return register_sentence(self, ENGLISH)

    @property
    def vouches(self) -> bool:
        """Whether it alone tells that a file is authentic, which needs no signature."""
        return self.unsigned and self.standing is Standing.ISSUED

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the report finds by it."""
        return tuple(_findings(self))


def with_signers(word: RegisterWord, signatures: "Sequence[SignatureReport]") -> RegisterWord:
    """The word, with the signers that it expects held against those in the file, where it tells of any."""
    if word.request is None or word.destroyed_on is not None:
        return word
    found = {each.field: each.certificate_sha256 for each in signatures if each.role.value != "timestamp"}
    recorded = {each.field: each.certificate_sha256 for each in word.expected}
    there = {one for one in found.values() if one is not None}
    tied = word.tied or any(one in there for one in recorded.values() if one is not None)
    missing = tuple(field for field in recorded if field not in found)
    unexpected = tuple(
        str(field)
        for field, one in found.items()
        if field not in recorded or (recorded[field] is not None and recorded[field] != one)
    )
    return replace(word, tied=tied, missing=missing, unexpected=unexpected)


DOCUMENTS = (mark("declaration"),)
"""The names of documents that have words in every language; others, such as a plan, are told as they are."""


def _named(word: RegisterWord, words: Words = ENGLISH) -> str:
    text = mark("document ({document:word}) of request {request}")
    if word.number:
        text = mark("document {number} ({document:word}) of request {request}")
    return words.text(text, number=word.number or "", document=str(word.document), request=str(word.request))


_SENTENCES = {
    Standing.ISSUED: mark("{named}, as issued on {day:day}"),
    Standing.EARLIER: mark("{named}, as it was on {day:day}; it was replaced later"),
    Standing.UNSIGNED: mark("{named}, as it was drawn on {day:day}: before anybody signed it"),
    Standing.COPY: mark(
        "the kept scan, under the office's seal, of {named}, which was signed on paper; taken in on"
        " {day:day}, and no electronic signature of the signer"
    ),
    Standing.DESTROYED: mark("{named}, destroyed there at the end of its term on {destroyed_on:day}"),
    Standing.EXTENDED: mark("{named}, with {behind} not issued"),
    Standing.CLAIMED: mark("it has the number of {named}, and these are not the bytes that were issued"),
    Standing.HIDDEN: mark("it is known there, and of a request that who asks may not see"),
}


def register_sentence(word: RegisterWord, words: Words) -> str:
    """What the register says, in a language: it stands before the sentence of the verdict. Empty for what
    isn't known.
    """
    text = _SENTENCES.get(word.standing)
    if word.unsigned and word.standing is Standing.UNSIGNED:
        text = mark("{named}, as it was drawn on {day:day}: it was not delivered")
    if text is None:
        return ""
    behind = words.counted(
        "{count} byte behind it that was", "{count} bytes behind it that were", word.added_bytes or 0
    )
    told = words.text(
        text,
        named=_named(word, words),
        day=(word.recorded_at or "")[:10],
        destroyed_on=str(word.destroyed_on),
        behind=behind,
    )
    if word.unsigned and word.standing in (Standing.ISSUED, Standing.EARLIER):
        told = words.text("{told}; delivered without a signature, as its process needs none", told=told)
    if not word.withdrawn:
        return words.text("In the register: {told}.", told=told)
    return words.text(
        "In the register: {told}; the request was {outcome:word}.", told=told, outcome=word.withdrawn
    )


OUTCOMES = (mark("withdrawn"), mark("refused"), mark("rejected"))
"""The ends of requests that have words in every language; others are told as their definition calls them."""
_ENDED = mark("its request was {outcome:word}")
_CODES = {
    Standing.ISSUED: ("register_issued", mark("the register has it as issued")),
    Standing.EARLIER: ("register_earlier", mark("the register has a later version of it")),
    Standing.UNSIGNED: ("register_unsigned", mark("the register has it as a document before it was signed")),
    Standing.COPY: (
        "register_copy",
        mark("the register has it as the kept scan of what was signed on paper"),
    ),
    Standing.DESTROYED: ("register_destroyed", mark("the register had it until the end of its term")),
    Standing.EXTENDED: ("register_extended", mark("the register has it without what stands behind it")),
    Standing.CLAIMED: ("register_contradicted", mark("the register has other bytes under its number")),
}


def _findings(word: RegisterWord) -> list[Finding]:
    if word.standing not in _CODES:
        return []
    code, text = _CODES[word.standing]
    if word.unsigned and word.standing is Standing.UNSIGNED:
        text = mark("the register has it as a document that was not delivered")
    found = [Finding(code, text, _named(word))]
    if word.withdrawn:
        found.append(Finding("register_withdrawn", _ENDED, _named(word), values={"outcome": word.withdrawn}))
    if not word.tied:
        return found
    for code, fields, text in (
        ("register_signer_missing", word.missing, mark("a signature that the register has is not in it")),
        (
            "register_signer_unexpected",
            word.unexpected,
            mark("a signature is in it that the register doesn't have"),
        ),
    ):
        if fields:
            found.append(Finding(code, text, f"fields {', '.join(fields)}"[:500]))
    return found
