"""`paraaf authorise`: sign with one's key at a remote provider: what waits, and one's word for it."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import aligned, counted, minute, print_json, printable
from cli.queue import require_known

if TYPE_CHECKING:
    from signing.csc import Factor
    from workflow.asking import Answered, Asking
    from workflow.authorising import Outcome, Part, ToSign, Word
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

REDIRECT = "http://127.0.0.1:8421/authorised"
PATIENCE_S = 300.0
_EPILOG = """Without numbers it lists what waits for your signature. Look at each document before you
authorise it: `paraaf show N`. PIN and code are never arguments, where others could read them; they are asked
for at the terminal, or read from files. Where the key's owner answers on the provider's own page, its address
is printed, and the answer awaited on this machine.
exit status: 0 all are signed and have gone on; 1 at least one has not, and why is told."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf authorise`."""
    parser = subparsers.add_parser(
        "authorise",
        description="Sign with your key at a remote signing provider: authorise these signatures, have"
        " them made, and do what your tasks ask for.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("requests", type=int, nargs="*", metavar="N", help="the requests' numbers")
    add_person_option(parser, "whose key signs")
    parser.add_argument("--all", action="store_true", help="all that wait")
    parser.add_argument("--pin-file", type=Path, metavar="FILE", help="a file that holds the PIN; - is stdin")
    parser.add_argument("--code-file", type=Path, metavar="FILE", help="one that holds the one-time code")
    parser.add_argument(
        "--send-code", action="store_true", help="have the provider send a code, then ask for it"
    )
    parser.add_argument(
        "--redirect",
        metavar="URL",
        default=REDIRECT,
        help=f"where the provider's page sends the answer; on this machine (default: {REDIRECT})",
    )
    parser.add_argument("--consent", action="store_true", help="accept the texts that are asked for")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """List, or authorise."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415 (help need not wait for aiohttp)

    with office_of(args) as office:
        require_known(office.store, args.who)
        if not (args.requests or args.all):
            waiting = asyncio.run(_folder(office, args.who))
            _tell_waiting(args, waiting)
            return 0
        with AuthorityServer(office.authority.folder):
            outcomes = asyncio.run(_authorise(office, args))
    return _tell_outcomes(args, outcomes)


async def _folder(office: "Office", who: str) -> "list[ToSign]":
    async with office.authorising() as authorising:
        return authorising.folder(who)


async def _authorise(office: "Office", args: argparse.Namespace) -> "list[Outcome]":
    async with office.authorising() as authorising:
        waiting = authorising.folder(args.who, None if args.all else args.requests)
        numbers = [one.request_id for one in waiting] if args.all else args.requests
        if not numbers:
            return []
        for one in waiting:  # before anything is asked: one's word is for these, and no others
            said = f"request {one.request_id}: {one.document} {one.number}, SHA-256 {one.document_sha256}"
            print(printable(said), file=sys.stderr)
        shown = {one.document_sha256 for one in waiting}
        asking = _Asking()
        return await authorising.authorise(
            args.who,
            numbers,
            _word(args, asking),
            shown=shown,
            consents=args.consent,
            through="command-line",
            announce=asking.announce,
        )


class _Asking:
    """Which of several questions the person is asked: told before each, and on the provider's page."""

    def __init__(self) -> None:
        self.words = ""

    def announce(self, part: "Part") -> None:
        """Tell of one of several."""
        self.words = "" if part.of == 1 else f", {part.place} of {part.of}"
        if self.words:
            requests = ", ".join(map(str, part.request_ids))
            print(
                f"You are asked {part.of} times, for {counted(part.total, 'signature')} in all. Now"
                f" {part.place} of {part.of}: {counted(len(part.request_ids), 'signature')}, for the requests"
                f" {requests}.",
                file=sys.stderr,
            )


def _word(args: argparse.Namespace, asking: _Asking) -> "Word":
    """How the person is asked, as their key wants it."""
    from workflow.asking import Given, OnDevice, OnPage, PersonsWord  # noqa: PLC0415 (a second to import)

    async def ask(asked: "Asking") -> "Answered":
        if isinstance(asked, OnPage):
            from cli.provider_page import answer_from_page  # noqa: PLC0415 (aiohttp)

            return await answer_from_page(asked, redirect=args.redirect, patience_s=PATIENCE_S)
        if isinstance(asked, OnDevice):
            return Given()
        if asked.wrong is not None:  # from a file, it would be the same again
            raise asked.wrong
        key = asked.key
        if args.send_code and key.otp.online and not asked.sent:
            return Given(send=True)
        print(
            f"{counted(asked.count, 'signature')} with {printable(key.description or key.credential_id)}.",
            file=sys.stderr,
        )
        pin = _factor(key.pin, "PIN", args.pin_file)
        return Given(pin, _factor(key.otp, "one-time code", args.code_file))

    def describe(count: int) -> str:
        return f"{counted(count, 'signature')} in Paraaf{asking.words}"

    return PersonsWord(ask, describe, args.redirect)


def _factor(factor: "Factor", what: str, file: Path | None) -> str:
    """The PIN or the code, from its file or the terminal; "" where none is wanted. Raises ChoiceNeeded."""
    if not factor.is_needed and file is None:
        return ""
    if file is not None:
        return read_input(file).decode("utf-8", errors="replace").strip()
    if not sys.stdin.isatty():
        option = "--pin-file" if what == "PIN" else "--code-file"
        raise ChoiceNeeded(f"This key asks for its {what}.", hint=f"Give it in a file with {option}.")
    return getpass.getpass(f"{factor.label or what}: ")


def _tell_waiting(args: argparse.Namespace, waiting: "Sequence[ToSign]") -> None:
    if args.json:
        print_json({"waiting": [asdict(one) for one in waiting]})
        return
    if not waiting:
        print(f"Nothing waits for a signature of {printable(args.who)} at a provider.")
        return
    rows = [["request", "document", "number", "requester", "since (UTC)", "provider", "note", "SHA-256"]]
    rows += [
        [
            str(one.request_id),
            one.document,
            one.number,
            one.requester,
            minute(one.offered_at),
            one.provider,
            _state(one),
            one.document_sha256,
        ]
        for one in waiting
    ]
    print("\n".join(aligned(rows)))
    print(counted(len(waiting), "signature"))


def _state(one: "ToSign") -> str:
    if one.signed:
        return "signed, to be sent on"
    return "perhaps signed before" if one.tried else ""


def _json(one: "Outcome") -> dict[str, object]:
    return {name: getattr(one, name) for name in ("request_id", "code", "message", "hint", "repeated")}


def _tell_outcomes(args: argparse.Namespace, outcomes: "Sequence[Outcome]") -> int:
    if args.json:
        print_json({"outcomes": [_json(one) for one in outcomes]})
    elif not outcomes:
        print("Nothing waits.")
    else:
        for one in outcomes:
            said = f"{one.message} {one.hint}".strip() if one.code else "signed"
            again = " (the key was, or may have been, used before on the same bytes)" if one.repeated else ""
            print(printable(f"{one.request_id}: {said}{again}"))
    return 1 if any(one.code for one in outcomes) else 0
