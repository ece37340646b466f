"""The same with many requests of a queue: each has its result on one page, and one that fails stops no other.

What can't be taken back is asked once more, with what would come of each. The question, and then the results,
have one address, for whoever sent the form; sent again it leads there too: under its keys, each is done once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.kinds.fields import NOTE_MAX, wrong_text
from web.asked import Asked, Door
from web.bodies import MIB
from web.choices import signs
from web.edit_request import SAVE
from wording import Sentence
from workflow.bulk_results import Came, name_of
from workflow.callings import names_of
from workflow.command_form import REQUEST_ID_MAX
from workflow.commands import Answer, Command
from workflow.definition_model import APPROVE, RETURN, Definition
from workflow.digits import whole
from workflow.errors import WorkflowError
from workflow.listing import RequestFilter, RequestLine
from workflow.many import Picked, commands_for, definitions_of, do_all, drafts_of

MOST: Final = 1_000
"""Requests in one form."""
DOES: Final = ("claim", "release", APPROVE, RETURN, "suspend", "resume")
EXPLAINED: Final = frozenset({RETURN, "suspend"})
"""For these somebody writes why, once for all."""
ASKED_AGAIN: Final = EXPLAINED | {APPROVE}
_ABOUT: Final = "bulk"
_SOMETHING: Final = "…"  # instead of what they have not written yet


@dataclass(frozen=True)
class Result:
    """What came of one, or would, with what is told of it."""

    came: Came
    line: RequestLine | None
    """None for a request that they may not see, or that is none."""
    definition: Definition | None
    requester: str
    signs: bool
    """Whether it waits for a signature: that is given in the signing folder."""

    @property
    def is_good(self) -> bool:
        """Whether it was done, or can be."""
        return self.came.story is None

    @property
    def is_gone(self) -> bool:
        """Whether there is no such request, as far as they may know."""
        return self.came.is_gone or self.line is None


@dataclass(frozen=True)
class Question:
    """What is asked about, once more: what to do, under which key, with which: number, version, for whom."""

    do: str
    key: str
    picked: Sequence[tuple[int, int, str | None]]


@dataclass(frozen=True)
class Bulk:
    """The form of a queue in which several are selected, and what came of it."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            self.door.post("/queue/bulk", self._do, most=MIB),
            self.door.get("/queue/bulk/{results}", self._done),
        ]

    def _do(self, asked: Asked) -> Response:
        do, picked = asked.text("do"), _picked(asked.many("pick"))
        if do not in DOES:
            raise HTTPException(404)
        if not picked or len(picked) > MOST:
            return self.door.answer(
                asked, "bulk_none.html", status=422, back=_back(asked), most=MOST, many=len(picked)
            )
        engine, sure = self.door.office.engine, asked.text("sure") == "yes"
        remark = asked.text("remark").strip()
        wrong = _wrong(remark) if sure and do in EXPLAINED else None
        key = asked.text("key") or asked.new_key()
        if wrong is not None:
            return self._question(asked, do, key, picked, wrong)
        name, questions = name_of(asked.me.id, do, key, picked), self.door.office.kept_forms
        if do in ASKED_AGAIN and not sure:
            question = Question(do, key, [astuple(one) for one in picked])
            questions.keep(name, asked.me.id, _ABOUT, question)
        else:
            came = _told(picked, do_all(engine, self._commands(asked, do, key, picked, remark)))
            self.door.office.bulk_results.keep(name, asked.me.id, do, came)
            questions.drop(name)
        query = asked.text("query")
        return self.door.see(f"/queue/bulk/{name}", **({"query": query} if query else {}))

    def _done(self, asked: Asked) -> Response:
        """The question, until it is answered, and then what came of it. Raises HTTPException 404 for what
        nobody did, somebody else, or long ago."""
        office, name = self.door.office, asked.request.path_params["results"]
        kept = office.kept_forms.find(name, asked.me.id, _ABOUT, Question)
        if kept is not None and kept.do in ASKED_AGAIN:
            return self._question(asked, kept.do, kept.key, [Picked(*one) for one in kept.picked])
        if (found := office.bulk_results.find(name, asked.me.id)) is None:
            raise HTTPException(404)
        return self._page(asked, "bulk_done.html", found.trigger, found.came)

    def _question(
        self, asked: Asked, do: str, key: str, picked: Sequence[Picked], wrong: Sentence | None = None
    ) -> Response:
        """Whether it is meant, with what would come of each; `wrong` is what is wrong with the remark."""
        would = _told(
            picked, self.door.office.engine.against(self._commands(asked, do, key, picked, _SOMETHING))
        )
        return self._page(
            asked,
            "bulk_ask.html",
            do,
            would,
            status=200 if wrong is None else 422,
            key=key,
            picked=picked,
            explained=do in EXPLAINED,
            remark=asked.typed("remark"),
            wrong=wrong,
            to_fill_in=self._to_fill_in(asked, picked, would) if do == APPROVE else (),
        )

    def _to_fill_in(self, asked: Asked, picked: Sequence[Picked], would: Sequence[Came]) -> set[int]:
        """Of those that can't be done: in which they could fill something in first."""
        bad = [one for one, came in zip(picked, would, strict=True) if came.is_refused]
        save = Command(SAVE, actor=asked.me.id, key="looked-at", through="page")
        against = self.door.office.engine.against(commands_for(save, bad, {}))
        return {one.request for one, why in zip(bad, against, strict=True) if why is None}

    def _page(
        self, asked: Asked, template: str, do: str, came: Sequence[Came], *, status: int = 200, **more: Any
    ) -> Response:
        found = self._results(asked, came)
        good = sum(one.is_good for one in found)
        return self.door.answer(
            asked,
            template,
            status=status,
            do=do,
            results=sorted(found, key=lambda one: one.is_good),
            good=good,
            bad=len(found) - good,
            back=_back(asked),
            query=asked.text("query"),
            **more,
        )

    def _commands(
        self, asked: Asked, do: str, key: str, picked: Sequence[Picked], remark: str
    ) -> list[Command]:
        """What is wished; whoever approves sends along what they have typed there and not yet sent."""
        wish = Command(trigger=do, actor=asked.me.id, key=f"queue:{do}:{key}", through="page")
        if do in EXPLAINED:
            wish = replace(wish, remark=remark)
        drafts: Mapping[int, dict[str, Any]] = {}
        if do == APPROVE:
            drafts = drafts_of(self.door.office.engine, asked.me.id, [one.request for one in picked])
        return commands_for(wish, picked, drafts)

    def _results(self, asked: Asked, came: Sequence[Came]) -> list[Result]:
        engine = self.door.office.engine
        numbers = tuple(one.request for one in came)
        seen = {
            line.id: line
            for line in engine.requests(asked.me.id, RequestFilter(numbers=numbers), limit=len(numbers))
        }
        definitions = definitions_of(engine, seen)
        names = names_of(engine.store, {line.requester_id for line in seen.values()})
        return [_result(one, seen.get(one.request), definitions.get(one.request), names) for one in came]


def _result(
    came: Came, line: RequestLine | None, definition: Definition | None, names: Mapping[str, str]
) -> Result:
    requester = "" if line is None else line.requester_id
    signed = line is not None and definition is not None and signs(definition, line.state)
    return Result(came, line, definition, names.get(requester, requester), signed)


def _told(picked: Sequence[Picked], told: Sequence[Answer | WorkflowError | None]) -> list[Came]:
    return [Came.of(one.request, result) for one, result in zip(picked, told, strict=True)]


def _back(asked: Asked) -> str:
    """The address of the queue from which it came."""
    return f"/queue?{asked.text('query')}" if asked.text("query") else "/queue"


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
