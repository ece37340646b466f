"""Who looks after the office, and of which units: what every page under /office asks first."""

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.asked import Asked, Door
from workflow import staff
from workflow.staff import Reach


@dataclass(frozen=True)
class Overseeing:
    """Pages about the office itself. Whoever neither administers nor audits finds none of them."""

    door: Door

    def reach(self, asked: Asked, *, whole: bool = False, administrator: bool = False) -> Reach:
        """Of which units who asks may know. Raises HTTPException 404 for none; `whole`: for less than all."""
        office = self.door.office
        with office.store.read() as session:
            look = staff.administers if administrator else staff.oversees
            reach = look(session, asked.me.id, office.newest_day)
        if not reach or (whole and not reach.everywhere):
            raise HTTPException(404)
        return reach

    def answer(self, asked: Asked, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page for who asks; it knows whether they look after all units."""
        whole = self.reach(asked).everywhere
        return self.door.answer(asked, template, status=status, whole=whole, **context)

    def administers(self, asked: Asked) -> Reach:
        """Of which units who asks is an administrator: maybe of none."""
        office = self.door.office
        with office.store.read() as session:
            return staff.administers(session, asked.me.id, office.newest_day)
