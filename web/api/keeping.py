"""What is kept, and for how long: holds on requests, what will be destroyed; the log, its check, webhooks."""

from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from starlette.responses import StreamingResponse

from web.api.commands import AGAIN, REPLAYED, Key, api_key
from web.api.described import BODY, OBJECT, errors
from web.api.errors import DutyMissing, NothingHere
from web.api.guard import Caller, Operation, TheGuard, TheOffice, needs
from web.api.office_models import (
    DestroyedTold,
    DueTold,
    Held,
    HoldOpen,
    HoldSent,
    LogChecked,
    MessageList,
    MessageTold,
    RetentionTold,
    WebhookList,
    WebhookTold,
)
from web.api.requests import Number
from web.rates import Rate
from workflow import staff
from workflow.command_form import REQUEST_ID_MAX
from workflow.holds import Held as Done
from workflow.keeping import SHOWN_DAYS, Kept
from workflow.logcheck import verify
from workflow.logexport import Export
from workflow.office import Office
from workflow.retention import DestroyedView
from workflow.staff import Reach
from workflow.tokens import LOG, WRITE, Bearer

CHECKS: Final = Rate("log checks of a token", 6, 600.0)
"""A check reads the whole log."""
EXPORTS: Final = Rate("exports of a token", 6, 600.0)
DAYS_MOST: Final = 3_660
_HELD: Final = {"headers": AGAIN}
_Hold = Annotated[int, Path(ge=1, le=REQUEST_ID_MAX, description="The hold's number.", examples=[43])]

router = APIRouter(route_class=Operation)


@router.post(
    "/requests/{number}/holds",
    status_code=201,
    openapi_extra=needs(WRITE),
    responses={201: _HELD, **errors(*BODY, 404)},
)
def place_hold(  # noqa: PLR0917  one for each thing that is sent
    response: Response, number: Number, sent: HoldSent, key: Key, caller: Caller, office: TheOffice
) -> Held:
    """Keep a request from being destroyed; a hold has no part in the request's version."""
    held = office.holds.place(
        number,
        caller.person,
        sent.reason,
        on_behalf_of=sent.on_behalf_of,
        key=api_key(key),
        channel="program",
    )
    return _held(held, response)


@router.post(
    "/requests/{number}/holds/{hold}/release",
    openapi_extra=needs(WRITE),
    responses={200: _HELD, **errors(*BODY, 404, 409)},
)
def release_hold(  # noqa: PLR0917  one for each thing that is sent
    response: Response,
    number: Number,
    hold: _Hold,
    sent: HoldSent,
    key: Key,
    caller: Caller,
    office: TheOffice,
) -> Held:
    """Release a hold: the request is destroyed when it is due, once none is left."""
    held = office.holds.release(
        number,
        caller.person,
        sent.reason,
        hold_id=hold,
        on_behalf_of=sent.on_behalf_of,
        key=api_key(key),
        channel="program",
    )
    return _held(held, response)


@router.get("/retention", openapi_extra=needs(LOG), responses=errors())
def show_retention(
    caller: Caller,
    office: TheOffice,
    days: Annotated[int, Query(ge=0, le=DAYS_MOST, description="So many days ahead, and back.")] = SHOWN_DAYS,
) -> RetentionTold:
    """Tell what will be destroyed, what is on hold and what was destroyed, of the units that one oversees.

    Of units whose requests one does not read, no further than 30 days, and not how each ended.
    """
    reach = _reach(office, caller)
    with office.store.read() as session:
        counted = staff.counts(session, caller.person, office.newest_day)
        everything = staff.counts_all(session, caller.person, office.newest_day)
    if days > SHOWN_DAYS and not everything:
        raise DutyMissing(
            f"More than {SHOWN_DAYS} days are for those who read the requests of all these units."
        )
    preview = office.retention.preview(days=days)
    return RetentionTold(
        due=[_due(one, counted) for one in preview.due if one.unit in reach],
        holds=[
            HoldOpen.model_validate(one.told_to(caller.person)) for one in preview.holds if one.unit in reach
        ],
        destroyed=[_destroyed(one, counted) for one in preview.destroyed if one.unit in reach],
        waits_until=preview.waits_until,
    )


@router.post("/log/check", openapi_extra=needs(LOG), responses=errors())
def check_log(caller: Caller, guard: TheGuard, office: TheOffice) -> LogChecked:
    """Have the whole log checked, against its anchors and the tables; for who oversees all units."""
    _require_whole(office, caller)
    guard.take(caller, CHECKS)
    with office.store.read() as session:
        report = verify(session, trust=office.trust)
    return LogChecked(**report.as_dict())


@router.get(
    "/log/events",
    openapi_extra=needs(LOG),
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Lines of JSON, as `paraaf export` writes them without bodies: docs/auditing.md.",
            "content": {"application/jsonl": {"schema": {"type": "string"}}},
        },
        **errors(),
    },
)
def export_log(caller: Caller, guard: TheGuard, office: TheOffice) -> Response:
    """Give out the events and their anchors, without who acted, to be verified anywhere."""
    _require_whole(office, caller)
    guard.take(caller, EXPORTS)
    return StreamingResponse(_lines(office), media_type="application/jsonl")


@router.get("/webhooks", openapi_extra=needs(LOG), responses=errors())
def list_webhooks(caller: Caller, office: TheOffice) -> WebhookList:
    """List the addresses that are told of what happens; for who oversees all units."""
    _require_whole(office, caller)
    return WebhookList(webhooks=[WebhookTold.model_validate(one) for one in office.webhooks.listed()])


@router.get("/webhooks/{webhook}/messages", openapi_extra=needs(LOG), responses=errors(*OBJECT))
def list_messages(
    webhook: Annotated[int, Path(ge=1, le=REQUEST_ID_MAX, examples=[1])],
    caller: Caller,
    office: TheOffice,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MessageList:
    """Tell what became of the newest messages to an address."""
    _require_whole(office, caller)
    if webhook not in {one.id for one in office.webhooks.listed()}:
        raise NothingHere
    found = office.webhooks.messages(webhook, limit=limit)
    return MessageList(messages=[MessageTold.model_validate(one) for one in found])


def _reach(office: Office, caller: Bearer) -> Reach:
    """Of which units who asks may know. Raises DutyMissing for none."""
    with office.store.read() as session:
        reach = staff.oversees(session, caller.person, office.newest_day)
    if not reach:
        raise DutyMissing("This is for administrators and auditors.", hint="Ask one of them.")
    return reach


def _require_whole(office: Office, caller: Bearer) -> None:
    """Raises DutyMissing for who does not oversee all units."""
    if not _reach(office, caller).everywhere:
        raise DutyMissing("This is for those who oversee all units.", hint="Ask one of them.")


def _held(done: Done, response: Response) -> Held:
    if done.repeated:
        response.headers[REPLAYED] = "true"
    return Held(id=done.id, request=done.request_id, left=list(done.left))


def _due(one: Kept, counted: Reach) -> DueTold:
    return DueTold(
        request_id=one.request_id,
        key=one.definition.key,
        variant=one.definition.variant,
        unit=one.unit,
        outcome=one.outcome if one.unit in counted else None,
        ended_on=one.ended_on,
        due_on=one.due_on,
    )


def _destroyed(one: DestroyedView, counted: Reach) -> DestroyedTold:
    told = DestroyedTold.model_validate(one)
    return told if one.unit in counted else told.model_copy(update={"outcome": None})


def _lines(office: Office) -> Iterator[bytes]:
    with office.store.read() as session:
        yield from Export.begin(session, with_bodies=False).lines(now=office.clock())
