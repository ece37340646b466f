"""A go through a signing folder, while a process is at it: what was chosen, signed with one word.

  (1) what was sent before is told, and what has changed is left out
  (2) those that ask for a consent or a release alone, some in each transaction
  (3) those with keys at a provider, as `authorising` does it; where the person has to answer, their question
      is kept and this ends: whichever process is given the answer begins again at (1), and signs with it
  (4) over: each has its outcome; what is sealed after that, the workers do

It lives in the event loop; what it did is in the database (`signing_runs`). What is answered lives in memory
alone.
"""

import asyncio
import logging
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from problem import Problem
from signing.csc import Authorisation, CscClient, Question, RemoteCredential, Secret
from watching.logs import note
from workflow import ceremonies, many, signing_runs
from workflow.asking import Answered, Asking, Given, OnDevice, OnPage, PersonsWord, Typed
from workflow.authorising import NothingToAuthorise, Outcome, Part, Word
from workflow.commands import Answer
from workflow.errors import Raced, StaleVersion, StoreUnavailable, WorkflowError
from workflow.faults import point
from workflow.folder import Waiting, waiting_for
from workflow.proofs import Proof
from workflow.signing_runs import key_of
from workflow.signing_state import Question as Kept
from workflow.signing_state import SigningRun, Stage, Told
from workflow.words import story_of

if TYPE_CHECKING:
    from workflow.office import Office

log = logging.getLogger(__name__)

_STEP: Final = 25  # released in one transaction, and told
_BEATS: Final = 5
"""How often its process says so before nobody would believe it any more."""


class BrokenOff(WorkflowError):
    """Signing from a folder broke off for a reason that nobody foresaw; the log has it."""

    code: ClassVar[str] = "workflow-broken-off"


class _Asks(Exception):
    """A question that its person has to answer; what was asked before is done."""

    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self.asking = asking


class _Lost(Exception):
    """Another process goes on with it, or its person gave it up."""


@dataclass(frozen=True)
class OfBrowser:
    """Where its person is asked: the sign-in that an answer comes back to, how they are told, and where a
    provider's page leads back to. `describe` is what that page is told."""

    session: str = field(repr=False)
    language: str
    redirect_uri: str
    describe: str


@dataclass(frozen=True)
class OnPageAnswer:
    """What came back from a provider's page, and the question that it answers."""

    question: Question = field(repr=False)
    query: Mapping[str, str] = field(repr=False)


@dataclass
class Going:
    """A go, from the turn on at which this process took it."""

    office: "Office"
    run: SigningRun
    turn: int
    where: OfBrowser
    part: Part | None = None
    _turning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whether it is still held is never asked by a turn that is just being replaced."""

    async def go(self, proof: Proof | None) -> None:
        """Release all that is left, until something is asked or nothing is left."""

        async def go() -> None:
            left = await self._ready()
            await self._release([one for one in left if one.way != "provider"], proof)
            await self._authorise([one for one in left if one.way == "provider"], self._asked_by(None))

        await self._held(go)

    async def send_on(self) -> None:
        """Bring on what is signed at the provider. It was accepted then, and nothing is now: so nobody is
        asked for a word, also where a signature turns out not to be there any more."""

        async def go() -> None:
            await self._authorise(await self._ready(), _no_word)

        await self._held(go)

    async def answered(self, answer: Given | OnPageAnswer) -> None:
        """Sign what was asked for with what was answered, then go on with the rest."""

        async def go() -> None:
            left = await self._ready()
            question = self.run.question
            asked = set(question.request_ids) if question is not None else set()
            now = [one for one in left if one.request_id in asked]
            word = self._redeeming(answer) if isinstance(answer, OnPageAnswer) else self._asked_by(answer)
            await self._authorise(now, word)
            rest = [one for one in left if one.request_id not in asked]
            await self._authorise(rest, self._asked_by(None))

        await self._held(go)

    # how it ends

    async def _held(self, act: Callable[[], Awaitable[None]]) -> None:
        runs = self.office.signing_runs
        refused: Problem = _moved()
        try:
            async with self._beating():
                await act()
        except _Asks as asks:
            await asyncio.to_thread(self._keep, asks.asking)
            return
        except _Lost:
            return
        except asyncio.CancelledError:  # this process ends
            runs.turn(self.run.id, self.turn, "broken")
            raise
        except Problem as problem:
            refused = problem
        except Exception as error:  # noqa: BLE001 (told on the page, and to the log)
            note(log, logging.ERROR, "signing_run_failed", error=error)
            refused = _broken_off()
        await asyncio.to_thread(runs.turn, self.run.id, self.turn, "over", refused=refused)

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Say again and again that somebody is at it; who has lost it goes no further."""
        here = asyncio.current_task()
        lost = False

        async def beat() -> None:
            nonlocal lost
            while True:
                await asyncio.sleep(signing_runs.HELD.total_seconds() / _BEATS)
                with suppress(StoreUnavailable):
                    async with self._turning:
                        hold = self.office.signing_runs.hold
                        lost = not await asyncio.to_thread(hold, self.run.id, self.turn)
                if lost and here is not None:
                    here.cancel()
                    return

        beats = asyncio.create_task(beat())
        try:
            yield
        except asyncio.CancelledError:
            if lost:
                raise _Lost from None
            raise
        finally:
            beats.cancel()

    def _keep(self, asking: Asking) -> None:
        """Have the question stand, and who answers it on a provider's page be known by that."""
        office, runs = self.office, self.office.signing_runs
        if isinstance(asking, OnPage):
            with office.store.write() as session:
                ceremonies.begin(
                    session,
                    "provider",
                    bound_to=self.where.session,
                    now=office.moment(session),
                    person=self.run.actor,
                    data={"run": self.run.id, **_as_json(asking.question)},
                    token=asking.question.state,
                )
        runs.turn(self.run.id, self.turn, "asking", question=self._question(asking))

    def _question(self, asking: Asking) -> Kept:
        part = self.part
        assert part is not None  # noqa: S101 (it is announced before it is asked)
        before = self.run.question.place if self.run.question is not None else 0
        again = isinstance(asking, Typed) and (asking.wrong is not None or asking.sent)
        place = before if again else before + 1
        of = max(place - 1 + part.of, self.run.question.of if again and self.run.question else 1)
        if isinstance(asking, OnPage):
            return Kept("page", part.request_ids, place, of, url=asking.url)
        if isinstance(asking, OnDevice):
            return Kept("device", part.request_ids, place, of)
        return Kept(
            "typed",
            part.request_ids,
            place,
            of,
            key=asking.key.description or asking.key.credential_id,
            pin=asking.pin,
            otp=asking.otp,
            wrong=None if asking.wrong is None else story_of(asking.wrong),
            sent=asking.sent,
        )

    # what is done

    async def _ready(self) -> list[Waiting]:
        """(1)"""
        return await asyncio.to_thread(self._looked_at)

    def _looked_at(self) -> list[Waiting]:
        runs, run = self.office.signing_runs, self.run
        runs.mark_sent(run.id)
        now = runs.find(run.id, run.actor)
        if now is None or now.turn != self.turn:
            raise _Lost
        left, moved = ready_of(self.office, now)
        runs.tell(run.id, {number: Told.refused(why) for number, why in moved.items()})
        return left

    async def _release(self, items: Sequence[Waiting], proof: Proof | None) -> None:
        """(2)"""
        run = self.run
        commands = [
            one.command(run.actor, key_of(run.id, one.request_id, one.version), proof) for one in items
        ]
        for start in range(0, len(commands), _STEP):
            some = commands[start : start + _STEP]
            answers = await asyncio.to_thread(many.do_all, self.office.engine, some)
            point("folder.released")
            told = {
                command.request_id or 0: Told("released")
                if isinstance(answer, Answer)
                else Told.refused(answer)
                for command, answer in zip(some, answers, strict=True)
            }
            await asyncio.to_thread(self.office.signing_runs.tell, run.id, told)

    async def _authorise(self, items: Sequence[Waiting], word: Word) -> None:
        """(3) Raises _Asks, and a Problem when the person's word was not had."""
        if not items:
            return
        failed: list[Problem] = []

        async def kept(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            try:
                had = await word(client, key, hashes, digest)
            except Problem as problem:
                failed.append(problem)
                raise
            if not await asyncio.to_thread(self.office.signing_runs.hold, self.run.id, self.turn):
                raise _Lost  # while it was waited for, another process has gone on
            return had

        told: list[Outcome] = []
        async with self.office.authorising() as authorising:
            try:
                outcomes = await authorising.authorise(
                    self.run.actor,
                    [one.request_id for one in items],
                    kept,
                    shown={one.sha256 for one in items},
                    consents=True,
                    through="page",
                    announce=self._announce,
                    tell=told.extend,
                )
            finally:
                await asyncio.to_thread(self._tell, told)
        await asyncio.to_thread(self._tell, outcomes)
        if failed:  # whoever said no is not asked for the rest
            raise failed[0]

    def _asked_by(self, answer: Given | None) -> Word:
        """The person's word, by what they typed; where that is not known or was wrong, they are asked."""
        given = [] if answer is None else [answer]
        on_device = False

        async def ask(asking: Asking) -> Answered:
            nonlocal on_device
            if isinstance(asking, OnDevice):
                on_device = True
                await self._turn("asking", question=self._question(asking))
                return Given()
            if given and isinstance(asking, Typed):
                return given.pop()
            raise _Asks(asking)

        where = self.where
        word = PersonsWord(
            ask, lambda count: f"{count} × {where.describe}", where.redirect_uri, where.language
        )

        async def had(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            authorisation = await word(client, key, hashes, digest)
            if on_device:
                await self._turn("going")
            return authorisation

        return had

    def _redeeming(self, answer: OnPageAnswer) -> Word:
        """The word that was given on the provider's page, for just what was asked there."""

        async def redeemed(
            client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
        ) -> Authorisation:
            question = answer.question
            if (key.credential_id, digest) != (question.credential_id, question.digest) or not set(
                hashes
            ) <= set(question.hashes):
                raise _anew()
            return await client.redeem(question, answer.query)

        return redeemed

    async def _turn(self, stage: Stage, question: Kept | None = None) -> None:
        async with self._turning:
            turn = await asyncio.to_thread(
                self.office.signing_runs.turn, self.run.id, self.turn, stage, held=True, question=question
            )
            if turn is None:
                raise _Lost
            self.turn = turn

    def _announce(self, part: Part) -> None:
        self.part = part

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        told = {}
        for one in outcomes:
            if not one.code:
                told[one.request_id] = Told("released", repeated=one.repeated)
            else:
                problem = one.problem or NothingToAuthorise(one.message, hint=one.hint)
                told[one.request_id] = Told.refused(problem, repeated=one.repeated)
        self.office.signing_runs.tell(self.run.id, told)


def ready_of(office: "Office", run: SigningRun) -> tuple[list[Waiting], dict[int, Problem]]:
    """What is left of a go and can be signed as it was chosen; and why the others can't, by their numbers."""
    left = {one.request_id: one for one in run.items if one.told.state == "chosen"}
    here = {one.request_id: one for one in waiting_for(office, run.actor, left)} if left else {}
    ready: list[Waiting] = []
    moved: dict[int, Problem] = {}
    for number, chosen in left.items():
        now = here.get(number)
        if now is None:
            moved[number] = _moved()
        elif (why := not_as_seen(now, chosen.version)) is not None:
            moved[number] = why
        else:
            ready.append(now)
    return ready, moved


def not_as_seen(one: Waiting, version: int) -> Problem | None:
    """Why what somebody saw in this version can't be signed by them now."""
    if one.version != version:
        return StaleVersion(seen=version, version=one.version)
    return one.barred


def answer_of(data: Mapping[str, Any], query: Mapping[str, str]) -> OnPageAnswer:
    """What came back from a provider's page, with the question as it was kept."""
    question = Question(
        "credential",
        data["redirect_uri"],
        query.get("state", ""),
        Secret(data["verifier"]),
        data["credential_id"],
        tuple(b64decode(one) for one in data["hashes"]),
        data["digest"],
    )
    return OnPageAnswer(question, query)


def _as_json(question: Question) -> dict[str, Any]:
    """All of it but its state, which whoever answers it has."""
    return {
        "redirect_uri": question.redirect_uri,
        "verifier": question.verifier.reveal(),
        "credential_id": question.credential_id,
        "hashes": [b64encode(one).decode() for one in question.hashes],
        "digest": question.digest,
    }


async def _no_word(*_asked: object) -> Authorisation:
    raise _anew()


def _moved() -> Raced:
    return Raced("The request has moved on meanwhile.", hint="Look at it again.")


def _anew() -> Raced:
    return Raced("The signature was prepared anew meanwhile.", hint="Authorise it again.")


def _broken_off() -> BrokenOff:
    return BrokenOff(
        "It broke off for a reason that is not known here; the log has it.",
        hint="Look at your folder: what was done is not there any more, and the rest can be done again.",
    )
