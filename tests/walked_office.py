"""An office in which every page has something to show, for who looks at all of them in Chromium."""

import asyncio
from base64 import b32decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import delete
from starlette.applications import Starlette
from starlette.routing import Route

from signing.secret import Secret
from tests.desk_office import PASSWORD, browser_signed_in, served_app
from tests.folder_office import bring_to, free_port
from tests.looking import chromium
from tests.queue_office import OTHER_MANAGER, Hands, QueueOffice, employee_of
from tests.remote_office import by_pin, remote_office
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample, signers_stand_in
from throughput.monitor import Month
from throughput.monitor_settings import MonitorSettings
from throughput.month_table import Counted, Followed, month_told
from web.app import Desk
from web.signing_in import SamplePerson
from workflow.calendar import CALENDARS
from workflow.one_time_codes import _totp
from workflow.tables import Attempts, Grant, MonitoringMonth, PasskeyRow, Substitute

ADMINISTRATOR, AUDITOR = "P093", "P192"
FEW, NOTHING = "P008", "P012"
"""Managers of other units: with few requests in their queue, and with none."""
WITH_CODES = "P011"
IDENTITY = """[oidc]
issuer = "http://localhost:1"
client_id = "paraaf"
person = "sub"
name = "Example Bank"
"""


class Trying:
    """People as whom the office can be tried."""

    def people(self) -> Sequence[SamplePerson]:
        """A clerk and a signer."""
        return [SamplePerson(CLERK, "Clerk Sample", ("clerk",)), SamplePerson(SIGNER, "Signer", ("signer",))]

    def password(self, person: str) -> Secret | None:
        """Nobody is let in by it here."""
        return None


@dataclass
class Walked:
    """The office, its addresses, a browser, and a page of each person who looks."""

    sample: Sample
    url: str
    routes: frozenset[str]
    browser: Browser
    requests: dict[str, int]
    told: list[str] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, person: str) -> Page:
        """The page of somebody who has signed in; of a stranger for no name."""
        if person not in self.pages:
            context = self.context()
            page = browser_signed_in(context, self.sample.office, person) if person else context.new_page()
            self.pages[person] = page
        return self.pages[person]

    def context(self) -> BrowserContext:
        """A browser that has met nobody; what it is told on its console is kept."""
        context = self.browser.new_context(base_url=self.url)
        context.on("console", lambda message: self.told.append(message.text))
        context.on("weberror", lambda error: self.told.append(str(error.error)))
        return context

    def requester(self, state: str) -> str:
        """Who asked for the request that is in a state."""
        return self.sample.request(self.requests[state]).requester_id

    def forgive(self) -> None:
        """Have nobody wait for what was typed wrong."""
        with self.sample.office.store.write() as session:
            session.execute(delete(Attempts))


@contextmanager
def walked(folder: Path) -> Iterator[Walked]:
    """The office at work. Made first: with a browser there, no other loop runs."""
    port = free_port()
    url = f"http://localhost:{port}"
    environ = {"PARAAF_PUBLIC_URL": url, "PARAAF_OIDC_SECRET": "a secret for tests"}
    _fill_queues(folder)
    (folder / "identity.toml").write_text(IDENTITY, encoding="utf-8")
    with remote_office(folder, environ=environ) as sample:
        requests = _requests(sample)
        _people(sample)
        _months(sample)
        app = Desk(sample.office, samples=Trying()).app()
        assert isinstance(app, Starlette)
        routes = frozenset(
            one.path for one in app.routes if isinstance(one, Route) and "GET" in (one.methods or ())
        )
        with served_app(app, port=port), chromium() as browser:
            yield Walked(sample, url, routes, browser, requests)


def _fill_queues(folder: Path) -> None:
    """What has waited for days: past due, near, suspended, held, returned."""
    clock = Hands(datetime.now(UTC) - timedelta(days=6))
    office = QueueOffice(folder, clock=clock)
    numbers = office.crowd(20)
    office.do("claim", MANAGER, numbers[0])
    office.do("suspend", MANAGER, numbers[0], remark="The lender has to say which form.")
    office.do("claim", OTHER_MANAGER, numbers[2])
    office.do("return", MANAGER, numbers[3], remark="The start date is that of another contract.")
    clock.later(days=3)
    office.crowd(10, variant="A1")
    office.crowd(3, who=employee_of(office.sample.register, FEW))
    clock.later(days=2, hours=20)
    office.crowd(10, variant="A4")
    office.close()


def _months(sample: Sample) -> None:
    """Two months that are over, in one of which nearly all met the norm."""
    settings = MonitorSettings()
    zone = ZoneInfo(CALENDARS[settings.calendar].zone)
    for month, missed in ((Month(2026, 9), 9), (Month(2026, 10), 1)):
        begins, ends = month.begins(zone), month.next.begins(zone)
        cases = [Followed("Policy", begins, begins, "done", 3, int(n < missed), "plan") for n in range(40)]
        counted = Counted(cases, begins, ends)
        told = month_told(lambda _, month=counted: month, len(settings.norms)).to_json()
        row = {"month": str(month), "norms": settings.name, "told": told}
        sample.office.store.have_row(MonitoringMonth.table(), row)


def _requests(sample: Sample) -> dict[str, int]:
    """A request in each of some states."""
    requests = {
        "delivered": sample.submit("A3", temporary=True),
        "sign": sample.submit("A1"),
        "returned": sample.submit("A4"),
        "manager": sample.submit("A3", temporary=True),
        "review": sample.submit("A3"),
    }
    returned = requests["returned"]
    sample.do("return", MANAGER, returned, remark="Is this your address?\nPlease look.")
    employee = sample.request(returned).data["employee"]
    employee = {**employee, "address": "A street of an uncommonly-long-name-without-any-space 1"}
    sample.do("submit", sample.request(returned).requester_id, returned, data={"employee": employee})
    for state in ("sign", "review"):
        asyncio.run(sample.run_until(state, requests[state]))
    sample.do("claim", CLERK, requests["review"])
    for variant in ("A1", "A3", "A4", "A4-DUAL"):
        bring_to(sample, "sign", 2, variant)
    asyncio.run(_deliver(sample, requests["delivered"]))
    return requests


async def _deliver(sample: Sample, number: int) -> None:
    for state, person in (("sign", SIGNER), ("countersign", MANAGER)):
        await sample.run_until(state, number)
        async with sample.office.authorising() as authorising:
            await authorising.authorise(person, [number], by_pin)
    await sample.run_until("delivered", number)


def _people(sample: Sample) -> None:
    """An administrator who oversees everything; somebody with a passkey, somebody with codes."""
    office = sample.office
    with office.store.write() as session:
        session.execute(delete(Substitute))
        session.add_all(signers_stand_in(sample.today))  # once
        session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        session.add(
            PasskeyRow(
                credential_id="c" * 40,
                person_id=CLERK,
                handle="h",
                public_key=b"k",
                sign_count=0,
                name="My telephone",
                made_at=office.moment(session),
            )
        )
    office.passwords.set(WITH_CODES, Secret(PASSWORD), by=WITH_CODES)
    begun = office.one_time_codes.begin(WITH_CODES, bound_to="session")
    with office.store.read() as session:
        now = int(office.moment(session).timestamp())
    code = _totp(b32decode(begun.secret)).generate(now).decode()
    office.one_time_codes.confirm(WITH_CODES, begun.token, code, Secret(PASSWORD), bound_to="session")
