"""An HTTP server in a child process that never outlives the one that started it, and what the child runs.

The child says in its first line whether it answers: `ready`, `taken` when another program holds the address,
`failed` when something else is wrong, each with an explanation.
"""

import asyncio
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from certs.loopback import split_base_url

READY: Final = "ready"
TAKEN: Final = "taken"
FAILED: Final = "failed"
LONGEST_LINE: Final = 8190  # aiohttp's own
_BACKLOG: Final = 1024
_SHUTDOWN_S: Final = 1.0
_STOP_TIMEOUT_S: Final = 5.0


class ChildServer:
    """A module of ours, run in a child process with these arguments."""

    def __init__(self, module: str, arguments: Sequence[str], *, start_timeout_s: float = 30.0) -> None:
        self._command = [sys.executable, "-m", module, *arguments, "--until-stdin-closes"]
        self._start_timeout_s = start_timeout_s
        self._child: subprocess.Popen[str] | None = None

    @property
    def is_started(self) -> bool:
        """Whether there is a child."""
        return self._child is not None

    def start(self) -> tuple[str, str]:
        """Start the child, and give its first word and the explanation; both empty when it said nothing."""
        # The child ends when its standard input closes: even kill -9 of this process leaves none behind.
        self._child = subprocess.Popen(  # noqa: S603 (our own module with our own interpreter)
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        word, _, explanation = self._first_line().partition(" ")
        return word, explanation.strip()

    def stop(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        for stream in (child.stdin, child.stdout):
            if stream:
                stream.close()
        try:
            child.wait(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _first_line(self) -> str:
        """Wait for the child's first line; empty when it ended or took too long."""
        output = self._child.stdout if self._child else None
        if output is None:
            return ""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            return output.readline() if selector.select(self._start_timeout_s) else ""


class Served:
    """A server in a child process: started and stopped, or for as long as a block runs."""

    def __init__(self, child: ChildServer) -> None:
        self._child = child

    def start(self) -> Self:
        """Start the child and wait until it answers; raises AuthorityServerError when it cannot."""
        if self._child.is_started:
            return self
        word, explanation = self._child.start()
        if word != READY:
            self.stop()
            self._require_served(word, explanation)
        return self

    def _require_served(self, word: str, explanation: str) -> None:
        """Say in an error why the child does not answer, unless somebody else does in its place."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the child, if this object started one."""
        self._child.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


async def run_app(
    app: web.Application, base_url: str, *, until_stdin_closes: bool, longest_line: int = LONGEST_LINE
) -> None:
    """Serve until SIGTERM or SIGINT, or the closing of standard input; says when it answers."""
    parts = split_base_url(base_url)
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S, max_line_size=longest_line
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, parts.hostname, parts.port, backlog=_BACKLOG).start()
        ended = asyncio.Event()
        _end_on_signals(ended, with_interrupt=not until_stdin_closes)
        if until_stdin_closes:
            asyncio.get_running_loop().add_reader(sys.stdin, _end_at_last_byte, ended)
        say(READY, base_url)
        await ended.wait()
    finally:
        await runner.cleanup()


def say(word: str, explanation: str) -> None:
    """Write the line for which the starting process waits."""
    sys.stdout.write(f"{word} {explanation}\n")
    sys.stdout.flush()


def _end_on_signals(ended: asyncio.Event, *, with_interrupt: bool) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # A terminal's Ctrl-C reaches the child too: the parent finishes its own work first, then ends the child.
    loop.add_signal_handler(signal.SIGINT, ended.set if with_interrupt else _nothing)


def _end_at_last_byte(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        ended.set()


def _nothing() -> None:
    """Stay."""
