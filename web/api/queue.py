"""The queue: what waits for a person, chosen and paged; and having the next of it claimed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from web.api.commands import REPLAYED, Key, answer_of, api_key
from web.api.described import BASE, BODY, OBJECT, errors, header
from web.api.errors import Misshapen, NothingHere, wrong
from web.api.guard import Caller, Operation, TheOffice, needs
from web.api.queue_models import FilterList, FilterSent, FilterTold, Looked, Taken, TaskList, TaskTold
from web.api.requests import MOST, Named
from workflow import saved_filters
from workflow.errors import Refused
from workflow.office import Office
from workflow.queue_filter import HOURS_MOST, QueueFilter
from workflow.saved_filters import NAME_LONGEST as FILTER_NAME
from workflow.tokens import READ, WRITE, Bearer

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
    sort: Literal["due", "-due", "age", "-age", "number", "-number"] | None = None,
    saved: Annotated[
        str | None,
        Query(
            alias="filter",
            max_length=FILTER_NAME,
            description="One that is kept, by its name; other parameters come before what it says.",
        ),
    ] = None,
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
    if saved is not None:
        query = {**_kept(office, caller.person, saved), **query}
    page = _told(lambda: office.engine.queue(caller.person, QueueFilter.from_query(query), limit=limit))
    following = None
    if page.after is not None:
        following = f"{BASE}/queue?{urlencode({**request.query_params, 'cursor': page.after})}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    tasks = [TaskTold.model_validate(one) for one in page.items]
    return TaskList(tasks=tasks, next=following, count=page.count, more=page.more)


@router.get("/queue/filters", openapi_extra=needs(READ), responses=errors())
def list_filters(caller: Caller, office: TheOffice) -> FilterList:
    """List one's own filters of the queue."""
    with office.store.read() as session:
        return _filters(session, caller)


@router.put("/queue/filters", openapi_extra=needs(WRITE), responses=errors(*BODY))
def save_filter(sent: FilterSent, caller: Caller, office: TheOffice) -> FilterList:
    """Keep a filter, in place of the one of this name; this needs no idempotency key."""
    said = sent.filter.model_dump(exclude_none=True)
    wanted = QueueFilter.from_query({name: [str(value)] for name, value in said.items()})
    with office.store.write() as session:
        saved_filters.save_filter(session, caller.person, sent.name, wanted)
        return _filters(session, caller)


@router.delete("/queue/filters", openapi_extra=needs(WRITE), responses=errors(*OBJECT))
def remove_filter(
    name: Annotated[str, Query(min_length=1, max_length=FILTER_NAME, examples=["Due today"])],
    caller: Caller,
    office: TheOffice,
) -> FilterList:
    """Remove one's own filter of this name."""
    with office.store.write() as session:
        if not saved_filters.remove_filter(session, caller.person, name):
            raise NothingHere
        return _filters(session, caller)


@router.post(
    "/queue/next",
    openapi_extra=needs(WRITE),
    responses={200: {"headers": {REPLAYED: header("`true`: it was done before.")}}, **errors(*BODY, 409)},
)
def take_next(response: Response, sent: Looked, key: Key, caller: Caller, office: TheOffice) -> Taken:
    """Claim the task that is due first, of those that nobody holds."""
    wanted = QueueFilter(**sent.model_dump())
    answer = _told(
        lambda: office.engine.take_next(caller.person, wanted, key=api_key(key, "next"), channel="program")
    )
    if answer is not None and answer.repeated:
        response.headers[REPLAYED] = "true"
    return Taken(claimed=None if answer is None else answer_of(answer))


def _filters(session: Session, caller: Bearer) -> FilterList:
    kept = saved_filters.saved_filters(session, caller.person)
    return FilterList(filters=[FilterTold(name=one.name, query=one.query) for one in kept])


def _kept(office: Office, person: str, name: str) -> dict[str, list[str]]:
    """A filter that is kept, as a query. Raises Misshapen where there is none that can be read."""
    with office.store.read() as session:
        found = {one.name: one.wanted for one in saved_filters.saved_filters(session, person)}
    wanted = found.get(name)
    if wanted is None:
        raise Misshapen([wrong("No such filter is kept, or it can't be read any more.", "filter")])
    return {field: [value] for field, value in wanted.as_fields().items()}


def _told(ask: Callable[[], _Found]) -> _Found:
    """What is asked for; what is wrong with the page is told of the cursor. Raises Refused, Misshapen."""
    try:
        return ask()
    except Refused as refused:
        if not any(reason.field == "after" for reason in refused.reasons):
            raise
        told = [replace(one, field="cursor") if one.field == "after" else one for one in refused.reasons]
        raise Misshapen(told) from refused
