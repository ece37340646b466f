"""Work by native code on files nobody vouches for: in a copy of this process, which may crash.

The copy is made by fork: what is in memory needn't be handed over, and a copy costs milliseconds. It tells
what it finds out line by line, so that what it said before it died counts.
"""

import faulthandler
import gc
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from signing.fence import bound_processor_time

_CHUNK = 65_536
Tell = Callable[[bytes], None]


@dataclass(frozen=True)
class Told:
    """The lines that the copy told, and why it didn't come to its end; empty when it did."""

    lines: tuple[bytes, ...]
    stopped: str = ""


def run_apart(work: Callable[[Tell], None], *, cpu_s: int, wall_s: float, most_bytes: int) -> Told:
    """Run `work` in a copy of this process, which can open no file and is ended after `wall_s` seconds.

    `work` gets a function that tells one line. Memory is bounded as for this process. Only for processes
    without threads of their own: a lock that another thread holds stays locked in the copy.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _run(work, theirs, cpu_s, wall_s)
    os.close(theirs)
    try:
        data, stopped = _read(ours, time.monotonic() + wall_s, most_bytes)
    finally:
        os.close(ours)
        if not _ended(child):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    complete, _, _ = data.rpartition(b"\n")
    return Told(tuple(complete.split(b"\n")) if complete else (), stopped or _why(status))


def _run(work: Callable[[Tell], None], theirs: int, cpu_s: int, wall_s: float) -> None:
    """The copy's life. It never returns."""
    status = 1
    try:
        gc.freeze()  # looking through all objects again would copy the memory that they lie in
        faulthandler.disable()
        os.closerange(0, theirs)  # whoever takes it over has nobody to talk to but who reads what it tells
        os.closerange(theirs + 1, os.sysconf("SC_OPEN_MAX"))
        for number in (signal.SIGALRM, signal.SIGXCPU, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, wall_s + 1)  # should nobody be there any more to end it
        bound_processor_time(cpu_s)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        work(lambda line: _write(theirs, line + b"\n"))
        status = 0
    except MemoryError:
        status = 2
    finally:
        os._exit(status)


def _write(where: int, data: bytes) -> None:
    while data:
        data = data[os.write(where, data) :]


def _read(where: int, until: float, most_bytes: int) -> tuple[bytes, str]:
    """Everything that is told until the end, and why reading ended before it."""
    data = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([where], [], [], left)[0]:
            return bytes(data), "it took too long"
        piece = os.read(where, _CHUNK)
        if not piece:
            return bytes(data), ""
        data += piece
        if len(data) > most_bytes:
            return bytes(data[:most_bytes]), "it told too much"


def _ended(child: int) -> bool:
    """Whether the copy is at its end already, without waiting for it to be collected."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _why(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return ""
    if code == -signal.SIGXCPU:
        return "processor time ran out"
    if code == 2:
        return "memory ran out"
    name = ""
    with suppress(ValueError):
        name = f" ({signal.Signals(-code).name})" if code < 0 else ""
    return f"its process crashed{name}"
