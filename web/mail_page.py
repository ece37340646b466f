"""How often somebody wants mail, and in which language."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from workflow import staff
from workflow.mail_choices import Choice, choice_of, choose
from workflow.tables import Person


@dataclass(frozen=True)
class MailPage:
    """The page at /mail."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [self.door.get("/mail", self._shown), self.door.post("/mail", self._choose)]

    def _shown(self, asked: Asked) -> Response:
        office = self.door.office
        with office.store.read() as session:
            choice, email = choice_of(session, asked.me.id), session.get_one(Person, asked.me.id).email
            reach = staff.oversees(session, asked.me.id, office.newest_day)
        return self.door.answer(
            asked,
            "mail.html",
            choice=choice,
            email=email,
            sends=office.mail is not None,
            reads_reports=bool(reach),
            whole_office=reach.everywhere,
            done=asked.text("done"),
        )

    def _choose(self, asked: Asked) -> Response:
        with self.door.office.store.write() as session:
            reports = asked.text("reports") or choice_of(session, asked.me.id).reports
            wanted = Choice(asked.text("own"), asked.text("work"), asked.text("language"), reports)
            choose(session, asked.me.id, wanted)
        return self.door.see("/mail", done="kept")
