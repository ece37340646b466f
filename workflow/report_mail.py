"""Who hears by mail that a monthly report was sealed: who may read it, and chose to.

Who looks after all units hears of the report of all together, and finds the others beside it; who looks after
some hears of each of theirs.
"""

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from workflow.mail_choices import REPORTED, choice_of, mail_row
from workflow.staff import Reach, oversees
from workflow.tables import MailChoice, MailRow, MonitoringReport, Person


def tell_of_report(session: Session, report: int, unit: str | None, *, today: date, now: datetime) -> None:
    """Make the mail that says that a report is there; `unit` None: of all units together."""
    rows = [mail_row(one, REPORTED, now, report_id=report) for one in _who(session, unit, today)]
    if rows:
        session.execute(insert(MailRow), rows)


def report_told(session: Session, report: int, person: str, today: date) -> tuple[str, str | None] | None:
    """The report's month and unit; None where they may read it no more, or want no such mail."""
    table = MonitoringReport.table().c
    query = select(table.month, table.unit).where(table.id == report)  # not its file
    row = session.execute(query).one_or_none()
    if row is None or choice_of(session, person).reports == "none":
        return None
    unit = row.unit or None
    return (row.month, unit) if _hears(oversees(session, person, today), unit) else None


def _who(session: Session, unit: str | None, today: date) -> Iterator[str]:
    wanting = (
        select(Person.id)
        .join(MailChoice, MailChoice.person_id == Person.id)
        .where(Person.active, Person.email.is_not(None), MailChoice.reports == "each")
        .order_by(Person.id)
    )
    for person in session.scalars(wanting).all():
        if _hears(oversees(session, person, today), unit):
            yield person


def _hears(reach: Reach, unit: str | None) -> bool:
    return unit is None if reach.everywhere else unit in reach.units
