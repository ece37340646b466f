"""Who stands in for whom: people say it for themselves, administrators for those of their units."""

from dataclasses import dataclass
from datetime import date

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from workflow import staff
from workflow.errors import SubstitutionRefused
from workflow.substitutes import Substitution


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
        with office.store.read() as session:
            reach = staff.administers(session, me.id, today)
            mine = staff.standing_in(session, today, of=me.id)
            others = staff.standing_in(session, today, reach=reach) if reach else []
        definitions = list(office.catalogue.offered)
        return self.door.answer(
            asked,
            "substitutes.html",
            status=422 if wrong or problem else 200,
            mine=mine,
            others=[one for one in others if one not in mine],
            administers=bool(reach),
            roles=sorted({role for one in definitions for role in one.roles if role in me.roles}),
            definitions=definitions,
            today=today,
            wrong=wrong,
            problem=problem,
            typed={name: asked.typed(name) for name in ("who", "principal", "role", "first", "last")},
            done=asked.text("done") if asked.request.method == "GET" else "",
        )

    def _name(self, asked: Asked) -> Response:
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


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
