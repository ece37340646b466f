"""`paraaf people password`: set a person's password, or take it away; and how commands ask for one."""

import argparse
import getpass
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded, InputUnreadable
from cli.files import read_input
from cli.folder import add_person_option
from cli.printing import print_json, printable
from signing.secret import Secret
from workflow.passwords import SHORTEST, Passwords
from workflow.proofs import Proof
from workflow.reauthentication import MOST, prove_by_password
from workflow.store import Store

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

_EPILOG = f"""A password has at least {SHORTEST} characters. It is never an argument: it is typed at a
terminal, or read from a file, without the line's end. Who has one needs it to change it (--present-file, or
typed). One that an administrator gives is good for choosing one's own, and for nothing else."""


def add_password(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `paraaf people password`."""
    parser = verbs.add_parser(
        "password",
        description="Set or remove somebody's password, with which they show that it is they.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("person", metavar="PERSON", help="whose it is")
    add_person_option(parser, "who does it: the person, or an administrator")
    parser.add_argument("--file", type=Path, metavar="FILE", help="the new one; - reads stdin")
    parser.add_argument("--present-file", type=Path, metavar="FILE", help="one's present one")
    parser.add_argument("--remove", action="store_true", help="take it away")
    # as said of `people` itself, unless it is said here
    parser.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="the data folder")
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document"
    )


def change_password(store: Store, args: argparse.Namespace) -> int:
    """Set it, or take it away. Raises PasswordRefused, NotAuthenticated, Throttled, ChoiceNeeded."""
    if args.remove and args.file is not None:
        raise ChoiceNeeded("--remove takes no --file.", hint="Leave one of them out.")
    passwords = Passwords(store, moment=store.now)
    present = None
    if args.who == args.person and (args.present_file is not None or passwords.has_one(args.person)):
        present = asked_password("Present password", args.present_file, option="--present-file")
    if args.remove:
        passwords.remove(args.person, by=args.who, present=present)
    else:
        new = asked_password("New password", args.file, option="--file", twice=True)
        passwords.set(args.person, new, by=args.who, present=present)
    done = "removed" if args.remove else "set"
    if args.json:
        print_json({"password": done, "person": args.person, "own": args.who == args.person})
    elif args.remove or args.who == args.person:
        print(f"The password of {printable(args.person)} was {done}.")
    else:
        print(f"{printable(args.person)} has a password now, with which they choose their own.")
    return 0


def asked_password(prompt: str, file: Path | None, *, option: str, twice: bool = False) -> Secret:
    """A password from its file or the terminal. Raises ChoiceNeeded without either, InputUnreadable."""
    if file is not None:
        try:
            text = read_input(file).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputUnreadable(f"{file} holds no text in UTF-8.", hint="Write it as UTF-8.") from error
        return Secret(text.removesuffix("\n").removesuffix("\r"))
    if not sys.stdin.isatty():
        raise ChoiceNeeded(f"{prompt}: there is no terminal to ask on.", hint=f"Name a file with {option}.")
    typed = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass(f"{prompt}, again: ") != typed:
        raise ChoiceNeeded("The two are not the same; nothing was changed.", hint="Type it again.")
    return Secret(typed)


def asked_proof(
    office: "Office", args: argparse.Namespace, seen: Mapping[int, int], *, asked: bool
) -> Proof | None:
    """What shows that it is they who consent, for the requests that they have seen in these versions.

    None where there are none, and where nobody asks for it: `asked` says whether a terminal is used for it.
    Raises ChoiceNeeded, and what `asked_password` and Passwords.check raise.
    """
    if args.password_file is not None and not args.consent:
        raise ChoiceNeeded("--password-file goes with --consent.", hint="Add --consent, or leave it out.")
    if not seen or not (args.password_file is not None or (asked and sys.stdin.isatty())):
        return None
    if len(seen) > MOST:
        raise ChoiceNeeded(
            f"One password is for {MOST} requests at most, and these are {len(seen)}.",
            hint="Give them in parts.",
        )
    password = asked_password(
        f"Password of {printable(args.who)}", args.password_file, option="--password-file"
    )
    return prove_by_password(office.passwords, args.who, password, seen)
