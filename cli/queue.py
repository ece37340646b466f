"""`paraaf queue`: the tasks that wait for somebody."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import aligned, counted, minute, print_json, printable
from workflow.reading import QueueItem
from workflow.tables import Person

if TYPE_CHECKING:
    from workflow.store import Store  # half a second to import, which help and wrong calls need not wait for


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf queue`."""
    parser = subparsers.add_parser(
        "queue",
        description="The open tasks that somebody can take, oldest first: their own, and those of people they"
        " stand in for; and what they hold, also when they may not do it any more (lapsed).",
    )
    add_person_option(parser, "whose tasks")
    parser.add_argument(
        "--limit", type=limit, default=500, metavar="N", help="at most so many (default: 500)"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print the queue."""
    with office_of(args) as office:
        items = office.engine.queue(args.who, limit=args.limit)
        if not items:
            require_known(office.store, args.who)
        now = office.clock()
    if args.json:
        print_json({"tasks": [asdict(item) for item in items]})
    elif items:
        print("\n".join(_table(items, args.who, now)))
    else:
        print(f"Nothing waits for {args.who}.")
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


def _table(items: Sequence[QueueItem], who: str, now: datetime) -> Iterator[str]:
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
    yield counted(len(items), "task")


def _due(item: QueueItem, now: datetime) -> str:
    late = item.due_at is not None and item.due_at < now and item.suspended_at is None
    if item.suspended_at is not None:
        return minute(item.due_at)
    told = "escalated" if item.escalated_at else "reminded" if item.reminded_at else ""
    return ", ".join(filter(None, [f"{minute(item.due_at)}{' late' if late else ''}", told]))


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
