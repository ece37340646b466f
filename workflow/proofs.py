"""Proofs that somebody showed a moment ago who they are: what a consent may need.

A proof is for one person, for the versions of the requests that they have seen, once each, and for minutes.
What the person's program holds is a random token; the database holds its digest, a row for each request. The
engine looks at the row in the command's own transaction, and removes it there: so a proof is worth something
only where `reauthentication` made it, and nothing is done twice with one.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, get_args

from sqlalchemy import delete
from sqlalchemy.orm import Session

from wording import Sentence
from workflow.errors import Reason
from workflow.tables import ProofRow

Method = Literal["password", "passkey"]
"""How somebody may show who they are. What is added here has a word in documents.stamp too."""
METHODS: tuple[Method, ...] = get_args(Method)
FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Proof:
    """What goes along with a command; worth something only where its digest is in the database."""

    token: str = field(repr=False)

    @property
    def sha256_hex(self) -> str:
        """Under which it is kept."""
        return sha256(self.token.encode(errors="replace")).hexdigest()


@dataclass(frozen=True)
class Shown:
    """Who showed how and when who they are, and for which version of a request."""

    person_id: str
    version: int
    method: str
    at: datetime


def against(
    proof: Proof | None, shown: Shown | None, *, person: str, version: int, now: datetime
) -> Reason | None:
    """Why this is no proof for what a person does to a request in this version; None where it is.

    `shown` is what is kept of it, None for nothing.
    """
    if proof is None:
        return Reason(
            "proof-missing",
            Sentence("Show that it is you: this is done with your password, typed now."),
            "proof",
        )
    fits = shown is not None and (shown.person_id, shown.version) == (person, version)
    if fits and shown is not None and abs(now - shown.at) <= FRESH:
        return None
    return Reason(
        "proof-unfit",
        Sentence(
            "What shows that it is you is too old, used, or of another person, request or version: type the"
            " password anew."
        ),
        "proof",
    )


def forget_proofs(session: Session, people: Collection[str]) -> None:
    """What these people showed is void."""
    session.execute(delete(ProofRow).where(ProofRow.person_id.in_(people)))
