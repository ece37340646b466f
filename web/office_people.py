"""The people of the office: who has which role, since when and by whom; granting and ending; passwords."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked
from web.csv_answer import LISTS, Cell, csv_answer
from web.overseeing import Overseeing
from web.step_up import surely
from workflow import roles, staff
from workflow.errors import Refused, WorkflowError
from workflow.office import Office
from workflow.one_time_codes import CodesRefused
from workflow.passwords import PasswordRefused
from workflow.roles import RoleRefused, Wanted
from workflow.staff import Reach, StaffMember
from workflow.tokens import TokenRefused

PAGE: Final = 50
EVERYWHERE: Final = "*"
_TAKEN_AWAY: Final = frozenset({"passkeys", "codes", "tokens"})
"""In place of a unit's name, for all of them."""
_COLUMNS = ("person", "name", "unit", "role", "role_in", "password")


@dataclass(frozen=True)
class Means:
    """What signs somebody in beside a password, and their programs: another password leaves it be."""

    passkeys: int
    codes: bool
    tokens: int

    def __bool__(self) -> bool:
        return bool(self.passkeys or self.codes or self.tokens)


@dataclass(frozen=True)
class PeoplePages(Overseeing):
    """The pages under /office/people."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/office/people", self._shown),
            self.door.get("/office/people.csv", self._csv),
            self.door.post("/office/people/password", self._password),
            self.door.post("/office/people/means", self._means),
            self.door.post("/office/people/roles", self._grant),
            self.door.post("/office/people/roles/end", self._end),
            self.door.get("/office/person", self._person),
        ]

    def _shown(self, asked: Asked) -> Response:
        reach, office = self.reach(asked), self.door.office
        search, after = asked.text("search").strip()[:100], asked.text("after")[:100]
        with office.store.read() as session:
            found = staff.staff(session, reach, search=search, after=after, limit=PAGE + 1)
        return self.answer(
            asked,
            "people.html",
            people=found[:PAGE],
            next=found[PAGE - 1].id if len(found) > PAGE else "",
            search=search,
        )

    def _csv(self, asked: Asked) -> Response:
        """Everybody with each of their roles, a line each: for a review of who may what."""
        reach = self.reach(asked)
        self.door.rates.require(asked.request, LISTS)
        name = f"people-{self.door.office.clock():%Y-%m-%d}.csv"
        return csv_answer(name, _COLUMNS, self._rows(reach))

    def _rows(self, reach: Reach) -> Iterator[tuple[Cell, ...]]:
        after = ""
        while True:
            with self.door.office.store.read() as session:
                found = staff.staff(session, reach, after=after, limit=500)
            if not found:
                return
            for one in found:
                password = "yes" if one.has_password else "no"
                for role, unit in one.roles:
                    yield one.id, one.name, one.unit, role, unit or EVERYWHERE, password
            after = found[-1].id

    # --- one of them

    def _person(self, asked: Asked) -> Response:
        return self._page(asked, asked.text("number")[:100])

    def _page(
        self,
        asked: Asked,
        number: str,
        *,
        given: str = "",
        meanwhile: bool = False,
        problem: WorkflowError | None = None,
        wanted: Wanted | None = None,
    ) -> Response:
        reach, office, administers = self.reach(asked), self.door.office, self.administers(asked)
        with office.store.read() as session:
            person = _found(staff.staff(session, reach, only=number, limit=1))
            held, history = roles.held(session, number), roles.history(session, number)
            units = roles.units(session, administers)
            swaps = staff.standing_in(session, office.newest_day, of=number)
            grantable = roles.grantable(session, asked.me.id, office.newest_day)
        return self.answer(
            asked,
            "person.html",
            status=409 if meanwhile else 422 if problem else 200,
            person=person,
            since=_since(office, number),
            meanwhile=meanwhile,
            held=[one for one in held if one.role in roles.ROLES],
            history=history,
            swaps=swaps,
            units=units,
            grantable=grantable,
            may_change=person.unit in administers and number != asked.me.id,
            may_everywhere=administers.everywhere,
            everywhere=EVERYWHERE,
            given=given,
            means=_means_of(office, number) if person.unit in administers else None,
            problem=problem,
            wanted=wanted,
            done=asked.text("done") if asked.request.method == "GET" else "",
        )

    def _password(self, asked: Asked) -> Response:
        """Give somebody a password, with which they choose their own; shown once, here."""
        self.reach(asked, administrator=True)
        person = asked.text("person")[:100]
        if person == asked.me.id:
            return self.door.see("/password")
        return surely(self.door, asked, lambda: self._given(asked, person))

    def _given(self, asked: Asked, person: str) -> Response:
        """One form gives one password: the page that shows it, loaded again, does not give another."""
        if "since" in asked.form and asked.typed("since") != _since(self.door.office, person):
            return self._page(asked, person, meanwhile=True)
        password = secrets.token_urlsafe(12)
        try:
            self.door.office.passwords.set(person, Secret(password), by=asked.me.id)
        except (PasswordRefused, Refused) as problem:
            return self._page(asked, person, problem=problem)
        return self._page(asked, person, given=password)

    def _means(self, asked: Asked) -> Response:
        """Take away all of somebody's passkeys, their codes, or the tokens of their programs."""
        self.reach(asked, administrator=True)
        person = asked.typed("person")[:100]
        if person == asked.me.id:
            return self.door.see("/account")
        return surely(self.door, asked, lambda: self._taken_away(asked, person))

    def _taken_away(self, asked: Asked, person: str) -> Response:
        """Raises HTTPException 404, of whoever is nobody's to them: so nobody learns what others have."""
        office, me, what = self.door.office, asked.me.id, asked.typed("what")
        with office.store.read() as session:
            _found(staff.staff(session, self.administers(asked), only=person, limit=1))
        if what not in _TAKEN_AWAY:
            raise HTTPException(404)
        try:
            if what == "passkeys":
                office.passkeys.remove(person, by=me)
            elif what == "codes":
                office.one_time_codes.remove(person, by=me)
            else:
                for one in office.tokens.usable(person):
                    office.tokens.revoke(one.id, by=me)
        except (PasswordRefused, CodesRefused, TokenRefused, Refused) as problem:
            return self._page(asked, person, problem=problem)
        return self.door.see("/office/person", number=person, done="taken")

    def _grant(self, asked: Asked) -> Response:
        return self._changed(asked, roles.grant, "granted")

    def _end(self, asked: Asked) -> Response:
        return self._changed(asked, roles.end, "ended")

    def _changed(self, asked: Asked, change: roles.Change, done: str) -> Response:
        self.reach(asked, administrator=True)
        return surely(self.door, asked, lambda: self._done(asked, change, done))

    def _done(self, asked: Asked, change: roles.Change, done: str) -> Response:
        office, unit = self.door.office, asked.typed("unit")
        wanted = Wanted(
            person=asked.typed("person")[:100],
            role=asked.typed("role")[:100],
            unit=None if unit == EVERYWHERE else unit,
            reason=asked.typed("reason").strip(),
        )
        try:
            with office.store.write() as session:
                change(session, wanted, by=asked.me.id, today=office.newest_day, now=office.clock())
        except RoleRefused as problem:
            return self._page(asked, wanted.person, problem=problem, wanted=wanted)
        return self.door.see("/office/person", number=wanted.person, done=done)


def _means_of(office: Office, person: str) -> Means:
    return Means(
        passkeys=len(office.passkeys.of(person)),
        codes=office.one_time_codes.left(person) is not None,
        tokens=len(office.tokens.usable(person)),
    )


def _found(people: list[StaffMember]) -> StaffMember:
    if not people:
        raise HTTPException(404)
    return people[0]


def _since(office: Office, person: str) -> str:
    """Since when they have this password, as the form that gives another one carries it; "" without one."""
    since = office.passwords.set_at(person)
    return "" if since is None else since.isoformat()
