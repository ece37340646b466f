"""What a child process that reads files nobody vouches for needs: a clean start, and bounds that hold.

The child is forked from a server that has its module loaded already, so that a new one costs milliseconds.
"""

import multiprocessing
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

_main = threading.Lock()
_FENCED = (
    "signing.foreign",
    "signing.outside",
    "signing.page_images",
    "signing.scans",
    "signing.verify.fence",
)


def fence_context(module: str) -> ForkServerContext:
    """The process context for children that run this module's code: a fork server that has it loaded.

    There is one fork server a process, which loads modules when it starts and no more later: so it gets the
    other fenced modules, too, as far as this process has them. Without, each child of theirs would load its
    own for half a second.
    """
    context = multiprocessing.get_context("forkserver")
    others = [name for name in _FENCED if name in sys.modules and name != module]
    context.set_forkserver_preload([module, *others])
    return context


@contextmanager
def main_left_alone() -> Iterator[None]:
    """Keep a starting child from running the caller's main program over again, as multiprocessing would.

    A child needs nothing from there, and a script without a `__main__` guard would start itself anew.
    """
    with _main:  # of threads that start children at once, the last would put back the first one's stand-in
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def bound_memory(address_space_bytes: int) -> None:
    """Bound this process's memory; it leaves no core behind when it dies."""
    _bound(resource.RLIMIT_AS, address_space_bytes)
    _bound(resource.RLIMIT_CORE, 0)


def address_space() -> int | None:
    """Bytes of address space that this process takes now; None where the system doesn't say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pages * resource.getpagesize()


def lower_memory(address_space_bytes: int) -> None:
    """Bound this process's memory where it isn't bounded more tightly already."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY or soft > address_space_bytes:
        _bound(resource.RLIMIT_AS, address_space_bytes)


def bound_processor_time(more_s: int) -> None:
    """Give this process so many more seconds of processor time; it is killed after those."""
    _bound(resource.RLIMIT_CPU, int(time.process_time()) + more_s)


def _bound(what: int, soft: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
