"""What stands in the place of signatures where none is needed: that it is so, and who approved it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from documents.layout.signing_block import Place
from documents.words import Words


@dataclass(frozen=True)
class Unsigned:
    """Who approved a document that nobody signs, for whom as a substitute, and when."""

    approver: str
    principal: str | None
    approved_at: datetime

    def place(self, words: Words) -> Place:
        """The statement: approved by whom and when, that it bears no signature, and how it is checked."""
        moment = self.approved_at.astimezone(UTC)
        when = f"{words.day(moment.date())}, {moment:%H:%M} UTC"
        approved = words.text(
            "Approved electronically by {person} on {when}.", person=self.approver, when=when
        )
        behalf = words.text("On behalf of {principal}", principal=self.principal or "")
        return Place(
            None,
            words.text("No signature"),
            (
                approved,
                *((f"{behalf}.",) if self.principal else ()),
                words.text("This document needs no signature and bears none."),
                words.text(
                    "The verification code finds it in the sender's register, which holds the SHA-256 of the"
                    " file that was delivered: ask the sender whether this file has it."
                ),
            ),
        )
