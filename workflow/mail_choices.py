"""Of what people want to hear by mail, how often, and in which language."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from languages import LANGUAGES
from wording import Sentence
from workflow.errors import Reason, Refused
from workflow.tables import MailChoice, Person

Own = Literal["each", "none"]
Work = Literal["daily", "each", "none"]
OWN: Final[tuple[Own, ...]] = get_args(Own)
WORK: Final[tuple[Work, ...]] = get_args(Work)
REPORTED: Final = "reported"
"""The kind of mail that says that a monthly report was sealed."""


@dataclass(frozen=True)
class Choice:
    """`own`: of one's own requests that came back, or ended; `work`: of what waits for one, or is nearly due;
    `reports`: that a monthly report was sealed which one may read.

    "each": at once, "daily": once a working day, "none". `language` "" is the office's.
    """

    own: str = "each"
    work: str = "daily"
    language: str = ""
    reports: str = "none"


def choice_of(session: Session, person: str) -> Choice:
    """What somebody has chosen, or what counts until they do."""
    row = session.get(MailChoice, person)
    return Choice() if row is None else Choice(row.own, row.work, row.language, row.reports)


def choose(session: Session, person: str, wanted: Choice) -> None:
    """Keep what somebody chose. Raises Refused with every field that is wrong."""
    wrong = [
        Reason("form", Sentence("Choose one of: {choices}.", choices=", ".join(allowed)), name)
        for name, value, allowed in (
            ("own", wanted.own, OWN),
            ("work", wanted.work, WORK),
            ("language", wanted.language, ("", *LANGUAGES)),
            ("reports", wanted.reports, OWN),
        )
        if value not in allowed
    ]
    if session.scalar(select(Person.id).where(Person.id == person, Person.active)) is None:
        wrong.append(Reason("form", Sentence("Nobody of this number works here."), "person"))
    if wrong:
        raise Refused(wrong)
    row = session.get(MailChoice, person)
    if row is None:
        row = MailChoice(person_id=person)
        session.add(row)
    row.own, row.work, row.language, row.reports = wanted.own, wanted.work, wanted.language, wanted.reports


def mail_row(
    person: str, kind: str, now: datetime, *, request_id: int | None = None, report_id: int | None = None
) -> dict[str, Any]:
    """A row of mail that is to be sent: about a request, a report, or what waits for somebody."""
    return {
        "person_id": person,
        "request_id": request_id,
        "report_id": report_id,
        "kind": kind,
        "made_at": now,
        "tries": 0,
        "next_at": now,
        "sent_at": None,
        "code": "",
    }


def in_language(choice: Choice, language: str) -> Choice:
    """The same, in the office's language where none was chosen."""
    return choice if choice.language else replace(choice, language=language)
