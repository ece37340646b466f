"""The words of a visible signature, in the document's language: who, in which capacity, when, which level."""

from collections.abc import Mapping
from dataclasses import dataclass
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
}
THROUGH_SHOWN: Mapping[str, str] = {
    "command-line": mark("command line"),
    "page": mark("web page"),
    "program": mark("program"),
}
METHODS_SHOWN: Mapping[str, str] = {"password": mark("password"), "passkey": mark("passkey")}


@dataclass(frozen=True)
class Consent:
    """That a person accepted a text: when, through which channel, which text; and how they showed anew who
    they are, "" for not at all. `through` is "" where an earlier release did not record it.
    """

    at: datetime
    text_sha256: str
    through: str = ""
    reauthenticated: str = ""


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
    organisation: str,
    at: datetime,
    level: str,
    development: bool,
    signed_as: SignedAs = "seal",
    field: str = "",
    person: str = "",
    principal: str | None = None,
    consent: Consent | None = None,
) -> tuple[str, ...]:
    """The lines of a stamp, the first one the signer's; `organisation` is the seal's name, `principal` whom
    the person stands in for. A click has a `consent`; a seal that nobody released has no `person`.

    A seal and a click name the person who released them, and never say that the person signed. The time is
    the claimed one, in UTC: what it proves is the timestamp's affair.
    """
    if consent is not None:
        said = _click_lines(words, consent, person=person, organisation=organisation, principal=principal)
        sealed = words.text("Sealed on {when}", when=_moment(words, at))
        level_line = words.text("Level: PAdES {level}", level=level)
        return (*said, f"{sealed}. {level_line}", *_notice(words, development=development))
    capacity = words.text(_CAPACITY.get((signed_as, field), "")) if (signed_as, field) in _CAPACITY else ""
    done = words.text("Signed on {when}") if signed_as == "person" else words.text("Sealed on {when}")
    lines = [
        person if signed_as == "person" else organisation,
        capacity.format(person=person),
        words.text("On behalf of {principal}", principal=principal) if principal else "",
        done.format(when=_moment(words, at)),
        words.text("Level: PAdES {level}", level=level),
        *_notice(words, development=development),
    ]
    return tuple(line for line in lines if line)


def _click_lines(
    words: Words, consent: Consent, *, person: str, organisation: str, principal: str | None
) -> tuple[str, ...]:
    """Whose seal it is and whose signature it is not; who consented, for whom, when, where, to which text."""
    through = words.text(THROUGH_SHOWN[consent.through]) if consent.through else ""
    method = words.text(METHODS_SHOWN[consent.reauthenticated]) if consent.reauthenticated else ""
    how = [
        words.text("Channel: {channel}", channel=through) if through else "",
        words.text("Identity confirmed anew by: {method}", method=method)
        if method
        else words.text("Identity not confirmed anew"),
    ]
    lines = (
        words.text("Sealed by {organisation}", organisation=organisation),
        words.text("{person} has not signed with a key of their own", person=person),
        words.text("{person} consented on {when}", person=person, when=_moment(words, consent.at)),
        words.text("On behalf of {principal}", principal=principal) if principal else "",
        ". ".join(part for part in how if part),
        words.text("SHA-256 of the text consented to:"),
        consent.text_sha256,
    )
    return tuple(line for line in lines if line)


def _moment(words: Words, at: datetime) -> str:
    moment = at.astimezone(UTC)
    return f"{words.day(moment.date())}, {moment:%H:%M:%S} UTC"


def _notice(words: Words, *, development: bool) -> tuple[str, ...]:
    return (words.text("Development certificate: for trials only"),) if development else ()
