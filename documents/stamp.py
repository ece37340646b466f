"""The words of a visible signature, in the document's language: who, in which capacity, when, which level."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from documents.words import Words, mark

SignedAs = Literal["person", "seal", "click"]

_CAPACITY: Mapping[tuple[SignedAs, str], str] = {
    ("person", "employer"): mark("Signs for the employer"),
    ("person", "manager"): mark("Signs as manager of the employee"),
    ("person", "approver"): mark("Approves the plan"),
    ("seal", "employer"): mark("Seal of the organisation, released by {person}"),
    ("seal", "manager"): mark("Seal of the organisation, continuation confirmed by {person}"),
    ("click", "employer"): mark("Seal of the organisation, after a click by {person}"),
    ("click", "manager"): mark("Seal of the organisation, after a click by {person}"),
}


# The reasons of the signing profiles, which readers of PDF show beside the signature.
REASONS = (
    mark("Signed by the person named"),
    mark("Approved by the person named"),
    mark("Sealed by the organisation"),
    mark("Sealed by the organisation after the signer's recorded consent"),
)


def reason_in(words: Words, reason: str) -> str:
    """A profile's reason in the document's language; an office's own stays as it is written."""
    return words.text(reason) if reason in REASONS else reason


def stamp_lines(
    words: Words,
    *,
    signed_as: SignedAs,
    field: str,
    person: str,
    organisation: str,
    at: datetime,
    level: str,
    development: bool,
    principal: str | None = None,
) -> tuple[str, ...]:
    """The lines of a stamp, the first one the signer's; `organisation` is the seal's name, `principal` whom
    the person stands in for.

    A seal and a click name the person who released them, and never say that the person signed. The time is
    the claimed one, in UTC: what it proves is the timestamp's affair.
    """
    capacity = words.text(_CAPACITY.get((signed_as, field), "")) if (signed_as, field) in _CAPACITY else ""
    moment = at.astimezone(UTC)
    done = words.text("Signed on {when}") if signed_as == "person" else words.text("Sealed on {when}")
    lines = [
        person if signed_as == "person" else organisation,
        capacity.format(person=person),
        words.text("On behalf of {principal}").format(principal=principal) if principal else "",
        done.format(when=f"{words.day(moment.date())}, {moment:%H:%M:%S} UTC"),
        words.text("Level: PAdES {level}").format(level=level),
        words.text("Development certificate: for trials only") if development else "",
    ]
    return tuple(line for line in lines if line)
