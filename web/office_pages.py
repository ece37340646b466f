"""The office itself, for those who look after it: how it is doing, and where to go on.

Administrators and auditors see these pages, each of the units that they were given; whoever is neither is
told the same as of an address that there is not. Auditors change nothing.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from signing.errors import ProfileError
from throughput.monitor_settings import monitor_settings
from web.asked import Asked
from web.office_incidents import IncidentPages
from web.office_keeping import KeepingPages
from web.office_log import LogPages
from web.office_outgoing import OutgoingPages
from web.office_people import PeoplePages
from web.office_processes import ProcessPages
from web.overseeing import Overseeing
from web.rates import Rate
from workflow import checkup, preflight
from workflow.findings import Finding
from workflow.glance import glance, waiting
from workflow.office import Office

LOOKS: Final = Rate("checkups", 6, 600.0)
"""A checkup signs a sample under each profile."""


@dataclass(frozen=True)
class OfficePages(Overseeing):
    """The pages under /office."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        door = self.door
        return [
            door.get("/office", self._start),
            door.post("/office/check", self._check),
            *PeoplePages(door).routes(),
            *IncidentPages(door).routes(),
            *ProcessPages(door).routes(),
            *KeepingPages(door).routes(),
            *LogPages(door).routes(),
            *OutgoingPages(door).routes(),
        ]

    def _start(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(self, asked: Asked, findings: list[Finding] | None = None) -> Response:
        reach, office = self.reach(asked), self.door.office
        return self.answer(
            asked,
            "office.html",
            waiting=waiting(office, reach),
            glance=glance(office) if reach.everywhere else None,
            norms_wrong=_norms_wrong(office) if reach.everywhere else None,
            findings=findings,
        )

    def _check(self, asked: Asked) -> Response:
        """Look at everything that can be looked at while people work, as `paraaf check` does."""
        self.reach(asked, whole=True)
        self.door.rates.require(asked.request, LOOKS)
        office = self.door.office
        found = [*checkup.quick(office), *asyncio.run(preflight.look_at_all(office))]
        return self._page(asked, findings=found)


def _norms_wrong(office: Office) -> ProfileError | None:
    """Why nothing is told by month: a file of norms that can't be read."""
    try:
        monitor_settings(office.folder)
    except ProfileError as error:
        return error
    return None
