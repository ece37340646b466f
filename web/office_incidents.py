"""What went wrong: automatic steps that were given up, or are tried again, and what to do about each."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked
from web.overseeing import Overseeing
from workflow.command_form import REQUEST_ID_MAX
from workflow.commands import Command
from workflow.definition_model import REPAIR
from workflow.digits import whole
from workflow.errors import Refused, WorkflowError
from workflow.incidents import listed, retried
from workflow.tables import Request


@dataclass(frozen=True)
class IncidentPages(Overseeing):
    """The pages under /office/incidents."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/office/incidents", self._shown),
            self.door.post("/office/incidents/repair", self._repair),
            self.door.post("/office/incidents/try", self._try),
        ]

    def _shown(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(self, asked: Asked, *, problem: WorkflowError | None = None) -> Response:
        self.reach(asked)
        office = self.door.office
        ended = asked.text("ended") == "yes"
        with office.store.read() as session:
            definition_of, now = office.engine.definition, office.clock()
            found = listed(
                session, definition_of=definition_of, now=now, with_resolved=ended, seen_by=asked.me.id
            )
            retries = office.jobs.retries(session)
            waiting = retried(session, retries, definition_of=definition_of, now=now, seen_by=asked.me.id)
        return self.answer(
            asked,
            "incidents.html",
            status=422 if problem else 200,
            incidents=[one for one in found if one.resolved_at is None],
            ended=[one for one in found if one.resolved_at is not None][::-1] if ended else None,
            retries=waiting,
            administers=self.administers(asked),
            problem=problem,
            reasons=problem.reasons if isinstance(problem, Refused) else (),
            done=asked.text("done") if asked.request.method == "GET" else "",
            key=asked.new_key(),
        )

    def _repair(self, asked: Asked) -> Response:
        """Have a step tried again: the engine says who may."""
        command = Command(
            REPAIR,
            asked.me.id,
            key=f"repair:{asked.text('key')[:60]}:{_number(asked)}",
            request_id=_number(asked),
        )
        try:
            self.door.office.engine.execute(command)
        except WorkflowError as problem:
            return self._page(asked, problem=problem)
        return self.door.see("/office/incidents", done="repaired")

    def _try(self, asked: Asked) -> Response:
        """Have what waits for its next try tried at once: of the units that they administer."""
        reach, office, number = self.reach(asked, administrator=True), self.door.office, _number(asked)
        with office.store.write() as session:
            if (request := session.get(Request, number)) is None or request.unit not in reach:
                raise HTTPException(404)
            done = office.jobs.try_now(session, [number])
        return self.door.see("/office/incidents", done="tried" if done else "past")


def _number(asked: Asked) -> int:
    number = whole(asked.text("request"), REQUEST_ID_MAX)
    if number is None:
        raise HTTPException(404)
    return number
