"""A go of the signing folder: asked for, released, followed, and what came of each.

It lives in the event loop. Its page is told what happens as it happens, over a stream of events that goes on
where it broke off; without scripts one looks again.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from documents.words import mark
from web.asked import Asked, Door
from web.folder_words import Group, groups_of, people_of, said_of
from web.languages import translations
from web.step_up import NOT_SHOWN, challenge, proof_of
from workflow.asking import Given, OnDevice, OnPage, Typed
from workflow.digits import whole
from workflow.errors import Refused, StaleVersion
from workflow.folder import Waiting, waiting_for, what_came
from workflow.passwords import NotAuthenticated
from workflow.proofs import Proof
from workflow.signing_run import Event, SigningRun
from workflow.signing_runs import SigningRuns
from workflow.throttle import Throttled
from workflow.words import process_words

_DESCRIBED: Final = mark("signatures in Paraaf")
"""What a provider's page is told, after how many."""
EVENTS_MOST: Final = 10**9 - 1
LOOK_S: Final = 1.0
"""How often what was released is looked after, while somebody watches."""
WATCHED_S: Final = 300.0
"""After so long a stream ends, and the browser asks anew."""
ANSWERED: Final = "/folder/authorised"
"""Where a provider's page sends its answer; a provider is told so when an office is registered there."""


@dataclass
class FolderRuns:
    """The pages of goes."""

    door: Door
    runs: SigningRuns = field(default_factory=SigningRuns)

    def routes(self) -> list[Route]:
        """Their addresses."""
        door = self.door
        return [
            door.stream("/folder/runs/{run}", self._show),
            door.stream("/folder/runs/{run}/events", self._events),
            door.post_async("/folder/runs/{run}/sign", self._sign),
            door.post_async("/folder/runs/{run}/passkey", self._passkey),
            door.post_async("/folder/runs/{run}/word", self._word),
            door.post_async("/folder/runs/{run}/give-up", self._give_up),
            door.stream(ANSWERED, self._answered),
        ]

    def begin(
        self, asked: Asked, chosen: Sequence[Waiting], seen: Mapping[int, int], *, gone: int = 0
    ) -> SigningRun:
        """Keep what was chosen, in the versions that were seen."""
        say = translations(asked.language).gettext
        items = tuple(replace(one, version=seen.get(one.request_id, one.version)) for one in chosen)
        run = SigningRun(
            self.door.office,
            asked.me.id,
            asked.me.csrf,
            items,
            language=asked.language,
            redirect_uri=f"{self._own_address(asked)}{ANSWERED}",
            describe=say(_DESCRIBED),
            gone=gone,
        )
        for one, now in zip(items, chosen, strict=True):
            if one.version != now.version:
                run.leave_out(one.request_id, StaleVersion(seen=one.version, version=now.version))
            elif now.barred is not None:
                run.leave_out(one.request_id, now.barred)
        self.runs.add(run)
        return run

    async def send_on(self, asked: Asked) -> SigningRun | None:
        """Begin a go with what was signed at a provider and not sent on; it asks nothing. None for none."""
        waiting = await run_in_threadpool(waiting_for, self.door.office, asked.me.id)
        kept = [one for one in waiting if one.kept]
        if not kept:
            return None
        run = self.begin(asked, kept, {})
        run.go(None)
        return run

    def going(self, asked: Asked) -> list[SigningRun]:
        """Those of who asks that are on their way."""
        return self.runs.of(asked.me.id)

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
        run = self._find(asked)
        if run.stage == "chosen":
            texts = texts_of(groups_of(run.to_do, asked.language))
            if not set(texts) <= set(asked.many("accepted")):
                return await self._page(asked, run, status=422, wrong="consent")
            try:
                proof = await run_in_threadpool(self._proof, asked, run)
            except (Refused, *NOT_SHOWN):
                return await self._page(asked, run, status=422, wrong="password")
            except Throttled as error:
                answer = await self._page(asked, run, status=429, wrong="throttled", after_s=error.after_s)
                answer.headers["Retry-After"] = str(error.after_s)
                return answer
            run.go(proof)
            if proof is not None:
                answer = self._see(run)
                await run_in_threadpool(self.door.renew, asked, answer)
                return answer
        return self._see(run)

    def _proof(self, asked: Asked, run: SigningRun) -> Proof | None:
        """What shows that it is they, once for all that ask for it, in the versions that they have seen."""
        seen = _to_prove(run)
        if not seen:
            return None
        proof = proof_of(self.door.office, asked, seen)
        if proof is None:
            raise NotAuthenticated
        return proof

    async def _passkey(self, asked: Asked) -> Response:
        """Ask for a passkey, once for all that ask for it."""
        run = self._find(asked)
        return await run_in_threadpool(challenge, self.door.office, asked, _to_prove(run))

    async def _word(self, asked: Asked) -> Response:
        """What was typed for the key at the provider."""
        run = self._find(asked)
        if isinstance(run.asking, Typed):
            send = bool(asked.text("send"))
            run.answer(Given(asked.text("pin").strip()[:100], asked.text("code").strip()[:100], send))
        return self._see(run)

    async def _give_up(self, asked: Asked) -> Response:
        run = self._find(asked)
        run.give_up()
        return self._see(run)

    async def _answered(self, asked: Asked) -> Response:
        """The browser comes back from the provider's page: the answer is good for the one who was asked."""
        query = dict(asked.request.query_params)
        run = self.runs.asked_by(query, asked.me.id, asked.me.csrf)
        if run is None:
            return self.door.answer(asked, "folder_unasked.html", status=404)
        run.answer(query)
        return self._see(run)

    def _see(self, run: SigningRun) -> Response:
        return self.door.see(f"/folder/runs/{run.id}")

    # what is shown

    async def _show(self, asked: Asked) -> Response:
        run = self._find(asked)
        await self._look(run)
        return await self._page(asked, run)

    async def _page(
        self, asked: Asked, run: SigningRun, *, status: int = 200, wrong: str = "", after_s: int = 0
    ) -> Response:
        return await run_in_threadpool(self._drawn, asked, run, status, wrong, after_s)

    def _drawn(self, asked: Asked, run: SigningRun, status: int, wrong: str, after_s: int) -> Response:
        say = translations(asked.language).gettext
        told, groups = dict(run.told), groups_of(run.to_do, asked.language)
        return self.door.answer(
            asked,
            "folder_run.html",
            status=status,
            run=run,
            wrong=wrong,
            after_s=after_s,
            left=run.to_do,
            left_out=[one for one in run.items if told[one.request_id].state == "refused"],
            groups=groups,
            people=people_of(run.to_do),
            said={number: said_of(one, say, process_words(asked.language)) for number, one in told.items()},
            counts=counts(run),
            on_page=run.asking if isinstance(run.asking, OnPage) else None,
            typed=run.asking if isinstance(run.asking, Typed) else None,
            on_device=isinstance(run.asking, OnDevice),
            texts=texts_of(groups),
            has_password=run.stage != "chosen" or self.door.office.passwords.has_one(run.actor),
            has_passkey=run.stage == "chosen" and bool(self.door.office.passkeys.of(run.actor)),
            last=len(run.events),
        )

    async def _look(self, run: SigningRun) -> None:
        """Look after what was released."""
        released = run.released
        if released:
            run.look(await run_in_threadpool(what_came, self.door.office, released))

    async def _events(self, asked: Asked) -> Response:
        run = self._find(asked)
        said = asked.request.headers.get("last-event-id") or asked.text("after")
        after = whole(said, EVENTS_MOST) or 0
        return StreamingResponse(
            self._stream(run, after, asked),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _stream(self, run: SigningRun, after: int, asked: Asked) -> AsyncIterator[str]:
        """What happens, for as long as its person is signed in."""
        yield "retry: 2000\n\n"
        for _ in range(int(WATCHED_S / LOOK_S)):
            if not await run_in_threadpool(self.door.sessions.goes_on, asked.me):
                return
            if run.over or run.stage == "going":
                await self._look(run)
            for event in await run.news(after, patience_s=LOOK_S):
                after = event.id
                yield _line(event, run, asked.language)
            if run.settled and after >= len(run.events):
                yield f"event: end\nid: {after}\ndata: {json.dumps(counts(run))}\n\n"
                return
            yield ": here\n\n"


def _to_prove(run: SigningRun) -> dict[int, int]:
    """What asks for it that they show who they are, in the versions that they have seen."""
    return {one.request_id: one.version for one in run.to_do if one.proof}


def texts_of(groups: Sequence[Group]) -> dict[str, Group]:
    """What is accepted: each text once, by its digest."""
    return {one.text_sha256: one for one in groups if one.text is not None}


def counts(run: SigningRun) -> dict[str, int]:
    """How far it is: how many there are, were released, are sealed, were refused."""
    told = list(run.told.values())
    return {
        "of": len(told),
        "released": sum(one.state == "released" for one in told),
        "sealed": sum(one.state == "released" and one.came == "sealed" for one in told),
        "refused": sum(one.state == "refused" or one.came in ("back", "moved") for one in told),
    }


def _line(event: Event, run: SigningRun, language: str) -> str:
    """An event as it is sent: one request as it stands now, or that the page itself is another."""
    data: dict[str, Any] = {"stage": run.stage, **counts(run)}
    if event.request_id is not None:
        say = translations(language).gettext
        said = said_of(run.told[event.request_id], say, process_words(language))
        data |= {"request": event.request_id, "tone": said.tone, "text": said.text, "hint": said.hint}
    kind = "turn" if event.request_id is None else "told"
    return f"event: {kind}\nid: {event.id}\ndata: {json.dumps(data)}\n\n"
