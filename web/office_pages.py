"""The office itself, for those who look after it: people, what went wrong, processes, what is kept, the log.

Administrators and auditors see these pages, each of the units that they were given; whoever is neither is
told the same as of an address that there is not. Auditors change nothing.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked, Door
from web.rates import Rate
from workflow import anchors, staff
from workflow.command_form import REQUEST_ID_MAX
from workflow.commands import Command
from workflow.definition_model import REPAIR
from workflow.definition_show import as_json
from workflow.digits import whole
from workflow.errors import Refused, WorkflowError
from workflow.incidents import listed, retried
from workflow.logcheck import verify
from workflow.logexport import Export
from workflow.passwords import PasswordRefused
from workflow.staff import Reach
from workflow.tables import ProfileCheck

PAGE: Final = 50
KEEPING_DAYS: Final = 30
CHECKS: Final = Rate("log-checks", 6, 600.0)
"""A check reads the whole log."""
EXPORTS: Final = Rate("exports", 6, 600.0)


@dataclass(frozen=True)
class OfficePages:
    """The pages under /office."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        door = self.door
        return [
            door.get("/office", self._rooms),
            door.get("/office/people", self._people),
            door.post("/office/people/password", self._password),
            door.get("/office/incidents", self._incidents),
            door.post("/office/incidents/repair", self._repair),
            door.get("/office/processes", self._processes),
            door.get("/office/keeping", self._keeping),
            door.get("/office/log", self._log),
            door.post("/office/log/check", self._check),
            door.get("/office/log/events", self._export),
        ]

    # --- who may

    def _reach(self, asked: Asked, *, whole: bool = False, administrator: bool = False) -> Reach:
        """Of which units who asks may know. Raises HTTPException 404 for none; `whole`: for less than all."""
        office = self.door.office
        with office.store.read() as session:
            look = staff.administers if administrator else staff.oversees
            reach = look(session, asked.me.id, office.newest_day)
        if not reach or (whole and not reach.everywhere):
            raise HTTPException(404)
        return reach

    def _rooms(self, asked: Asked) -> Response:
        reach = self._reach(asked)
        return self.door.answer(asked, "office.html", whole=reach.everywhere)

    # --- people

    def _people(self, asked: Asked) -> Response:
        return self._listed(asked)

    def _listed(
        self, asked: Asked, *, given: tuple[str, str] | None = None, problem: WorkflowError | None = None
    ) -> Response:
        office, reach = self.door.office, self._reach(asked)
        search, after = asked.text("search").strip()[:100], asked.text("after")[:100]
        with office.store.read() as session:
            found = staff.staff(session, reach, search=search, after=after, limit=PAGE + 1)
            administers = staff.administers(session, asked.me.id, office.newest_day)
        return self.door.answer(
            asked,
            "people.html",
            status=422 if problem else 200,
            people=found[:PAGE],
            next=found[PAGE - 1].id if len(found) > PAGE else "",
            search=search,
            administers=administers,
            given=given,
            problem=problem,
            definitions=list(office.catalogue.offered),
        )

    def _password(self, asked: Asked) -> Response:
        """Give somebody a password, with which they choose their own; shown once, here."""
        self._reach(asked, administrator=True)
        person, password = asked.text("person")[:100], secrets.token_urlsafe(12)
        if person == asked.me.id:
            return self.door.see("/password")
        try:
            self.door.office.passwords.set(person, Secret(password), by=asked.me.id)
        except (PasswordRefused, Refused) as problem:
            return self._listed(asked, problem=problem)
        return self._listed(asked, given=(person, password))

    # --- what went wrong

    def _incidents(self, asked: Asked) -> Response:
        return self._troubles(asked)

    def _troubles(self, asked: Asked, *, problem: WorkflowError | None = None) -> Response:
        self._reach(asked)
        office = self.door.office
        with office.store.read() as session:
            definition_of, now = office.engine.definition, office.clock()
            found = listed(session, definition_of=definition_of, now=now, seen_by=asked.me.id)
            retries = office.jobs.retries(session)
            waiting = retried(session, retries, definition_of=definition_of, now=now, seen_by=asked.me.id)
        return self.door.answer(
            asked,
            "incidents.html",
            status=422 if problem else 200,
            incidents=found,
            retries=waiting,
            problem=problem,
            reasons=problem.reasons if isinstance(problem, Refused) else (),
            done=asked.text("done") if asked.request.method == "GET" else "",
            key=asked.new_key(),
        )

    def _repair(self, asked: Asked) -> Response:
        """Have a step tried again: the engine says who may."""
        number = whole(asked.text("request"), REQUEST_ID_MAX)
        if number is None:
            raise HTTPException(404)
        key = f"repair:{asked.text('key')[:60]}:{number}"
        command = Command(REPAIR, asked.me.id, key=key, request_id=number)
        try:
            self.door.office.engine.execute(command)
        except WorkflowError as problem:
            return self._troubles(asked, problem=problem)
        return self.door.see("/office/incidents", done="repaired")

    # --- processes

    def _processes(self, asked: Asked) -> Response:
        self._reach(asked)
        office = self.door.office
        with office.store.read() as session:
            checks = {row.profile: row for row in session.scalars(select(ProfileCheck))}
            session.expunge_all()
        return self.door.answer(
            asked,
            "processes.html",
            definitions=[(one, as_json(one)) for one in office.catalogue],
            offered={one.sha256_hex for one in office.catalogue.offered},
            profiles=list(office.profiles.values()),
            checks=checks,
        )

    # --- what is kept

    def _keeping(self, asked: Asked) -> Response:
        reach = self._reach(asked)
        preview = self.door.office.retention.preview(days=KEEPING_DAYS)
        return self.door.answer(
            asked,
            "keeping.html",
            days=KEEPING_DAYS,
            due=[one for one in preview.due if one.unit in reach],
            holds=preview.holds if reach.everywhere else (),
            destroyed=[one for one in preview.destroyed if one.unit in reach],
            preview=preview,
        )

    # --- the log

    def _log(self, asked: Asked) -> Response:
        return self._told(asked, report=None)

    def _told(self, asked: Asked, *, report: object) -> Response:
        self._reach(asked, whole=True)
        with self.door.office.store.read() as session:
            kept = sorted(anchors.kept(session), key=lambda one: one.made_at, reverse=True)[:PAGE]
            head = Export.begin(session, with_bodies=False).head
        return self.door.answer(asked, "log.html", anchors=kept, head=head, report=report)

    def _check(self, asked: Asked) -> Response:
        self._reach(asked, whole=True)
        self.door.rates.require(asked.request, CHECKS)
        office = self.door.office
        with office.store.read() as session:
            report = verify(session, trust=office.trust)
        return self._told(asked, report=report)

    def _export(self, asked: Asked) -> Response:
        """The events and anchors as lines of JSON, without who acted: to be verified anywhere."""
        self._reach(asked, whole=True)
        self.door.rates.require(asked.request, EXPORTS)
        name = f"events-{self.door.office.clock():%Y-%m-%d}.jsonl"
        return StreamingResponse(
            self._lines(),
            media_type="application/jsonl",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _lines(self) -> Iterator[bytes]:
        office = self.door.office
        with office.store.read() as session:
            yield from Export.begin(session, with_bodies=False).lines(now=office.clock())
