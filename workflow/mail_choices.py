"""Of what people want to hear by mail, how often, and in which language."""

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

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


@dataclass(frozen=True)
class Choice:
    """`own`: of one's own requests that came back, or ended; `work`: of what waits for one, or is nearly due.

    "each": at once, "daily": once a working day, "none". `language` "" is the office's.
    """

    own: str = "each"
    work: str = "daily"
    language: str = ""


def choice_of(session: Session, person: str) -> Choice:
    """What somebody has chosen, or what counts until they do."""
    row = session.get(MailChoice, person)
    return Choice() if row is None else Choice(row.own, row.work, row.language)


def choose(session: Session, person: str, wanted: Choice) -> None:
    """Keep what somebody chose. Raises Refused with every field that is wrong."""
    wrong = [
        Reason("form", Sentence("Choose one of: {choices}.", choices=", ".join(allowed)), name)
        for name, value, allowed in (
            ("own", wanted.own, OWN),
            ("work", wanted.work, WORK),
            ("language", wanted.language, ("", *LANGUAGES)),
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
    row.own, row.work, row.language = wanted.own, wanted.work, wanted.language


def in_language(choice: Choice, language: str) -> Choice:
    """The same, in the office's language where none was chosen."""
    return choice if choice.language else replace(choice, language=language)
