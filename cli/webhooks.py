"""`paraaf webhooks`: which other systems are told of what happens, and what became of each message."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import aligned, counted, minute, print_json

if TYPE_CHECKING:
    from workflow.webhooks import MessageView, Webhook  # a second to import, which help need not wait for

_EPILOG = """A message is an event of the log, without what names anybody: a CloudEvent, signed as Standard
Webhooks says. docs/how-to/tell-other-systems.md shows how to take one."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf webhooks`."""
    parser = subparsers.add_parser(
        "webhooks",
        description="List the addresses that are told of what happens; add or remove one; see what became of"
        " the messages to one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", metavar="URL", help="tell this one, if PARAAF_WEBHOOK_HOSTS allows its host")
    what.add_argument("--remove", type=int, metavar="N", help="tell this one no more")
    what.add_argument("--messages", type=int, metavar="N", help="the newest messages to this one")
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        dest="types",
        metavar="TYPE",
        help="with --add: only of events of this type, such as request_approved; may be repeated",
    )
    parser.add_argument("--as", dest="who", metavar="WHO", help="with --add and --remove: an administrator")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """List, add, remove, or tell what became of messages."""
    if (args.add is not None or args.remove is not None) and args.who is None:
        raise ChoiceNeeded("It is recorded who sets webhooks.", hint="Add --as WHO.")
    if args.types and args.add is None:
        raise ChoiceNeeded("--type goes with --add.", hint="Leave it out.")
    with office_of(args) as office:
        webhooks, now = office.webhooks, office.clock()
        if args.add is not None:
            number, secret = webhooks.add(args.add, args.types, by=args.who, at=now)
            return _tell_added(number, secret.reveal(), as_json=args.json)
        if args.remove is not None:
            webhooks.remove(args.remove, by=args.who, at=now)
            print_json({"removed": args.remove}) if args.json else print(f"Webhook {args.remove} is removed.")
            return 0
        if args.messages is not None:
            messages = webhooks.messages(args.messages)
            if args.json:
                print_json({"messages": [asdict(one) for one in messages]})
            else:
                print("\n".join(_messages(messages)) if messages else "No messages.")
            return 0
        found = webhooks.listed()
    if args.json:
        print_json({"webhooks": [asdict(one) for one in found]})
    else:
        print("\n".join(_listed(found)) if found else "No webhooks.")
    return 0


def _tell_added(number: int, secret: str, *, as_json: bool) -> int:
    if as_json:
        print_json({"webhook": number, "secret": secret})
    else:
        print(f"Webhook {number} is told of what happens from now on.")
        print(f"Its secret, shown this once: {secret}")
    return 0


def _listed(found: "Sequence[Webhook]") -> Iterator[str]:
    rows = [("webhook", "address", "types", "since (UTC)", "stopped (UTC)", "given up")]
    rows += [
        (
            str(one.id),
            one.url,
            ", ".join(one.types) or "all",
            minute(one.added_at),
            minute(one.stopped_at),
            str(one.given_up),
        )
        for one in found
    ]
    yield from aligned(rows)
    yield counted(len(found), "webhook")


def _messages(found: "Sequence[MessageView]") -> Iterator[str]:
    rows = [("event", "type", "tries", "status", "why not", "next try (UTC)", "taken (UTC)")]
    rows += [
        (
            str(one.event_seq),
            one.type,
            str(one.tries),
            "" if one.status is None else str(one.status),
            one.code,
            minute(one.next_at),
            minute(one.taken_at),
        )
        for one in found
    ]
    yield from aligned(rows)
