"""The development provider's HTTP server: `python -m certs.serve_csc FOLDER`, or a child process.

FOLDER is the development authority's, with the provider's file in it. It listens on loopback only.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from certs.authority import DevelopmentAuthority
from certs.child_server import FAILED, TAKEN, ChildServer, Served, run_app, say
from certs.csc_http import LONGEST_LINE, CscAnswers, CscPace, provider_app
from certs.csc_provider import PATH
from certs.csc_sandbox import Sandbox
from certs.errors import AuthorityServerError
from problem import Problem


class CscServer(Served):
    """The development provider's HTTP server in a child process, which never outlives this one."""

    def __init__(self, folder: Path, *, pace: CscPace | None = None, start_timeout_s: float = 30.0) -> None:
        self.sandbox = Sandbox.open(folder)
        pace = pace or CscPace()
        numbers = ["--latency-ms", str(round(pace.latency_s * 1000)), "--a-minute", str(pace.most)]
        super().__init__(
            ChildServer("certs.serve_csc", [str(folder), *numbers], start_timeout_s=start_timeout_s)
        )

    @property
    def url(self) -> str:
        """The base address of the API."""
        return self.sandbox.base_url + PATH

    def _require_served(self, word: str, explanation: str) -> None:
        hint = "Run `python -m certs.serve_csc FOLDER` to see why."
        if word == TAKEN:
            hint = f"End the program that holds {self.sandbox.base_url}."
        raise AuthorityServerError(
            f"The development provider's server did not start: {explanation or 'it took too long'}.",
            hint=hint,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the provider of the folder that the command line names, as slow and strict as it says."""
    parser = argparse.ArgumentParser(
        description="Serve a development provider of remote signing on loopback."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the development authority's folder")
    parser.add_argument(
        "--latency-ms", type=int, default=0, metavar="N", help="wait so long before each answer"
    )
    parser.add_argument("--a-minute", type=int, default=0, metavar="N", help="take so many calls a minute")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the starting process")
    options = parser.parse_args(arguments)
    try:
        sandbox = Sandbox.open(options.folder)
        provider = sandbox.provider(
            DevelopmentAuthority.open(options.folder), clock=lambda: datetime.now(UTC)
        )
        pace = CscPace(latency_s=options.latency_ms / 1000, most=options.a_minute)
        app = provider_app(CscAnswers(provider, pace=pace))
        serving = run_app(
            app,
            sandbox.base_url,
            until_stdin_closes=options.until_stdin_closes,
            longest_line=LONGEST_LINE,
        )
        asyncio.run(serving)
    except Problem as problem:
        say(FAILED, str(problem))
        return 1
    except OSError as error:
        say(TAKEN, error.strerror or str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
