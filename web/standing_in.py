"""Who stands in for whom: people say it for themselves, administrators for those of their units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from web.step_up import surely
from workflow import staff
from workflow.errors import SubstitutionRefused
from workflow.substitutes import Substitution

FOUND_MOST: Final = 20
"""Of so many colleagues that a name finds one is chosen."""
_EVERYWHERE: Final = staff.Reach(everywhere=True, units=frozenset())


@dataclass(frozen=True)
class Found:
    """Whom a name or the beginning of a number finds; with `more`, others too."""

    people: list[staff.StaffMember]
    more: bool = False

    @classmethod
    def by(cls, session: Session, reach: staff.Reach, said: str, chosen: str, *, but: str = "") -> "Found":
        """By what was said; where nothing was, who was chosen."""
        found = staff.staff(session, reach, search=said or chosen, limit=FOUND_MOST + 2)
        if not said:
            return cls([one for one in found if chosen and one.id == chosen])
        others = [one for one in found if one.id != but]
        return cls(others[:FOUND_MOST], len(others) > FOUND_MOST)


@dataclass(frozen=True)
class StandingInPages:
    """The pages under /substitutes."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/substitutes", self._shown),
            self.door.post("/substitutes", self._name),
            self.door.post("/substitutes/end", self._end),
        ]

    def _shown(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(self, asked: Asked, *, wrong: str = "", problem: SubstitutionRefused | None = None) -> Response:
        office, me = self.door.office, asked.me
        today = office.newest_day
        typed = {name: asked.typed(name).strip()[:100] for name in _TYPED}
        typed |= {name: asked.text(name).strip()[:100] for name in _SEARCHED}
        with office.store.read() as session:
            reach = staff.administers(session, me.id, today)
            mine = staff.standing_in(session, today, of=me.id)
            others = staff.standing_in(session, today, reach=reach) if reach else []
            found = Found.by(session, _EVERYWHERE, typed["name"], typed["who"], but=me.id)
            principals = Found.by(session, reach, typed["whose"], typed["principal"])
            beyond = staff.roles_beyond(session, [one.principal_id for one in others], reach)
        return self.door.answer(
            asked,
            "substitutes.html",
            status=422 if wrong or problem else 200,
            mine=mine,
            others=[one for one in others if one not in mine],
            ends=[one for one in (*mine, *others) if _ends(one, me.id, others, beyond)],
            administers=bool(reach),
            roles=self._roles(asked, principals),
            everything=reach.everywhere or not principals.people,
            today=today,
            wrong=wrong,
            problem=problem,
            typed=typed,
            found=found,
            principals=principals,
            done=asked.text("done") if asked.request.method == "GET" else "",
        )

    def _roles(self, asked: Asked, principals: Found) -> list[str]:
        """In which roles somebody can stand in for those who were found, or else for who asks."""
        theirs = {role for one in principals.people for role, _ in one.roles} or asked.me.roles
        return sorted({role for one in self.door.office.catalogue.offered for role in one.roles} & theirs)

    def _name(self, asked: Asked) -> Response:
        """Who is named has all that they have who name them: whoever finds a screen open names nobody."""
        return surely(self.door, asked, lambda: self._named(asked))

    def _named(self, asked: Asked) -> Response:
        office = self.door.office
        first, last = _day(asked.text("first")), _day(asked.text("last"))
        if not asked.text("who"):
            return self._page(asked, wrong="who")
        if first is None or last is None:
            return self._page(asked, wrong="first" if first is None else "last")
        wanted = Substitution(
            asked.text("who").strip()[:100],
            asked.text("principal").strip()[:100] or asked.me.id,
            asked.text("role") or None,
            first,
            last,
        )
        try:
            with office.store.write() as session:
                staff.name_for(session, wanted, by=asked.me.id, today=office.newest_day, now=office.clock())
        except SubstitutionRefused as problem:
            return self._page(asked, problem=problem)
        return self.door.see("/substitutes", done="named")

    def _end(self, asked: Asked) -> Response:
        office = self.door.office
        try:
            with office.store.write() as session:
                staff.end_for(
                    session,
                    asked.text("who"),
                    asked.text("principal"),
                    asked.text("role") or None,
                    by=asked.me.id,
                    today=office.newest_day,
                    now=office.clock(),
                )
        except SubstitutionRefused as problem:
            return self._page(asked, problem=problem)
        return self.door.see("/substitutes", done="ended")


def _ends(
    one: staff.StandingIn, me: str, others: list[staff.StandingIn], beyond: Mapping[str, frozenset[str]]
) -> bool:
    """Whether who asks may end this standing in: `others` are of units that they administer, where some roles
    of principals reach `beyond`."""
    further = beyond.get(one.principal_id, frozenset())
    return one.principal_id == me or (
        one in others and (one.role not in further if one.role else not further)
    )


_SEARCHED: Final = ("name", "whose")
_TYPED: Final = ("who", "principal", "role", "first", "last")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
