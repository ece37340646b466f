"""One go of a signing folder: what somebody chose, signed with one word of theirs, and what came of each.

  (1) chosen: nothing is released, and it can be given up
  (2) released: those that ask for a consent or a release alone, some in each transaction
  (3) those with keys at a provider, as `authorising` does it; its questions stand in `question` until they
      are answered, and nothing of a part is signed before
  (4) over: each has its outcome; what is sealed after that, the workers do

It lives in the event loop, and in memory: what it did is in the database. Who closes the page, or meets a
server that was started anew, finds in their folder what still waits, and what was signed and not sent on.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from problem import Problem
from signing.csc import Authorisation, CscClient, RemoteCredential
from watching.logs import note
from workflow import many
from workflow.asking import Answered, Asking, Given, OnDevice, OnPage, PersonsWord
from workflow.authorising import NothingToAuthorise, Outcome, Part
from workflow.commands import Answer
from workflow.errors import WorkflowError
from workflow.folder import Came, Waiting
from workflow.proofs import Proof

if TYPE_CHECKING:
    from workflow.office import Office

log = logging.getLogger(__name__)

PATIENCE_S: Final = 900.0
"""How long a question stands unanswered."""
_STEP: Final = 25  # released in one transaction, and told

Stage = Literal["chosen", "going", "asking", "over", "given up"]
State = Literal["chosen", "released", "refused"]


class GivenUp(WorkflowError):
    """The person gave it up before they authorised it: nothing was signed."""

    code: ClassVar[str] = "workflow-given-up"


class NobodyAnswered(WorkflowError):
    """A question stood unanswered for too long: nothing of it was signed."""

    code: ClassVar[str] = "workflow-nobody-answered"


class BrokenOff(WorkflowError):
    """Signing from a folder broke off for a reason that nobody foresaw; the log has it."""

    code: ClassVar[str] = "workflow-broken-off"


@dataclass(frozen=True)
class Told:
    """What is known of one: `problem` when it was refused, `came` once what was released is looked after."""

    state: State = "chosen"
    problem: Problem | None = None
    came: Came = "going"
    repeated: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.state == "refused" or (self.state == "released" and self.came != "going")


@dataclass(frozen=True)
class Event:
    """Something to tell whoever watches: of one request, or (None) that the stage is another."""

    id: int
    request_id: int | None


@dataclass
class SigningRun:
    """One go. `session` is the sign-in in which it was begun: a provider's answer comes back to it alone."""

    office: "Office"
    actor: str
    session: str = field(repr=False)
    items: tuple[Waiting, ...]
    language: str
    redirect_uri: str
    describe: str
    """What the provider's page is told: for how many signatures stands before it."""
    gone: int = 0
    """How many were chosen that wait for this person no more."""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    stage: Stage = "chosen"
    told: dict[int, Told] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    asking: Asking | None = None
    part: Part | None = None
    _answer: "asyncio.Future[Answered] | None" = None
    _task: "asyncio.Task[None] | None" = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.told |= {one.request_id: Told() for one in self.items}

    def leave_out(self, number: int, why: Problem) -> None:
        """Refuse one before anything begins."""
        self._end(number, Told("refused", why))

    # what the person does

    def go(self, proof: Proof | None) -> None:
        """Begin, once: what was sent twice is done once."""
        if self.stage == "chosen":
            self._turn("going")
            self._task = asyncio.ensure_future(self._go(proof))

    def give_up(self) -> None:
        """Give up what is not released yet."""
        if self.stage == "chosen":
            self._turn("given up")
        elif self.stage == "asking" and self._answer is not None and not self._answer.done():
            self._answer.set_exception(_given_up())
        elif isinstance(self.asking, OnDevice) and self._task is not None:
            self._task.cancel()

    def answer(self, given: Answered) -> None:
        """Answer the question that is asked."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(given)

    def is_answered_by(self, query: Mapping[str, str], session: str) -> bool:
        """Whether a query is the provider's answer to the question of this run, in this sign-in."""
        asking = self.asking
        return (
            session == self.session and isinstance(asking, OnPage) and asking.question.is_answered_by(query)
        )

    # what is known

    @property
    def to_do(self) -> list[Waiting]:
        """What is neither released nor refused yet."""
        return [one for one in self.items if self.told[one.request_id].state == "chosen"]

    @property
    def over(self) -> bool:
        """Whether all that can be released has been."""
        return self.stage in ("over", "given up")

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way in it, or it was never begun."""
        return self.over or self.stage == "chosen"

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be told."""
        return self.stage == "given up" or (
            self.stage == "over" and all(one.settled or one.state == "chosen" for one in self.told.values())
        )

    @property
    def released(self) -> list[Waiting]:
        """What was released, and is not known to have been sealed yet."""
        return [
            one
            for one in self.items
            if (told := self.told[one.request_id]).state == "released" and told.came in ("going", "stuck")
        ]

    def look(self, came: Mapping[int, Came]) -> None:
        """Take in what has become of what was released."""
        for number, now in came.items():
            self._tell(number, replace(self.told[number], came=now))

    async def news(self, after: int, *, patience_s: float) -> list[Event]:
        """What happened after an event: at once, or when something has, or nothing after so long."""
        if len(self.events) <= after:
            heard = self._news
            try:
                await asyncio.wait_for(heard.wait(), patience_s)
            except TimeoutError:
                return []
        return self.events[after:]

    # inside

    async def _go(self, proof: Proof | None) -> None:
        try:
            await self._release([one for one in self.to_do if one.way != "provider"], proof)
            await self._authorise([one for one in self.to_do if one.way == "provider"])
        except asyncio.CancelledError:  # while a device was waited for: nothing of it is signed
            self._refuse(_given_up())
        except Problem as problem:
            self._refuse(problem)
        except Exception as error:  # noqa: BLE001 (told on the page, and to the log)
            note(log, logging.ERROR, "signing_run_failed", error=error)
            self._refuse(_broken_off())
        finally:
            self._turn("over")

    async def _release(self, items: Sequence[Waiting], proof: Proof | None) -> None:
        """(2)"""
        commands = [
            one.command(self.actor, f"folder:{self.id}:{one.request_id}:{one.version}", proof)
            for one in items
        ]
        for start in range(0, len(commands), _STEP):
            some = commands[start : start + _STEP]
            answers = await asyncio.to_thread(many.do_all, self.office.engine, some)
            for command, answer in zip(some, answers, strict=True):
                told = Told("released") if isinstance(answer, Answer) else Told("refused", answer)
                self._end(command.request_id or 0, told)

    async def _authorise(self, items: Sequence[Waiting]) -> None:
        """(3)"""
        if not items:
            return
        async with self.office.authorising() as authorising:
            try:
                outcomes = await authorising.authorise(
                    self.actor,
                    [one.request_id for one in items],
                    self._word,
                    shown={one.sha256 for one in items},
                    consents=True,
                    through="page",
                    announce=self._announce,
                    tell=self._outcomes,
                )
            except NothingToAuthorise as error:
                self._refuse(error)
                return
        self._outcomes(outcomes)

    async def _word(
        self, client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
    ) -> Authorisation:
        word = PersonsWord(
            self._ask, lambda count: f"{count} × {self.describe}", self.redirect_uri, self.language
        )
        try:
            return await word(client, key, hashes, digest)
        finally:
            if self.asking is not None:
                self.asking = None
                self._turn("going")

    async def _ask(self, asking: Asking) -> Answered:
        """Have a question stand until it is answered. Raises GivenUp, NobodyAnswered."""
        self.asking = asking
        self._turn("asking")
        if isinstance(asking, OnDevice):
            return Given()
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._answer, PATIENCE_S)
        except TimeoutError:
            raise NobodyAnswered(
                "Nobody answered, so nothing was signed.", hint="Begin again when you have the time for it."
            ) from None
        finally:
            self.asking = self._answer = None
            self._turn("going")

    def _announce(self, part: Part) -> None:
        self.part = part

    def _outcomes(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            if not one.code:
                self._end(one.request_id, Told("released", repeated=one.repeated))
            else:
                problem = one.problem or NothingToAuthorise(one.message, hint=one.hint)
                self._end(one.request_id, Told("refused", problem, repeated=one.repeated))

    def _refuse(self, problem: Problem) -> None:
        """Of all that was not released or refused before."""
        for number, told in self.told.items():
            if told.state == "chosen":
                self._end(number, Told("refused", problem))

    def _end(self, number: int, told: Told) -> None:
        """What came of one, told once."""
        if self.told[number].state == "chosen":
            self._tell(number, told)

    def _tell(self, number: int, told: Told) -> None:
        if told != self.told[number]:
            self.told[number] = told
            self._happened(number)

    def _turn(self, stage: Stage) -> None:
        self.stage = stage
        self._happened(None)

    def _happened(self, number: int | None) -> None:
        self.events.append(Event(len(self.events) + 1, number))
        self._news.set()
        self._news = asyncio.Event()


def _given_up() -> GivenUp:
    return GivenUp("You gave it up, so nothing was signed.", hint="It waits in your folder as before.")


def _broken_off() -> BrokenOff:
    return BrokenOff(
        "It broke off for a reason that is not known here; the log has it.",
        hint="Look at your folder: what was done is not there any more, and the rest can be done again.",
    )
