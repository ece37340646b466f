"""`paraaf queue`: the tasks that wait for somebody, chosen and in order; the next of them, claimed."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import aligned, counted, minute, print_json, printable
from workflow.queue_filter import ASSIGNEES, DUES, SORTS, QueueFilter
from workflow.queue_page import QueueItem, QueuePage
from workflow.saved_filters import remove_filter, save_filter, saved_filters
from workflow.tables import Person

if TYPE_CHECKING:
    from workflow.office import Office
    from workflow.store import Store  # half a second to import, which help and wrong calls need not wait for

_ASKED = (
    ("--kind", "KEY", "only of this process"),
    ("--variant", "V", "only with this way of signing"),
    ("--state", "S", "only in this state"),
    ("--unit", "U", "only of this unit"),
    ("--offered-after", "DAY", "only what waits since this day or later"),
    ("--offered-before", "DAY", "only what waits since before this day"),
    ("--holder", "WHO", "only what this person holds"),
    ("--due-within", "HOURS", "only what is due within so many working hours, or past due"),
    ("--text", "T", "only this request, or where reference, requester's id or name begin so"),
    ("--after", "PLACE", "the next page: what a page gave as its after"),
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf queue`."""
    parser = subparsers.add_parser(
        "queue",
        description="The open tasks that somebody can take, the first due first: their own, and those of"
        " people they stand in for; and what they hold, also when they may not do it any more (lapsed).",
    )
    add_person_option(parser, "whose tasks")
    for option, metavar, told in _ASKED:
        parser.add_argument(option, metavar=metavar, help=told)
    parser.add_argument("--assignee", choices=ASSIGNEES, help="only what they hold, nobody or others")
    parser.add_argument("--due", choices=DUES, help="only what is past due, or near it too")
    suspended = parser.add_mutually_exclusive_group()
    suspended.add_argument("--suspended", action="store_const", const="yes", help="only what is suspended")
    suspended.add_argument(
        "--not-suspended", dest="suspended", action="store_const", const="no", help="only what is not"
    )
    parser.add_argument("--sort", choices=SORTS, help="in which order (default: due)")
    parser.add_argument(
        "--limit", type=limit, default=500, metavar="N", help="at most so many (default: 500)"
    )
    _add_others(parser)
    add_data_option(parser)
    add_json_option(parser)


def _add_others(parser: argparse.ArgumentParser) -> None:
    """What is done in place of showing the queue; and filters under names."""
    parser.add_argument("--filter", metavar="NAME", help="a filter kept under this name; options come first")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--next", action="store_true", help="claim what is due first and nobody holds")
    other.add_argument("--save", metavar="NAME", help="keep this filter under a name")
    other.add_argument("--remove", metavar="NAME", help="remove the filter of this name")
    other.add_argument("--filters", action="store_true", help="tell which filters are kept")
    parser.add_argument("--key", metavar="K", help="with --next: sent again with it, it claims nothing more")


def run(args: argparse.Namespace) -> int:
    """Print the queue, or do what is asked in its place."""
    with office_of(args) as office:
        wanted = _wanted(args, office.store)
        if args.next:
            return _next(args, office, wanted)
        if args.save or args.remove or args.filters:
            return _keep(args, office.store, wanted)
        page = office.engine.queue(args.who, wanted, limit=args.limit)
        if not page.items:
            require_known(office.store, args.who)
        now = office.clock()
    if args.json:
        print_json(
            {
                "tasks": [asdict(item) for item in page.items],
                **{name: getattr(page, name) for name in ("after", "count", "more")},
            }
        )
    elif page.items:
        print("\n".join(_table(page, args.who, now)))
    else:
        print(f"Nothing waits for {args.who}{'' if wanted.is_open else ' that is looked for'}.")
    return 0


def _wanted(args: argparse.Namespace, store: "Store") -> QueueFilter:
    """The filter that the options say, over one that is kept. Raises Refused, ChoiceNeeded."""
    said = {name: value for name, value in vars(args).items() if name in QueueFilter.__dataclass_fields__}
    asked = {name: [value] for name, value in said.items() if value is not None}
    if args.filter is None:
        return QueueFilter.from_query(asked)
    with store.read() as session:
        kept: Mapping[str, QueueFilter | None] = {
            one.name: one.wanted for one in saved_filters(session, args.who)
        }
    wanted = kept.get(args.filter)
    if wanted is None:
        told = "can't be read any more" if args.filter in kept else "is not there"
        raise ChoiceNeeded(
            f"The filter {printable(args.filter)} {told}.", hint="`paraaf queue --filters` lists them."
        )
    return QueueFilter.from_query({**{name: [value] for name, value in wanted.as_fields().items()}, **asked})


def _next(args: argparse.Namespace, office: "Office", wanted: QueueFilter) -> int:
    """Claim what is due first."""
    key = args.key or f"next-{uuid4()}"
    answer = office.engine.take_next(args.who, wanted, key=key)
    if answer is None:
        require_known(office.store, args.who)
    if args.json:
        print_json({"claimed": None if answer is None else asdict(answer)})
    elif answer is None:
        print(f"Nothing waits for {args.who} that nobody holds.")
    else:
        print(f"{args.who} holds request {answer.request_id}, in {answer.state}.")
    return 0


def _keep(args: argparse.Namespace, store: "Store", wanted: QueueFilter) -> int:
    """Save or remove a filter, or tell which are kept."""
    if args.save or args.remove:
        with store.write() as session:
            if args.save:
                save_filter(session, args.who, args.save, wanted)
            elif not remove_filter(session, args.who, args.remove):
                raise ChoiceNeeded(
                    f"The filter {printable(args.remove)} is not there.",
                    hint="`paraaf queue --filters` lists them.",
                )
    with store.read() as session:
        kept = saved_filters(session, args.who)
    if not kept:
        require_known(store, args.who)
    if args.json:
        print_json({"filters": [{"name": one.name, "query": one.query} for one in kept]})
    elif kept:
        rows = [("name", "filter"), *((one.name, one.query or "everything") for one in kept)]
        print("\n".join([*aligned(rows), counted(len(kept), "filter")]))
    else:
        print(f"No filter of {args.who} is kept.")
    return 0


def limit(text: str) -> int:
    """A number of tasks for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("give a number from 1 to 10000")
    return int(text)


def require_known(store: "Store", who: str) -> None:
    """Refuse somebody who never worked here: a mistyped id has no empty queue. Raises ChoiceNeeded."""
    with store.read() as session:
        if session.get(Person, who) is None:
            raise ChoiceNeeded(f"{printable(who)} is not known here.", hint="`paraaf people` lists who is.")


def _table(page: QueuePage, who: str, now: datetime) -> Iterator[str]:
    items = page.items
    for_others = any(item.on_behalf_of for item in items)
    head = [
        "request",
        "process",
        "variant",
        "state",
        "as",
        "requester",
        "unit",
        "reference",
        "since (UTC)",
        "due (UTC)",
        "held",
    ]
    rows = [[*head, *(["for"] if for_others else [])]]
    for item in items:
        cells = [
            str(item.request_id),
            item.key,
            item.variant,
            item.state,
            item.role,
            item.requester_id,
            item.unit,
            item.reference or "",
            minute(item.offered_at),
            _due(item, now),
            _held(item, who),
        ]
        rows.append([*cells, *([item.on_behalf_of or ""] if for_others else [])])
    yield from aligned(rows)
    if page.after is None and page.count == len(items):
        yield counted(len(items), "task")
        return
    yield f"{counted(len(items), 'task')} of {page.count}{'+' if page.more else ''}"
    if page.after is not None:
        yield f"There are more: --after {page.after}"


def _due(item: QueueItem, now: datetime) -> str:
    if item.suspended_at is not None:
        return minute(item.due_at)
    told = "escalated" if item.escalated_at else "reminded" if item.reminded_at else ""
    late = item.due_at is not None and item.due_at < now
    near = not late and item.near_at is not None and item.near_at <= now
    said = f"{minute(item.due_at)}{' late' if late else ' near' if near else ''}"
    return ", ".join(filter(None, [said, told]))


def _held(item: QueueItem, who: str) -> str:
    if item.lapsed:
        return f"held by {'you' if item.claimed_by == who else item.claimed_by}, lapsed"
    if item.suspended_at is not None:
        return "suspended"
    if item.claimed_by is None:
        return ""
    if item.claimed_by != who:
        return f"held by {item.claimed_by}"
    return "started by you" if item.started_at else "held by you"
