"""`paraaf hold`: keep a request from being destroyed, or release it."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import holds_named, print_json

if TYPE_CHECKING:
    from workflow.holds import Held, Holds  # a second to import, which help and wrong calls need not wait for

_RELEASE_THE_ONLY = 0


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf hold`."""
    parser = subparsers.add_parser(
        "hold",
        description="Keep a request from being destroyed at the end of its term, until the hold is released."
        " Whoever has a role of the process in the request's unit may, and an administrator; but not the"
        " requester.",
    )
    parser.add_argument(
        "requests",
        type=int,
        nargs="+",
        metavar="N",
        help="the numbers of requests, done one after the other; the first that is refused ends it",
    )
    add_person_option(parser, "who places or releases the hold")
    parser.add_argument("--for", dest="principal", metavar="PRINCIPAL", help="as this person's substitute")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept in the log")
    parser.add_argument(
        "--release",
        nargs="?",
        type=int,
        const=_RELEASE_THE_ONLY,
        metavar="HOLD",
        help="release this hold; its number can be left out when there is only one",
    )
    parser.add_argument(
        "--key", metavar="K", help="idempotency key: repeated with the same key, it is done once"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Place or release."""
    with office_of(args) as office:
        held = [_do(office.holds, number, args) for number in args.requests]
    if args.json:
        print_json({"hold": asdict(held[0])} if len(held) == 1 else {"holds": [asdict(one) for one in held]})
    else:
        print("\n".join(_said(one, released=args.release is not None) for one in held))
    return 0


def _do(holds: "Holds", request: int, args: argparse.Namespace) -> "Held":
    key = args.key if args.key is None or len(args.requests) == 1 else f"{args.key}:{request}"
    if args.release is None:
        return holds.place(request, args.who, args.reason, on_behalf_of=args.principal, key=key)
    number = None if args.release == _RELEASE_THE_ONLY else args.release
    return holds.release(request, args.who, args.reason, hold_id=number, on_behalf_of=args.principal, key=key)


def _said(held: "Held", *, released: bool) -> str:
    repeated = " already" if held.repeated else ""
    if not released:
        return f"Request {held.request_id} is on hold{repeated}: hold {held.id}."
    left = holds_named(held.left)
    return f"Hold {held.id} on request {held.request_id} is released{repeated}. " + (
        f"It stays on hold: {left}." if left else "It is destroyed when it is due."
    )
