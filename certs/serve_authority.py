"""The development authority's HTTP server: `python -m certs.serve_authority FOLDER`, or a child process.

It listens on loopback only, on the port that the folder's certificates point to.
"""

import argparse
import asyncio
import http.client
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority
from certs.authority_http import Answers, authority_app
from certs.child_server import FAILED, TAKEN, ChildServer, Served, run_app, say
from certs.errors import AuthorityServerError
from certs.loopback import split_base_url
from problem import Problem

_PROBE_TIMEOUT_S: Final = 3.0


class AuthorityServer(Served):
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
        module = "certs.faulty_authority" if self._faults else "certs.serve_authority"
        arguments = [str(self.authority.folder), "--base-url", self.base_url, *self._faults]
        super().__init__(ChildServer(module, arguments, start_timeout_s=start_timeout_s))

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

    def _require_served(self, word: str, explanation: str) -> None:
        if word == TAKEN and not self._faults and self.answers:
            return
        raise _failure(word, explanation, self.base_url)


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
        asyncio.run(run_app(app, base_url or authority.base_url, until_stdin_closes=until_stdin_closes))
    except Problem as problem:
        say(FAILED, str(problem))
        return 1
    except OSError as error:
        say(TAKEN, error.strerror or str(error))
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


def _failure(word: str, explanation: str, base_url: str) -> AuthorityServerError:
    """Turn what the child said, if anything, into an error."""
    if word == TAKEN:
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
