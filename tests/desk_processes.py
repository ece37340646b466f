"""Desks in processes of their own over one office, as several `serve` behind one address; some are killed."""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.folder_office import free_port
from watching.endpoint import listening, serving
from web.app import Desk
from workflow import faults, signing_run, signing_runs
from workflow.office import Office

LONGEST_S = 60
HELD = timedelta(seconds=1)  # nobody here is slow; and who was killed is soon missed
STEP = 2  # released in one transaction
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.desk_processes"])


@dataclass
class Desks:
    """Starts desks of one office, each at a port of its own; `kill_point` is where one kills itself."""

    folder: Path
    environ: Mapping[str, str]
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self, *, kill_point: str = "", port: int = 0) -> "Started":
        ready = CONTEXT.Event()
        port = port or free_port()
        how = (self.folder, dict(self.environ), port, kill_point, ready)
        process = CONTEXT.Process(target=serve, args=how)
        process.start()
        self.stack.callback(process.kill)
        assert ready.wait(LONGEST_S)
        return Started(process, f"http://127.0.0.1:{port}")


@dataclass(frozen=True)
class Started:
    process: ForkServerProcess
    url: str

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.wait_killed()

    def wait_killed(self) -> None:
        """Wait until it has killed itself."""
        self.process.join(LONGEST_S)
        assert self.process.exitcode == -signal.SIGKILL


@contextmanager
def desks_of(folder: Path, environ: Mapping[str, str]) -> Iterator[Desks]:
    """Desks of an office that is there; all of them are gone at the end."""
    desks = Desks(folder, environ)
    with desks.stack:
        yield desks


def serve(folder: Path, environ: Mapping[str, str], port: int, kill_point: str, ready: Event) -> None:
    """Be a desk until killed."""
    faults._fuses[:] = [faults._Fuse(kill_point)]
    signing_runs.HELD, signing_run._STEP = HELD, STEP  # type: ignore[misc]

    async def until_killed(office: Office) -> None:
        async with serving(listening("127.0.0.1", port), Desk(office).app()):
            ready.set()
            await asyncio.Event().wait()

    with closing(Office.open(folder, environ=environ, make=False)) as office:
        asyncio.run(until_killed(office))
