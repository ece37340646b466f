"""`paraaf worker`: does the automatic steps of the requests: render, sign, deliver."""

import argparse
import asyncio
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import select

from cli.folder import add_data_option, office_of
from throughput.events import records_since
from workflow.tables import LogHead
from workflow.tracebacks import tell_without_values

if TYPE_CHECKING:
    from certs.serve_authority import AuthorityServer
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for


_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "document_rendered": "rendered",
        "document_signed": "signed",
        "document_delivered": "delivered",
        "step_failed": "sent back to a person",
        "incident_opened": "given up until a `repair`",
        "task_reminded": "reminded",
        "task_escalated": "escalated",
        "request_destroyed": "destroyed",
    }
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf worker`."""
    parser = subparsers.add_parser(
        "worker",
        description="Do the automatic steps (render, sign, deliver) until SIGTERM or Ctrl-C; what is in hand"
        " is finished first. Several workers may run at once. The development authority is served along,"
        " whenever nobody else serves it.",
        epilog="exit status of --until-idle: 1 when a step was given up meanwhile.",
    )
    parser.add_argument("--until-idle", action="store_true", help="end when no step is left")
    parser.add_argument(
        "--metrics-port",
        type=port,
        metavar="P",
        help="serve /healthz, /readyz and /metrics of this worker on this port of 127.0.0.1; 0: any free one",
    )
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Work until told to stop, or until idle."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415 (help need not wait for a web server)

    sys.excepthook = tell_without_values
    with (
        office_of(args) as office,
        _listening(args.metrics_port) as listener,
        AuthorityServer(office.authority.folder) as server,
    ):
        if not args.until_idle:
            print("Worker ready; Ctrl-C ends it.", flush=True)
        before = _last_event(office) if args.until_idle else 0
        asyncio.run(_work(office, server, listener, until_idle=args.until_idle))
        if args.until_idle:
            with office.store.read() as session:
                events = Counter(record["type"] for record in records_since(session, before))
            print(_done(events))
            return 1 if events["incident_opened"] else 0
    return 0


def port(text: str) -> int:
    """A port's number for argparse."""
    if not (text.isascii() and text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError("give a port from 0 (any free one) to 65535")
    return int(text)


@contextmanager
def _listening(number: int | None) -> Iterator[socket.socket | None]:
    """The port for the figures, taken before anything else begins; None when none is asked for."""
    if number is None:
        yield None
        return
    from watching.endpoint import listening, url_of  # noqa: PLC0415 (help need not wait for a web server)

    with listening("127.0.0.1", number) as listener:
        print(f"Metrics and health at {url_of(listener)}", flush=True)
        yield listener


async def _work(
    office: "Office", server: "AuthorityServer", listener: socket.socket | None, *, until_idle: bool
) -> None:
    from cli.authority import authority_kept  # noqa: PLC0415 (as above)
    from cli.profiles import profiles_looked_at  # noqa: PLC0415 (as above)
    from cli.waiting import waiting_told  # noqa: PLC0415 (as above)
    from throughput.chores import chores  # noqa: PLC0415 (as above)

    async with AsyncExitStack() as along:
        await along.enter_async_context(authority_kept(server))
        if listener is not None:
            from cli.watching import families, ready  # noqa: PLC0415 (as above)
            from watching.endpoint import serving, watch_app  # noqa: PLC0415

            figures = families(office, process="worker")
            app = watch_app(ready=ready(office), families=figures)
            await along.enter_async_context(serving(listener, app))
        if until_idle:
            await along.enter_async_context(waiting_told(office, partial(print, flush=True)))
        else:
            await along.enter_async_context(profiles_looked_at(office))
        await office.work(until_idle=until_idle, beside=chores(office))


def _last_event(office: "Office") -> int:
    with office.store.read() as session:
        return session.scalars(select(LogHead.seq)).one_or_none() or 0


def _done(events: Mapping[str, int]) -> str:
    """What was done meanwhile, by whichever worker; `Nothing to do.` when nothing was."""
    said = [f"{events[type_]} {word}" for type_, word in _WORDS.items() if events[type_]]
    return f"{', '.join(said)}." if said else "Nothing to do."
