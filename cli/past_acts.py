"""How the sample people of an invented past go about a request: who does what, after which wait.

A request is a generator: it yields what is done when, and is told how the request stands then. All luck is
drawn from a seed, so that the same past comes of the same seed and the same day.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from cli.sample_papers import (
    CONTINUED,
    LANGUAGES,
    SIGNING,
    declaration_of,
    facts_of,
    plan_of,
    reasons_for,
)
from documents.register import Person, Register
from workflow.calendar import WorkingCalendar
from workflow.commands import Answer, Command, Submission
from workflow.definition_model import Definition, Trigger
from workflow.proofs import Proof

DECLARATION, PLAN = "employer-declaration", "team-action-plan"
PAPER: Final = "A0"
MANAGERS: Final = ("manager", "countersign", "second_wet_signature", "approve")
REQUESTERS: Final = ("request", "draft", "running")
SIGNERS: Final = ("sign", "wet_signature")
WAITS_H: Final[Mapping[str, float]] = {
    "request": 5,
    "manager": 6,
    "review": 4,
    "sign": 3.5,
    "countersign": 6,
    "printing": 4,
    "wet_signature": 16,
    "second_wet_signature": 12,
    "stamping": 5,
    "scanning": 8,
    "posting": 6,
    "draft": 6,
    "approve": 12,
    "running": 120,
}
"""Office hours in the mean until somebody takes up what waits in a state."""
TOUCH_MIN: Final[Mapping[str, float]] = {
    "request": 4,
    "manager": 3.5,
    "review": 6,
    "sign": 1.5,
    "countersign": 1.2,
    "printing": 3,
    "wet_signature": 2,
    "second_wet_signature": 2,
    "stamping": 1.5,
    "scanning": 3.5,
    "posting": 3,
    "draft": 12,
    "approve": 9,
    "running": 6,
}
"""Minutes in the mean that it takes then."""
QUICKER: Final[Mapping[str, float]] = {"A1": 0.9, "A3": 1.2, "A4": 0.5}
"""How long a signature waits and takes, beside the mean."""
RETURNED: Final[Mapping[str, float]] = {"manager": 0.12, "review": 0.07, "sign": 0.02, "approve": 0.1}
SUSPENDED, WITHDRAWN, GIVEN_BACK, LATER = 0.07, 0.12, 0.03, 0.3
REMARKS: Final = ("Please check the amounts against the pay slip.", "The start date is missing (sample).")


@dataclass(frozen=True)
class Standing:
    """How a request stands; `open` False once it has ended."""

    request_id: int
    state: str
    version: int
    open: bool


Done = tuple[Command, ...] | Answer


@dataclass(frozen=True)
class Act:
    """What is done at a time, and said then: commands to be done, or the answer to what was."""

    at: datetime
    done: Callable[[], Done]


Story = Generator[Act, Standing, None]


@dataclass
class Hands:
    """What the people of the past need of their office, beside the engine.

    `give` and `scan` do with the paper of a request what somebody does.
    """

    register: Register
    calendar: WorkingCalendar
    definition: Callable[[str, str], Definition]
    prove: Callable[[str, Mapping[int, int]], Proof]
    give: Callable[[int, str], Answer]
    scan: Callable[[int, str], Answer]
    luck: Random
    busy: dict[str, datetime] = field(default_factory=dict)
    """Until when each person has something in hand."""
    count: int = 0

    def day(self, at: datetime) -> date:
        """The office's day."""
        return at.astimezone(ZoneInfo(self.calendar.zone)).date()

    def later(self, at: datetime, mean: timedelta) -> datetime:
        """A time about so much office time later, in whole seconds."""
        waited = mean * self.luck.lognormvariate(-0.4, 0.9)
        return self.calendar.after_working(at, waited).replace(microsecond=0)

    def key(self) -> str:
        """Under which a command is sent."""
        self.count += 1
        return f"sample-past-{self.count}"

    def clerks(self) -> list[Person]:
        """Those who review."""
        return [one for one in self.register.people() if one.has_duty("clerk")]

    def signers(self, *barred: str) -> list[Person]:
        """Those who sign for the employer, without these."""
        people = self.register.people()
        return [one for one in people if one.has_duty("signer") and one.person_id not in barred]


class Life:
    """One request from when it is submitted; it goes on until it has ended, or the past has."""

    def __init__(self, hands: Hands, person: Person, key: str, variant: str, pace: float) -> None:
        self.hands, self.person = hands, person
        self.manager = person.manager_id or ""
        self.definition = hands.definition(key, variant)
        self.pace = pace  # of its unit and its time, beside the mean
        luck = hands.luck
        self.clerk = luck.choice(hands.clerks()).person_id
        self.signer = luck.choice(hands.signers(person.person_id, self.manager))
        self.takes_back = luck.choice(("manager", "review")) if luck.random() < WITHDRAWN else None
        self.follow_ups = luck.randrange(1, 4)
        self.returned: set[str] = set()
        self.data: dict[str, Any] = {}

    def told(self, at: datetime) -> Story:
        """What happens to it."""
        data = self._written(at)
        if data is None:
            return
        self.data = data
        language = self.hands.luck.choice(LANGUAGES)
        new = Submission(self.definition.key, self.definition.variant, language)
        submitted = self._command("submit", self.person.person_id, None, data=data, submission=new)
        standing = yield Act(at, lambda: (submitted,))
        while standing.open:
            at, standing = yield from self._step(at, standing)

    def _written(self, at: datetime) -> dict[str, Any] | None:
        register, today = self.hands.register, self.hands.day(at)
        if self.definition.key == PLAN:
            return plan_of(register, self.person, today, safety=self.hands.luck.random() < 0.3)
        return declaration_of(register, self.person, today)

    def _step(self, at: datetime, standing: Standing) -> Generator[Act, Standing, tuple[datetime, Standing]]:
        """Somebody takes up what waits, does it, and hands it on."""
        state, number, luck = standing.state, standing.request_id, self.hands.luck
        who, pace = self._who(state), self._pace(state)
        at = self.hands.later(at, timedelta(hours=WAITS_H[state] * pace * self.pace))
        if state == self.takes_back:
            return at, (yield self._act(at, "withdraw", self.person.person_id, number))
        at = max(at, self.hands.busy.get(who, at))
        if luck.random() < GIVEN_BACK:
            yield self._act(at, "claim", who, number)
            at = self.hands.later(at, timedelta(hours=1))
            return at, (yield self._act(at, "release", who, number))
        if luck.random() < LATER:
            yield self._act(at, "claim", who, number)
            at = self.hands.later(at, timedelta(minutes=40))
            standing = yield self._act(at, "start", who, number)
        else:
            taken = tuple(self._command(verb, who, number) for verb in ("claim", "start"))
            standing = yield Act(at, lambda: taken)
        if state == "review" and luck.random() < SUSPENDED:
            yield self._act(at, "suspend", who, number, remark="The pay desk is asked (sample).")
            at = self.hands.later(at, timedelta(hours=14))
            standing = yield self._act(at, "resume", who, number)
        minutes = TOUCH_MIN[state] * pace * luck.lognormvariate(-0.1, 0.45)
        at = (at + timedelta(minutes=minutes)).replace(microsecond=0)
        self.hands.busy[who] = at
        return at, (yield Act(at, partial(self._finish, at, who, standing)))

    def _act(self, at: datetime, trigger: str, who: str, number: int, **rest: Any) -> Act:
        command = self._command(trigger, who, number, **rest)
        return Act(at, lambda: (command,))

    def _who(self, state: str) -> str:
        if state in REQUESTERS:
            return self.person.person_id
        if state in MANAGERS or (state == "sign" and self.definition.key == PLAN):
            return self.manager
        return self.signer.person_id if state in SIGNERS else self.clerk

    def _pace(self, state: str) -> float:
        signs = state in ("sign", "countersign")
        return QUICKER.get(self.definition.variant, 1.0) if signs else 1.0

    def _finish(self, at: datetime, who: str, standing: Standing) -> Done:
        """What ends somebody's work on it."""
        state, number, luck = standing.state, standing.request_id, self.hands.luck
        triggers = self.definition.states[state].triggers
        if "return" in triggers and state not in self.returned and luck.random() < RETURNED.get(state, 0):
            self.returned.add(state)
            return (self._command("return", who, number, remark=luck.choice(REMARKS)),)
        if state == "running":
            return (self._followed_up(at, who, number),)
        trigger = next(iter(triggers.values()))
        if trigger.file == "given":
            return self.hands.give(number, who)
        if trigger.file == "scan":
            return self.hands.scan(number, who)
        return (self._forward(at, who, standing, trigger),)

    def _followed_up(self, at: datetime, who: str, number: int) -> Command:
        self.follow_ups -= 1
        if self.follow_ups < 0:
            return self._command("close", who, number)
        facts = facts_of(self.person.name, ("note",), self.hands.day(at))
        return self._command("follow_up", who, number, facts=facts)

    def _forward(self, at: datetime, who: str, standing: Standing, trigger: Trigger) -> Command:
        number, today = standing.request_id, self.hands.day(at)
        proof = None
        if trigger.consent is not None:
            proof = self.hands.prove(who, {number: standing.version})
        change = self._added(standing.state, today)
        self.data |= change
        return self._command(
            trigger.name,
            who,
            number,
            data=change,
            seen_version=standing.version,
            consent=trigger.consent,
            proof=proof,
            facts=facts_of(self.hands.register.person(who).name, trigger.record, today),
        )

    def _added(self, state: str, today: date) -> dict[str, Any]:
        """What the manager, or the clerk, puts to what was submitted."""
        if state == "manager" and self.data["employment"]["contract"] == "temporary":
            return {"continuation": CONTINUED}
        if state != "review":
            return {}
        signing = {"signing": {"name": self.signer.name, **SIGNING}}
        reasons = reasons_for(self.hands.register, self.person.person_id, {**self.data, **signing}, today)
        return {**signing, "reasons": reasons}

    def _command(self, trigger: str, who: str, number: int | None, **rest: Any) -> Command:
        return Command(trigger, who, self.hands.key(), number, **rest)
