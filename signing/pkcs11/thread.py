"""The one thread of this process that may call a PKCS#11 module.

The binding initialises modules without asking them to lock (C_Initialize without arguments), which says that
one thread at a time calls them. With SoftHSM 2.6, eight threads with a session each ended in GeneralError or
a segmentation fault. So signings with one module queue up here; more at a time take more processes.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Any, TypeVar

from signing.errors import TokenUnavailableError
from signing.pkcs11.tokens import Tokens

_T = TypeVar("_T")
Job = Callable[[Tokens], _T]

_modules: dict[Path, "ModuleThread"] = {}
_modules_lock = Lock()


class ModuleThread:
    """Does jobs with a module's tokens, one after another, in a thread of its own.

    A copy of the process (fork) gets a thread of its own at its first job, and the module is initialised anew
    there: PKCS#11 2.40 lets a copy use nothing of its parent's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._process = 0
        self._jobs: SimpleQueue[tuple[Future[Any], Job[Any]]] = SimpleQueue()
        self._begun: float | None = None  # monotonic seconds at which the job in hand began

    async def run(self, job: Job[_T], *, timeout_s: float) -> _T:
        """Do a job, in its turn. A job may take `timeout_s`; waiting for a turn counts as none of it.

        Raises TokenUnavailableError when it takes longer, and what the job raises.
        """
        future = self._put(job)
        waiting = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait([waiting], timeout=timeout_s))[0]:
                self._require_moving(timeout_s)
        finally:
            waiting.cancel()  # when nobody waits any more, it is not begun
        return waiting.result()

    def run_now(self, job: Job[_T], *, timeout_s: float) -> _T:
        """As `run`, for callers without an event loop."""
        future = self._put(job)
        try:
            while not wait([future], timeout=timeout_s).done:
                self._require_moving(timeout_s)
        finally:
            future.cancel()
        return future.result()

    def _require_moving(self, timeout_s: float) -> None:
        begun = self._begun
        if begun is not None and monotonic() - begun >= timeout_s:
            raise TokenUnavailableError(
                f"The module {self._path} has not answered for {timeout_s:g} seconds.",
                hint="See that the device and its service run. What waits for it goes on when it answers; if"
                " it never does, start the worker anew.",
            )

    def _put(self, job: Job[_T]) -> Future[_T]:
        future: Future[_T] = Future()
        with self._lock:
            if self._process != os.getpid():
                self._jobs, self._begun = SimpleQueue(), None
                tokens = Tokens(self._path, inherited=self._process != 0)
                Thread(target=self._work, args=(self._jobs, tokens), name="pkcs11", daemon=True).start()
                self._process = os.getpid()
            self._jobs.put((future, job))
        return future

    def _work(self, jobs: SimpleQueue[tuple[Future[Any], Job[Any]]], tokens: Tokens) -> None:
        while True:
            self._do(tokens, *jobs.get())

    def _do(self, tokens: Tokens, future: Future[_T], job: Job[_T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        self._begun = monotonic()
        try:
            result = tokens.twice(job)
        except BaseException as error:  # noqa: BLE001 (told to whoever waits, who raises it)
            self._begun = None
            future.set_exception(error)
        else:
            self._begun = None
            future.set_result(result)


def module_thread(path: Path) -> ModuleThread:
    """The thread of a module, one a process, whatever the path by which the module is named."""
    real = Path(os.path.realpath(path))  # Path.resolve raises for links in a circle
    with _modules_lock:
        return _modules.setdefault(real, ModuleThread(real))
