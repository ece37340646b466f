"""`paraaf serve`: keeps an office going: the development authority, and a worker, replaced when it dies.

Under /verify recipients check documents; it tells how it is at /healthz, /readyz and /metrics.
"""

import argparse
import asyncio
import ipaddress
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from time import monotonic

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from certs.serve_authority import AuthorityServer
from cli.authority import authority_kept
from cli.folder import add_data_option, office_of
from cli.profiles import profiles_looked_at
from cli.sample_people import SamplePeople
from cli.watching import families, ready
from cli.worker import port
from throughput.chores import chores
from watching import logs, spans
from watching.endpoint import listening, serving, url_of, watch_routes
from watching.meters import labelled
from web.app import Desk
from workflow.errors import SettingRefused
from workflow.office import Office
from workflow.tracebacks import tell_without_values

HOST = "127.0.0.1"
PORT = 8420
PROXIES = "PARAAF_PROXIES"
FIGURES_S = 1.0  # how long a worker may take to say what it counted
LONG_LIFE_S = 60.0  # a worker that lived so long did not die at once: the next one starts without a wait
WAITS_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
PATIENCE_S = 60.0  # how long a worker may take to finish what is in hand


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf serve`."""
    parser = subparsers.add_parser(
        "serve",
        description="Keep an office going until SIGTERM or Ctrl-C: serve the development authority on"
        " loopback, run a worker, replaced when it dies, have recipients check documents at /verify, and tell"
        " how it goes at /healthz, /readyz, /metrics.",
    )
    parser.add_argument(
        "--host",
        default=HOST,
        metavar="H",
        help=f"an IP address of this machine (default: {HOST}, which only this machine reaches)",
    )
    parser.add_argument(
        "--port", type=port, default=PORT, metavar="P", help=f"default: {PORT}; 0: any free one"
    )
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop."""
    sys.excepthook = tell_without_values
    with (
        office_of(args) as office,
        listening(args.host, args.port) as listener,
        AuthorityServer(office.authority.folder) as server,
    ):
        asyncio.run(_serve(office, server, listener))
    return 0


async def _serve(office: Office, server: AuthorityServer, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(f"Development authority at {server.base_url}", flush=True)
    worker = _WorkersFigures()
    figures = families(office, process="serve", others=worker.families)
    watched = watch_routes(ready=ready(office), families=figures)
    app = Desk(office, samples=SamplePeople.of(office)).app(beside=watched)
    async with serving(listener, app, proxies=_proxies(os.environ)), authority_kept(server):
        print(f"Pages, metrics and health at {url_of(listener)}", flush=True)
        await _keep_worker(office.folder, worker, stop)
    print("Stopped.", flush=True)


def _proxies(environ: Mapping[str, str]) -> list[str]:
    """The addresses of PARAAF_PROXIES. Raises SettingRefused for what is none."""
    named = [one.strip() for one in environ.get(PROXIES, "").split(",") if one.strip()]
    for one in named:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            raise SettingRefused(
                f"{PROXIES} has {one[:80]!r}, which is no IP address.",
                hint="Write the addresses of your reverse proxies, or networks, with commas between them.",
            ) from None
    return named


class _WorkersFigures:
    """Asks the worker for what it counted, through a pipe; nothing, while there is none to answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: Connection | None = None

    def pipe(self) -> Connection:
        """The other end, for a new worker."""
        ours, theirs = multiprocessing.Pipe()
        with self._lock:
            if self._pipe is not None:
                self._pipe.close()
            self._pipe = ours
        return theirs

    def families(self) -> list[Metric]:
        """The present worker's figures."""
        with self._lock:
            if self._pipe is None:
                return []
            try:
                while self._pipe.poll():  # an answer that came too late for whoever asked
                    self._pipe.recv()
                self._pipe.send("figures")
                found: list[Metric] = self._pipe.recv() if self._pipe.poll(FIGURES_S) else []
            except (EOFError, OSError):  # it has died; the next one is on its way
                return []
            return list(labelled(found, "worker"))


def _tell_figures(pipe: Connection, registry: CollectorRegistry) -> None:
    """Answer whoever asks at the other end, until it is gone."""
    try:
        while pipe.recv():
            pipe.send(list(registry.collect()))
    except (EOFError, OSError):
        pipe.close()


async def _keep_worker(folder: Path, figures: _WorkersFigures, stop: asyncio.Event) -> None:
    """Have a worker until the stop; each that dies young makes the next one wait longer."""
    died_young = 0
    while not stop.is_set():
        begun = monotonic()
        worker = _started(folder, figures)
        print(f"Worker {worker.pid} started; Ctrl-C ends it and this.", flush=True)
        await _ended(worker, stop)
        if stop.is_set():
            break
        died_young = 0 if monotonic() - begun > LONG_LIFE_S else min(died_young + 1, len(WAITS_S) - 1)
        wait_s = WAITS_S[died_young]
        print(
            f"Worker {worker.pid} ended with status {worker.exitcode}; another starts in {wait_s:g} s.",
            flush=True,
        )
        await _wait(stop, wait_s)


def _started(folder: Path, figures: _WorkersFigures) -> SpawnProcess:
    with figures.pipe() as pipe:  # closed here once the worker has its copy: or nobody saw when it ends
        worker = multiprocessing.get_context("spawn").Process(
            target=work_for_parent, args=(folder, pipe), daemon=True
        )
        worker.start()
    return worker


async def _ended(worker: SpawnProcess, stop: asyncio.Event) -> None:
    """Wait until the worker is gone; a stop is passed on to it, and it gets time to finish."""
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(worker.sentinel, gone.set)
    try:
        waiting = [asyncio.ensure_future(event.wait()) for event in (gone, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not gone.is_set():
            worker.terminate()
            await _wait(gone, PATIENCE_S)
        if not gone.is_set():
            worker.kill()
        for each in waiting:
            each.cancel()
    finally:
        loop.remove_reader(worker.sentinel)
    worker.join()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def work_for_parent(folder: Path, pipe: Connection) -> None:
    """Be a worker as long as the starting process lives; runs in a process of its own."""
    multiprocessing.current_process().daemon = False  # a PDF to be sealed is read in a child first
    os.setsid()  # the terminal's Ctrl-C goes to the parent, which then ends this one in an orderly way
    sys.excepthook = tell_without_values
    logs.start(os.environ)
    spans.start(os.environ)
    try:
        with closing(Office.open(folder, make=False)) as office:
            # a thread: it answers also while a step keeps the event loop busy
            figures = (pipe, office.meters.registry)
            threading.Thread(target=_tell_figures, args=figures, daemon=True).start()
            asyncio.run(_work(office))
    except Exception as error:  # noqa: BLE001 (told here: multiprocessing would print what it says)
        tell_without_values(type(error), error, None)
        sys.exit(1)


async def _work(office: Office) -> None:
    parent = multiprocessing.parent_process()
    loop = asyncio.get_running_loop()
    if parent is not None:
        loop.add_reader(parent.sentinel, _orphaned, loop, parent.sentinel)
    async with profiles_looked_at(office):
        await office.work(beside=chores(office))


def _orphaned(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    """Even kill -9 of the parent leaves no worker behind."""
    loop.remove_reader(sentinel)
    signal.raise_signal(signal.SIGTERM)
