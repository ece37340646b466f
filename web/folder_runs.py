"""A go of the signing folder: asked for, released, followed, and what came of each.

What is done is done in the event loop of whichever process was asked for it; what is told comes from the
database. A page is told what happens as it happens, over a stream of events that goes on where it broke off;
without scripts one looks again.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from documents.words import mark
from problem import Problem
from watching.logs import note
from web.asked import Asked, Door
from web.folder_words import Group, groups_of, people_of, said_of
from web.languages import translations
from web.step_up import NOT_SHOWN, challenge, proof_of
from web.streams import Followed, Streams
from workflow import ceremonies
from workflow.asking import Given
from workflow.ceremonies import CeremonyOver
from workflow.digits import whole
from workflow.errors import Refused
from workflow.folder import Waiting, waiting_for, what_came
from workflow.passwords import NotAuthenticated
from workflow.proofs import Proof
from workflow.signing_run import Going, OfBrowser, OnPageAnswer, answer_of, not_as_seen, ready_of
from workflow.signing_runs import SigningRuns, given_up
from workflow.signing_state import SigningRun, Told
from workflow.throttle import Throttled
from workflow.words import process_words

log = logging.getLogger(__name__)
_DESCRIBED: Final = mark("signatures in Paraaf")
"""What a provider's page is told, after how many."""
LOOK_S: Final = 1.0
"""How often what was released is looked after, while somebody watches."""
POLL_S: Final = 0.25
"""How often it is looked whether another process has done something."""
WATCHED_S: Final = 300.0
"""After so long a stream ends, and the browser asks anew."""
_TONES: Final = ("bad", "mixed", "open", "good")
"""In this order results are told: first what somebody has to look at."""
EVENTS_MOST: Final = 999_999_999
ANSWERED: Final = "/folder/authorised"
"""Where a provider's page sends its answer; a provider is told so when an office is registered there."""


@dataclass
class FolderRuns:
    """The pages of goes; `_here` are those that this process is at."""

    door: Door
    _here: set["asyncio.Task[None]"] = field(default_factory=set)
    _streams: Streams = field(default_factory=Streams)

    @property
    def runs(self) -> SigningRuns:
        """What is kept of goes."""
        return self.door.office.signing_runs

    def routes(self) -> list[Route]:
        """Their addresses."""
        door = self.door
        return [
            door.stream("/folder/runs/{run}", self._show),
            door.stream("/folder/runs/{run}/events", self._events),
            door.post_async("/folder/runs/{run}/sign", self._sign),
            door.post_async("/folder/runs/{run}/passkey", self._passkey),
            door.post_async("/folder/runs/{run}/word", self._word),
            door.post("/folder/runs/{run}/give-up", self._give_up),
            door.stream(ANSWERED, self._answered),
        ]

    def begin(
        self, asked: Asked, chosen: Sequence[Waiting], seen: Mapping[int, int], *, gone: int = 0
    ) -> SigningRun:
        """Keep what was chosen, in the versions that were seen."""
        items = [replace(one, version=seen.get(one.request_id, one.version)) for one in chosen]
        against = {
            now.request_id: why
            for one, now in zip(items, chosen, strict=True)
            if (why := not_as_seen(now, one.version)) is not None
        }
        return self.runs.begin(asked.me.id, items, against, gone=gone)

    async def send_on(self, asked: Asked) -> SigningRun | None:
        """Begin a go with what was signed at a provider and not sent on; it asks nothing. None for none."""
        run = await run_in_threadpool(self._kept, asked)
        going = None if run is None else await self._taking(asked, run)
        if going is not None:
            self._begun(going.send_on())
        return run

    def _kept(self, asked: Asked) -> SigningRun | None:
        kept = [one for one in waiting_for(self.door.office, asked.me.id) if one.kept]
        return self.begin(asked, kept, {}) if kept else None

    def going(self, asked: Asked) -> list[SigningRun]:
        """Those of who asks that are on their way, and those that have just ended: as they stand now."""
        return [self._now(run) for run in self.runs.of(asked.me.id)]

    def _own_address(self, asked: Asked) -> str:
        """The office's own: as it is set, or else as it was asked for."""
        public = self.door.office.verify_url
        return public.removesuffix("/verify") if public else str(asked.request.base_url).rstrip("/")

    def _find(self, asked: Asked) -> SigningRun:
        run = self.runs.find(str(asked.request.path_params["run"]), asked.me.id)
        if run is None:
            raise HTTPException(404)
        return run

    # what one does

    async def _sign(self, asked: Asked) -> Response:
        """Show that it is they, and release; what was sent twice is done once."""
        run = await run_in_threadpool(self._find, asked)
        if run.idle:
            left, _ = await run_in_threadpool(ready_of, self.door.office, run)
            texts = texts_of(groups_of(left, asked.language))
            if not set(texts) <= set(asked.many("accepted")):
                return await self._page(asked, run, status=422, wrong="consent")
            try:
                proof = await run_in_threadpool(self._proof, asked, left)
            except (Refused, *NOT_SHOWN):
                return await self._page(asked, run, status=422, wrong="password")
            except Throttled as error:
                answer = await self._page(asked, run, status=429, wrong="throttled", after_s=error.after_s)
                answer.headers["Retry-After"] = str(error.after_s)
                return answer
            answer = self._see(run)
            if proof is not None:  # first: whoever is at it may be gone before it is done
                await run_in_threadpool(self.door.renew, asked, answer)
            await self._go(asked, run, proof)
            return answer
        return self._see(run)

    def _proof(self, asked: Asked, left: Sequence[Waiting]) -> Proof | None:
        """What shows that it is they, once for all that ask for it, in the versions that they have seen."""
        seen = _to_prove(left)
        if not seen:
            return None
        proof = proof_of(self.door.office, asked, seen)
        if proof is None:
            raise NotAuthenticated
        return proof

    async def _passkey(self, asked: Asked) -> Response:
        """Ask for a passkey, once for all that ask for it."""
        return await run_in_threadpool(self._challenge, asked)

    def _challenge(self, asked: Asked) -> Response:
        left, _ = ready_of(self.door.office, self._find(asked))
        return challenge(self.door.office, asked, _to_prove(left))

    async def _word(self, asked: Asked) -> Response:
        """What was typed for the key at the provider; it answers the question that the form showed alone."""
        run = await run_in_threadpool(self._find, asked)
        shown = run.stage == "asking" and asked.text("turn") == str(run.turn)
        if shown and run.question is not None and run.question.kind == "typed":
            send = bool(asked.text("send"))
            given = Given(asked.text("pin").strip()[:100], asked.text("code").strip()[:100], send)
            await self._answer(asked, run, given)
        return self._see(run)

    def _give_up(self, asked: Asked) -> Response:
        """Give up what is not released yet; while it is being released, it is too late."""
        run = self._find(asked)
        if run.stage == "chosen":
            self.runs.turn(run.id, run.turn, "given up")
        elif run.stage in ("broken", "asking"):
            self.runs.turn(run.id, run.turn, "over", refused=given_up())
        return self._see(run)

    async def _answered(self, asked: Asked) -> Response:
        """The browser comes back from the provider's page: the answer is good for the one who was asked."""
        query = dict(asked.request.query_params)
        try:
            begun = await run_in_threadpool(self._taken, asked, query.get("state", ""))
            run = await run_in_threadpool(self.runs.find, begun.data["run"], asked.me.id)
        except CeremonyOver:
            run = None
        if run is None or run.stage != "asking":
            return self.door.answer(asked, "folder_unasked.html", status=404)
        await self._answer(asked, run, answer_of(begun.data, query))
        return self._see(run)

    def _taken(self, asked: Asked, state: str) -> ceremonies.Ceremony:
        office = self.door.office
        with office.store.write() as session:
            now, bound = office.moment(session), asked.me.csrf
            return ceremonies.take(session, "provider", state, bound_to=bound, now=now)

    async def _go(self, asked: Asked, run: SigningRun, proof: Proof | None) -> None:
        going = await self._taking(asked, run)
        if going is not None:
            self._begun(going.go(proof))

    async def _answer(self, asked: Asked, run: SigningRun, given: Given | OnPageAnswer) -> None:
        going = await self._taking(asked, run)
        if going is not None:
            self._begun(going.answered(given))

    async def _taking(self, asked: Asked, run: SigningRun) -> Going | None:
        """The go, as this process's from now on; None where it is another's."""
        turn = await run_in_threadpool(self.runs.turn, run.id, run.turn, "going", held=True)
        if turn is None:
            return None
        say = translations(asked.language).gettext
        back = f"{self._own_address(asked)}{ANSWERED}"
        where = OfBrowser(asked.me.csrf, asked.language, back, say(_DESCRIBED))
        return Going(self.door.office, run, turn, where)

    def _begun(self, going: "Coroutine[Any, Any, None]") -> None:
        task = asyncio.ensure_future(going)
        self._here.add(task)  # the loop itself keeps no task from being forgotten
        task.add_done_callback(self._ended)

    def _ended(self, going: "asyncio.Task[None]") -> None:
        self._here.discard(going)
        if not going.cancelled() and (error := going.exception()) is not None:  # not even its end was kept
            note(log, logging.ERROR, "signing_run_failed", error=error)

    def _see(self, run: SigningRun) -> Response:
        return self.door.see(f"/folder/runs/{run.id}")

    # what is shown

    async def _show(self, asked: Asked) -> Response:
        run = await run_in_threadpool(self._looked, asked)
        return await self._page(asked, run)

    async def _page(
        self, asked: Asked, run: SigningRun, *, status: int = 200, wrong: str = "", after_s: int = 0
    ) -> Response:
        return await run_in_threadpool(self._drawn, asked, run, status, wrong, after_s)

    def _drawn(self, asked: Asked, run: SigningRun, status: int, wrong: str, after_s: int) -> Response:
        say, words = translations(asked.language).gettext, process_words(asked.language)
        left: list[Waiting] = []
        moved: dict[int, Problem] = {}
        if run.idle:
            left, moved = ready_of(self.door.office, run)
        told = run.told | {number: Told.refused(why) for number, why in moved.items()}
        groups = groups_of(left, asked.language)
        said = {number: said_of(one, say, words) for number, one in told.items()}
        return self.door.answer(
            asked,
            "folder_run.html",
            status=status,
            run=run,
            wrong=wrong,
            after_s=after_s,
            left=left,
            left_out=[one for one in run.items if told[one.request_id].state == "refused"],
            groups=groups,
            people=people_of(left),
            said=said,
            in_order=sorted(run.items, key=lambda one: _TONES.index(said[one.request_id].tone)),
            counts=counts(run),
            wrong_word=run.question.wrong if run.question is not None else None,
            texts=texts_of(groups),
            has_passkey=run.idle and bool(self.door.office.passkeys.of(run.actor)),
        )

    def _looked(self, asked: Asked) -> SigningRun:
        """As it stands, and what was released looked after."""
        return self._now(self._find(asked))

    def _now(self, run: SigningRun) -> SigningRun:
        if not self._look(run):
            return run
        return self.runs.find(run.id, run.actor) or run

    def _look(self, run: SigningRun) -> bool:
        """Look after what was released; whether there is news."""
        told, came = run.told, what_came(self.door.office, run.released) if run.released else {}
        news = {number: replace(told[number], came=now) for number, now in came.items()}
        news = {number: now for number, now in news.items() if now != told[number]}
        self.runs.tell(run.id, news)
        return bool(news)

    async def _events(self, asked: Asked) -> Response:
        await run_in_threadpool(self._find, asked)
        said = asked.request.headers.get("last-event-id") or asked.text("after")
        after = whole(said, EVENTS_MOST) or 0
        return StreamingResponse(
            self._stream(asked, after),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _stream(self, asked: Asked, after: int) -> AsyncIterator[str]:
        """What is not told yet, each as it stands now; then what happens, while its person is signed in and
        follows few enough."""
        with self._streams.following(asked.me.id) as followed:
            async for line in self._told(asked, after, followed):
                yield line

    async def _told(self, asked: Asked, after: int, followed: Followed) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        for _ in range(int(WATCHED_S / LOOK_S)):
            if followed.crowded_out:
                yield "event: crowded\ndata: {}\n\n"
                return
            if not await run_in_threadpool(self.door.sessions.goes_on, asked.me):
                return
            run = await run_in_threadpool(self._looked, asked)
            for event, line in _news(run, after, asked.language):
                after = event
                yield line
            if run.settled:
                yield f"event: end\nid: {after}\ndata: {json.dumps(counts(run))}\n\n"
                return
            yield ": here\n\n"
            await self._news_of(run.id, after)

    async def _news_of(self, number: str, after: int) -> None:
        """Wait for something to tell, or for the next look."""
        for _ in range(int(LOOK_S / POLL_S)):
            await asyncio.sleep(POLL_S)
            if await run_in_threadpool(self.runs.events, number) > after:
                return


def _to_prove(left: Sequence[Waiting]) -> dict[int, int]:
    """What asks for it that they show who they are, in the versions that they have seen."""
    return {one.request_id: one.version for one in left if one.proof}


def texts_of(groups: Sequence[Group]) -> dict[str, Group]:
    """What is accepted: each text once, by its digest."""
    return {one.text_sha256: one for one in groups if one.text is not None}


def counts(run: SigningRun) -> dict[str, int]:
    """How far it is: how many there are, were released, are sealed, were refused, are still under way; in
    halves of the way."""
    told, busy = list(run.told.values()), run.stage in ("going", "asking")
    return {
        "of": len(told),
        "released": sum(one.state == "released" for one in told),
        "sealed": sum(one.state == "released" and one.came == "sealed" for one in told),
        "refused": sum(one.state == "refused" or one.came in ("back", "moved") for one in told),
        "going": sum(
            one.came == "going" if one.state == "released" else one.state == "chosen" and busy for one in told
        ),
        "half": sum(
            (one.state != "chosen") + (one.state == "refused" or one.came != "going") for one in told
        ),
    }


def _news(run: SigningRun, after: int, language: str) -> list[tuple[int, str]]:
    """What happened after an event, in order, as it is sent: of one request as it stands now, or, as a turn,
    that the page itself is another."""
    say, words = translations(language).gettext, process_words(language)
    about: dict[str, Any] = {"stage": run.stage, **counts(run)}
    news: list[tuple[int, str, dict[str, Any]]] = []
    for one in run.items:
        if one.event > after:
            said = said_of(one.told, say, words)
            told = {"request": one.request_id, "tone": said.tone, "text": said.text, "hint": said.hint}
            news.append((one.event, "told", about | told))
    if run.turn > after:
        news.append((run.turn, "turn", about))
    return [
        (number, f"event: {kind}\nid: {number}\ndata: {json.dumps(data)}\n\n")
        for number, kind, data in sorted(news, key=lambda one: one[0])
    ]
