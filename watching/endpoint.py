"""Health, readiness and figures over HTTP: /healthz, /readyz, /metrics; small answers, whatever happens.

What is asked behind them (a database, a disk) runs in a thread and is waited for a bounded time; however many
ask, it runs once at a time, and its answer serves those who come within a second.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Generic, TypeVar

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from watching.errors import AddressRefused
from watching.logs import note

ANSWER_S = 5.0
FRESH_S = 1.0
BACKLOG = 64
SHUTDOWN_S = 1
KEPT_ALIVE_S = 5
AT_ONCE = 512
_NO_STORE = {"Cache-Control": "no-store"}

log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Check:
    """One thing that must be well; `code` says what is not. Anybody may read it."""

    name: str
    ok: bool
    code: str = ""


Ready = Callable[[], Sequence[Check]]
Families = Callable[[], Iterable[Metric]]


def listening(host: str, port: int) -> socket.socket:
    """Take a port (0: any free one) of an address of this machine. Raises AddressRefused.

    Names are not looked up: but for `localhost`, the host is an IP address.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise AddressRefused(
            f"{host[:80]!r} is no IP address.",
            hint="Give an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them.",
        ) from error
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # Named, or asyncio leaves it to wait with half of an answer until the other half is acknowledged.
    ours = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ours.bind((str(address), port))
        ours.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        ours.close()
        said = (error.strerror if isinstance(error, OSError) else None) or "no such port"
        raise AddressRefused(
            f"Port {port} of {address} can't be served: {said}.",
            hint="Give another port, or an address of this machine.",
        ) from error
    return ours


def url_of(listener: socket.socket) -> str:
    """The address at which a socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def serving(
    listener: socket.socket, app: ASGIApp, *, proxies: Sequence[str] = ()
) -> AsyncIterator[None]:
    """Serve an application on a socket for as long as the block runs.

    `proxies`: addresses whose word is believed on who asks and whether it was over https (X-Forwarded-For,
    X-Forwarded-Proto).
    """
    config = uvicorn.Config(
        app,
        access_log=False,  # addresses in it may name documents
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=KEPT_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        limit_concurrency=AT_ONCE,
    )
    server = _Server(config)
    running = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await running
        listener.close()


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def watch_app(*, ready: Ready, families: Families) -> Starlette:
    """An application of the three addresses alone."""

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 (it is registered for these)
        return JSONResponse({"error": error.detail}, status_code=error.status_code, headers=_NO_STORE)

    return Starlette(
        routes=watch_routes(ready=ready, families=families), exception_handlers={HTTPException: refused}
    )


def watch_routes(*, ready: Ready, families: Families) -> list[Route]:
    """The three addresses. `ready` and `families` are called in a thread."""
    checks, figures = _Shared(ready), _Shared(lambda: _exposition(families()))

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def readyz(_: Request) -> Response:
        try:
            found = await checks.answer()
        except Exception as error:  # noqa: BLE001 (not ready, whatever the reason; the log has it)
            note(log, logging.ERROR, "readiness_unknown", error=error)
            found = (Check("readiness", False, "watching"),)
        well = all(check.ok for check in found)
        body = {"ready": well, "checks": [asdict(check) for check in found]}
        return JSONResponse(body, status_code=200 if well else 503, headers=_NO_STORE)

    async def metrics(_: Request) -> Response:
        try:
            text = await figures.answer()
        except Exception as error:  # noqa: BLE001 (a scrape that fails is an alert by itself; the log has why)
            note(log, logging.ERROR, "metrics_failed", error=error)
            return JSONResponse({"error": "metrics"}, status_code=500, headers=_NO_STORE)
        return Response(text, headers={**_NO_STORE, "Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class _Shared(Generic[_T]):
    """An answer that is worked out in a thread, once for all who ask at the same time."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._running: asyncio.Future[_T] | None = None
        self._done_at = float("-inf")

    async def answer(self) -> _T:
        """The answer, at most a second old. Raises TimeoutError, or what the work raised."""
        running = self._running
        if running is None or (running.done() and monotonic() - self._done_at > FRESH_S):
            running = self._running = asyncio.ensure_future(asyncio.to_thread(self._work))
            running.add_done_callback(self._noted)
        # shielded: who gives up waiting must not end it for the others
        return await asyncio.wait_for(asyncio.shield(running), ANSWER_S)

    def _noted(self, running: "asyncio.Future[_T]") -> None:
        self._done_at = monotonic()
        if not running.cancelled():
            running.exception()  # seen, also when nobody waits any more


class _Families(Collector):
    """Families that are there already, in the form that prometheus_client writes out."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._all = families

    def collect(self) -> Iterable[Metric]:
        return self._all


def _exposition(families: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(list(families)))
    text: bytes = generate_latest(registry)
    return text
