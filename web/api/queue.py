"""The queue: what waits for a person, chosen and paged; and having the next of it claimed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from web.api.commands import REPLAYED, Key, answer_of, bare
from web.api.described import BASE, BODY, errors, header
from web.api.errors import Misshapen
from web.api.guard import Caller, Operation, TheOffice, needs
from web.api.models import Looked, Taken, TaskList, TaskTold
from web.api.requests import MOST, Named
from workflow.errors import Refused
from workflow.queue_filter import HOURS_MOST, QueueFilter
from workflow.tokens import READ, WRITE

router = APIRouter(route_class=Operation)

Day = Annotated[str | None, Query(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day of the office.")]
_Found = TypeVar("_Found")


@router.get(
    "/queue",
    openapi_extra=needs(READ),
    responses={200: {"headers": {"Link": header('The next page, as rel="next".')}}, **errors()},
)
def list_queue(
    *,
    request: Request,
    response: Response,
    caller: Caller,
    office: TheOffice,
    kind: Named = None,
    variant: Named = None,
    state: Named = None,
    unit: Named = None,
    offered_after: Day = None,
    offered_before: Day = None,
    assignee: Literal["mine", "free", "others"] | None = None,
    holder: Named = None,
    due: Literal["past", "near"] | None = None,
    due_within: Annotated[int | None, Query(ge=1, le=HOURS_MOST, description="Working hours.")] = None,
    suspended: Literal["yes", "no"] | None = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="A number, or how a reference or the requester's name begins."),
    ] = None,
    sort: Literal["due", "-due", "age", "-age", "number", "-number"] = "due",
    cursor: Annotated[str | None, Query(max_length=1000, description="As the list before has it.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> TaskList:
    """List the open tasks that the person can take, or holds; those due first come first, unless said."""
    asked = {
        "kind": kind,
        "variant": variant,
        "state": state,
        "unit": unit,
        "offered_after": offered_after,
        "offered_before": offered_before,
        "assignee": assignee,
        "holder": holder,
        "due": due,
        "due_within": due_within,
        "suspended": suspended,
        "text": text,
        "sort": sort,
        "after": cursor,
    }
    query = {name: [str(value)] for name, value in asked.items() if value is not None}
    page = _told(lambda: office.engine.queue(caller.person, QueueFilter.from_query(query), limit=limit))
    following = None
    if page.after is not None:
        following = f"{BASE}/queue?{urlencode({**request.query_params, 'cursor': page.after})}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    tasks = [TaskTold.model_validate(one) for one in page.items]
    return TaskList(tasks=tasks, next=following, count=page.count, more=page.more)


@router.post(
    "/queue/next",
    openapi_extra=needs(WRITE),
    responses={200: {"headers": {REPLAYED: header("`true`: it was done before.")}}, **errors(*BODY, 409)},
)
def take_next(response: Response, sent: Looked, key: Key, caller: Caller, office: TheOffice) -> Taken:
    """Claim the task that is due first, of those that nobody holds."""
    wanted = QueueFilter(**sent.model_dump())
    answer = _told(
        lambda: office.engine.take_next(caller.person, wanted, key=f"api-next:{bare(key)}", channel="program")
    )
    if answer is not None and answer.repeated:
        response.headers[REPLAYED] = "true"
    return Taken(claimed=None if answer is None else answer_of(answer))


def _told(ask: Callable[[], _Found]) -> _Found:
    """What is asked for; what is wrong with the page is told of the cursor. Raises Refused, Misshapen."""
    try:
        return ask()
    except Refused as refused:
        if not any(reason.field == "after" for reason in refused.reasons):
            raise
        told = [replace(one, field="cursor") if one.field == "after" else one for one in refused.reasons]
        raise Misshapen(told) from refused
