"""An office with a full queue, for tests of its pages: many declarations that wait for one manager."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import httpx
import pytest

from documents.register import SAMPLE, Register
from tests.databases import fresh
from tests.steps_office import DECLARATION, MANAGER, QUICK, KeyedOffice, Sample, signers_stand_in
from workflow.commands import Answer, Command, Submission
from workflow.office import REGISTER_FILE
from workflow.people import update_people
from workflow.tables import Person

OTHER_MANAGER = "P005"  # of the same unit
EMPLOYEE = "P022"  # of the manager's team
TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # ten o'clock in the office


@dataclass
class Hands:
    """A clock that stands still until it is put on."""

    now: datetime = TUESDAY

    def __call__(self) -> datetime:
        return self.now

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@contextmanager
def queue_office(request: pytest.FixtureRequest, folder: Path) -> "Iterator[QueueOffice]":
    """Such an office in a new folder, on the kind of database that the request's parameter names."""
    folder.mkdir(mode=0o700)
    with fresh(request.param, folder, request) as database:
        office = QueueOffice(folder, database.environ)
        yield office
        office.close()


def listed(page: httpx.Response) -> list[int]:
    """The requests in a list, in its order."""
    return [int(number) for number in re.findall(r'href="/requests/([0-9]+)" data-open', page.text)]


def link(page: httpx.Response, rel: str) -> str:
    """Where a list's next page is, or the one before."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page.text)
    assert found is not None, page.text
    return found[1].replace("&amp;", "&")


class QueueOffice:
    """Sample people in an office whose clock the test has in its hands."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str] | None = None, *, clock: Hands | None = None
    ) -> None:
        self.clock = clock or Hands()
        copyfile(SAMPLE, folder / REGISTER_FILE)
        office = KeyedOffice.open(folder, clock=self.clock, environ=environ or {}, patience=QUICK)
        self.sample = Sample(office)
        with office.store.write() as session:
            update_people(session, self.sample.register, now=self.clock())
            session.add_all(signers_stand_in(self.sample.today))
        self.office = office

    def crowd(self, count: int, *, variant: str = "A3", prefix: str = "C", who: str = EMPLOYEE) -> list[int]:
        """So many declarations of one person, which wait for the manager."""
        data = self.sample.register.prefill(who, on=self.sample.today)
        first = len(self.sample.requests())  # no reference is used twice
        commands = [
            Command(
                "submit",
                who,
                f"crowd-{first + number}",
                data=data,
                submission=Submission(DECLARATION, variant, "en", f"{prefix}-{first + number:04}"),
                channel="program",
            )
            for number in range(count)
        ]
        answers = self.office.engine.execute_batch(commands)
        assert all(isinstance(one, Answer) for one in answers), answers[:1]
        return [one.request_id for one in answers if isinstance(one, Answer)]

    def clear(self) -> None:
        """Have nothing wait for anybody, on the first morning again."""
        self.clock.now = TUESDAY
        self.call(EMPLOYEE, self.sample.register.person(EMPLOYEE).name)
        for request in self.sample.requests():
            if request.closed_at is None:
                self.do("withdraw", request.requester_id, request.id)

    def do(self, trigger: str, actor: str, number: int, **rest: Any) -> int:
        return self.sample.do(trigger, actor, number, **rest)

    def state(self, number: int) -> str:
        return self.sample.request(number).state

    def waiting(self, person: str = MANAGER) -> list[int]:
        """The requests in somebody's queue, in its order."""
        return [item.request_id for item in self.office.engine.queue(person).items]

    def call(self, person: str, name: str) -> None:
        """Have somebody be called otherwise."""
        with self.office.store.write() as session:
            session.get_one(Person, person).name = name

    def close(self) -> None:
        self.office.close()


def employee_of(register: Register, manager: str) -> str:
    """Somebody with a permanent contract whom this person manages."""
    return next(
        one.person_id
        for one in register.people()
        if (one.manager_id, one.contract, one.duties) == (manager, "permanent", None)
    )
