"""Processes and how documents are signed: every version, as a drawing and as a table; every profile."""

from dataclasses import dataclass
from importlib.metadata import version

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked
from web.drawing import drawn
from web.overseeing import Overseeing
from workflow import staff
from workflow.definition_model import Definition
from workflow.pinned import pinned
from workflow.staff import Reach
from workflow.tables import ProfileCheck, Request
from workflow.words import process_words


@dataclass(frozen=True)
class Version:
    """A version of a process: `offered` for new requests; `open` requests run under it."""

    definition: Definition
    offered: bool
    open: int


@dataclass(frozen=True)
class ProcessPages(Overseeing):
    """The pages under /office/processes and /office/profiles."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/office/processes", self._all),
            self.door.get("/office/processes/{sha256}", self._one),
            self.door.get("/office/profiles", self._profiles),
        ]

    def _all(self, asked: Asked) -> Response:
        reach, office = self.reach(asked), self.door.office
        with office.store.read() as session:
            versions = self._versions(session, reach)
            unread = pinned(session, office.engine.definition).unread
            waiting = _open(session, reach)
            counted = staff.counts_all(session, asked.me.id, office.newest_day)
        return self.answer(
            asked,
            "processes.html",
            versions=versions,
            unread=[(sha256, waiting.get(sha256, 0)) for sha256 in unread],
            counted=counted,
            release=version("paraaf"),
        )

    def _versions(self, session: Session, reach: Reach) -> list[Version]:
        """Those of this release, and those that requests began with; the newest of each process first."""
        catalogue = self.door.office.catalogue
        offered = {one.sha256_hex for one in catalogue.offered}
        known = pinned(session, self.door.office.engine.definition).read | {
            one.sha256_hex: one for one in catalogue
        }
        counts = _open(session, reach)
        found = [Version(one, sha256 in offered, counts.get(sha256, 0)) for sha256, one in known.items()]
        return sorted(
            found,
            key=lambda one: (one.definition.key, one.definition.variant, -one.definition.version),
        )

    def _one(self, asked: Asked) -> Response:
        reach, office = self.reach(asked), self.door.office
        with office.store.read() as session:
            versions = self._versions(session, reach)
            counted = staff.counts_all(session, asked.me.id, office.newest_day)
        sha256 = asked.request.path_params["sha256"]
        found = next((one for one in versions if one.definition.sha256_hex == sha256), None)
        if found is None:
            raise HTTPException(404)
        return self.answer(
            asked,
            "process.html",
            version=found,
            counted=counted,
            one=found.definition,
            profile=office.profiles.get(found.definition.signing),
            drawing=drawn(found.definition, process_words(asked.language)),
        )

    def _profiles(self, asked: Asked) -> Response:
        self.reach(asked)
        office = self.door.office
        with office.store.read() as session:
            checks = {row.profile: row for row in session.scalars(select(ProfileCheck))}
            session.expunge_all()
        used: dict[str, list[Definition]] = {}
        for one in office.catalogue.offered:
            used.setdefault(one.signing, []).append(one)
        return self.answer(
            asked,
            "profiles.html",
            profiles=sorted(office.profiles.values(), key=lambda one: (one.name not in used, one.name)),
            used=used,
            checks=checks,
            development={
                one.name for one in office.profiles.values() if office.signing.uses_development_keys(one)
            },
        )


def _open(session: Session, reach: Reach) -> dict[str, int]:
    """How many requests of these units go on, by the digest of what they began with."""
    table = Request.table()
    query = (
        select(table.c.definition_sha256, func.count().label("many"))
        .where(table.c.closed_at.is_(None), reach.of(table.c.unit))
        .group_by(table.c.definition_sha256)
    )
    return {row.definition_sha256: row.many for row in session.execute(query)}
