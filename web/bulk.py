"""The same with many requests of a queue: each has its result on one page, and one that fails stops no other.

What can't be taken back is asked once more, with what would come of each. The results are the answer to the
form: sent again, under its keys, each is done once and told again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.kinds.fields import NOTE_MAX, wrong_text
from web.asked import Asked, Door
from web.bodies import MIB
from web.choices import signs
from wording import Sentence
from workflow.callings import names_of
from workflow.command_form import REQUEST_ID_MAX
from workflow.commands import Answer, Command
from workflow.definition_model import APPROVE, RETURN, Definition
from workflow.digits import whole
from workflow.errors import ClaimedByAnother, NotFound, Refused, StaleVersion, WorkflowError
from workflow.listing import RequestFilter, RequestLine
from workflow.many import Picked, commands_for, definitions_of, do_all, drafts_of

MOST: Final = 1_000
"""Requests in one form."""
DOES: Final = ("claim", "release", APPROVE, RETURN, "suspend", "resume")
EXPLAINED: Final = frozenset({RETURN, "suspend"})
"""For these somebody writes why, once for all."""
ASKED_AGAIN: Final = EXPLAINED | {APPROVE}
_SOMETHING: Final = "…"  # instead of what they have not written yet


@dataclass(frozen=True)
class Result:
    """What came of one, or would: `problem` is None where it was done, or can be."""

    picked: Picked
    line: RequestLine | None
    """None for a request that they may not see, or that is none."""
    definition: Definition | None
    requester: str
    problem: WorkflowError | None = None
    answer: Answer | None = None
    holder: str = ""
    signs: bool = False
    """Whether it waits for a signature: that is given in the signing folder."""

    @property
    def is_gone(self) -> bool:
        """Whether there is no such request, as far as they may know."""
        return isinstance(self.problem, NotFound) or self.line is None

    @property
    def is_stale(self) -> bool:
        """Whether it has changed since it was looked at."""
        return isinstance(self.problem, StaleVersion)

    @property
    def reasons(self) -> Sequence[Any]:
        """Why not; none where one sentence says it all."""
        refused = isinstance(self.problem, Refused) and not isinstance(self.problem, ClaimedByAnother)
        return self.problem.reasons if refused and isinstance(self.problem, Refused) else ()


@dataclass(frozen=True)
class Bulk:
    """The form of a queue in which several are selected."""

    door: Door

    def routes(self) -> list[Route]:
        """Its address."""
        return [self.door.post("/queue/bulk", self._do, most=MIB)]

    def _do(self, asked: Asked) -> Response:
        do, picked = asked.text("do"), _picked(asked.many("pick"))
        if do not in DOES:
            raise HTTPException(404)
        back = f"/queue?{asked.text('query')}" if asked.text("query") else "/queue"
        if not picked or len(picked) > MOST:
            return self.door.answer(
                asked, "bulk_none.html", status=422, back=back, most=MOST, many=len(picked)
            )
        engine, sure = self.door.office.engine, asked.text("sure") == "yes"
        remark = asked.text("remark").strip()
        wrong = _wrong(remark) if sure and do in EXPLAINED else None
        if do in ASKED_AGAIN and (not sure or wrong is not None):
            commands = self._commands(asked, do, picked, _SOMETHING)
            found = self._results(asked, picked, engine.against(commands))
            return self._page(asked, "bulk_ask.html", do, found, back, wrong=wrong)
        found = self._results(asked, picked, do_all(engine, self._commands(asked, do, picked, remark)))
        return self._page(asked, "bulk_done.html", do, found, back)

    def _page(
        self,
        asked: Asked,
        template: str,
        do: str,
        found: Sequence[Result],
        back: str,
        *,
        wrong: Sentence | None = None,
    ) -> Response:
        good = sum(one.problem is None for one in found)
        return self.door.answer(
            asked,
            template,
            status=200 if wrong is None else 422,
            wrong=wrong,
            explained=do in EXPLAINED,
            remark=asked.typed("remark"),
            do=do,
            results=sorted(found, key=lambda one: one.problem is None),
            good=good,
            bad=len(found) - good,
            back=back,
            query=asked.text("query"),
            key=asked.text("key"),
        )

    def _commands(self, asked: Asked, do: str, picked: Sequence[Picked], remark: str) -> list[Command]:
        """What is wished; whoever approves sends along what they have typed there and not yet sent."""
        key = asked.text("key") or asked.new_key()
        wish = Command(trigger=do, actor=asked.me.id, key=f"queue:{do}:{key}", through="page")
        if do in EXPLAINED:
            wish = replace(wish, remark=remark)
        drafts: Mapping[int, dict[str, Any]] = {}
        if do == APPROVE:
            drafts = drafts_of(self.door.office.engine, asked.me.id, [one.request for one in picked])
        return commands_for(wish, picked, drafts)

    def _results(
        self, asked: Asked, picked: Sequence[Picked], told: Sequence[Answer | WorkflowError | None]
    ) -> list[Result]:
        engine = self.door.office.engine
        numbers = tuple(one.request for one in picked)
        seen = {
            line.id: line
            for line in engine.requests(asked.me.id, RequestFilter(numbers=numbers), limit=len(numbers))
        }
        definitions = definitions_of(engine, seen)
        holders = {one.holder for one in told if isinstance(one, ClaimedByAnother)}
        names = names_of(engine.store, {line.requester_id for line in seen.values()} | holders)
        return [
            self._result(one, result, seen.get(one.request), definitions.get(one.request), names)
            for one, result in zip(picked, told, strict=True)
        ]

    @staticmethod
    def _result(
        picked: Picked,
        told: Answer | WorkflowError | None,
        line: RequestLine | None,
        definition: Definition | None,
        names: Mapping[str, str],
    ) -> Result:
        holder = told.holder if isinstance(told, ClaimedByAnother) else ""
        requester = "" if line is None else line.requester_id
        return Result(
            picked,
            line,
            definition,
            names.get(requester, requester),
            problem=told if isinstance(told, WorkflowError) else None,
            answer=told if isinstance(told, Answer) else None,
            holder=names.get(holder, holder),
            signs=line is not None and definition is not None and signs(definition, line.state),
        )


def _wrong(remark: str) -> Sentence | None:
    """What is wrong with a remark that has to be written."""
    return wrong_text(remark, longest=NOTE_MAX, lines=True) if remark else Sentence("Say why in a remark.")


def _picked(said: Sequence[str]) -> list[Picked]:
    """What was selected, as `number.version` or `number.version.principal`: each request once.

    Raises HTTPException 400 for what a queue never says.
    """
    found: dict[int, Picked] = {}
    for one in said:
        said, _, rest = one.partition(".")
        seen, _, principal = rest.partition(".")
        number, version = whole(said, REQUEST_ID_MAX), whole(seen, REQUEST_ID_MAX)
        if number is None or version is None:
            raise HTTPException(400)
        found.setdefault(number, Picked(number, version, principal or None))
    return list(found.values())
