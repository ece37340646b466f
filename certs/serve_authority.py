"""The development authority's HTTP server: `python -m certs.serve_authority FOLDER`, or a child process.

It listens on loopback only, on the port that the folder's certificates point to.
"""

import argparse
import asyncio
import http.client
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.authority_http import Answers, authority_app
from certs.errors import AuthorityServerError
from certs.loopback import split_base_url
from problem import Problem

_READY: Final = "ready"
_TAKEN: Final = "taken"
_FAILED: Final = "failed"
_BACKLOG: Final = 1024
_PROBE_TIMEOUT_S: Final = 3.0
_SHUTDOWN_S: Final = 1.0
_STOP_TIMEOUT_S: Final = 5.0


class AuthorityServer:
    """The authority's HTTP server in a child process, which never outlives this one.

    When another process serves the same authority already, that one is used and left running on `stop`.
    `faults` (tests only, see `certs.faulty_authority`) makes the child answer wrongly on purpose; `base_url`
    serves at another loopback address than the one in the certificates.
    """

    def __init__(
        self,
        folder: Path,
        *,
        faults: Iterable[str] = (),
        base_url: str | None = None,
        start_timeout_s: float = 30.0,
    ) -> None:
        self.authority = DevelopmentAuthority.open(folder)
        self.base_url = base_url or self.authority.base_url
        split_base_url(self.base_url)
        self._faults = tuple(faults)
        self._start_timeout_s = start_timeout_s
        self._child: subprocess.Popen[str] | None = None

    @property
    def answers(self) -> bool:
        """Whether this authority is served at its address, by this object or by another process."""
        return is_served(self.authority, self.base_url)

    @property
    def tsa_url(self) -> str:
        """Where this server gives timestamps."""
        return f"{self.base_url}/tsa"

    @property
    def ocsp_url(self) -> str:
        """Where this server gives OCSP answers."""
        return f"{self.base_url}/ocsp"

    def start(self) -> "AuthorityServer":
        """Start the child and wait until it answers; raises AuthorityServerError when it cannot."""
        if self._child is not None:
            return self
        module = "certs.faulty_authority" if self._faults else "certs.serve_authority"
        command = [sys.executable, "-m", module, str(self.authority.folder), "--base-url", self.base_url]
        # The child ends when its standard input closes: even kill -9 of this process leaves none behind.
        self._child = subprocess.Popen(  # noqa: S603 (our own module with our own interpreter)
            [*command, "--until-stdin-closes", *self._faults],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, _, explanation = self._first_line().partition(" ")
        if word == _READY:
            return self
        self.stop()
        if word == _TAKEN and not self._faults and self.answers:
            return self
        raise _failure(word, explanation.strip(), self.base_url)

    def stop(self) -> None:
        """End the child, if this object started one."""
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

    def __enter__(self) -> "AuthorityServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _first_line(self) -> str:
        """Wait for the child's first line; empty when it ended or took too long."""
        output = self._child.stdout if self._child else None
        if output is None:
            return ""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            return output.readline() if selector.select(self._start_timeout_s) else ""


def is_served(authority: DevelopmentAuthority, base_url: str | None = None) -> bool:
    """Ask whoever holds the authority's port for the root certificate, and see whether it is ours."""
    parts = split_base_url(base_url or authority.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/ca/root.crt")
        return connection.getresponse().read(64 * 1024) == authority.root.public_bytes(Encoding.DER)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def serve(
    folder: Path,
    base_url: str | None,
    *,
    make_answers: Callable[[DevelopmentAuthority], Answers],
    until_stdin_closes: bool,
) -> int:
    """Serve until SIGTERM or SIGINT (or the closing of standard input) and return the exit status.

    Writes one line to standard output when it answers, or why it cannot.
    """
    try:
        authority = DevelopmentAuthority.open(folder)
        app = authority_app(make_answers(authority))
        asyncio.run(_serve(app, base_url or authority.base_url, until_stdin_closes=until_stdin_closes))
    except Problem as problem:
        _say(_FAILED, str(problem))
        return 1
    except OSError as error:
        _say(_TAKEN, error.strerror or str(error))
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the authority in the folder that the command line names."""
    options = command_line("Serve a development authority on loopback.").parse_args(arguments)
    return serve(
        options.folder,
        options.base_url,
        make_answers=lambda authority: Answers(authority, clock=lambda: datetime.now(UTC)),
        until_stdin_closes=options.until_stdin_closes,
    )


def command_line(description: str) -> argparse.ArgumentParser:
    """Describe the options that the server's process takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the authority's folder")
    parser.add_argument("--base-url", help="serve at another loopback address than the folder's")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the starting process")
    return parser


async def _serve(app: web.Application, base_url: str, *, until_stdin_closes: bool) -> None:
    parts = split_base_url(base_url)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, parts.hostname, parts.port, backlog=_BACKLOG).start()
        ended = asyncio.Event()
        _end_on_signals(ended, with_interrupt=not until_stdin_closes)
        if until_stdin_closes:
            asyncio.get_running_loop().add_reader(sys.stdin, _end_at_last_byte, ended)
        _say(_READY, base_url)
        await ended.wait()
    finally:
        await runner.cleanup()


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


def _say(word: str, explanation: str) -> None:
    sys.stdout.write(f"{word} {explanation}\n")
    sys.stdout.flush()


def _failure(word: str, explanation: str, base_url: str) -> AuthorityServerError:
    """Turn what the child said, if anything, into an error."""
    if word == _TAKEN:
        return AuthorityServerError(
            f"The development authority cannot listen on {base_url}: {explanation}.",
            hint="The address stands in its certificates: end the program that holds the port, "
            "and start again.",
        )
    return AuthorityServerError(
        f"The development authority's server did not start: {explanation or 'it ended or took too long'}.",
        hint="Run `python -m certs.serve_authority FOLDER` to see why.",
    )


if __name__ == "__main__":
    sys.exit(main())
