"""What is kept, and for how long: legal holds, what is due to be destroyed, and doing that now."""

from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.errors import BlobError
from web.asked import Asked
from web.overseeing import Overseeing
from web.rates import Rate
from web.step_up import surely
from workflow.callings import names_of
from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.errors import NotFound, Refused, WorkflowError
from workflow.keeping import SHOWN_DAYS

RUNS: Final = Rate("destructions", 6, 600.0)


@dataclass(frozen=True)
class KeepingPages(Overseeing):
    """The pages under /office/keeping."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/office/keeping", self._shown),
            self.door.post("/office/keeping/hold", self._hold),
            self.door.post("/office/keeping/release", self._release),
            self.door.post("/office/keeping/run", self._run),
        ]

    def _shown(self, asked: Asked) -> Response:
        return self._page(asked)

    def _page(self, asked: Asked, *, problem: WorkflowError | BlobError | None = None) -> Response:
        reach, office, administers = self.reach(asked), self.door.office, self.administers(asked)
        preview = office.retention.preview(days=SHOWN_DAYS)
        holds = [one.told_to(asked.me.id) for one in preview.holds if one.unit in reach]
        today = office.newest_day
        return self.answer(
            asked,
            "keeping.html",
            status=422 if problem else 200,
            days=SHOWN_DAYS,
            due=[one for one in preview.due if one.unit in reach],
            now_due=sum(one.due_on <= today for one in preview.due),
            holds=holds,
            names=names_of(office.store, {one.placed_by for one in holds}),
            destroyed=[one for one in preview.destroyed if one.unit in reach],
            preview=preview,
            administers=administers,
            problem=problem,
            reasons=problem.reasons if isinstance(problem, Refused) else (),
            typed={name: asked.typed(name) for name in ("request", "reason", "hold")},
            done=asked.text("done") if asked.request.method == "GET" else "",
            gone=_number(asked.text("gone")) or 0,
            key=asked.new_key(),
        )

    def _hold(self, asked: Asked) -> Response:
        """Keep a request from being destroyed: the engine says who may."""
        self.reach(asked, administrator=True)
        try:
            self.door.office.holds.place(
                _request(asked), asked.me.id, asked.typed("reason").strip(), key=_key(asked)
            )
        except (NotFound, Refused) as problem:
            return self._page(asked, problem=problem)
        return self.door.see("/office/keeping", done="held")

    def _release(self, asked: Asked) -> Response:
        self.reach(asked, administrator=True)
        return surely(self.door, asked, lambda: self._released(asked))

    def _released(self, asked: Asked) -> Response:
        try:
            self.door.office.holds.release(
                _request(asked),
                asked.me.id,
                asked.typed("reason").strip(),
                hold_id=_number(asked.typed("hold")),
                key=_key(asked),
            )
        except (NotFound, Refused) as problem:
            return self._page(asked, problem=problem)
        return self.door.see("/office/keeping", done="released")

    def _run(self, asked: Asked) -> Response:
        """Destroy what is due now, which a worker does by itself each hour."""
        if not self.reach(asked, administrator=True).everywhere:
            raise HTTPException(404)
        if asked.typed("sure") != "yes":
            return self.door.see("/office/keeping", done="unsure")
        return surely(self.door, asked, lambda: self._ran(asked))

    def _ran(self, asked: Asked) -> Response:
        self.door.rates.require(asked.request, RUNS)
        try:
            run = self.door.office.retention.run(clock_is_right=asked.typed("clock") == "right")
        except (WorkflowError, BlobError) as problem:
            return self._page(asked, problem=problem)
        done = "waits" if run.waits_until is not None else "run"
        return self.door.see("/office/keeping", done=done, gone=str(run.requests))


def _number(text: str) -> int | None:
    return whole(text.strip(), REQUEST_ID_MAX)


def _request(asked: Asked) -> int:
    """The request that was typed. Raises NotFound for what can be none."""
    number = _number(asked.typed("request"))
    if not number:
        raise NotFound(asked.typed("request"))
    return number


def _key(asked: Asked) -> str:
    return f"hold:{asked.typed('key')[:60]}"
