"""Any sequence of commands by any people leaves a legal state, four eyes kept, and a log that verifies.

`make test` plays 13 sequences of up to 30 commands, other ones each time; PARAAF_CAMPAIGN multiplies them.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from tests.campaign import times
from tests.databases import fresh
from tests.integration.engine_office import DECLARATION, PEOPLE, Office, entries, sections
from workflow.commands import Answer, StepResult, Submission
from workflow.conformance_report import Asked, of_office
from workflow.definition_errors import NoBranch
from workflow.errors import NotFound, Refused, StaleVersion
from workflow.judge import VERBS
from workflow.tables import Grant, Request, Task

VARIANTS = ("A0", "A1", "A3", "A4")
people = st.sampled_from(sorted({*PEOPLE, "nobody"}))
principals = st.none() | st.sampled_from(["manager", "clerk", "employee"])
WORKERS = ("manager", "manager2", "clerk", "clerk2", "signer", "signer2", "employee", "substitute")


class Sequences(RuleBasedStateMachine):
    """An office in which anybody tries anything, and now and then somebody does the right thing."""

    kind: ClassVar[str] = "sqlite"
    request: ClassVar[pytest.FixtureRequest]

    def __init__(self) -> None:
        super().__init__()
        self.left = ExitStack()
        folder = Path(self.left.enter_context(tempfile.TemporaryDirectory()))
        database = self.left.enter_context(fresh(self.kind, folder, Sequences.request))
        self.office = Office.open(folder, database.environ)
        self.left.callback(self.office.store.close)
        with self.office.store.write() as session:  # more people with two roles: more to go wrong
            for role in ("clerk", "signer"):
                session.add(Grant(person_id="manager", role=role, unit=None))
            session.add(Grant(person_id="substitute", role="clerk", unit=None))

    def teardown(self) -> None:
        self.left.close()

    @initialize(variant=st.sampled_from(VARIANTS), temporary=st.booleans())
    def first(self, variant: str, temporary: bool) -> None:
        self.temporary = temporary
        self.office.submit(variant, temporary=temporary)

    def numbers(self) -> list[int]:
        with self.office.store.read() as session:
            return list(session.scalars(select(Request.id)))

    def attempt(self, trigger: str, actor: str, number: int, **rest: Any) -> None:
        before = self.office.request(number)
        command = self.office.command(trigger, actor, number, **rest)
        can = None
        if not rest.get("data"):
            can = self._could(number, trigger, actor, rest.get("on_behalf_of"))
        try:
            answer = self.office.engine.execute(command)
        except (Refused, NotFound, StaleVersion):
            assert self.office.request(number).version == before.version
        else:
            assert answer.version == before.version + 1
            assert can is not False

    def _could(self, number: int, trigger: str, actor: str, principal: str | None) -> bool:
        try:
            return not self.office.engine.why_not(number, trigger, actor, principal)
        except NotFound:
            return False

    @rule(
        actor=people,
        principal=principals,
        trigger=st.sampled_from([*VERBS, "submit", "approve", "return", "sign", "withdraw", "rendered"]),
        typed=st.booleans(),
        pick=st.integers(0, 5),
    )
    def anybody_tries_anything(
        self, actor: str, principal: str | None, trigger: str, typed: bool, pick: int
    ) -> None:
        numbers = self.numbers()
        rest: dict[str, Any] = {"on_behalf_of": principal}
        if typed:
            rest |= {"remark": "Because.", "consent": None}
        self.attempt(trigger, actor, numbers[pick % len(numbers)], **rest)

    @rule(
        actor=st.sampled_from(WORKERS), principal=principals, pick=st.integers(0, 5), choose=st.integers(0, 5)
    )
    def somebody_tries_what_the_state_allows(
        self, actor: str, principal: str | None, pick: int, choose: int
    ) -> None:
        numbers = self.numbers()
        number = numbers[pick % len(numbers)]
        row = self.office.request(number)
        definition = self.office.catalogue.by_hash(row.definition_sha256)
        triggers = sorted(definition.states[row.state].triggers)
        if triggers:
            trigger = triggers[choose % len(triggers)]
            typed = entries(definition, row.state, trigger, temporary=self.temporary)
            self.attempt(trigger, actor, number, on_behalf_of=principal, **typed)

    @rule(variant=st.sampled_from(VARIANTS), actor=people)
    @precondition(lambda self: len(self.numbers()) < 4)
    def somebody_submits(self, variant: str, actor: str) -> None:
        definition = self.office.catalogue.get(DECLARATION, variant)
        data = sections(definition, definition.start, temporary=self.temporary)
        command = self.office.command("submit", actor, data=data, submission=Submission(DECLARATION, variant))
        result = self.office.engine.execute_batch([command, command])
        assert type(result[0]) is type(result[1])
        if isinstance(result[1], Answer):
            assert result[1].repeated

    @rule(outcome=st.sampled_from(["good", "failed", "bogus"]))
    @precondition(lambda self: self.office.deferred)
    def a_worker_ends_a_step(self, outcome: str) -> None:
        ref = self.office.deferred.pop(0)
        trigger = self.office.good(ref) if outcome == "good" else outcome
        row = self.office.request(ref.request_id)
        still_there = (row.state, row.step_seq) == (ref.state, ref.step_seq)
        try:
            with self.office.store.write() as session:
                seq = self.office.engine.finish_steps(session, [StepResult(ref, trigger)])[0]
        except NoBranch:
            self.office.deferred.append(ref)
        else:
            assert (seq is not None) == still_there

    @invariant()
    def states_are_legal(self) -> None:
        with self.office.store.read() as session:
            rows = list(session.scalars(select(Request)))
            tasks = list(session.scalars(select(Task)))
        open_tasks = {task.request_id: task for task in tasks if task.closed_at is None}
        jobs = {(ref.request_id, ref.state, ref.step_seq) for ref in self.office.deferred}
        for row in rows:
            state = self.office.catalogue.by_hash(row.definition_sha256).states[row.state]
            assert (row.id in open_tasks) == (state.role is not None)
            assert row.outcome == state.end
            assert (row.closed_at is not None) == (state.end is not None)
            assert ((row.id, row.state, row.step_seq) in jobs) == (state.auto is not None)
            assert row.version == len(self.office.records(row.id))

    @invariant()
    def four_eyes_are_kept(self) -> None:
        for number in self.numbers():
            definition = self.office.catalogue.by_hash(self.office.request(number).definition_sha256)
            acted: dict[str, set[str]] = {}
            for record in self.office.records(number):
                if record["channel"] == "person" and "trigger" in record and record["trigger"] != "withdraw":
                    body = record["body"]
                    acted.setdefault(record["from"], set()).update(
                        {body["actor"], body.get("on_behalf_of", body["actor"])}
                    )
            for name, state in definition.states.items():
                for other in state.not_by:
                    assert acted.get(name, set()).isdisjoint(acted.get(other, set()))

    @invariant()
    def the_log_verifies(self) -> None:
        assert self.office.report().ok

    @invariant()
    def none_deviates_from_its_definition(self) -> None:
        with self.office.store.read() as session:
            assert of_office(session, Asked()).deviations == []


class SequencesOnPostgresql(Sequences):
    kind = "postgresql"


@pytest.fixture(autouse=True)
def databases(request: pytest.FixtureRequest) -> None:
    Sequences.request = request


def sized(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


Sequences.TestCase.settings = sized(times(10))
SequencesOnPostgresql.TestCase.settings = sized(times(3))
TestSequences = pytest.mark.slow(Sequences.TestCase)
TestSequencesOnPostgresql = pytest.mark.slow(SequencesOnPostgresql.TestCase)
