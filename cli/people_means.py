"""`paraaf people remove-codes` and `remove-passkeys`: what goes with a password that somebody has."""

import argparse
from pathlib import Path
from typing import Final

from cli.folder import add_person_option
from cli.people_password import asked_password
from cli.printing import counted, print_json, printable
from workflow.one_time_codes import OneTimeCodes
from workflow.passwords import Passwords
from workflow.store import Store

REMOVE_CODES: Final = "remove-codes"
REMOVE_PASSKEYS: Final = "remove-passkeys"


def add_means(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `paraaf people remove-codes` and `remove-passkeys`."""
    codes = verbs.add_parser(
        REMOVE_CODES,
        description="Ask somebody for codes after their password no more: they have lost their telephone."
        " People show that it is they by their password; administrators do it for others.",
    )
    codes.add_argument("--present-file", type=Path, metavar="FILE", help="one's password; - reads stdin")
    passkeys = verbs.add_parser(
        REMOVE_PASSKEYS,
        description="Have none of somebody's passkeys sign them in any more: they have lost a device. People"
        " remove a single one on their own page.",
    )
    for parser in (codes, passkeys):
        parser.add_argument("person", metavar="PERSON", help="whose they are")
        add_person_option(parser, "who does it: the person, or an administrator")
        # as said of `people` itself, unless it is said here
        parser.add_argument(
            "--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="the data folder"
        )
        parser.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
        )


def remove_codes(store: Store, args: argparse.Namespace) -> int:
    """Take them away. Raises CodesRefused, PasswordRefused, NotAuthenticated, Throttled, ChoiceNeeded."""
    passwords = Passwords(store, moment=store.now)
    codes = OneTimeCodes(store, passwords, store.now, key=b"")  # nothing is enciphered here
    present = None
    if args.who == args.person:
        present = asked_password("Present password", args.present_file, option="--present-file")
    codes.remove(args.person, by=args.who, present=present)
    if args.json:
        print_json({"codes": "removed", "person": args.person, "own": args.who == args.person})
    else:
        print(f"{printable(args.person)} is asked for no codes any more.")
    return 0


def remove_passkeys(store: Store, args: argparse.Namespace) -> int:
    """Take them away. Raises PasswordRefused."""
    from workflow.passkeys import Passkeys  # noqa: PLC0415  a long import, which others need not wait for

    removed = Passkeys(store, store.now, None).remove(args.person, by=args.who)
    if args.json:
        print_json({"passkeys": removed, "person": args.person, "own": args.who == args.person})
    else:
        print(f"{counted(removed, 'passkey')} of {printable(args.person)} removed.")
    return 0
